// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Cgroups that come and go, and processes that move: what is made inside a container belongs to it from the first
 * instruction, and user space hears of a new container before anything runs in it. */
#include "kernel.h"
#include "container.h"

/* As /proc/PID/cgroup numbers it; 0 is version 2. */
const volatile __u32 cgroup_hierarchy SEC(".rodata.cgroup") = 0;

/* A name of this length may be a container's id: until user space has said so, it is no part of the host. */
#define CONTAINER_NAME_BYTES 64

/* Units that policies name, each with its number: its cgroup has that before anything runs in it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u8[CONTAINER_NAME_BYTES]);
	__type(value, __u64);
} cgroup_units SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct cgroup_root___of_cgroup {
	int hierarchy_id;
};

struct cgroup___with_root {
	struct kernfs_node *kn;
	struct cgroup_root___of_cgroup *root;
};

#pragma clang attribute pop

struct cgroup_scratch {
	struct cgroup_event event;
	__u8 path[CGROUP_NAME_BYTES_MAX];
	__u8 name[CONTAINER_NAME_BYTES * 2];
	__u8 unit[CONTAINER_NAME_BYTES]; /* zeroes behind the name, as in cgroup_units */
};

/* One is enough: cgroups are made and removed under cgroup_mutex, and the tracepoint's path has a lock of its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_scratch);
} cgroup_scratches SEC(".maps");

static __always_inline int hierarchy_is_ours(struct cgroup___with_root *cgroup)
{
	return (__u32)BPF_CORE_READ(cgroup, root, hierarchy_id) == cgroup_hierarchy;
}

static __always_inline void cgroup_send(struct cgroup_scratch *s, __u64 id, const char *path, __u32 change)
{
	struct cgroup_event *event = &s->event;
	long size = bpf_probe_read_kernel_str(s->path, sizeof(s->path), path);

	if (size < 1)
		size = 1;
	size -= 1; /* NUL */
	event_header_fill(&event->header, EVENT_TYPE_CGROUP, sizeof(*event), bpf_ktime_get_ns());
	event->cgroup_id = id;
	event->change = change;
	event->path_size = size;
	event_output(RING_RESERVED, event, sizeof(*event) + (size & (CGROUP_NAME_BYTES_MAX - 1)));
}

static __always_inline __u64 *unit_named(struct cgroup_scratch *s, const char *name)
{
	__builtin_memset(s->unit, 0, sizeof(s->unit));
	bpf_probe_read_kernel_str(s->unit, sizeof(s->unit), name);
	return bpf_map_lookup_elem(&cgroup_units, s->unit);
}

SEC("raw_tp/cgroup_mkdir")
int make_cgroup(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroup___with_root *cgroup = (void *)ctx->args[0];
	struct kernfs_node *node = BPF_CORE_READ(cgroup, kn);
	__u64 id = BPF_CORE_READ(node, id);
	__u64 parent_id = BPF_CORE_READ(kernfs_parent(node), id);
	struct cgroup_scratch *s;
	__u64 *container, *unit;
	const char *name;
	__u32 zero = 0;

	if (!hierarchy_is_ours(cgroup))
		return 0;
	s = bpf_map_lookup_elem(&cgroup_scratches, &zero);
	if (!s)
		return 0;
	container = bpf_map_lookup_elem(&cgroup_containers, &parent_id);
	name = BPF_CORE_READ(node, name);
	/* The longer name wins: a container in a container is itself. */
	if (bpf_probe_read_kernel_str(s->name, sizeof(s->name), name) > CONTAINER_NAME_BYTES) {
		bpf_map_update_elem(&cgroup_containers, &id, &id, BPF_ANY);
	} else {
		/* Units of a container's own systemd are not the host's. */
		unit = container && !(*container & UNIT_NUMBER) ? 0 : unit_named(s, name);
		if (unit)
			container = unit;
		if (container)
			bpf_map_update_elem(&cgroup_containers, &id, container, BPF_ANY);
	}
	cgroup_send(s, id, (const char *)ctx->args[1], CGROUP_CHANGE_MADE);
	return 0;
}

SEC("raw_tp/cgroup_rmdir")
int remove_cgroup(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroup___with_root *cgroup = (void *)ctx->args[0];
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	struct cgroup_scratch *s;
	__u32 zero = 0;

	if (!hierarchy_is_ours(cgroup))
		return 0;
	bpf_map_delete_elem(&cgroup_containers, &id);
	s = bpf_map_lookup_elem(&cgroup_scratches, &zero);
	if (s)
		cgroup_send(s, id, (const char *)ctx->args[1], CGROUP_CHANGE_REMOVED);
	return 0;
}

/* A process that is moved without executing anything: policies see where it is now. */
SEC("raw_tp/cgroup_attach_task")
int attach_task(struct bpf_raw_tracepoint_args *ctx)
{
	struct cgroup___with_root *cgroup = (void *)ctx->args[0];
	struct task_struct *task = (struct task_struct *)ctx->args[2];
	struct process *process;

	if (!hierarchy_is_ours(cgroup) || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	process = process_of(task);
	if (process)
		process->cgroup_id = BPF_CORE_READ(cgroup, kn, id);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
