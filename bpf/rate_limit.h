/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* rateLimit of Post: which events are repeats, and how many were held back. */
#ifndef THUMP_RATE_LIMIT_H
#define THUMP_RATE_LIMIT_H

#include "hook.h"
#include "selector_string.h"

#define RATE_KEY_BYTES 40 /* of each value, as Tetragon */

struct rate_key {
	__u64 hash[2]; /* of all values of the event */
	__u32 hook_id;
	__u32 action;
	__u32 thread;
	__u32 pad;
};

struct rate_value {
	__u64 last_ns;
	__u64 suppressed;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct rate_key);
	__type(value, struct rate_value);
} rate_limits SEC(".maps");

/* Copies the beginning of the value at s->hash[0] to s->hash[1], zeroes behind it; both move on. */
__noinline int rate_key_step(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct hook_value *value;
	__u32 from, to, size, skip = 0;

	if (!s)
		return -1;
	from = s->hash[0];
	to = s->hash[1];
	if (from > HOOK_DATA_BYTES || to > HOOK_DATA_BYTES + STRING_BYTES_MAX + HOOK_ARGUMENTS_MAX * RATE_KEY_BYTES)
		return -1;
	value = (struct hook_value *)(s->data + from);
	size = value->size;
	s->hash[0] = from + sizeof(*value) + ((size + 7) & ~7U);
	s->hash[1] = to + RATE_KEY_BYTES;
	/* Credentials are the same if their ids are. */
	if (value->type == ARGUMENT_TYPE_CRED)
		skip = __builtin_offsetof(struct credentials, uid);
	if (size > RATE_KEY_BYTES)
		size = RATE_KEY_BYTES;
	__builtin_memset(s->data + to, 0, RATE_KEY_BYTES);
	return copy_bounded(s->data + to, size, RATE_KEY_BYTES, (void *)(value + 1) + skip, 0);
}

/* 1: post; 0: a repeat within the interval, counted. */
__noinline int rate_allow(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_action *a;
	struct rate_value *value, fresh = {};
	struct rate_key key = {};
	__u32 i;
	__u64 now = bpf_ktime_get_ns();

	if (!s)
		return 1;
	a = &hook.actions[index & (HOOK_ACTIONS_MAX - 1)];
	s->hash[0] = 0;
	s->hash[1] = s->cursor;
	for (i = 0; i < HOOK_ARGUMENTS_MAX; i++) {
		if (i >= s->event.value_count || rate_key_step(slot))
			break;
	}
	if (hash_data(slot, s->cursor, s->hash[1] - s->cursor))
		return 1;
	key.hash[0] = s->key.string.hash[0];
	key.hash[1] = s->key.string.hash[1];
	key.hook_id = hook.hook_id;
	key.action = index;
	if (a->rate_scope == RATE_SCOPE_THREAD)
		key.thread = s->event.tid;
	else if (a->rate_scope == RATE_SCOPE_PROCESS)
		key.thread = s->event.pid;
	value = bpf_map_lookup_elem(&rate_limits, &key);
	if (value) {
		if (now - value->last_ns < a->rate_interval_ns) {
			__sync_fetch_and_add(&value->suppressed, 1);
			return 0;
		}
		s->event.suppressed = value->suppressed;
		value->suppressed = 0;
		value->last_ns = now;
		return 1;
	}
	fresh.last_ns = now;
	bpf_map_update_elem(&rate_limits, &key, &fresh, BPF_ANY);
	return 1;
}

#endif
