/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on files as they are mapped, with the build ids that perf finds in them. Somebody must have a perf event open that
 * asks for build ids; then the kernel calls this function for each mapping. */
#include "kernel.h"
#include "map.h"
#include "hook_run.h"

#define LOADER_ARGUMENT_PATH 0
#define LOADER_ARGUMENT_BUILD_ID 1
#define BUILD_ID_BYTES_MAX 20

/* kernel/events/core.c; the build id since 5.12 (commit 88a16a130933). */
struct perf_mmap_event {
	const char *file_name;
	int maj, min;
	__u64 ino;
	__u8 build_id[BUILD_ID_BYTES_MAX];
	__u32 build_id_size;
} __attribute__((preserve_access_index));

/* What a policy was told of: once per process and file, however often and in however many parts it maps it. */
struct loaded_key {
	__u64 start_ns; /* of the process, whose id may come again */
	__u64 inode;
	__u32 pid;
	__u32 device;
	__u32 policy_slot;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct loaded_key);
	__type(value, __u8);
} loaded_files SEC(".maps");

__noinline int loader_new(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct perf_mmap_event *mapped;
	struct loaded_key key = {};
	__u8 one = 1;
	int known;

	if (!s)
		return 0;
	mapped = (struct perf_mmap_event *)s->parameters[1];
	key.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	key.inode = BPF_CORE_READ(mapped, ino);
	key.device = (__u32)BPF_CORE_READ(mapped, maj) << 20 | BPF_CORE_READ(mapped, min);
	key.pid = s->event.pid;
	key.policy_slot = hook.policy_slot;
	known = bpf_map_update_elem(&loaded_files, &key, &one, BPF_NOEXIST);
	return known == 0;
}

__noinline int loader_entry(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct perf_mmap_event *mapped;
	__u32 size;
	__s64 length;
	void *to;

	if (!s)
		return 0;
	mapped = (struct perf_mmap_event *)s->parameters[1];
	size = BPF_CORE_READ(mapped, build_id_size);
	if (size == 0 || size > BUILD_ID_BYTES_MAX)
		return 0;
	s->read = 0;
	s->cursor = 0;
	s->function = 0;
	hook_event_begin(s);
	s->event.tid = s->event.pid;
	if (!loader_new(slot))
		return 0;
	to = value_begin(s, LOADER_ARGUMENT_PATH, ARGUMENT_TYPE_STRING, 0);
	if (!to)
		return 0;
	length = bpf_probe_read_kernel_str(to, STRING_BYTES_MAX, (void *)BPF_CORE_READ(mapped, file_name));
	if (length < 1 || length > STRING_BYTES_MAX)
		length = 1;
	value_end(s, LOADER_ARGUMENT_PATH, 0, length - 1, 0);
	to = value_begin(s, LOADER_ARGUMENT_BUILD_ID, ARGUMENT_TYPE_CONST_BUF, 0);
	if (!to)
		return 0;
	if (copy_bounded(to, size, BUILD_ID_BYTES_MAX, &mapped->build_id, 0))
		return 0;
	value_end(s, LOADER_ARGUMENT_BUILD_ID, 0, size, 0);
	s->event.action = ACTION_KIND_POST;
	return HOOK_VERDICT_POST;
}

SEC("fentry")
int hook_loader_fentry(void *ctx)
{
	__u32 slot = hook_begin(ctx);
	struct hook_scratch *s = scratch_of(slot);

	if (!s)
		return 0;
	s->parameters[1] = CTX_WORD(ctx, 1);
	if (loader_entry(slot))
		hook_post(slot);
	scratch_release(slot);
	return 0;
}

SEC("kprobe")
int hook_loader_kprobe(struct pt_regs *ctx)
{
	__u32 slot = hook_begin(ctx);
	struct hook_scratch *s = scratch_of(slot);

	if (!s)
		return 0;
	register_parameters(slot);
	if (loader_entry(slot))
		hook_post(slot);
	scratch_release(slot);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
