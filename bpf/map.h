/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps that all programs share: user space creates each once and hands it to every object that names it. */
#ifndef THUMP_MAP_H
#define THUMP_MAP_H

#include "entry.h"

/* Sizes here are those of tests; the agent sets them from memory and pid_max. */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events_reserved SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events_telemetry SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EVENT_TYPE_MAX * RING_MAX);
	__type(key, __u32);
	__type(value, struct ring_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FAULT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} faults SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

static __always_inline void fault_count(__u32 fault)
{
	__u64 *count = bpf_map_lookup_elem(&faults, &fault);

	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline struct ring_counters *ring_counter(__u32 type, __u32 ring)
{
	__u32 key = type * RING_MAX + ring;

	return bpf_map_lookup_elem(&counters, &key);
}

/* An event that did not get as far as a ring. */
static __always_inline void event_lost(__u32 type, __u32 ring, __u32 reason)
{
	struct ring_counters *counter = ring_counter(type, ring);

	if (!counter || reason >= LOST_REASON_MAX)
		return;
	__sync_fetch_and_add(&counter->attempted, 1);
	__sync_fetch_and_add(&counter->lost[reason], 1);
}

/* Sends `size` bytes that begin with an event_header; 0, or -1 with the loss counted. `ring` is a constant. */
static __always_inline long event_output(__u32 ring, void *event, __u64 size)
{
	struct ring_counters *counter = ring_counter(((struct event_header *)event)->type, ring);
	long error;

	if (ring == RING_RESERVED)
		error = bpf_ringbuf_output(&events_reserved, event, size, 0);
	else
		error = bpf_ringbuf_output(&events_telemetry, event, size, 0);
	if (counter) {
		__sync_fetch_and_add(&counter->attempted, 1);
		if (error)
			__sync_fetch_and_add(&counter->lost[LOST_REASON_RING_FULL], 1);
		else
			__sync_fetch_and_add(&counter->submitted, 1);
	}
	return error ? -1 : 0;
}

static __always_inline void event_header_fill(struct event_header *header, __u32 type, __u32 size, __u64 ktime_ns)
{
	header->size = size;
	header->type = type;
	header->cpu = bpf_get_smp_processor_id();
	header->ktime_ns = ktime_ns;
}

#endif
