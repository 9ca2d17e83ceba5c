/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Filters on bytes in the record: equal by hash, prefix and postfix by trie, substrings by search. */
#ifndef THUMP_SELECTOR_STRING_H
#define THUMP_SELECTOR_STRING_H

#include "hook.h"

#define STRING_AT_MAX (HOOK_DATA_BYTES + 4096)
#define HASH_BLOCK_WORDS 16
#define SEARCH_BLOCK 64
#define SEARCH_ROUND 64

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct string_key);
	__type(value, __u8);
} strings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_key);
	__type(value, __u8);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix_key);
	__type(value, __u8);
} postfixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct needle_key);
	__type(value, struct needle);
} needles SEC(".maps");

/* Hashes up to 16 words at data[at]. */
__noinline int hash_block(__u32 slot, __u32 at, __u32 words)
{
	struct hook_scratch *s = scratch_of(slot);
	struct hash_state h;
	__u32 i;

	if (!s || at > STRING_AT_MAX)
		return -1;
	h.v0 = s->hash[0];
	h.v1 = s->hash[1];
	h.v2 = s->hash[2];
	h.v3 = s->hash[3];
	for (i = 0; i < HASH_BLOCK_WORDS; i++) {
		if (i >= words)
			break;
		hash_word(&h, *(__u64 *)(s->data + at + i * 8));
	}
	s->hash[0] = h.v0;
	s->hash[1] = h.v1;
	s->hash[2] = h.v2;
	s->hash[3] = h.v3;
	return 0;
}

/* Fills key.string but for the set with the hash of `size` bytes at data[at]. */
__noinline int hash_data(__u32 slot, __u32 at, __u32 size)
{
	struct hook_scratch *s = scratch_of(slot);
	struct hash_state h;
	__u32 i, words = size / 8, rest = size % 8, last;
	__u64 tail = 0;

	if (!s || size > STRING_BYTES_MAX)
		return -1;
	hash_begin(&h);
	s->hash[0] = h.v0;
	s->hash[1] = h.v1;
	s->hash[2] = h.v2;
	s->hash[3] = h.v3;
	for (i = 0; i < STRING_BYTES_MAX / 8 / HASH_BLOCK_WORDS; i++) {
		if (i * HASH_BLOCK_WORDS >= words)
			break;
		hash_block(slot, at + i * HASH_BLOCK_WORDS * 8, words - i * HASH_BLOCK_WORDS);
	}
	last = at + words * 8;
	if (last > STRING_AT_MAX)
		return -1;
	if (rest)
		tail = *(__u64 *)(s->data + last) & ((1ULL << (rest * 8)) - 1);
	h.v0 = s->hash[0];
	h.v1 = s->hash[1];
	h.v2 = s->hash[2];
	h.v3 = s->hash[3];
	hash_end(&h, tail, size, s->key.string.hash);
	s->key.string.size = size;
	return 0;
}

static __always_inline int in_strings(__u32 slot, struct hook_scratch *s, __u32 set, __u32 at, __u32 size)
{
	if (hash_data(slot, at, size))
		return 0;
	s->key.string.set = set;
	return bpf_map_lookup_elem(&strings, &s->key.string) != 0;
}

/* Is data[at..at+size) begun by a member of the set? */
__noinline int in_prefixes(__u32 slot, __u32 set, __u32 at, __u32 size)
{
	struct hook_scratch *s = scratch_of(slot);

	if (!s || at > STRING_AT_MAX)
		return 0;
	if (size > PREFIX_BYTES_MAX)
		size = PREFIX_BYTES_MAX;
	s->key.prefix.prefix_bits = 32 + size * 8;
	s->key.prefix.set = __builtin_bswap32(set);
	copy_bounded(s->key.prefix.bytes, size, PREFIX_BYTES_MAX, s->data + at, 0);
	return bpf_map_lookup_elem(&prefixes, &s->key.prefix) != 0;
}

__noinline int in_postfixes(__u32 slot, __u32 set, __u32 at, __u32 size)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 i, from;

	if (!s)
		return 0;
	for (i = 0; i < PREFIX_BYTES_MAX; i++) {
		if (i >= size)
			break;
		from = at + size - 1 - i;
		if (from > STRING_AT_MAX)
			return 0;
		s->key.prefix.bytes[i] = s->data[from];
	}
	s->key.prefix.prefix_bits = 32 + i * 8;
	s->key.prefix.set = __builtin_bswap32(set);
	return bpf_map_lookup_elem(&postfixes, &s->key.prefix) != 0;
}

/* `caseless` is 1 or 0. Without branches: they would double the verifier's work with every byte. */
static __always_inline __u32 lower(__u32 c, __u32 caseless)
{
	__u32 from_a = ((c - 'A') >> 31) ^ 1, to_z = (('Z' - c) >> 31) ^ 1;

	return c | (from_a & to_z & caseless) << 5;
}

/* Is needle `index` of the set at data[at]? The caller knows that there are enough bytes. */
__noinline int needle_at(__u32 slot, __u32 set, __u32 index, __u32 at, __u32 caseless)
{
	struct hook_scratch *s = scratch_of(slot);
	struct needle_key key = { .set = set, .index = index };
	struct needle *needle = bpf_map_lookup_elem(&needles, &key);
	__u32 i, size, place;

	if (!s || !needle || at > STRING_AT_MAX)
		return 0;
	size = needle->size;
	for (i = 0; i < NEEDLE_BYTES_MAX; i++) {
		if (i >= size)
			return 1;
		place = at + i;
		OPAQUE(place);
		if (place > STRING_AT_MAX + NEEDLE_BYTES_MAX)
			return 0;
		if (lower(s->data[place], caseless) != needle->bytes[i])
			return 0;
	}
	return 1;
}

