/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Memory that is longer than a record, in chunks on the telemetry ring, which go before the event they belong to. */
#ifndef THUMP_CHUNK_H
#define THUMP_CHUNK_H

#include "map.h"
#include "slot.h"

/* The state of loops over user memory stands here and not in registers: the verifier meets the same state at each turn
 * and each step once, where a loop of 512 turns with its state in registers takes more than the million instructions
 * that a program may have. */
struct chunk_scratch {
	__u64 start; /* user memory to be read next */
	__u64 end;
	__u32 sent; /* bytes */
	__u32 chunks;
	__u32 kernel; /* memory of the kernel, else of the process */
	__u32 pad;
	struct chunk_event event;
	__u8 bytes[CHUNK_BYTES];
};

enum chunk_step {
	CHUNK_STEP_ON = 0,
	CHUNK_STEP_DONE = 1,
	CHUNK_STEP_LOST = 2, /* no room in the ring */
	CHUNK_STEP_FAULT = 3,
};

#define CHUNK_STEPS 32
#define CHUNK_ROUNDS (ARGS_BYTES_MAX / CHUNK_BYTES / CHUNK_STEPS + 1)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct chunk_scratch);
} chunk_scratches SEC(".maps");

static __always_inline struct chunk_scratch *chunk_of(__u32 slot)
{
	return bpf_map_lookup_elem(&chunk_scratches, &slot);
}

/* The check stands next to each call, because verifiers before 6.8 forget what they know of a number on the stack. */
static __always_inline long chunk_read(struct chunk_scratch *c, __u64 size, __u32 kernel)
{
	asm volatile("" : "+r"(size));
	if (size > CHUNK_BYTES)
		return -1;
	if (kernel)
		return bpf_probe_read_kernel(c->bytes, size, (void *)c->start);
	return bpf_probe_read_user(c->bytes, size, (void *)c->start);
}

__noinline int chunk_step(__u32 slot)
{
	struct chunk_scratch *c = chunk_of(slot);
	__u64 left;

	if (!c)
		return CHUNK_STEP_FAULT;
	if (c->start >= c->end)
		return CHUNK_STEP_DONE;
	left = c->end - c->start;
	if (left > CHUNK_BYTES)
		left = CHUNK_BYTES;
	if ((!c->kernel || chunk_read(c, left, 1)) && chunk_read(c, left, 0))
		return CHUNK_STEP_FAULT;
	c->event.header.ktime_ns = bpf_ktime_get_ns();
	c->event.index = c->chunks;
	c->event.bytes = left;
	if (event_output(RING_TELEMETRY, &c->event, sizeof(c->event) + left))
		return CHUNK_STEP_LOST;
	c->start += left;
	c->sent += left;
	c->chunks++;
	return CHUNK_STEP_ON;
}

__noinline int chunk_steps(__u32 slot)
{
	__u32 i;
	int done;

	for (i = 0; i < CHUNK_STEPS; i++) {
		done = chunk_step(slot);
		if (done)
			return done;
	}
	return CHUNK_STEP_ON;
}

/* With a kind: look in the kernel's memory first. */
#define CHUNK_OF_KERNEL 0x100

/* Sends user memory in chunks until one is lost; what was sent is in chunks and sent of the scratch. */
__noinline int chunks_send(__u32 slot, __u64 id, __u64 start, __u64 end, __u32 kind)
{
	struct chunk_scratch *c = chunk_of(slot);
	__u32 i;
	int done;

	if (!c)
		return CHUNK_STEP_FAULT;
	event_header_fill(&c->event.header, EVENT_TYPE_CHUNK, sizeof(c->event), 0);
	c->event.id = id;
	c->event.kind = kind & ~CHUNK_OF_KERNEL;
	c->event.pad = 0;
	c->kernel = kind & CHUNK_OF_KERNEL;
	c->start = start;
	c->end = end;
	c->sent = 0;
	c->chunks = 0;
	for (i = 0; i < CHUNK_ROUNDS; i++) {
		done = chunk_steps(slot);
		if (done)
			return done;
	}
	return CHUNK_STEP_LOST;
}

__noinline int skip_step(__u32 slot)
{
	struct chunk_scratch *c = chunk_of(slot);
	long size;

	if (!c)
		return CHUNK_STEP_FAULT;
	if (c->start >= c->end)
		return CHUNK_STEP_DONE;
	size = bpf_probe_read_user_str(c->bytes, CHUNK_BYTES, (void *)c->start);
	if (size < 0)
		return CHUNK_STEP_FAULT;
	if (!size)
		size = 1; /* an empty string, as 6.12 counts it */
	if (size < CHUNK_BYTES) {
		c->start += size;
		return CHUNK_STEP_DONE;
	}
	c->start += CHUNK_BYTES - 1; /* the last byte was made NUL */
	return CHUNK_STEP_ON;
}

__noinline int skip_steps(__u32 slot)
{
	__u32 i;
	int done;

	for (i = 0; i < CHUNK_STEPS; i++) {
		done = skip_step(slot);
		if (done)
			return done;
	}
	return CHUNK_STEP_ON;
}

/* Moves start of the scratch behind the first string of [start, end), argv[0], of any length; not 0: unreadable. */
__noinline int string_skip(__u32 slot, __u64 start, __u64 end)
{
	struct chunk_scratch *c = chunk_of(slot);
	__u32 i;
	int done;

	if (!c)
		return -1;
	c->start = start;
	c->end = end;
	for (i = 0; i < CHUNK_ROUNDS; i++) {
		done = skip_steps(slot);
		if (done)
			return done != CHUNK_STEP_DONE;
	}
	return -1;
}

#endif
