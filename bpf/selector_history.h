/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Filters on what is remembered of a process: its binary and those of its ancestors, namespaces and capabilities that
 * changed since its exec. */
#ifndef THUMP_SELECTOR_HISTORY_H
#define THUMP_SELECTOR_HISTORY_H

#include "hook.h"
#include "selector_string.h"
#include "entry.h"

/* The base sensor's (binary.h), of which hooks read these two: the loader hands them over, their sizes included. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct binary_key);
	__type(value, struct binary);
} binaries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lineage_node);
} lineage_nodes SEC(".maps");

static __always_inline struct process *process_current(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&processes, &pid);
}

/* Is the binary with this hash (in s->hash), id and path size (0: not known) in the set? Prefixes and postfixes are asked of the trie once per binary. */
__noinline int binary_matches(__u32 slot, __u32 index, __u32 id, __u32 size)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	struct verdict_key verdict = {};
	struct binary_key key;
	struct binary *binary;
	__u8 *known, answer = 0;
	__u32 i, length;

	if (!s)
		return 0;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	key.hash[0] = s->hash[0];
	key.hash[1] = s->hash[1];
	if (size == 0) {
		binary = bpf_map_lookup_elem(&binaries, &key);
		if (!binary)
			return 0;
		size = binary->size;
	}
	if (f->operator == FILTER_OPERATOR_STRINGS) {
		s->key.string.hash[0] = key.hash[0];
		s->key.string.hash[1] = key.hash[1];
		s->key.string.set = f->set;
		s->key.string.size = size;
		return bpf_map_lookup_elem(&strings, &s->key.string) != 0;
	}
	verdict.set = f->set;
	verdict.operator = f->operator;
	verdict.id = id;
	known = bpf_map_lookup_elem(&binary_verdicts, &verdict);
	if (known)
		return *known;
	binary = bpf_map_lookup_elem(&binaries, &key);
	if (!binary)
		return 0;
	length = size < PREFIX_BYTES_MAX ? size : PREFIX_BYTES_MAX;
	s->key.prefix.prefix_bits = 32 + length * 8;
	s->key.prefix.set = __builtin_bswap32(f->set);
	if (f->operator == FILTER_OPERATOR_PREFIXES) {
		copy_bounded(s->key.prefix.bytes, length, PREFIX_BYTES_MAX, binary->path, 0);
		answer = bpf_map_lookup_elem(&prefixes, &s->key.prefix) != 0;
	} else {
		for (i = 0; i < PREFIX_BYTES_MAX; i++) {
			if (i >= length)
				break;
			s->key.prefix.bytes[i] = binary->path[(size - 1 - i) & (PATH_BYTES_MAX - 1)];
		}
		answer = bpf_map_lookup_elem(&postfixes, &s->key.prefix) != 0;
	}
	bpf_map_update_elem(&binary_verdicts, &verdict, &answer, BPF_ANY);
	return answer;
}

/* matchBinaries and matchParentBinaries; with followChildren also every ancestor's binary. */
__noinline int filter_binary(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct task_struct *task;
	const volatile struct hook_filter *f;
	struct lineage_node *node;
	struct process *process;
	__u32 i, pid, lineage;

	if (!s)
		return -1;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	pid = bpf_get_current_pid_tgid() >> 32;
	if (f->kind == FILTER_KIND_PARENT_BINARY) {
		task = (struct task_struct *)bpf_get_current_task();
		pid = BPF_CORE_READ(task, real_parent, tgid);
	}
	process = bpf_map_lookup_elem(&processes, &pid);
	/* Nobody knows it: the table is full. Who enforces takes it for none of those listed, so that filling it helps nobody. */
	if (!process)
		return hook.flags & HOOK_FLAG_RESERVED_RING ? 0 : -1;
	if (process->binary_id) {
		s->hash[0] = process->binary.hash[0];
		s->hash[1] = process->binary.hash[1];
		if (binary_matches(slot, index, process->binary_id, process->binary_size))
			return 1;
	}
	if (!(f->flags & FILTER_FLAG_FOLLOW))
		return 0;
	lineage = process->lineage_id;
	for (i = 0; i < LINEAGE_DEPTH_MAX; i++) {
		node = bpf_map_lookup_elem(&lineage_nodes, &lineage);
		if (!node)
			break;
		s->hash[0] = node->binary.hash[0];
		s->hash[1] = node->binary.hash[1];
		if (binary_matches(slot, index, node->binary_id, 0))
			return 1;
		lineage = node->parent;
	}
	return 0;
}

/* In: one of the listed differs; NotIn: one differs that is not listed. */
__noinline int filter_namespace_change(__u32 slot, __u32 index)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct process *process = process_current();
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	__u32 *known, type, inum, negate, mask, changed = 0;

	if (!process || !s)
		return -1;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	negate = (f->flags & FILTER_FLAG_NEGATE) != 0;
	mask = f->values[0];
	known = (__u32 *)&process->namespaces;
	for (type = 0; type <= NAMESPACE_TYPE_USER; type++) {
		inum = namespace_inum(task, type);
		if (inum != known[type])
			changed |= 1U << type;
	}
	if (!(changed & (negate ? ~mask : mask)))
		return negate; /* no match, either way */
	s->verdict |= HOOK_VERDICT_NAMESPACE_CHANGE;
	return !negate;
}

__noinline int filter_capability_change(__u32 slot, __u32 index)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct process *process = process_current();
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	__u64 now, known, mask;
	__u32 negate, set;

	if (!process || !s)
		return -1;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	if (f->flags & FILTER_FLAG_USER_NAMESPACE && !in_user_namespace())
		return -1;
	negate = (f->flags & FILTER_FLAG_NEGATE) != 0;
	mask = f->values[0];
	set = f->argument;
	now = current_capabilities(task, set);
	if (set == CAPABILITY_SET_INHERITABLE)
		known = process->credentials.inheritable;
	else if (set == CAPABILITY_SET_PERMITTED)
		known = process->credentials.permitted;
	else
		known = process->credentials.effective;
	/* NotIn: some changed, and none of the listed. */
	if (negate ? now == known || (now ^ known) & mask : !((now ^ known) & mask))
		return negate;
	s->verdict |= HOOK_VERDICT_CAPABILITY_CHANGE;
	return !negate;
}

/* Only an event ends a change: where other filters, actions or rates hold it back, the next call finds it again. */
__noinline int history_update(__u32 verdict)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct process *process = process_current();
	__u32 *known, type;

	if (!process)
		return -1;
	if (verdict & HOOK_VERDICT_NAMESPACE_CHANGE) {
		known = (__u32 *)&process->namespaces;
		for (type = 0; type <= NAMESPACE_TYPE_USER; type++)
			known[type] = namespace_inum(task, type);
	}
	if (verdict & HOOK_VERDICT_CAPABILITY_CHANGE) {
		process->credentials.inheritable = current_capabilities(task, CAPABILITY_SET_INHERITABLE);
		process->credentials.permitted = current_capabilities(task, CAPABILITY_SET_PERMITTED);
		process->credentials.effective = current_capabilities(task, CAPABILITY_SET_EFFECTIVE);
	}
	return 0;
}

#endif
