/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Filters on arguments that are numbers or socket addresses. Each function answers the positive question. */
#ifndef THUMP_SELECTOR_VALUE_H
#define THUMP_SELECTOR_VALUE_H

#include "hook.h"

/* Sets of all policies. User space adds a set under a number never used before and removes it after the last hook. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct value_key);
	__type(value, __u8);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct range_key);
	__type(value, __u8);
} ranges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct address_key);
	__type(value, __u8);
} addresses SEC(".maps");

static __always_inline int in_values(struct hook_scratch *s, __u32 set, __u64 value)
{
	s->key.value.value = value;
	s->key.value.set = set;
	s->key.value.pad = 0;
	return bpf_map_lookup_elem(&values, &s->key.value) != 0;
}

static __always_inline int in_ranges(struct hook_scratch *s, __u32 set, __u64 value)
{
	s->key.range.prefix_bits = 96;
	s->key.range.set = __builtin_bswap32(set);
	value = __builtin_bswap64(value);
	__builtin_memcpy(s->key.range.bytes, &value, 8);
	return bpf_map_lookup_elem(&ranges, &s->key.range) != 0;
}

static __always_inline int type_is_signed(__u32 type)
{
	return type == ARGUMENT_TYPE_INT8 || type == ARGUMENT_TYPE_INT16 || type == ARGUMENT_TYPE_INT32 ||
	       type == ARGUMENT_TYPE_INT64;
}

static __always_inline int value_matches(__u32 operator, __u64 value, __u64 wanted, int is_signed)
{
	switch (operator) {
	case FILTER_OPERATOR_GREATER:
		return is_signed ? (__s64)value > (__s64)wanted : value > wanted;
	case FILTER_OPERATOR_LESS:
		return is_signed ? (__s64)value < (__s64)wanted : value < wanted;
	case FILTER_OPERATOR_MASK:
		return (value & wanted) != 0;
	}
	return value == wanted;
}

/* `value` against the inline values or the set of filter `f`. */
static __always_inline int filter_value(struct hook_scratch *s, const volatile struct hook_filter *f, __u64 value,
					int is_signed)
{
	__u32 i, operator = f->operator, count = f->value_count;
	__u64 low, high;

	if (operator == FILTER_OPERATOR_VALUES || f->flags & FILTER_FLAG_SET)
		return in_values(s, f->set, value);
	if (operator == FILTER_OPERATOR_RANGES)
		return in_ranges(s, f->set, value);
	if (operator == FILTER_OPERATOR_RANGE) {
		for (i = 0; i + 1 < FILTER_VALUES_MAX; i += 2) {
			if (i >= count)
				break;
			low = f->values[i];
			high = f->values[i + 1];
			if (is_signed ? (__s64)value >= (__s64)low && (__s64)value <= (__s64)high :
					value >= low && value <= high)
				return 1;
		}
		return 0;
	}
	for (i = 0; i < FILTER_VALUES_MAX; i++) {
		if (i >= count)
			break;
		if (value_matches(operator, value, f->values[i], is_signed))
			return 1;
	}
	return 0;
}

__noinline int filter_number(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	__u32 argument;

	if (!s)
		return 0;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	argument = f->argument & (HOOK_ARGUMENTS_MAX - 1);
	return filter_value(s, f, s->number[argument], type_is_signed(hook.arguments[argument].type));
}

__noinline int filter_capabilities_gained(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;

	if (!s)
		return 0;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	return (s->number[f->argument_new & (HOOK_ARGUMENTS_MAX - 1)] &
		~s->number[f->argument & (HOOK_ARGUMENTS_MAX - 1)]) != 0;
}

__noinline int filter_file_type(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	__u32 i, kind;

	if (!s)
		return 0;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	kind = (s->number[f->argument & (HOOK_ARGUMENTS_MAX - 1)] & 0xf000) >> 12;
	for (i = 0; i < FILTER_VALUES_MAX; i++) {
		if (i >= f->value_count)
			break;
		if (f->values[i] == kind)
			return 1;
	}
	return 0;
}

/* The same words of sock, skb and sockaddr values. */
struct address_view {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u16 family;
	__u16 protocol;
	__u32 state;
};

