/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What every step of a hook shares: its configuration, its per-CPU scratch, and the record that grows in it. */
#ifndef THUMP_HOOK_H
#define THUMP_HOOK_H

#include "hook_kernel.h"
#include "hook_event.h"
#include "hook_map.h"
#include "hash.h"

#define HOOK_DATA_BYTES 16384 /* values of one event; a value begins below this and may reach beyond by the slack */
#define HOOK_SLACK_BYTES 8704
#define HOOK_DATA_MASK (HOOK_DATA_BYTES - 1)
#define HOOK_SCRATCH_LEVELS 4 /* task, softirq, hardirq, and a preempted one */
#define WALK_BYTES 4096
#define KEPT_HEAD_BYTES 80 /* alive, verdict, cursor, error, parameters */
#define PT_REGS_WORDS 21   /* of x86-64, the larger of both */
#define MEMORY_WRITES_MAX 8 /* as actions of one selector */
#define KEPT_SMALL_BYTES 1024
#define KEPT_LARGE_BYTES 13376

/* Constants of this hook. A section of its own, so that the loader writes it whole. */
const volatile struct hook_config hook SEC(".rodata.config") = {};

/* One program run. Lives in a per-CPU map because the stack has 512 bytes and because global functions, which the
 * verifier checks once and not per caller, take numbers only (5.10): they get `slot`, and find this. */
struct hook_scratch {
	__u64 busy;
	__u64 context; /* the program's ctx, for reading tracepoint records and registers by offset */
	__u64 result;
	__u64 value; /* of the argument being read, after its steps */
	__u64 number[HOOK_ARGUMENTS_MAX]; /* integers: the value; buffers: the address; others: as the readers say */
	__u32 at[HOOK_ARGUMENTS_MAX]; /* of the payload in data; strings, paths, buffers: of the bytes */
	__u32 length[HOOK_ARGUMENTS_MAX]; /* of these bytes */
	__u32 read; /* bit per argument: value usable by filters */
	__u32 state; /* enum policy_state_bit, read once: a switch of mode falls between two operations, never into one */
	__u32 fault_depth;
	__u32 function; /* index into the hook's names, or the system call's number */
	__u64 hash[4];
	struct {
		__u64 address;
		__u64 value;
	} memory[MEMORY_WRITES_MAX]; /* what Set writes */
	__u32 memory_count;
	__u64 registers[32]; /* of the program, as they will be: PT_REGS_WORDS and room for a mask */
	struct {
		__u64 dentry, mount, root_dentry, root_mount;
		__u32 at; /* first byte of the path in bytes[] */
		__u32 flags; /* enum hook_value_flag */
	} walk;
	union {
		struct string_key string;
		struct prefix_key prefix;
		struct address_key address;
		struct range_key range;
		struct value_key value;
	} key;
	__u8 bytes[WALK_BYTES + 256];
	/* From here on one piece, which the entry half keeps for the return half. */
	__u32 alive; /* bit per selector that may still match */
	__u32 verdict; /* enum hook_verdict */
	__u32 cursor; /* end of data */
	__s32 error; /* returned by hooks that can refuse */
	__u64 parameters[8]; /* at return the registers are others' */
	struct hook_event event;
	__u8 data[HOOK_DATA_BYTES + HOOK_SLACK_BYTES];
};

enum hook_verdict {
	HOOK_VERDICT_POST = 0x1,
	HOOK_VERDICT_KERNEL_STACK = 0x2,
	HOOK_VERDICT_USER_STACK = 0x4,
	HOOK_VERDICT_OVERRIDE = 0x8,
	HOOK_VERDICT_KEEP = 0x10, /* the return half goes on with this record */
	HOOK_VERDICT_WRITE = 0x40, /* memory of the program is to be written */
	HOOK_VERDICT_HASH = 0x20, /* the event is to have a hash of the file */
	/* Such a change matched: where an event comes of it, it is known from then on. */
	HOOK_VERDICT_NAMESPACE_CHANGE = 0x80,
	HOOK_VERDICT_CAPABILITY_CHANGE = 0x100,
	HOOK_VERDICT_CHANGES = 0x180,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOK_SCRATCH_LEVELS);
	__type(key, __u32);
	__type(value, struct hook_scratch);
} hook_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOOK_SELECTORS_MAX + 1);
	__type(key, __u32);
	__type(value, struct hook_counters);
} hook_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct policy_state);
} policy_states SEC(".maps");

/* A changed policy takes over from its former version without a hit missed or counted twice: the program that was attached
 * first stays so and begins with a jump to the present version, which is a program in one of these, each hook's own. One
 * store makes the next hit another version's; two attached programs could never do that, because the change may fall
 * between the two for one and the same hit. While it is empty the attached program is the present version itself. */
