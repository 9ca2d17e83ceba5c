/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Last step of a hook: sends the record, or keeps it until the function returns. */
#ifndef THUMP_HOOK_OUTPUT_H
#define THUMP_HOOK_OUTPUT_H

#include "hook.h"
#include "action.h"
#include "chunk.h"
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

/* Keeps the record for the return half of this thread; not 0: it is lost. */
__noinline int hook_keep(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct kept_key key = {};
	struct hook_counters *counters;
	int lost;

	if (!s)
		return -1;
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
		if (counters && !(hook.flags & HOOK_FLAG_HASHES))
			counters->merge_lost++;
	}
	return lost;
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

/* Verdict of the record that is kept for this thread, 0 without one, and the error that goes with it. */
static __always_inline __u32 hook_kept(int *error)
{
	struct kept_key key = {};
	const __u32 *kept;

	*error = 0;
	key.thread = bpf_get_current_pid_tgid();
	key.hook_id = hook.hook_id;
	kept = bpf_map_lookup_elem(&kept_small, &key);
	if (!kept)
		kept = bpf_map_lookup_elem(&kept_large, &key);
	if (!kept)
		return 0;
	*error = kept[3];
	return kept[1];
}

/* Drops a record that nobody came for. */
static __always_inline void hook_forget(void)
{
	struct kept_key key = {};

	key.thread = bpf_get_current_pid_tgid();
	key.hook_id = hook.hook_id;
	bpf_map_delete_elem(&kept_small, &key);
	bpf_map_delete_elem(&kept_large, &key);
}

/* Sends in chunks what of argument `index` did not fit into the record. */
__noinline int buffer_send(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct buffer_value *value;
	struct chunk_scratch *c;
	__u64 most, from, id;
	__u32 at, have, kind, own;

	index &= HOOK_ARGUMENTS_MAX - 1;
	if (!s || !(s->read & (1U << index)))
		return 0;
	have = s->length[index];
	from = s->number[index];
	at = s->at[index] - sizeof(*value);
	if (!from || at > HOOK_DATA_BYTES)
		return 0;
	value = (struct buffer_value *)(s->data + at);
	most = value->total < hook.arguments[index].max_bytes ? value->total : hook.arguments[index].max_bytes;
	if (most <= have)
		return 0;
	own = slot_claim();
	c = chunk_of(own);
	if (!c) {
		event_lost(EVENT_TYPE_CHUNK, RING_TELEMETRY, LOST_REASON_SCRATCH);
		return 0;
	}
	kind = CHUNK_KIND_HOOK | (hook.arguments[index].flags & ARGUMENT_FLAG_USER ? 0 : CHUNK_OF_KERNEL);
	id = exec_id_next(own);
	chunks_send(own, id, from + have, from + most, kind);
	if (c->chunks)
		value->data_id = id;
	slot_release(own);
	/* Records are merged by time, and the event comes behind what belongs to it. */
	s->event.header.ktime_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void buffers_send(__u32 slot)
{
	__u32 i;

	for (i = 0; i < HOOK_ARGUMENTS_MAX; i++) {
		if (i >= hook.argument_count)
			break;
		if (hook.arguments[i].max_bytes > BUFFER_INLINE_BYTES)
			buffer_send(slot, i);
	}
}

/* What a cgroup's enforcement sent over the reserved ring in the present window. */
struct reserved_share {
	__u64 window_ns;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct reserved_share);
} reserved_shares SEC(".maps");

#define SHARE_WINDOW_NS 100000000ULL

/* Half of the reserved ring is left to the lifecycle of processes, and in each window a cgroup gets an eighth. Whose share is
 * used up goes over the other ring, so that an attacker's flood neither hides what others do nor is lost itself. Two
 * CPUs may begin a window at once and lose a size. */
static __always_inline int reserved_has_room(__u64 size, __u64 now)
{
	__u64 ring = bpf_ringbuf_query(&events_reserved, BPF_RB_RING_SIZE);
	__u64 cgroup_id = bpf_get_current_cgroup_id();
	struct reserved_share *share, first = {};

	if (bpf_ringbuf_query(&events_reserved, BPF_RB_AVAIL_DATA) + size > ring / 2)
		return 0;
	share = bpf_map_lookup_elem(&reserved_shares, &cgroup_id);
	if (!share) {
		first.window_ns = now;
		first.bytes = size;
		bpf_map_update_elem(&reserved_shares, &cgroup_id, &first, BPF_NOEXIST);
		return 1;
	}
	if (now - share->window_ns >= SHARE_WINDOW_NS) {
		share->window_ns = now;
		share->bytes = 0;
	}
	__sync_fetch_and_add(&share->bytes, size);
	return share->bytes <= ring / 8;
}

/* Enforcement goes to the reserved ring as long as there is room for it, all else to the one for telemetry. */
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
	if (s->event.flags & (HOOK_EVENT_KILLED | HOOK_EVENT_PREVENTED | HOOK_EVENT_SPARED) &&
	    reserved_has_room(size, s->event.header.ktime_ns))
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
