/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* First step of a hook: reads each argument by its type into the record. Readers are global functions: the verifier
 * checks each once per object, whatever the number of arguments. They return 0, or -1 when memory could not be read. */
#ifndef THUMP_ARGUMENT_H
#define THUMP_ARGUMENT_H

#include "hook.h"
#include "argument_file.h"
#include "argument_net.h"
#include "argument_object.h"

#define IOVEC_MAX 32

static __always_inline int read_memory(void *to, __u32 size, __u64 from, __u32 user)
{
	if (user)
		return bpf_probe_read_user(to, size, (void *)from);
	return bpf_probe_read_kernel(to, size, (void *)from);
}

/* Finds the raw value of an argument and follows its steps; the result is in s->value. */
__noinline int argument_fetch(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_argument *a = &hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)];
	__u32 user = a->flags & ARGUMENT_FLAG_USER;
	__u32 size = a->size;
	__u64 value = 0, base = 0;
	__u32 i, steps = a->step_count;
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
		if (bpf_probe_read_kernel(&value, size, (void *)(s->context + a->offset)))
			goto fault;
		break;
	case ARGUMENT_SOURCE_FIELD:
		if (a->type == ARGUMENT_TYPE_CONST_BUF)
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
		if (bpf_probe_read_kernel(&base, 8, (void *)(s->context + a->offset)))
			goto fault;
		base += (__s64)(__s32)a->steps[0].offset;
		if (bpf_probe_read_user(&value, size, (void *)base))
			goto fault;
		steps = 0;
		break;
	}
	for (i = 0; i < RESOLVE_STEPS_MAX; i++) {
		if (i >= steps)
			break;
		s->fault_depth = i;
		value += a->steps[i].offset;
		if (a->steps[i].deref && read_memory(&value, 8, value, user))
			goto fault;
	}
	if (a->flags & ARGUMENT_FLAG_LOAD) {
		s->fault_depth = steps;
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
	if (!s->value) {
		value_end(s, index, 0, 0, HOOK_VALUE_EMPTY);
		return 0;
	}
	if (a->flags & ARGUMENT_FLAG_USER) {
		size = bpf_probe_read_user_str(to, STRING_BYTES_MAX, (void *)s->value);
	} else {
		size = bpf_probe_read_kernel_str(to, STRING_BYTES_MAX, (void *)s->value);
		if (size < 0)
			size = bpf_probe_read_user_str(to, STRING_BYTES_MAX, (void *)s->value);
	}
	if (size < 1 || size > STRING_BYTES_MAX)
		return -1;
	value_end(s, index, 0, size - 1, size == STRING_BYTES_MAX ? HOOK_VALUE_TRUNCATED : 0);
	return 0;
}

/* Bytes that the caller counted in another argument, or that the function returned. */
__noinline int argument_buffer(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_argument *a = &hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)];
	__u64 total = a->size, size, most = a->max_bytes;
	struct buffer_value *to;

	if (!s)
		return -1;
	if (a->flags & ARGUMENT_FLAG_RETURN_COPY)
		total = (__s64)s->result < 0 ? 0 : s->result;
	else if (a->size_argument)
		total = s->parameters[(a->size_argument - 1) & 7];
	to = value_begin(s, index, a->type, sizeof(*to));
	if (!to)
		return 0;
	to->total = total;
	to->data_id = 0;
	size = total;
	if (most == 0 || most > BUFFER_INLINE_BYTES)
		most = BUFFER_DEFAULT_BYTES;
	if (size > most)
		size = most;
	if (size && copy_bounded(to + 1, size, BUFFER_INLINE_BYTES, (void *)s->value, a->flags & ARGUMENT_FLAG_USER)) {
		if (a->flags & ARGUMENT_FLAG_USER ||
		    copy_bounded(to + 1, size, BUFFER_INLINE_BYTES, (void *)s->value, 1))
			return -1;
	}
	value_end(s, index, sizeof(*to), size, size < total ? HOOK_VALUE_TRUNCATED : 0);
	return 0;
}

/* Appends what one struct iovec points to. s->hash: bytes so far, total, and the vectors. */
__noinline int vector_step(__u32 slot, __u32 index, __u32 step)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 at, done, size;
	__u64 from;
	struct {
		__u64 base, size;
	} vector = {};

	if (!s)
		return -1;
	from = s->hash[2] + step * sizeof(vector);
	if (bpf_probe_read_user(&vector, sizeof(vector), (void *)from) &&
	    bpf_probe_read_kernel(&vector, sizeof(vector), (void *)from))
		return -1;
	s->hash[1] += vector.size;
	done = s->hash[0];
	if (done >= BUFFER_INLINE_BYTES)
		return 0;
	size = BUFFER_INLINE_BYTES - done;
	if (vector.size < size)
		size = vector.size;
	at = s->at[index & (HOOK_ARGUMENTS_MAX - 1)] + done;
	if (size == 0 || at > HOOK_DATA_BYTES + BUFFER_INLINE_BYTES)
		return 0;
	if (copy_bounded(s->data + at, size, BUFFER_INLINE_BYTES, (void *)vector.base, 1))
		return -1;
	s->hash[0] = done + size;
	return 0;
}

