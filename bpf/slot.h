/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Who may use which per-CPU scratch. Programs on one CPU can interrupt each other, and on kernels where tracepoints run
 * preemptible (7.x, PREEMPT_RT) two of the same kind can take turns, so each run claims a slot and uses no other. */
#ifndef THUMP_SLOT_H
#define THUMP_SLOT_H

#define SLOTS 8 /* tasks preempted inside a program and the one that runs, softirq, hardirq */

/* Counters stand in the slot, because 5.10 has no atomic add that returns the sum (commit 5ca419f2864a, 5.12). */
struct slot {
	__u64 busy;
	__u64 exec_ids;
	__u64 binary_ids;
	__u64 lineage_ids;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* Adding before looking makes it exact without compare-and-swap, which 5.10 lacks: who reads 1 after adding is alone, and
 * keeps every later one from reading 1. */
static __always_inline int slot_try(__u32 slot)
{
	struct slot *s = bpf_map_lookup_elem(&slots, &slot);

	if (!s)
		return 0;
	__sync_fetch_and_add(&s->busy, 1);
	if (*(volatile __u64 *)&s->busy == 1)
		return 1;
	__sync_fetch_and_add(&s->busy, -1);
	return 0;
}

/* SLOTS when none is free. Not a loop: nothing that the verifier of 6.12 tracks would change from round to round
 * ("infinite loop detected"). */
static __always_inline __u32 slot_claim(void)
{
	_Static_assert(SLOTS == 8, "one line per slot");
	if (slot_try(0))
		return 0;
	if (slot_try(1))
		return 1;
	if (slot_try(2))
		return 2;
	if (slot_try(3))
		return 3;
	if (slot_try(4))
		return 4;
	if (slot_try(5))
		return 5;
	if (slot_try(6))
		return 6;
	if (slot_try(7))
		return 7;
	return SLOTS;
}

static __always_inline void slot_release(__u32 slot)
{
	struct slot *s = bpf_map_lookup_elem(&slots, &slot);

	if (s)
		__sync_fetch_and_add(&s->busy, -1);
}

/* Exec ids stay below 2^53 for 2^39 execs and forks per CPU and slot, and begin above all pids (2^22), which are the
 * ids of processes found in /proc. */
static __always_inline __u64 exec_id_next(__u32 slot)
{
	struct slot *s = bpf_map_lookup_elem(&slots, &slot);

	if (!s)
		return 0;
	s->exec_ids++;
	return (s->exec_ids * SLOTS + slot + 2048) << 12 | bpf_get_smp_processor_id();
}

/* Ids of binaries and lineages: never more than the map has room for, so 18 bits of count per CPU and slot suffice. */
static __always_inline __u32 small_id(__u64 count, __u32 slot)
{
	return (__u32)(count * SLOTS + slot) << 12 | bpf_get_smp_processor_id();
}

#endif
