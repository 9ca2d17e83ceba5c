/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* --cgroup-rate: how many processes a cgroup may start per interval before its execs and forks are no longer sent. */
#ifndef THUMP_RATE_H
#define THUMP_RATE_H

#include "map.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct cgroup_rate);
} cgroup_rates SEC(".maps");

static __always_inline void throttle_send(__u64 cgroup_id, struct kernfs_node *cgroup, __u64 exec_id, __u64 now)
{
	struct throttle_event event = {};

	event_header_fill(&event.header, EVENT_TYPE_THROTTLE, sizeof(event), now);
	event.cgroup_id = cgroup_id;
	event.exec_id = exec_id;
	bpf_probe_read_kernel_str(event.cgroup, sizeof(event.cgroup), BPF_CORE_READ(cgroup, name));
	event_output(RING_RESERVED, &event, sizeof(event));
}

/* 1: the event of `type` must not be sent, and is counted. Two CPUs may begin an interval at once and lose a count. */
static __always_inline int rate_exceeded(const volatile struct base_config *base, __u32 type, struct kernfs_node *cgroup,
					 __u64 exec_id, __u64 now)
{
	struct cgroup_rate *rate, first = {};
	__u64 cgroup_id, exceeded_ns;

	if (!base->cgroup_rate)
		return 0;
	cgroup_id = BPF_CORE_READ(cgroup, id);
	rate = bpf_map_lookup_elem(&cgroup_rates, &cgroup_id);
	if (!rate) {
		first.window_ns = now;
		first.count = 1;
		bpf_map_update_elem(&cgroup_rates, &cgroup_id, &first, BPF_NOEXIST);
		return 0;
	}
	if (now - rate->window_ns >= base->cgroup_rate_interval_ns) {
		rate->window_ns = now;
		rate->count = 0;
	}
	__sync_fetch_and_add(&rate->count, 1);
	if (rate->count <= base->cgroup_rate)
		return 0;
	exceeded_ns = rate->exceeded_ns;
	rate->exceeded_ns = now;
	/* Another CPU's clock reading may be the later one. */
	if (!exceeded_ns || (now > exceeded_ns && now - exceeded_ns >= THROTTLE_QUIET_NS))
		throttle_send(cgroup_id, cgroup, exec_id, now);
	event_lost(type, RING_RESERVED, LOST_REASON_SHARE);
	return 1;
}

#endif
