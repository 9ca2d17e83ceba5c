// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A new process begins with its parent's image: one event, and the entry that its exec and its hooks will find. */
#include "kernel.h"
#include "process.h"
#include "rate.h"
#include "slot.h"
#include "again.h"

const volatile struct base_config base SEC(".rodata.config") = {};

/* One of its own per slot, because a struct process and its copy are too much for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct process);
} fork_scratch SEC(".maps");

static __always_inline void fork_send(struct process *child, struct process *parent)
{
	struct fork_event event = {};

	event_header_fill(&event.header, EVENT_TYPE_FORK, sizeof(event), child->ktime_ns);
	event.exec_id = child->exec_id;
	event.parent_exec_id = child->parent_exec_id;
	event.parent_ktime_ns = parent ? parent->ktime_ns : 0;
	event.cgroup_id = child->cgroup_id;
	event.pid = child->pid;
	event.parent_pid = child->parent_pid;
	event.ns_pid = child->ns_pid;
	event.flags = parent ? 0 : EXEC_FLAG_UNKNOWN_PARENT;
	if (child->flags & PROCESS_FLAG_IN_INIT_TREE)
		event.flags |= EXEC_FLAG_IN_INIT_TREE;
	event_output(RING_RESERVED, &event, sizeof(event));
}

/* Another copy of this program has seen it. */
static __always_inline int fork_is_known(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);

	return process && process->start_ns == BPF_CORE_READ(task, start_time);
}

static __always_inline void fork_run(__u32 slot, struct task_struct *task)
{
	struct process *child = bpf_map_lookup_elem(&fork_scratch, &slot);
	/* Not the caller: with CLONE_PARENT the parent is the caller's. */
	struct task_struct *parent_task = BPF_CORE_READ(task, real_parent);
	struct process *parent = process_of(parent_task);
	struct pid_namespace *own;
	struct kernfs_node *cgroup;
	__u32 level;

	if (!child)
		return;
	if (parent)
		__builtin_memcpy(child, parent, sizeof(*child));
	else
		__builtin_memset(child, 0, sizeof(*child));
	child->exec_id = exec_id_next(slot);
	child->parent_exec_id = parent ? parent->exec_id : 0;
	child->ktime_ns = bpf_ktime_get_ns();
	child->start_ns = BPF_CORE_READ(task, start_time);
	cgroup = cgroup_read(task, base.cgroup_subsystem);
	child->cgroup_id = BPF_CORE_READ(cgroup, id);
	child->pid = BPF_CORE_READ(task, tgid);
	child->parent_pid = BPF_CORE_READ(parent_task, tgid);
	child->ns_pid = ns_pid_read(task, &level, &own);
	if (!parent) {
		credentials_read(&child->credentials, task);
		namespaces_read(&child->namespaces, task, own);
		child->auid = auid_read(task);
	}
	child->flags = (child->flags & ~PROCESS_FLAG_PROCFS) | PROCESS_FLAG_FORKED;
	if (level > 0 && child->ns_pid == 1)
		child->flags |= PROCESS_FLAG_IN_INIT_TREE;
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		child->flags |= PROCESS_FLAG_KERNEL_THREAD;
	if (bpf_map_update_elem(&processes, &child->pid, child, BPF_ANY))
		fault_count(FAULT_PROCESSES_FULL);
	if (!rate_exceeded(&base, EVENT_TYPE_FORK, cgroup, child->parent_exec_id, child->ktime_ns))
		fork_send(child, parent);
}

static __always_inline int fork_begin(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[1];
	__u32 slot;

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0; /* a thread */
	if (base.preemptible && fork_is_known(task))
		return 0;
	slot = slot_claim();
	if (slot == SLOTS) {
		event_lost(EVENT_TYPE_FORK, RING_RESERVED, LOST_REASON_SCRATCH);
		return 0;
	}
	fork_run(slot, task);
	slot_release(slot);
	return 0;
}

PROGRAM_AND_COPIES("raw_tp/sched_process_fork", fork_process, fork_begin)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
