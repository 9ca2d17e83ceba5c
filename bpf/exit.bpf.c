// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The end of a process: one event when its last thread leaves; its entry stays until the task is freed, because hooks
 * run after its exit tracepoint. */
#include "kernel.h"
#include "process.h"
#include "again.h"

const volatile struct base_config base SEC(".rodata.config") = {};

struct exited_key {
	__u64 start_ns;
	__u32 pid;
	__u32 pad;
};

/* Processes whose exit was reported and whose task is not freed yet. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, struct exited_key);
	__type(value, __u8);
} exited SEC(".maps");

static __always_inline void exited_key_fill(struct exited_key *key, struct task_struct *task)
{
	key->pid = BPF_CORE_READ(task, tgid);
	key->start_ns = BPF_CORE_READ(task, group_leader, start_time);
	key->pad = 0;
}

/* Only one thread of a process reports. `live` reaches 0 before the tracepoint, so where the kernel does not pass
 * group_dead (its second argument, 7.x) several threads that leave at once all see 0: the one whose insertion succeeds
 * reports. 414 of 1,500 nine-thread processes came twice on 6.12 without this. */
static __always_inline int exit_claim(struct task_struct *task, __u64 group_dead)
{
	struct exited_key key;
	__u8 value = 1;
	int error; /* before 6.4 (commit d7ba4cc900bf) the upper half of what the helper gives is not its sign */

	if (base.exit_has_group_dead ? !(group_dead & 1) : BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	if (base.exit_has_group_dead && !base.preemptible)
		return 1;
	exited_key_fill(&key, task);
	error = bpf_map_update_elem(&exited, &key, &value, BPF_NOEXIST);
	if (error && error != -17 /* EEXIST */) {
		fault_count(FAULT_EXITED_FULL); /* better twice than not at all */
		return 1;
	}
	return error == 0;
}

static __always_inline int exit_run(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	struct exit_event event = {};
	struct process *process;

	if (!exit_claim(task, base.exit_has_group_dead ? ctx->args[1] : 0))
		return 0;
	process = process_of(task);
	event_header_fill(&event.header, EVENT_TYPE_EXIT, sizeof(event), bpf_ktime_get_ns());
	event.exec_id = process ? process->exec_id : 0;
	event.pid = BPF_CORE_READ(task, tgid);
	event.tid = BPF_CORE_READ(task, pid);
	event.code = BPF_CORE_READ(task, exit_code);
	event_output(RING_RESERVED, &event, sizeof(event));
	return 0;
}

PROGRAM_AND_COPIES("raw_tp/sched_process_exit", exit_process, exit_run)

/* Runs after a grace period, when the pid may have a new owner: its entry has another start. */
SEC("raw_tp/sched_process_free")
int free_process(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u32 pid = BPF_CORE_READ(task, tgid);
	__u64 start_ns = BPF_CORE_READ(task, start_time);
	struct exited_key key = {};
	struct process *process;

	if (BPF_CORE_READ(task, pid) != pid)
		return 0; /* a thread, or the former leader after another thread executed */
	key.start_ns = start_ns;
	key.pid = pid;
	if (!base.exit_has_group_dead || base.preemptible)
		bpf_map_delete_elem(&exited, &key);
	process = bpf_map_lookup_elem(&processes, &pid);
	if (process && (!process->start_ns || process->start_ns == start_ns))
		bpf_map_delete_elem(&processes, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