struct hook_versions {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} hook_versions SEC(".maps");

/* Of hooks that run at return only. Apart, because from 6.18 on all programs of such a map have one attach type. */
struct hook_versions hook_return_versions SEC(".maps");

/* Hides from clang what it knows of a number, so that it keeps the check that the verifier needs to see. */
#define OPAQUE(number) asm volatile("" : "+r"(number))

/* Copies `size` bytes, at most `most`, from kernel or user memory. The check stands next to the call, because verifiers
 * before 6.8 forget what they know of a number that clang puts on the stack in between. */
static __always_inline long copy_bounded(void *to, __u32 size, __u32 most, const void *from, __u32 user)
{
	OPAQUE(size);
	if (size > most)
		return -1;
	return user ? bpf_probe_read_user(to, size, from) : bpf_probe_read_kernel(to, size, from);
}

static __always_inline struct hook_scratch *scratch_of(__u32 slot)
{
	return bpf_map_lookup_elem(&hook_scratch, &slot);
}

static __always_inline struct hook_counters *hook_counter(__u32 index)
{
	return bpf_map_lookup_elem(&hook_counters, &index);
}

static __always_inline __u32 policy_state_bits(void)
{
	__u32 key = hook.policy_slot;
	struct policy_state *state = bpf_map_lookup_elem(&policy_states, &key);

	return state ? state->state : 0;
}

/* Claims a level of this CPU's scratch; HOOK_SCRATCH_LEVELS when none is free. Programs may interrupt each other, and
 * from 5.11 on preempt each other, in any order. Adding before looking makes it exact without compare-and-swap, which
 * 5.10 lacks: who reads 1 after adding is alone, and keeps every later one from reading 1. */
static __always_inline __u32 scratch_claim(void)
{
	struct hook_scratch *s;
	__u32 slot;

	for (slot = 0; slot < HOOK_SCRATCH_LEVELS; slot++) {
		s = scratch_of(slot);
		if (!s)
			break;
		__sync_fetch_and_add(&s->busy, 1);
		if (*(volatile __u64 *)&s->busy == 1)
			return slot;
		__sync_fetch_and_add(&s->busy, -1);
	}
	return HOOK_SCRATCH_LEVELS;
}

static __always_inline void scratch_release(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);

	if (s)
		__sync_fetch_and_add(&s->busy, -1);
}

/* Starts the value of argument `index`, whose payload begins with `head` bytes of a struct, and returns the payload;
 * room for head + 8192 bytes is there. Null when the event is full. */
static __always_inline void *value_begin(struct hook_scratch *s, __u32 index, __u32 type, __u32 head)
{
	__u32 cursor = s->cursor;
	struct hook_value *value;

	if (cursor >= HOOK_DATA_BYTES)
		return 0;
	value = (struct hook_value *)(s->data + (cursor & HOOK_DATA_MASK));
	value->type = type;
	value->index = index;
	value->flags = 0;
	value->size = head;
	index &= HOOK_ARGUMENTS_MAX - 1;
	s->at[index] = cursor + sizeof(*value) + head;
	s->length[index] = 0;
	return value + 1;
}

/* Ends it: `bytes` follow the head of `head` bytes. */
static __always_inline void value_end(struct hook_scratch *s, __u32 index, __u32 head, __u32 bytes, __u32 flags)
{
	__u32 cursor = s->cursor & HOOK_DATA_MASK;
	struct hook_value *value = (struct hook_value *)(s->data + cursor);
	__u32 size;

	OPAQUE(bytes);
	if (bytes > STRING_BYTES_MAX)
		return;
	size = head + bytes;
	index &= HOOK_ARGUMENTS_MAX - 1;
	value->size = size;
	value->flags = flags;
	s->length[index] = bytes;
	/* Zeroes up to the next multiple of 8, and enough behind for whoever reads words. */
	*(__u64 *)(s->data + cursor + sizeof(*value) + head + bytes) = 0;
	s->cursor = cursor + sizeof(*value) + ((size + 7) & ~7U);
	s->event.value_count++;
	s->read |= 1U << index;
}

/* A value that could not be read. */
static __always_inline void value_fault(struct hook_scratch *s, __u32 index, __u32 type, __u32 depth)
{
	__u32 cursor = s->cursor;
	struct hook_value *value;

	if (cursor >= HOOK_DATA_BYTES)
		return;
	value = (struct hook_value *)(s->data + (cursor & HOOK_DATA_MASK));
	value->type = type;
	value->index = index;
	value->flags = HOOK_VALUE_FAULT;
	value->size = 8;
	*(__u64 *)(value + 1) = depth;
	s->cursor = cursor + sizeof(*value) + 8;
	s->event.value_count++;
}

#endif
