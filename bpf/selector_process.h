/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Filters on the process that runs the hook: pids, binaries, namespaces, capabilities, cgroups. */
#ifndef THUMP_SELECTOR_PROCESS_H
#define THUMP_SELECTOR_PROCESS_H

#include "container.h"
#include "hook.h"
#include "selector_string.h"

#define ANCESTORS_MAX 32

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct verdict_key);
	__type(value, __u8);
} binary_verdicts SEC(".maps");

__noinline int filter_cgroup(__u32 slot, __u32 filter)
{
	struct policy_cgroup_key key = {};

	key.cgroup_id = container_of_current();
	key.filter = filter;
	return bpf_map_lookup_elem(&policy_cgroups, &key) != 0;
}

static __always_inline __u32 task_ns_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	if (level == 0 || level > 32)
		return 0;
	bpf_probe_read_kernel(&upid, sizeof(upid), &pid->numbers[level]);
	return upid.nr;
}

__noinline int filter_pid(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	const volatile struct hook_filter *f;
	__u32 i, pid;

	if (!s)
		return -1;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	for (i = 0; i < ANCESTORS_MAX; i++) {
		if (f->flags & FILTER_FLAG_NAMESPACE_PID)
			pid = task_ns_pid(task);
		else
			pid = BPF_CORE_READ(task, tgid);
		if (filter_value(s, f, pid, 0))
			return 1;
		if (!(f->flags & FILTER_FLAG_FOLLOW) || BPF_CORE_READ(task, tgid) <= 1)
			break;
		task = BPF_CORE_READ(task, real_parent);
	}
	return 0;
}

static __always_inline __u32 namespace_inum(struct task_struct *task, __u32 type)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
	struct pid_namespace *pid_ns;
	struct pid *pid;
	struct upid upid = {};
	__u32 level;

	switch (type) {
	case NAMESPACE_TYPE_UTS:
		return BPF_CORE_READ(proxy, uts_ns, ns.inum);
	case NAMESPACE_TYPE_IPC:
		return BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	case NAMESPACE_TYPE_MNT:
		return BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	case NAMESPACE_TYPE_PID:
		pid = BPF_CORE_READ(task, thread_pid);
		level = BPF_CORE_READ(pid, level);
		if (level > 32)
			return 0;
		bpf_probe_read_kernel(&upid, sizeof(upid), &pid->numbers[level]);
		pid_ns = upid.ns;
		return BPF_CORE_READ(pid_ns, ns.inum);
	case NAMESPACE_TYPE_PID_FOR_CHILDREN:
		return BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
	case NAMESPACE_TYPE_NET:
		return BPF_CORE_READ(proxy, net_ns, ns.inum);
	case NAMESPACE_TYPE_TIME:
		return BPF_CORE_READ(proxy, time_ns, ns.inum);
	case NAMESPACE_TYPE_TIME_FOR_CHILDREN:
		return BPF_CORE_READ(proxy, time_ns_for_children, ns.inum);
	case NAMESPACE_TYPE_CGROUP:
		return BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
	case NAMESPACE_TYPE_USER:
		return BPF_CORE_READ(task, cred, user_ns, ns.inum);
	}
	return 0;
}

__noinline int filter_namespace(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;

	if (!s)
		return -1;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	return filter_value(s, f, namespace_inum((struct task_struct *)bpf_get_current_task(), f->argument), 0);
}

static __always_inline __u64 current_capabilities(struct task_struct *task, __u32 set)
{
	struct cred *cred = (struct cred *)BPF_CORE_READ(task, cred);
	__u64 mask = 0;

	switch (set) {
	case CAPABILITY_SET_INHERITABLE:
		bpf_probe_read_kernel(&mask, sizeof(mask), &cred->cap_inheritable);
		break;
	case CAPABILITY_SET_PERMITTED:
		bpf_probe_read_kernel(&mask, sizeof(mask), &cred->cap_permitted);
		break;
	default:
		bpf_probe_read_kernel(&mask, sizeof(mask), &cred->cap_effective);
	}
	return mask;
}

/* Did the process execute in a user namespace of its own? As Tetragon, which goes by the last exec and not by now. */
static __always_inline int in_user_namespace(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct___exec_state *newer = (struct task_struct___exec_state *)task;
	struct mm_struct___hook *mm;

	if (bpf_core_field_exists(newer->exec_state))
		return BPF_CORE_READ(newer, exec_state, user_ns, level) != 0;
	mm = (struct mm_struct___hook *)BPF_CORE_READ(task, mm);
	return BPF_CORE_READ(mm, user_ns, level) != 0;
}

__noinline int filter_capability(__u32 slot, __u32 index)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	const volatile struct hook_filter *f;

	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	if (f->flags & FILTER_FLAG_USER_NAMESPACE && !in_user_namespace())
		return -1;
	return (current_capabilities(task, f->argument) & f->values[0]) != 0;
}

#include "selector_history.h"

#endif
