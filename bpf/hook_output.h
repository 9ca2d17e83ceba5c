/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Last step of a hook: sends the record, or keeps it until the function returns. */
#ifndef THUMP_HOOK_OUTPUT_H
#define THUMP_HOOK_OUTPUT_H

#include "hook.h"
#include "action.h"
#include "process.h"

struct kept_key {
	__u64 thread; /* pid_tgid */
	__u32 hook_id;
	__u32 pad;
};

struct kept_small {
	__u8 bytes[KEPT_SMALL_BYTES];
};

struct kept_large {
	__u8 bytes[KEPT_LARGE_BYTES];
};

/* Records of calls that have not returned yet. LRU, because a thread that dies inside the call never returns. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct kept_key);
	__type(value, struct kept_small);
} kept_small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct kept_key);
	__type(value, struct kept_large);
} kept_large SEC(".maps");

static __always_inline void hook_event_begin(struct hook_scratch *s)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u32 pid = thread >> 32;
	struct process *process = bpf_map_lookup_elem(&processes, &pid);

	__builtin_memset(&s->event, 0, sizeof(s->event));
	s->event.header.size = sizeof(s->event);
	s->event.header.type = EVENT_TYPE_HOOK;
	s->event.header.cpu = bpf_get_smp_processor_id();
	s->event.header.ktime_ns = bpf_ktime_get_ns();
	s->event.exec_id = process ? process->exec_id : 0;
	s->event.pid = pid;
	s->event.tid = thread;
	s->event.hook_id = hook.hook_id;
	s->event.function = s->function;
	s->event.selector = HOOK_SELECTOR_NONE;
}

/* Keeps the record for the return half of this thread. */
__noinline int hook_keep(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct kept_key key = {};
	struct hook_counters *counters;
	long lost;

	if (!s)
		return 0;
	key.thread = bpf_get_current_pid_tgid();
	key.hook_id = hook.hook_id;
	if (KEPT_HEAD_BYTES + sizeof(s->event) + s->cursor <= KEPT_SMALL_BYTES)
		lost = bpf_map_update_elem(&kept_small, &key, &s->alive, BPF_ANY);
	else if (KEPT_HEAD_BYTES + sizeof(s->event) + s->cursor <= KEPT_LARGE_BYTES)
		lost = bpf_map_update_elem(&kept_large, &key, &s->alive, BPF_ANY);
	else
		lost = 1;
	if (lost) {
		counters = hook_counter(0);
		if (counters)
			counters->merge_lost++;
	}
	return 0;
}

/* Takes it back: 1 when there was one. */
__noinline int hook_take(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct kept_key key = {};
	void *kept;

	if (!s)
		return 0;
	key.thread = bpf_get_current_pid_tgid();
	key.hook_id = hook.hook_id;
	kept = bpf_map_lookup_elem(&kept_small, &key);
	if (kept) {
		bpf_probe_read_kernel(&s->alive, KEPT_SMALL_BYTES, kept);
		bpf_map_delete_elem(&kept_small, &key);
		return 1;
	}
	kept = bpf_map_lookup_elem(&kept_large, &key);
	if (kept) {
		bpf_probe_read_kernel(&s->alive, KEPT_LARGE_BYTES, kept);
		bpf_map_delete_elem(&kept_large, &key);
		return 1;
	}
	return 0;
}

/* Enforcement goes to the reserved ring, all else to the one for telemetry. */
__noinline int hook_post(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct hook_counters *all = hook_counter(0), *own = 0;
	__u32 size;
	long lost;

	if (!s)
		return 0;
	size = sizeof(s->event) + s->cursor;
	if (size > sizeof(s->event) + HOOK_DATA_BYTES + HOOK_SLACK_BYTES)
		return 0;
	if (s->event.flags & (HOOK_EVENT_KILLED | HOOK_EVENT_PREVENTED | HOOK_EVENT_SPARED))
		lost = event_output(RING_RESERVED, &s->event, size);
	else
		lost = event_output(RING_TELEMETRY, &s->event, size);
	if (s->event.selector != HOOK_SELECTOR_NONE)
		own = hook_counter(s->event.selector + 1);
	if (all) {
		if (lost)
			all->lost++;
		else
			all->posted++;
	}
	if (own) {
		if (lost)
			own->lost++;
		else
			own->posted++;
	}
	return 0;
}

#endif