/* Copies what the vectors at s->hash[2] point to, one after the other. */
__noinline int vector_copy(__u32 slot, __u32 index, __u64 count)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	struct buffer_value *to;
	__u32 done, i;

	if (!s)
		return -1;
	to = value_begin(s, index, type, sizeof(*to));
	if (!to)
		return 0;
	s->hash[0] = 0;
	s->hash[1] = 0;
	for (i = 0; i < IOVEC_MAX; i++) {
		if (i >= count)
			break;
		if (vector_step(slot, index, i))
			return -1;
	}
	to->total = s->hash[1];
	to->data_id = 0;
	done = s->hash[0];
	if (done > BUFFER_INLINE_BYTES)
		return -1;
	value_end(s, index, sizeof(*to), done, done < s->hash[1] ? HOOK_VALUE_TRUNCATED : 0);
	return 0;
}

__noinline int argument_iovec(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_argument *a = &hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)];
	__u64 count = 0;

	if (!s)
		return -1;
	if (a->size_argument)
		count = s->parameters[(a->size_argument - 1) & 7];
	s->hash[2] = s->value;
	return vector_copy(slot, index, count);
}

/* 5.14 (8cd54c1c8480) made `iter_type` of `type`; 6.0 (fcb14cb1bdac) added ITER_UBUF; 6.4 (747b1f65d39a) renamed iov. */
struct iov_iter___5_10 {
	unsigned int type;
	const struct iovec *iov;
} __attribute__((preserve_access_index));

struct iov_iter___6_0 {
	__u8 iter_type;
	const struct iovec *iov;
	void *ubuf;
} __attribute__((preserve_access_index));

struct iov_iter___6_4 {
	const struct iovec *__iov;
} __attribute__((preserve_access_index));

enum iter_type___6_0 {
	ITER_UBUF___6_0 = 0,
	ITER_IOVEC___6_0 = 1,
};

__noinline int argument_iov_iter(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct buffer_value *to;
	struct iov_iter *iter;
	struct iov_iter___6_0 *newer;
	const void *vectors = 0;
	__u64 count, size;

	if (!s)
		return -1;
	iter = (struct iov_iter *)s->value;
	newer = (struct iov_iter___6_0 *)s->value;
	count = BPF_CORE_READ(iter, count);
	if (bpf_core_field_exists(newer->ubuf) &&
	    BPF_CORE_READ(newer, iter_type) == bpf_core_enum_value(enum iter_type___6_0, ITER_UBUF___6_0)) {
		to = value_begin(s, index, ARGUMENT_TYPE_IOV_ITER, sizeof(*to));
		if (!to)
			return 0;
		to->total = count;
		to->data_id = 0;
		size = count < BUFFER_INLINE_BYTES ? count : BUFFER_INLINE_BYTES;
		if (size && copy_bounded(to + 1, size, BUFFER_INLINE_BYTES,
					 (void *)BPF_CORE_READ(newer, ubuf) + BPF_CORE_READ(iter, iov_offset), 1))
			return -1;
		value_end(s, index, sizeof(*to), size, size < count ? HOOK_VALUE_TRUNCATED : 0);
		return 0;
	}
	if (bpf_core_field_exists(((struct iov_iter___6_4 *)iter)->__iov))
		vectors = BPF_CORE_READ((struct iov_iter___6_4 *)iter, __iov);
	else if (bpf_core_field_exists(newer->iov))
		vectors = BPF_CORE_READ(newer, iov);
	s->hash[2] = (__u64)vectors;
	return vector_copy(slot, index, BPF_CORE_READ(iter, nr_segs));
}

/* Bytes of a tracepoint's record. */
__noinline int argument_const_buf(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 size = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].size;
	void *to;

	if (!s)
		return -1;
	to = value_begin(s, index, ARGUMENT_TYPE_CONST_BUF, 0);
	if (!to)
		return 0;
	if (size > BUFFER_INLINE_BYTES)
		size = BUFFER_INLINE_BYTES;
	if (copy_bounded(to, size, BUFFER_INLINE_BYTES, (void *)s->value, 0))
		return -1;
	value_end(s, index, 0, size, 0);
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
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = (__u64)to->id | (to->compat ? 0x80000000ULL : 0);
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
