// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* One event for every execve that succeeded, with all that is known of the new image, and the entry of its process. */
#include "kernel.h"
#include "process.h"
#include "rate.h"
#include "gain.h"
#include "binary.h"
#include "exec_read.h"
#include "again.h"

const volatile struct base_config base SEC(".rodata.config") = {
	.args_max = 1 << 20,
	.cgroup_subsystem = -1,
};

/* Tetragon's event has 1024 bytes for its struct, file name and arguments; what does not fit it sends apart. */
#define TETRAGON_TEXT_BYTES 960

static __always_inline void arguments_read(__u32 slot, struct exec_scratch *e, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);

	struct chunk_scratch *c = chunk_of(slot);

	if (start < end) {
		if (!c || string_skip(slot, start, end)) {
			e->event.flags |= EXEC_FLAG_ERROR_ARGS;
			start = end;
		} else {
			start = c->start;
		}
	}
	strings_read(slot, start, end, CHUNK_KIND_ARGS, base.args_max);
	if (e->event.args_size && e->event.filename_size + 1 + e->event.args_total >= TETRAGON_TEXT_BYTES)
		e->event.flags |= EXEC_FLAG_DATA_ARGS;
	if (base.envs_max)
		strings_read(slot, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end), CHUNK_KIND_ENVS,
			     base.envs_max);
}

/* Whose child the image is: of the real parent's present image after a fork, else of the former image of this pid. */
static __always_inline void parent_find(struct exec_scratch *e, struct task_struct *task, struct process *former)
{
	struct task_struct *parent_task;
	struct process *parent = former;

	e->process.flags = former ? former->flags & (PROCESS_FLAG_IN_INIT_TREE | PROCESS_FLAG_LINEAGE_CUT) : 0;
	e->process.lineage_id = former ? former->lineage_id : 0;
	e->event.parent_pid = e->event.pid;
	if (!former || former->flags & PROCESS_FLAG_FORKED) {
		if (former)
			e->event.flags |= EXEC_FLAG_CLONE;
		parent_task = BPF_CORE_READ(task, real_parent);
		e->event.parent_pid = BPF_CORE_READ(parent_task, tgid);
		parent = process_of(parent_task);
		if (!former && parent) {
			e->process.flags = parent->flags & (PROCESS_FLAG_IN_INIT_TREE | PROCESS_FLAG_LINEAGE_CUT);
			e->process.lineage_id = parent->lineage_id;
		}
	}
	e->event.parent_exec_id = parent ? parent->exec_id : 0;
	e->event.parent_ktime_ns = parent ? parent->ktime_ns : 0;
	if (!parent)
		e->event.flags |= EXEC_FLAG_UNKNOWN_PARENT;
}

/* The entry as hooks and later events of this process find it. */
static __always_inline void entry_update(__u32 slot, struct exec_scratch *e, struct task_struct *task,
					 struct process *former)
{
	struct process *p = &e->process;
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct binary_scratch *b = binary_of(slot);

	p->exec_id = e->event.exec_id;
	p->parent_exec_id = e->event.parent_exec_id;
	p->ktime_ns = e->event.header.ktime_ns;
	p->start_ns = BPF_CORE_READ(task, group_leader, start_time);
	p->cgroup_id = e->event.cgroup_id;
	p->pid = e->event.pid;
	p->parent_pid = e->event.parent_pid;
	p->ns_pid = e->event.ns_pid;
	p->auid = e->event.auid;
	/* Tetragon compares with what the process had at its first exec after the fork. */
	if (former && !(former->flags & PROCESS_FLAG_FORKED)) {
		p->credentials = former->credentials;
		p->namespaces = former->namespaces;
	} else {
		p->credentials = e->event.credentials;
		p->namespaces = e->event.namespaces;
	}
	p->binary.hash[0] = p->binary.hash[1] = 0;
	p->binary_id = p->binary_size = 0;
	if (b && !path_read(slot, (__u64)BPF_CORE_READ(file, f_path.dentry), (__u64)BPF_CORE_READ(file, f_path.mnt)) &&
	    !binary_intern(slot)) {
		p->binary = b->key;
		p->binary_id = b->binary.id;
		p->binary_size = b->binary.size;
		if (p->binary_id)
			p->lineage_id = lineage_intern(slot, p->lineage_id, &p->flags);
	}
	if (bpf_map_update_elem(&processes, &p->pid, p, BPF_ANY))
		fault_count(FAULT_PROCESSES_FULL);
}

