// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Programs that try out ffi/: rings, maps, globals, attach kinds, a refusal by the verifier. Needs no kernel types. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_PERCPU_ARRAY = 6, MAP_HASH_OF_MAPS = 13, MAP_RINGBUF = 27 };

struct test_record {
	__u32 size;
	__u16 type;
	__u16 cpu;
	__u64 ktime_ns;
	__u32 sequence; /* of this thread, over both rings */
	__u32 tid;
};

const volatile __u32 wanted_pid = 0;
const volatile __u64 addend = 1;
__u64 preset = 7;

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 65536);
} events_reserved SEC(".maps"), events_telemetry SEC(".maps");

struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} counts SEC(".maps");

/* Thread to number of its records. Atomic adds that return something need 5.12, but only the thread itself counts here. */
struct {
	__uint(type, MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} threads SEC(".maps");

struct inner {
	__uint(type, MAP_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, MAP_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct inner);
} lists SEC(".maps");

/* Keeps the type in BTF, which nothing else does. */
struct test_record *unused_test_record __attribute__((unused));

static __always_inline int send(void *ring)
{
	struct test_record *e;
	__u32 zero = 0, *count, *sent, tid = bpf_get_current_pid_tgid();
	__u64 ktime_ns = bpf_ktime_get_ns();

	bpf_map_update_elem(&threads, &tid, &zero, 1 /* BPF_NOEXIST */);
	sent = bpf_map_lookup_elem(&threads, &tid);
	if (!sent)
		return 0;

	count = bpf_map_lookup_elem(&counts, &zero);
	if (count)
		(*count)++;
	e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);
	if (!e)
		return 0;
	e->size = sizeof(*e);
	e->type = 7;
	e->cpu = bpf_get_smp_processor_id();
	e->ktime_ns = ktime_ns;
	e->sequence = (*sent)++;
	e->tid = tid;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* Every system call of one process: its beginning goes to one ring, its end to the other. */
SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != wanted_pid)
		return 0;
	return send(&events_telemetry);
}

SEC("raw_tp/sys_exit")
int on_sys_exit(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != wanted_pid)
		return 0;
	return send(&events_reserved);
}

/* By test_run: returns the sum of its first argument, `addend` and `preset`. */
SEC("raw_tp/")
int add(__u64 *ctx)
{
	__u32 key = 42;
	__u64 value = ctx[0] + addend + preset;

	bpf_map_update_elem(&numbers, &key, &value, 0);
	return value;
}

/* Refused: reads what a map lookup returned without looking for NULL. */
SEC("raw_tp/sys_enter")
int refused(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&numbers, &key);

	return *value;
}

static __always_inline int hit(void)
{
	__u32 one = 1, *count;

	count = bpf_map_lookup_elem(&counts, &one);
	if (count)
		(*count)++;
	return 0;
}

/* One for each way of attaching; the test names the targets. */
#define HIT(section, name)	\
	SEC(section)		\
	int name(void *ctx)	\
	{			\
		return hit();	\
	}

HIT("raw_tp", hit_raw_tp)
HIT("tp", hit_tracepoint)
HIT("kprobe", hit_kprobe)
HIT("kretprobe", hit_kretprobe)
HIT("kprobe.multi", hit_kprobe_multi)
HIT("fentry", hit_fentry)
HIT("fexit", hit_fexit)
HIT("lsm", hit_lsm)
HIT("uprobe", hit_uprobe)
HIT("uretprobe", hit_uretprobe)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
