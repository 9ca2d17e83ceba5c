/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Arguments that are bytes: counted buffers, vectors of them, iterators over them, records of tracepoints. */
#ifndef THUMP_ARGUMENT_BUFFER_H
#define THUMP_ARGUMENT_BUFFER_H

#include "argument_fetch.h"

#define IOVEC_MAX 32

/* What the argument that size_argument names says: a parameter, in tracepoints the field at steps[0]. */
static __always_inline __u64 counted(struct hook_scratch *s, const volatile struct hook_argument *a)
{
	__u32 size = a->steps[0].deref;
	__u64 count = 0;

	if (a->source != ARGUMENT_SOURCE_FIELD)
		return s->parameters[(a->size_argument - 1) & 7];
	if (size > 8)
		size = 8;
	if (bpf_probe_read_kernel(&count, size, (void *)(s->context + a->steps[0].offset)))
		return 0;
	return count;
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
		total = counted(s, a);
	to = value_begin(s, index, a->type, sizeof(*to));
	if (!to)
		return 0;
	to->total = total;
	to->data_id = 0;
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = s->value;
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

/* Appends what one struct iovec points to. s->hash: bytes so far, total, the vectors, and how much they hold at most. */
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
	if (vector.size > s->hash[3] - s->hash[1])
		vector.size = s->hash[3] - s->hash[1];
	s->hash[1] += vector.size;
	/* Of one vector the whole can be sent, of several what fits in here. */
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = step == 0 ? vector.base : 0;
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

/* Copies what the vectors at s->hash[2] point to, one after the other, and of them s->hash[3] bytes at most. */
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
	s->number[index & (HOOK_ARGUMENTS_MAX - 1)] = 0;
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
		count = counted(s, a);
	s->hash[2] = s->value;
	s->hash[3] = ~0ULL;
	if (a->flags & ARGUMENT_FLAG_RETURN_COPY)
		s->hash[3] = (__s64)s->result < 0 ? 0 : s->result;
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

/* Over memory of a program? Else over the kernel's own or over pages, which are not read. */
static __always_inline int iter_is_vectors(struct iov_iter *iter)
{
	struct iov_iter___5_10 *older = (void *)iter;
	struct iov_iter___6_0 *newer = (void *)iter;
	__u32 wanted = bpf_core_enum_value(enum iter_type___6_0, ITER_IOVEC___6_0);

	if (bpf_core_field_exists(newer->iter_type))
		return BPF_CORE_READ(newer, iter_type) == wanted;
	/* Its lowest bit is the direction. */
	return (BPF_CORE_READ(older, type) & ~1U) == wanted;
}

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
		s->number[index & (HOOK_ARGUMENTS_MAX - 1)] =
			(__u64)BPF_CORE_READ(newer, ubuf) + BPF_CORE_READ(iter, iov_offset);
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
	s->hash[3] = ~0ULL;
	return vector_copy(slot, index, iter_is_vectors(iter) ? BPF_CORE_READ(iter, nr_segs) : 0);
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

#endif
