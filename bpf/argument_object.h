/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Readers of arguments that are other kernel objects: credentials, BPF objects, perf events, modules. */
#ifndef THUMP_ARGUMENT_OBJECT_H
#define THUMP_ARGUMENT_OBJECT_H

#include "hook.h"

/* 6.3 (f122a08b197d) made kernel_cap_t one u64 `val`; before it was two u32 `cap`. The bytes are the same. */
static __always_inline __u64 capability_mask(const void *from)
{
	__u64 mask = 0;

	bpf_probe_read_kernel(&mask, sizeof(mask), from);
	return mask;
}

static __always_inline void user_namespace_fill(struct user_namespace_value *to, struct user_namespace *ns)
{
	to->level = BPF_CORE_READ(ns, level);
	to->uid = BPF_CORE_READ(ns, owner.val);
	to->gid = BPF_CORE_READ(ns, group.val);
	to->inum = BPF_CORE_READ(ns, ns.inum);
}

__noinline int argument_cred(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct cred_value *to;
	struct cred *cred;
	struct credentials *c;

	if (!s)
		return -1;
	cred = (struct cred *)s->value;
	to = value_begin(s, index, ARGUMENT_TYPE_CRED, sizeof(*to));
	if (!to)
		return 0;
	c = &to->credentials;
	if (bpf_probe_read_kernel(&c->uid, 4, &cred->uid))
		return -1;
	c->gid = BPF_CORE_READ(cred, gid.val);
	c->euid = BPF_CORE_READ(cred, euid.val);
	c->egid = BPF_CORE_READ(cred, egid.val);
	c->suid = BPF_CORE_READ(cred, suid.val);
	c->sgid = BPF_CORE_READ(cred, sgid.val);
	c->fsuid = BPF_CORE_READ(cred, fsuid.val);
	c->fsgid = BPF_CORE_READ(cred, fsgid.val);
	c->securebits = BPF_CORE_READ(cred, securebits);
	c->pad = 0;
	c->permitted = capability_mask(&cred->cap_permitted);
	c->effective = capability_mask(&cred->cap_effective);
	c->inheritable = capability_mask(&cred->cap_inheritable);
	user_namespace_fill(&to->user_namespace, BPF_CORE_READ(cred, user_ns));
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = c->effective;
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

__noinline int argument_user_namespace(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct user_namespace_value *to;

	if (!s)
		return -1;
	to = value_begin(s, index, ARGUMENT_TYPE_USER_NAMESPACE, sizeof(*to));
	if (!to)
		return 0;
	user_namespace_fill(to, (struct user_namespace *)s->value);
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

/* kernel_cap_t *; what kind it is only the name of the type says. */
__noinline int argument_capabilities(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	__u64 *to;

	if (!s)
		return -1;
	to = value_begin(s, index, type, 8);
	if (!to)
		return 0;
	if (bpf_probe_read_kernel(to, 8, (void *)s->value))
		return -1;
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = *to;
	value_end(s, index, 8, 0, 0);
	return 0;
}

__noinline int argument_bpf_program(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	struct bpf_program_value *to;
	struct bpf_prog *prog;
	union bpf_attr *attr;

	if (!s)
		return -1;
	to = value_begin(s, index, type, sizeof(*to));
	if (!to)
		return 0;
	__builtin_memset(to, 0, sizeof(*to));
	if (type == ARGUMENT_TYPE_BPF_ATTR) {
		attr = (union bpf_attr *)s->value;
		if (bpf_probe_read_kernel(&to->type, 4, &attr->prog_type))
			return -1;
		bpf_probe_read_kernel(&to->instructions, 4, &attr->insn_cnt);
		bpf_probe_read_kernel(to->name, 16, &attr->prog_name);
	} else {
		prog = (struct bpf_prog *)s->value;
		if (bpf_probe_read_kernel(&to->type, 4, &prog->type))
			return -1;
		to->instructions = BPF_CORE_READ(prog, len);
		bpf_probe_read_kernel(to->name, 16, &BPF_CORE_READ(prog, aux)->name);
	}
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

__noinline int argument_bpf_map(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct bpf_map_value *to;
	struct bpf_map *map;

	if (!s)
		return -1;
	map = (struct bpf_map *)s->value;
	to = value_begin(s, index, ARGUMENT_TYPE_BPF_MAP, sizeof(*to));
	if (!to)
		return 0;
	if (bpf_probe_read_kernel(&to->type, 4, &map->map_type))
		return -1;
	to->key_size = BPF_CORE_READ(map, key_size);
	to->value_size = BPF_CORE_READ(map, value_size);
	to->max_entries = BPF_CORE_READ(map, max_entries);
	bpf_probe_read_kernel(to->name, 16, &map->name);
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

/* The probe's symbol is kept by kprobe perf events only; tp_event->data leads there through trace_kprobe. */
struct trace_kprobe___hook {
	struct {
		const char *symbol_name;
		unsigned int offset;
	} rp;
	const char *symbol;
} __attribute__((preserve_access_index));

__noinline int argument_perf_event(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct perf_event_value *to;
	struct perf_event *event;
	const char *name;

	if (!s)
		return -1;
	event = (struct perf_event *)s->value;
	to = value_begin(s, index, ARGUMENT_TYPE_PERF_EVENT, sizeof(*to));
	if (!to)
		return 0;
	__builtin_memset(to, 0, sizeof(*to));
	if (bpf_probe_read_kernel(&to->type, 4, &event->attr.type))
		return -1;
	to->config = BPF_CORE_READ(event, attr.config);
	name = (const char *)BPF_CORE_READ(event, attr.kprobe_func);
	to->probe_offset = BPF_CORE_READ(event, attr.probe_offset);
	if (name && bpf_probe_read_kernel_str(to->function, sizeof(to->function), name) < 0)
		bpf_probe_read_user_str(to->function, sizeof(to->function), name);
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

/* struct load_info is private to kernel/module: its name and signature flag by CO-RE where BTF has them. */
struct load_info___hook {
	const char *name;
	struct module *mod;
	_Bool sig_ok;
} __attribute__((preserve_access_index));

__noinline int argument_module(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	struct load_info___hook *info;
	struct module_value *to;
	struct module *module;

	if (!s)
		return -1;
	to = value_begin(s, index, type, sizeof(*to));
	if (!to)
		return 0;
	__builtin_memset(to, 0, sizeof(*to));
	if (type == ARGUMENT_TYPE_LOAD_INFO) {
		info = (struct load_info___hook *)s->value;
		if (bpf_core_field_exists(info->sig_ok))
			to->signature_ok = BPF_CORE_READ(info, sig_ok);
		module = 0;
		if (bpf_core_field_exists(info->mod))
			module = BPF_CORE_READ(info, mod);
		if (bpf_core_field_exists(info->name) &&
		    bpf_probe_read_kernel_str(to->name, sizeof(to->name), BPF_CORE_READ(info, name)) < 0)
			return -1;
	} else {
		module = (struct module *)s->value;
		if (bpf_probe_read_kernel_str(to->name, 56, &module->name) < 0)
			return -1;
	}
	if (module)
		to->taints = BPF_CORE_READ(module, taints);
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

#endif
