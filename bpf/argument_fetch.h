/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where the value of an argument is found: its source, and the steps from there. */
#ifndef THUMP_ARGUMENT_FETCH_H
#define THUMP_ARGUMENT_FETCH_H

#include "hook.h"

static __always_inline int read_memory(void *to, __u32 size, __u64 from, __u32 user)
{
	if (user)
		return bpf_probe_read_user(to, size, (void *)from);
	return bpf_probe_read_kernel(to, size, (void *)from);
}

/* Where an argument of source MEMORY stands. */
static __always_inline int memory_address(struct hook_scratch *s, const volatile struct hook_argument *a,
					  __u64 *address)
{
	__u32 scaled = a->steps[0].deref;
	__u64 index;

	if (bpf_probe_read_kernel(address, 8, (void *)(s->context + a->offset)))
		return -1;
	*address += (__s64)(__s32)a->steps[0].offset;
	if (!scaled)
		return 0;
	if (bpf_probe_read_kernel(&index, 8, (void *)(s->context + (scaled & 0xffff))))
		return -1;
	*address += index * (scaled >> 16);
	return 0;
}

/* First argument of the function at whose beginning these registers are. */
static __always_inline __u64 function_argument(__u64 registers)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ((struct pt_regs *)registers, di);
#else
	return 0;
#endif
}

/* Finds the raw value of an argument and follows its steps; the result is in s->value. */
__noinline int argument_fetch(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_argument *a = &hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)];
	__u32 user = a->flags & ARGUMENT_FLAG_USER;
	__u32 size = a->size;
	__u64 value = 0, base = 0;
	__u32 i, from = 0, steps = a->step_count;
	__s64 shift;

	if (!s)
		return -1;
	if (size > 8)
		size = 8;
	switch (a->source) {
	case ARGUMENT_SOURCE_PARAMETER:
		value = s->parameters[a->index & 7];
		break;
	case ARGUMENT_SOURCE_RETURN:
		value = s->result;
		break;
	case ARGUMENT_SOURCE_TASK:
		value = bpf_get_current_task();
		break;
	case ARGUMENT_SOURCE_REGISTER:
		base = s->context;
		/* A system call's are its caller's, which its function is given. */
		if (hook.flags & HOOK_FLAG_SYSCALL)
			base = function_argument(base);
		/* What steps begin at is an address. */
		if (steps || a->flags & ARGUMENT_FLAG_LOAD)
			size = 8;
		if (bpf_probe_read_kernel(&value, size, (void *)(base + a->offset)))
			goto fault;
		break;
	case ARGUMENT_SOURCE_FIELD:
		/* Text without a size is an array of the record. */
		if (a->type == ARGUMENT_TYPE_CONST_BUF || (a->type == ARGUMENT_TYPE_STRING && !size))
			value = s->context + a->offset;
		else if (bpf_probe_read_kernel(&value, size, (void *)(s->context + a->offset)))
			goto fault;
		if (a->type == ARGUMENT_TYPE_DATA_LOC)
			value = s->context + (value & 0xffff);
		break;
	case ARGUMENT_SOURCE_CONSTANT:
		value = (__u64)a->steps[0].deref << 32 | a->steps[0].offset;
		steps = 0;
		break;
	case ARGUMENT_SOURCE_MEMORY:
		if (memory_address(s, a, &base))
			goto fault;
		from = 1;
		if (steps > 1 || a->flags & ARGUMENT_FLAG_LOAD) {
			if (bpf_probe_read_user(&value, 8, (void *)base))
				goto fault;
		} else if (bpf_probe_read_user(&value, size, (void *)base)) {
			goto fault;
		}
		break;
	}
	for (i = from; i < RESOLVE_STEPS_MAX; i++) {
		if (i >= steps)
			break;
		s->fault_depth = i - from;
		value += a->steps[i].offset;
		if (a->steps[i].deref && read_memory(&value, 8, value, user))
			goto fault;
	}
	if (a->flags & ARGUMENT_FLAG_LOAD) {
		s->fault_depth = steps - from;
		base = value;
		value = 0;
		if (read_memory(&value, size, base, user))
			goto fault;
	}
	if (a->flags & ARGUMENT_FLAG_SIGNED) {
		shift = 64 - 8 * size;
		value = (__u64)((__s64)(value << (shift & 63)) >> (shift & 63));
	}
	s->value = value;
	return 0;
fault:
	s->value = 0;
	return -1;
}

#endif
