/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* First step of a hook: reads each argument by its type into the record. Readers are global functions: the verifier
 * checks each once per object, whatever the number of arguments. They return 0, or -1 when memory could not be read. */
#ifndef THUMP_ARGUMENT_H
#define THUMP_ARGUMENT_H

#include "hook.h"
#include "argument_fetch.h"
#include "argument_buffer.h"
#include "argument_file.h"
#include "argument_net.h"
#include "argument_object.h"

/* Integers of all widths, capability numbers and masks given by value. */
__noinline int argument_number(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	__u64 value, *to;

	if (!s)
		return -1;
	value = s->value;
	switch (type) {
	case ARGUMENT_TYPE_INT8:
		value = (__u64)(__s64)(__s8)value;
		break;
	case ARGUMENT_TYPE_UINT8:
		value = (__u8)value;
		break;
	case ARGUMENT_TYPE_INT16:
		value = (__u64)(__s64)(__s16)value;
		break;
	case ARGUMENT_TYPE_UINT16:
		value = (__u16)value;
		break;
	case ARGUMENT_TYPE_INT32:
	case ARGUMENT_TYPE_CAPABILITY:
	case ARGUMENT_TYPE_BPF_CMD:
		value = (__u64)(__s64)(__s32)value;
		break;
	case ARGUMENT_TYPE_UINT32:
		value = (__u32)value;
		break;
	}
	to = value_begin(s, index, type, 8);
	if (!to)
		return 0;
	*to = value;
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = value;
	value_end(s, index, 8, 0, 0);
	return 0;
}

/* A C string: in user memory where the flag says so, else in the kernel's, else in the user's after all. */
__noinline int argument_string(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_argument *a = &hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)];
	__s64 size;
	void *to;

	if (!s)
		return -1;
	to = value_begin(s, index, a->type, 0);
	if (!to)
		return 0;
	if (a->flags & ARGUMENT_FLAG_USER) {
		size = bpf_probe_read_user_str(to, STRING_BYTES_MAX, (void *)s->value);
	} else {
		size = bpf_probe_read_kernel_str(to, STRING_BYTES_MAX, (void *)s->value);
		if (size < 0)
			size = bpf_probe_read_user_str(to, STRING_BYTES_MAX, (void *)s->value);
	}
	/* Of an empty string in user memory the helper says 0, elsewhere 1 (mm/maccess.c, strncpy_from_user_nofault). */
	if (size == 0)
		size = 1;
	if (size < 1 || size > STRING_BYTES_MAX)
		return -1;
	value_end(s, index, 0, size - 1, size == STRING_BYTES_MAX ? HOOK_VALUE_TRUNCATED : 0);
	return 0;
}

__noinline int argument_syscall(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct syscall_value *to;

	if (!s)
		return -1;
	to = value_begin(s, index, ARGUMENT_TYPE_SYSCALL64, sizeof(*to));
	if (!to)
		return 0;
	to->id = s->value;
	to->compat = task_is_compat();
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = (__u64)to->id | (to->compat ? SYSCALL_COMPAT_BIT : 0);
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

/* Reads argument `index`. `type` is a constant at every call, so the verifier follows one branch. */
static __always_inline int argument_read(__u32 slot, __u32 index, __u32 type)
{
	switch (type) {
	case ARGUMENT_TYPE_NOP:
		return 0;
	case ARGUMENT_TYPE_STRING:
	case ARGUMENT_TYPE_DATA_LOC:
		return argument_string(slot, index);
	case ARGUMENT_TYPE_CHAR_BUF:
		return argument_buffer(slot, index);
	case ARGUMENT_TYPE_CHAR_IOVEC:
		return argument_iovec(slot, index);
	case ARGUMENT_TYPE_IOV_ITER:
		return argument_iov_iter(slot, index);
	case ARGUMENT_TYPE_CONST_BUF:
		return argument_const_buf(slot, index);
	case ARGUMENT_TYPE_SYSCALL64:
		return argument_syscall(slot, index);
	case ARGUMENT_TYPE_FD:
	case ARGUMENT_TYPE_FILE:
	case ARGUMENT_TYPE_KIOCB:
	case ARGUMENT_TYPE_LINUX_BINPRM:
	case ARGUMENT_TYPE_PATH:
	case ARGUMENT_TYPE_DENTRY:
		return argument_file(slot, index);
	case ARGUMENT_TYPE_FILENAME:
		return argument_filename(slot, index);
	case ARGUMENT_TYPE_NET_DEVICE:
		return argument_net_device(slot, index);
	case ARGUMENT_TYPE_SOCK:
	case ARGUMENT_TYPE_SOCKET:
		return argument_sock(slot, index);
	case ARGUMENT_TYPE_SKB:
		return argument_skb(slot, index);
	case ARGUMENT_TYPE_SOCKADDR:
	case ARGUMENT_TYPE_SOCKADDR_UN:
		return argument_sockaddr(slot, index);
	case ARGUMENT_TYPE_CRED:
		return argument_cred(slot, index);
	case ARGUMENT_TYPE_USER_NAMESPACE:
		return argument_user_namespace(slot, index);
	case ARGUMENT_TYPE_KERNEL_CAP_T:
	case ARGUMENT_TYPE_CAP_INHERITABLE:
	case ARGUMENT_TYPE_CAP_PERMITTED:
	case ARGUMENT_TYPE_CAP_EFFECTIVE:
		return argument_capabilities(slot, index);
	case ARGUMENT_TYPE_BPF_ATTR:
	case ARGUMENT_TYPE_BPF_PROG:
		return argument_bpf_program(slot, index);
	case ARGUMENT_TYPE_BPF_MAP:
		return argument_bpf_map(slot, index);
	case ARGUMENT_TYPE_PERF_EVENT:
		return argument_perf_event(slot, index);
	case ARGUMENT_TYPE_MODULE:
	case ARGUMENT_TYPE_LOAD_INFO:
		return argument_module(slot, index);
	}
	return argument_number(slot, index);
}

#endif