static __always_inline void exec_run(__u32 slot, struct task_struct *task, __u32 old_tid, struct linux_binprm *bprm)
{
	struct exec_scratch *e = exec_of(slot);
	struct kernfs_node *cgroup;
	struct pid_namespace *own;
	struct process *former;
	struct inode *inode;
	__u64 size, former_exec_id;
	__u32 level;

	if (!e)
		return;
	__builtin_memset(&e->event, 0, sizeof(e->event));
	__builtin_memset(&e->process, 0, sizeof(e->process));
	e->cursor = 0;
	event_header_fill(&e->event.header, EVENT_TYPE_EXEC, sizeof(e->event), bpf_ktime_get_ns());
	e->event.exec_id = exec_id_next(slot);
	e->event.pid = BPF_CORE_READ(task, tgid);
	e->event.old_tid = old_tid;
	e->event.auid = auid_read(task);
	e->event.flags = EXEC_FLAG_EXECVE;
	e->event.ns_pid = ns_pid_read(task, &level, &own);
	credentials_read(&e->event.credentials, task);
	namespaces_read(&e->event.namespaces, task, own);
	e->event.gained = gain_take(task);
	if (!base.credentials_observed)
		e->event.flags |= EXEC_FLAG_CREDENTIALS_UNKNOWN;
	inode = BPF_CORE_READ(bprm, file, f_inode);
	if (inode && !BPF_CORE_READ(inode, i_nlink))
		e->event.inode = BPF_CORE_READ(inode, i_ino);

	former = process_of(task);
	former_exec_id = former ? former->exec_id : 0;
	parent_find(e, task, former);
	if (level > 0 && e->event.ns_pid == 1)
		e->process.flags |= PROCESS_FLAG_IN_INIT_TREE;
	if (e->process.flags & PROCESS_FLAG_IN_INIT_TREE)
		e->event.flags |= EXEC_FLAG_IN_INIT_TREE;

	filename_read(e, bprm);
	cwd_read(slot);
	cgroup = cgroup_read(task, base.cgroup_subsystem);
	if (!cgroup) {
		e->event.flags |= EXEC_FLAG_ERROR_CGROUPS;
	} else {
		e->event.cgroup_id = BPF_CORE_READ(cgroup, id);
		if (!e->event.cgroup_id)
			e->event.flags |= EXEC_FLAG_ERROR_CGROUP_ID;
		if (cgroup_name_read(slot, (__u64)cgroup))
			e->event.flags |= EXEC_FLAG_ERROR_CGROUP_NAME;
	}
	arguments_read(slot, e, task);
	/* Chunks went before, and the rings are read in order of time: the exec must come after them. */
	e->event.header.ktime_ns = bpf_ktime_get_ns();
	entry_update(slot, e, task, former);
	size = e->cursor;
	if (size > EXEC_BLOB_BYTES)
		return;
	if (rate_exceeded(&base, EVENT_TYPE_EXEC, cgroup, former_exec_id, e->event.header.ktime_ns))
		return;
	event_output(RING_RESERVED, &e->event, sizeof(e->event) + size);
}

/* By task_struct: the number of its last exec that was seen, where several copies of this program look. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} execs_seen SEC(".maps");

/* 1: another copy of this program has seen this exec. */
static __always_inline int exec_is_known(struct task_struct *task)
{
	struct task_struct___exec *counting = (void *)task;
	__u64 key = (__u64)task, number = BPF_CORE_READ(counting, self_exec_id), start_ns, *seen;

	/* A task_struct is used again: the start makes the number one of this task. */
	start_ns = BPF_CORE_READ(task, start_time);
	number += start_ns << 8;
	seen = bpf_map_lookup_elem(&execs_seen, &key);
	if (seen && *seen == number)
		return 1;
	bpf_map_update_elem(&execs_seen, &key, &number, BPF_ANY);
	return 0;
}

static __always_inline int exec_begin(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u32 slot;

	if (base.preemptible && exec_is_known(task))
		return 0;
	slot = slot_claim();
	if (slot == SLOTS) {
		event_lost(EVENT_TYPE_EXEC, RING_RESERVED, LOST_REASON_SCRATCH);
		return 0;
	}
	exec_run(slot, task, ctx->args[1], (struct linux_binprm *)ctx->args[2]);
	slot_release(slot);
	return 0;
}

PROGRAM_AND_COPIES("raw_tp/sched_process_exec", exec_process, exec_begin)

/* One of these three is loaded: the first that the kernel has. */

/* Since 6.10 (commit 5c5fad46e48c, "tracing: Add sched_prepare_exec tracepoint"). */
static __always_inline int gain_run(struct bpf_raw_tracepoint_args *ctx)
{
	return gain_keep((struct linux_binprm *)ctx->args[1]);
}

/* Doing it again changes nothing. */
PROGRAM_AND_COPIES("?raw_tp/sched_prepare_exec", gain_tracepoint, gain_run)

SEC("?fentry/security_bprm_committing_creds")
int BPF_PROG(gain_fentry, struct linux_binprm *bprm)
{
	return gain_keep(bprm);
}

SEC("?kprobe/security_bprm_committing_creds")
int BPF_KPROBE(gain_kprobe, struct linux_binprm *bprm)
{
	return gain_keep(bprm);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
