/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps that all hooks share, so that kernel memory does not grow with the number of policies. */
#ifndef THUMP_HOOK_MAP_H
#define THUMP_HOOK_MAP_H

#include "config.h"

enum policy_state_bit {
	POLICY_STATE_ENABLED = 0x1,
	POLICY_STATE_ENFORCE = 0x2,
	POLICY_STATE_BUDGET_MONITOR = 0x4, /* onBudget: monitor */
};

/* Map policy_states (array). `state` changes by one store. */
struct policy_state {
	__u32 state;
	__u32 kill_budget; /* per minute, 0: none */
	__u64 budget_window_ns __number; /* start of the present minute */
	__u64 budget_used __number;
	__u64 generation __number; /* the current version of the policy; see registry.ts */
} __export;

/* Map strings (hash): a string's keyed 128 bit hash (path.h), so any length costs the same. */
struct string_key {
	__u64 hash[2];
	__u32 set;
	__u32 size; /* bytes, without NUL */
} __export;

/* Maps prefixes and postfixes (trie; postfixes hold the bytes reversed). prefix_bits counts the set's 32 bits. */
struct prefix_key {
	__u32 prefix_bits;
	__u32 set; /* big-endian, as the trie compares bytes */
	__u8 bytes[PREFIX_BYTES_MAX];
} __export;

/* Map addresses (trie): IPv4 as ::ffff:a.b.c.d, and with a bit of its own in the set's number, so that ::/0 is about IPv6
 * only. */
enum address_set {
	ADDRESS_SET_IPV6 = 0,
	ADDRESS_SET_IPV4 = 0x40000000,
};

struct address_key {
	__u32 prefix_bits;
	__u32 set; /* big-endian */
	__u8 bytes[16];
} __export;

/* Map ranges (trie): the 64 bit number, big-endian; signed types with the top bit flipped are not needed: sets of
 * signed types hold sign-extended numbers and ranges are cut at the sign. */
struct range_key {
	__u32 prefix_bits;
	__u32 set;
	__u8 bytes[8];
} __export;

/* Map values (hash). */
struct value_key {
	__u64 value;
	__u32 set;
	__u32 pad;
} __export;

/* Map needles (hash). */
struct needle_key {
	__u32 set;
	__u32 index;
} __export;

struct needle {
	__u32 size;
	__u32 pad;
	__u8 bytes[NEEDLE_BYTES_MAX]; /* lower case for the caseless form */
} __export;

/* Map policy_cgroups (hash). */
struct policy_cgroup_key {
	__u64 cgroup_id __number;
	__u32 filter;
	__u32 pad;
} __export;

/* Map binary_verdicts (LRU hash): what a set says of a binary or a lineage. Sets are never reused, so entries never lie. */
struct verdict_key {
	__u32 set;
	__u32 operator;
	__u32 id;     /* binary_id or lineage_id */
	__u32 follow; /* 1: lineage */
} __export;

/* Map hook_counters (per-CPU array of each hook): index 0 the hook, 1 + n selector n. */
struct hook_counters {
	__u64 hits __number; /* 0: program ran while enabled; selector: it decided, at return where there is a return half */
	__u64 posted __number;
	__u64 suppressed __number; /* by rateLimit */
	__u64 lost __number;       /* ring full */
	__u64 kills __number;
	__u64 overrides __number;
	__u64 merge_lost __number; /* entry half whose record for the return half could not be kept or found */
	__u64 spared __number;
	__u64 scratch_lost __number; /* program ran and had no scratch: too many preempted inside */
} __export;

#endif
