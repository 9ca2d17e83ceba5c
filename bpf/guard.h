/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who is not killed: the agent, its parents, PID 1, listed programs, and everybody once a policy's budget is used up.
 * Only a kill is spared; a refused operation stays refused. */
#ifndef THUMP_GUARD_H
#define THUMP_GUARD_H

#include "hook.h"

#define SIGNAL_KILL 9
#define MINUTE_NS 60000000000ULL

/* The agent, its parents, PID 1 (tgid). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u8);
} protected_pids SEC(".maps");

/* Programs that the operator lists, by the hash of their path. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct binary_key);
	__type(value, __u8);
} protected_binaries SEC(".maps");

static __always_inline int is_protected(__u32 pid)
{
	struct process *process;
	struct binary_key key;

	if (bpf_map_lookup_elem(&protected_pids, &pid))
		return 1;
	process = bpf_map_lookup_elem(&processes, &pid);
	if (!process)
		return 0;
	key = process->binary;
	return bpf_map_lookup_elem(&protected_binaries, &key) != 0;
}

/* Takes one kill of the policy's budget: 0 when this minute's is used up. */
static __always_inline int kill_budget_take(void)
{
	__u32 key = hook.policy_slot;
	struct policy_state *state = bpf_map_lookup_elem(&policy_states, &key);
	__u64 now = bpf_ktime_get_ns();

	if (!state || state->kill_budget == 0)
		return 1;
	if (now - state->budget_window_ns >= MINUTE_NS) {
		state->budget_window_ns = now;
		state->budget_used = 0;
	}
	if (state->budget_used >= state->kill_budget)
		return 0;
	__sync_fetch_and_add(&state->budget_used, 1);
	return 1;
}

/* Why the current process is not killed, as flags of the event; 0: it is. `refused`: the operation does not happen
 * anyway. Without that, a budget holds only where the author asked for it: else it were an attacker's off switch. */
static __always_inline __u32 kill_spared(__u32 pid, __u32 refused, __u32 state)
{
	if (is_protected(pid))
		return HOOK_EVENT_SPARED;
	if ((refused || state & POLICY_STATE_BUDGET_MONITOR) && !kill_budget_take())
		return HOOK_EVENT_SPARED | HOOK_EVENT_BUDGET;
	return 0;
}

#endif
