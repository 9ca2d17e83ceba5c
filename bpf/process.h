/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is read of a task_struct: credentials, namespaces, pids, cgroup. */
#ifndef THUMP_PROCESS_H
#define THUMP_PROCESS_H

#include "map.h"

static __always_inline __u64 capabilities_read(const void *set)
{
	__u64 mask = 0;

	/* kernel_cap_t was two u32 and is one u64 since 6.3 (commit f122a08b197d): the same bytes on little-endian. */
	bpf_probe_read_kernel(&mask, sizeof(mask), set);
	return mask;
}

static __always_inline void credentials_read(struct credentials *to, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	to->permitted = capabilities_read(__builtin_preserve_access_index(&cred->cap_permitted));
	to->effective = capabilities_read(__builtin_preserve_access_index(&cred->cap_effective));
	to->inheritable = capabilities_read(__builtin_preserve_access_index(&cred->cap_inheritable));
	to->uid = BPF_CORE_READ(cred, uid.val);
	to->gid = BPF_CORE_READ(cred, gid.val);
	to->euid = BPF_CORE_READ(cred, euid.val);
	to->egid = BPF_CORE_READ(cred, egid.val);
	to->suid = BPF_CORE_READ(cred, suid.val);
	to->sgid = BPF_CORE_READ(cred, sgid.val);
	to->fsuid = BPF_CORE_READ(cred, fsuid.val);
	to->fsgid = BPF_CORE_READ(cred, fsgid.val);
	to->securebits = BPF_CORE_READ(cred, securebits);
	to->pad = 0;
}

/* The task's number in its own pid namespace; `own` is that namespace and `level` its depth, 0: the host's. */
static __always_inline __u32 ns_pid_read(struct task_struct *task, __u32 *level, struct pid_namespace **own)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid upid = {};

	*level = BPF_CORE_READ(pid, level);
	*own = 0;
	if (*level > PID_NS_LEVEL_MAX)
		return 0;
	bpf_probe_read_kernel(&upid, sizeof(upid), __builtin_preserve_access_index(&pid->numbers[0]) + *level);
	*own = upid.ns;
	return upid.nr;
}

static __always_inline void namespaces_read(struct namespaces *to, struct task_struct *task, struct pid_namespace *own)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);

	to->uts = BPF_CORE_READ(proxy, uts_ns, ns.inum);
	to->ipc = BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	to->mnt = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	to->pid = BPF_CORE_READ(own, ns.inum);
	to->pid_for_children = BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
	to->net = BPF_CORE_READ(proxy, net_ns, ns.inum);
	to->time = 0;
	to->time_for_children = 0;
	/* CONFIG_TIME_NS */
	if (bpf_core_field_exists(proxy->time_ns)) {
		to->time = BPF_CORE_READ(proxy, time_ns, ns.inum);
		to->time_for_children = BPF_CORE_READ(proxy, time_ns_for_children, ns.inum);
	}
	to->cgroup = BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
	to->user = BPF_CORE_READ(task, cred, user_ns, ns.inum);
}

static __always_inline __u32 auid_read(struct task_struct *task)
{
	/* CONFIG_AUDIT */
	if (!bpf_core_field_exists(task->loginuid))
		return ~0U;
	return BPF_CORE_READ(task, loginuid.val);
}

/* The task's node in the hierarchy that names cgroups: `subsystem` of v1, or -1 for the default one. */
static __always_inline struct kernfs_node *cgroup_read(struct task_struct *task, __s32 subsystem)
{
	struct cgroup_subsys_state *state = 0;
	struct css_set *set = BPF_CORE_READ(task, cgroups);

	if (subsystem < 0)
		return BPF_CORE_READ(set, dfl_cgrp, kn);
	bpf_probe_read_kernel(&state, sizeof(state), __builtin_preserve_access_index(&set->subsys[0]) + subsystem);
	return BPF_CORE_READ(state, cgroup, kn);
}

/* The entry of a live task, or null for one that is not known, or whose pid has another process' entry. */
static __always_inline struct process *process_of(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);

	if (process && process->start_ns && process->start_ns != BPF_CORE_READ(task, group_leader, start_time))
		return 0;
	return process;
}

#endif
