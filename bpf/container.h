/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which container a process is in, and which policies are for it: asked by hooks, answered by user space and cgroup.bpf.c. */
#ifndef THUMP_CONTAINER_H
#define THUMP_CONTAINER_H

#include "hook_map.h"
#include "process.h"

/* Cgroup to the cgroup of the container that it belongs to, itself included. What is not in it is the host's.
 * A cgroup that is made inside a container is added by the kernel at once. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u64);
} cgroup_containers SEC(".maps");

/* Stands for a unit of systemd in place of a container's cgroup: no cgroup has an id of this size. */
#define UNIT_NUMBER (1ULL << 52)

/* Container or unit (0: the rest of the host) and filter of a policy: an entry where the one is for the other. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 18);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct policy_cgroup_key);
	__type(value, __u8);
} policy_cgroups SEC(".maps");

/* 0 for a process of the host. Of the hierarchy that names containers, which bpf_get_current_cgroup_id() may not be. */
static __always_inline __u64 container_of_current(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);
	__u64 id = process ? process->cgroup_id : bpf_get_current_cgroup_id();
	__u64 *container = bpf_map_lookup_elem(&cgroup_containers, &id);

	return container ? *container : 0;
}

#endif
