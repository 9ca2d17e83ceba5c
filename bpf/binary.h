/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Interns the path of a program and the chain of programs that led to it, so that filters on binaries compare numbers. */
#ifndef THUMP_BINARY_H
#define THUMP_BINARY_H

#include "map.h"
#include "slot.h"
#include "path.h"
#include "hash.h"

/* Before 6.1 a map without preallocation is no good in a raw tracepoint (commit 96da3f7d489d lifted that): there user
 * space clears the flag and makes the map small. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct binary_key);
	__type(value, struct binary);
} binaries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct lineage_key);
	__type(value, __u32);
} lineages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct lineage_node);
} lineage_nodes SEC(".maps");

/* What binary_intern() found, and the entry that it may have to insert. */
struct binary_scratch {
	struct binary_key key;
	struct binary binary;
	__u64 end; /* zeroes behind the path */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct binary_scratch);
} binary_scratches SEC(".maps");

static __always_inline struct binary_scratch *binary_of(__u32 slot)
{
	return bpf_map_lookup_elem(&binary_scratches, &slot);
}

/* Hashes binary.path, of binary.size bytes with zeroes behind, into key. */
__noinline int binary_hash(__u32 slot)
{
	struct binary_scratch *b = binary_of(slot);
	struct hash_state state;
	__u64 tail = 0;
	__u32 i, words, size;

	if (!b)
		return -1;
	size = b->binary.size;
	if (size >= PATH_BYTES_MAX)
		return -1;
	words = size / 8;
	hash_begin(&state);
	for (i = 0; i < PATH_BYTES_MAX / 8; i++) {
		if (i >= words)
			break;
		hash_word(&state, ((__u64 *)b->binary.path)[i]);
	}
	if (size & 7)
		tail = ((__u64 *)b->binary.path)[words & (PATH_BYTES_MAX / 8 - 1)];
	hash_end(&state, tail, size, b->key.hash);
	return 0;
}

/* Interns the walked path of this slot. Afterwards key and binary.size tell it, and binary.id, which is 0 when the map
 * is full. -1: there is no path. */
__noinline int binary_intern(__u32 slot)
{
	struct binary_scratch *b = binary_of(slot);
	struct path_walk *w = path_of(slot);
	struct slot *s = bpf_map_lookup_elem(&slots, &slot);
	struct binary *known;
	__u32 size;

	if (!b || !w || !s)
		return -1;
	size = path_copy(w, b->binary.path);
	b->binary.id = 0;
	b->binary.size = size;
	if (size == 0 || size >= PATH_BYTES_MAX)
		return -1;
	*(__u64 *)(b->binary.path + (size & (PATH_BYTES_MAX - 1))) = 0;
	if (binary_hash(slot))
		return -1;
	known = bpf_map_lookup_elem(&binaries, &b->key);
	if (!known) {
		b->binary.id = small_id(s->binary_ids + 1, slot);
		if (!bpf_map_update_elem(&binaries, &b->key, &b->binary, BPF_NOEXIST)) {
			s->binary_ids++;
			return 0;
		}
		b->binary.id = 0;
		known = bpf_map_lookup_elem(&binaries, &b->key); /* another CPU was faster, or the map is full */
		if (!known) {
			fault_count(FAULT_BINARIES_FULL);
			return 0;
		}
	}
	b->binary.id = known->id;
	return 0;
}

/* Whether a binary is in the chain of a lineage: 1 or 0, -1 for a chain that is at its longest or broken. */
__noinline int lineage_find(__u32 lineage, __u32 binary)
{
	struct lineage_node *node;
	__u32 i;

	for (i = 0; i < LINEAGE_DEPTH_MAX; i++) {
		if (!lineage)
			return 0;
		node = bpf_map_lookup_elem(&lineage_nodes, &lineage);
		if (!node)
			return -1;
		if (node->binary_id == binary)
			return 1;
		lineage = node->parent;
	}
	return -1;
}

/* Lineage of an image of this slot's binary whose parent image has lineage `parent`; 0 when it cannot be kept. */
static __always_inline __u32 lineage_intern(__u32 slot, __u32 parent, __u32 *flags)
{
	struct binary_scratch *b = binary_of(slot);
	struct slot *s = bpf_map_lookup_elem(&slots, &slot);
	struct lineage_key key = {};
	struct lineage_node node = {};
	__u32 id, *known;
	int found;

	if (!b || !s || !b->binary.id)
		return 0;
	key.parent = parent;
	key.binary = b->binary.id;
	known = bpf_map_lookup_elem(&lineages, &key);
	if (known)
		return *known;
	found = lineage_find(parent, key.binary);
	if (found < 0) {
		*flags |= PROCESS_FLAG_LINEAGE_CUT;
		return parent;
	}
	if (found) {
		id = parent;
	} else {
		id = small_id(s->lineage_ids + 1, slot);
		node.binary = b->key;
		node.binary_id = key.binary;
		node.parent = parent;
		if (bpf_map_update_elem(&lineage_nodes, &id, &node, BPF_NOEXIST)) {
			fault_count(FAULT_LINEAGES_FULL);
			*flags |= PROCESS_FLAG_LINEAGE_CUT;
			return parent;
		}
		s->lineage_ids++;
	}
	if (!bpf_map_update_elem(&lineages, &key, &id, BPF_NOEXIST))
		return id;
	known = bpf_map_lookup_elem(&lineages, &key);
	if (known)
		return *known; /* another CPU was faster; its id is as good, and ours stays valid */
	fault_count(FAULT_LINEAGES_FULL);
	return id;
}

#endif