/* Searches 64 places for the first byte and, where it fits, compares the rest. `end`: last place plus one. */
__noinline int needle_search(__u32 slot, __u32 first, __u32 at, __u32 end)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 i, place, other = first >> 8;
	__u8 c;

	if (!s)
		return -1;
	for (i = 0; i < SEARCH_BLOCK; i++) {
		place = at + i;
		if (place >= end)
			return -1;
		OPAQUE(place);
		if (place > STRING_AT_MAX)
			return -1;
		c = s->data[place];
		if (c == (first & 0xff) || c == other)
			return place;
	}
	return -1;
}

/* The next candidate from s->hash[0] on: 1 found, 0 go on, -1 not there. A function of its own, because verifiers before
 * 6.8 follow both ways through the body of a loop in every turn. */
__noinline int in_substring_step(__u32 slot, __u32 set, __u32 index, __u32 first_and_caseless, __u32 end)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 at;
	int place;

	if (!s)
		return -1;
	at = s->hash[0];
	if (at >= end)
		return -1;
	place = needle_search(slot, first_and_caseless & 0xffff, at, end);
	if (place < 0) {
		s->hash[0] = at + SEARCH_BLOCK;
		return 0;
	}
	s->hash[0] = place + 1;
	return needle_at(slot, set, index, place, first_and_caseless >> 16);
}

__noinline int in_substring_round(__u32 slot, __u32 set, __u32 index, __u32 first_and_caseless, __u32 end)
{
	__u32 i;
	int found;

	for (i = 0; i < SEARCH_ROUND; i++) {
		found = in_substring_step(slot, set, index, first_and_caseless, end);
		if (found)
			return found;
	}
	return 0;
}

/* Does data[at..at+size) contain needle `index` of the set? */
__noinline int in_substring(__u32 slot, __u32 set, __u32 index, __u32 argument, __u32 caseless)
{
	struct hook_scratch *s = scratch_of(slot);
	struct needle_key key = { .set = set, .index = index };
	struct needle *needle = bpf_map_lookup_elem(&needles, &key);
	__u32 i, first, at, end, size;
	int found;

	if (!s || !needle)
		return 0;
	at = s->at[argument & (HOOK_ARGUMENTS_MAX - 1)];
	size = s->length[argument & (HOOK_ARGUMENTS_MAX - 1)];
	if (needle->size > size)
		return 0;
	end = at + size - needle->size + 1;
	first = needle->bytes[0];
	first |= (caseless && first >= 'a' && first <= 'z' ? first - 32 : first) << 8;
	first |= caseless << 16;
	s->hash[0] = at;
	for (i = 0; i < STRING_BYTES_MAX / SEARCH_ROUND + 2; i++) {
		found = in_substring_round(slot, set, index, first, end);
		if (found)
			return found > 0;
	}
	return 0;
}

/* Filters on strings, paths and buffers. -1: no answer, neither form matches. */
__noinline int filter_string(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	__u32 argument, at, size, type;

	if (!s)
		return 0;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	argument = f->argument & (HOOK_ARGUMENTS_MAX - 1);
	type = hook.arguments[argument].type;
	at = s->at[argument];
	size = s->length[argument];
	/* A file without a path (and a null pointer) is neither equal nor different. */
	if (size == 0 && type >= ARGUMENT_TYPE_FD && type <= ARGUMENT_TYPE_LINUX_BINPRM && type != ARGUMENT_TYPE_FILENAME)
		return -1;
	/* Of a path too long to be read whole only the end is known. Who enforces takes its beginning for what the policy means. */
	if (hook.flags & HOOK_FLAG_RESERVED_RING && type >= ARGUMENT_TYPE_FD && type <= ARGUMENT_TYPE_LINUX_BINPRM &&
	    type != ARGUMENT_TYPE_FILENAME && f->operator != FILTER_OPERATOR_POSTFIXES &&
	    s->walk.flags & HOOK_VALUE_UNRESOLVED)
		return !(f->flags & FILTER_FLAG_NEGATE);
	if (type == ARGUMENT_TYPE_SOCKADDR_UN) {
		/* An abstract name is asked for without its leading NUL. */
		if (at > STRING_AT_MAX || size == 0)
			return -1;
		if (s->data[at] == 0) {
			at += 1;
			size -= 1;
		}
	}
	switch (f->operator) {
	case FILTER_OPERATOR_STRINGS:
		return in_strings(slot, s, f->set, at, size);
	case FILTER_OPERATOR_PREFIXES:
		return in_prefixes(slot, f->set, at, size);
	case FILTER_OPERATOR_POSTFIXES:
		return in_postfixes(slot, f->set, at, size);
	}
	return 0;
}

__noinline int filter_substring(__u32 slot, __u32 index)
{
	const volatile struct hook_filter *f;
	__u32 i, caseless, count;

	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	caseless = f->operator == FILTER_OPERATOR_SUBSTRINGS_CASELESS;
	count = f->values[1];
	for (i = 0; i < 128; i++) {
		if (i >= count)
			break;
		if (in_substring(slot, f->set, f->values[0] + i, f->argument, caseless))
			return 1;
	}
	return 0;
}

#endif
