/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Enforcers: do to a call what NotifyEnforcer of the same policy left for this thread. */
#include "kernel.h"
#include "map.h"
#include "enforcer.h"
#include "guard.h"

/* The error to return, 0: none. */
static __always_inline int enforce(void)
{
	struct enforcer_key key = enforcer_key_of_thread();
	struct hook_counters *counters = hook_counter(0);
	struct enforcer_value *value, found;
	__u32 state = policy_state_bits();

	value = bpf_map_lookup_elem(&enforcer_data, &key);
	if (!value)
		return 0;
	found = *value;
	bpf_map_delete_elem(&enforcer_data, &key);
	if (!(state & POLICY_STATE_ENABLED) || !(state & POLICY_STATE_ENFORCE))
		return 0;
	if (counters) {
		counters->hits++;
		if (found.error)
			counters->overrides++;
	}
	if (!found.signal)
		return found.error;
	if (found.signal == SIGNAL_KILL) {
		if (kill_spared(key.thread >> 32, found.error != 0, state)) {
			if (counters)
				counters->spared++;
			return found.error;
		}
		if (counters)
			counters->kills++;
	}
	bpf_send_signal(found.signal);
	return found.error;
}

/* The verifier wants to see that a result is an error number. */
static __always_inline int error_bounded(int error)
{
	if (error < -4095 || error > 0)
		return -1;
	return error;
}

/* `long` as hook_fmod_ret(). */
SEC("fmod_ret")
long hook_enforcer_fmod_ret(void *ctx)
{
	return error_bounded(enforce());
}

SEC("lsm")
int hook_enforcer_lsm(void *ctx)
{
	return error_bounded(enforce());
}

SEC("kprobe")
int hook_enforcer_kprobe(struct pt_regs *ctx)
{
	int error = enforce();

	if (error)
		bpf_override_return(ctx, error);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