static __always_inline int address_view(struct hook_scratch *s, __u32 argument, struct address_view *v)
{
	__u32 at = s->at[argument & (HOOK_ARGUMENTS_MAX - 1)], type;
	struct sock_value *sock;
	struct skb_value *skb;
	struct sockaddr_value *address;

	type = hook.arguments[argument & (HOOK_ARGUMENTS_MAX - 1)].type;
	if (type == ARGUMENT_TYPE_SKB) {
		at -= sizeof(*skb);
		if (at > HOOK_DATA_BYTES)
			return 0;
		skb = (struct skb_value *)(s->data + at);
		__builtin_memcpy(v->source, skb->source, 32);
		v->source_port = skb->source_port;
		v->destination_port = skb->destination_port;
		v->family = skb->family;
		v->protocol = skb->protocol;
		v->state = 0;
		return 1;
	}
	if (type == ARGUMENT_TYPE_SOCKADDR || type == ARGUMENT_TYPE_SOCKADDR_UN) {
		at -= sizeof(*address);
		if (at > HOOK_DATA_BYTES)
			return 0;
		address = (struct sockaddr_value *)(s->data + at);
		/* The address of a sockaddr is asked for as source, and as destination by those who think of connect. */
		__builtin_memcpy(v->source, address->address, 16);
		__builtin_memcpy(v->destination, address->address, 16);
		v->source_port = address->port;
		v->destination_port = address->port;
		v->family = address->family;
		v->protocol = 0;
		v->state = 0;
		return 1;
	}
	at -= sizeof(*sock);
	if (at > HOOK_DATA_BYTES)
		return 0;
	sock = (struct sock_value *)(s->data + at);
	__builtin_memcpy(v->source, sock->source, 32);
	v->source_port = sock->source_port;
	v->destination_port = sock->destination_port;
	v->family = sock->family;
	v->protocol = sock->protocol;
	v->state = sock->state;
	return 1;
}

/* An IPv4 address in an IPv6 socket (::ffff:a.b.c.d) is both. */
static __always_inline int in_addresses(struct hook_scratch *s, __u32 set, const struct address_view *v,
					const __u8 *address)
{
	struct address_key *key = &s->key.address;
	int mapped = 1;

	key->prefix_bits = 32 + 128;
	if (v->family == 10) {
		__builtin_memcpy(key->bytes, address, 16);
		key->set = __builtin_bswap32(set | ADDRESS_SET_IPV6);
		if (bpf_map_lookup_elem(&addresses, key))
			return 1;
		for (int i = 0; i < 10; i++)
			mapped &= key->bytes[i] == 0;
		if (!mapped || key->bytes[10] != 0xff || key->bytes[11] != 0xff)
			return 0;
	} else {
		__builtin_memset(key->bytes, 0, 10);
		key->bytes[10] = 0xff;
		key->bytes[11] = 0xff;
		__builtin_memcpy(key->bytes + 12, address, 4);
	}
	key->set = __builtin_bswap32(set | ADDRESS_SET_IPV4);
	return bpf_map_lookup_elem(&addresses, key) != 0;
}

/* Addresses, ports, protocol, family and state. An address of another family than IP is in no set, but a port or
 * address question about it has no answer, so the negative form does not match either: -1. */
__noinline int filter_address(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_filter *f;
	struct address_view v;
	__u32 operator;
	__u64 number;
	int is_ip;

	if (!s)
		return 0;
	f = &hook.filters[index & (HOOK_FILTERS_MAX - 1)];
	if (!address_view(s, f->argument, &v))
		return -1;
	operator = f->operator;
	is_ip = v.family == 2 || v.family == 10;
	switch (operator) {
	case FILTER_OPERATOR_PROTOCOL:
		number = v.protocol;
		break;
	case FILTER_OPERATOR_FAMILY:
		number = v.family;
		break;
	case FILTER_OPERATOR_STATE:
		number = v.state;
		break;
	/* What has no port has port 0, as in Tetragon: it is privileged, and other than any that is listed. */
	case FILTER_OPERATOR_SOURCE_PORT:
		number = v.source_port;
		break;
	case FILTER_OPERATOR_DESTINATION_PORT:
		number = v.destination_port;
		break;
	default:
		if (!is_ip)
			return -1;
		return in_addresses(s, f->set, &v, operator == FILTER_OPERATOR_SOURCE_ADDRESS ? v.source : v.destination);
	}
	if (f->flags & FILTER_FLAG_SET)
		return in_ranges(s, f->set, number);
	for (__u32 i = 0; i + 1 < FILTER_VALUES_MAX; i += 2) {
		if (i >= f->value_count)
			break;
		if (number >= f->values[i] && number <= f->values[i + 1])
			return 1;
	}
	return 0;
}

#endif
