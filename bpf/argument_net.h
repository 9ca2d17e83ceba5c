/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Readers of arguments that belong to the network: sockets, packets, addresses, devices. */
#ifndef THUMP_ARGUMENT_NET_H
#define THUMP_ARGUMENT_NET_H

#include "hook.h"

#define ADDRESS_FAMILY_UNIX 1
#define ADDRESS_FAMILY_INET 2
#define ADDRESS_FAMILY_INET6 10
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

/* 5.6 (bf9765145b85) made sk_type and sk_protocol whole fields; the floor is 5.10, so they are. */
__noinline int argument_sock(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 type = hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)].type;
	struct sock_value *to;
	struct socket *socket;
	struct sock *sk;

	if (!s)
		return -1;
	sk = (struct sock *)s->value;
	if (type == ARGUMENT_TYPE_SOCKET) {
		socket = (struct socket *)s->value;
		sk = BPF_CORE_READ(socket, sk);
	}
	to = value_begin(s, index, type, sizeof(*to));
	if (!to)
		return 0;
	__builtin_memset(to, 0, sizeof(*to));
	to->cookie = (__u64)sk;
	if (bpf_probe_read_kernel(&to->family, sizeof(to->family), &sk->__sk_common.skc_family)) {
		to->family = 0;
		if (sk)
			return -1;
	}
	to->type = BPF_CORE_READ(sk, sk_type);
	to->protocol = BPF_CORE_READ(sk, sk_protocol);
	to->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	to->mark = BPF_CORE_READ(sk, sk_mark);
	to->priority = BPF_CORE_READ(sk, sk_priority);
	if (to->family == ADDRESS_FAMILY_INET) {
		bpf_probe_read_kernel(to->source, 4, &sk->__sk_common.skc_rcv_saddr);
		bpf_probe_read_kernel(to->destination, 4, &sk->__sk_common.skc_daddr);
	} else if (to->family == ADDRESS_FAMILY_INET6) {
		bpf_probe_read_kernel(to->source, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(to->destination, 16, &sk->__sk_common.skc_v6_daddr);
	}
	to->source_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	to->destination_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	value_end(s, index, sizeof(*to), 0, sk ? 0 : HOOK_VALUE_EMPTY);
	return 0;
}

__noinline int argument_skb(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct skb_value *to;
	struct sk_buff *skb;
	unsigned char *head, *network, *transport;
	struct {
		__u8 version;
		__u8 tos;
		__u16 length;
		__u32 fragment;
		__u8 ttl;
		__u8 protocol;
		__u16 check;
		__u8 source[4];
		__u8 destination[4];
	} four = {};
	struct {
		__u8 first[6];
		__u8 next;
		__u8 hops;
		__u8 source[16];
		__u8 destination[16];
	} six = {};
	__u16 ports[2] = {};
	__u32 header = 0;

	if (!s)
		return -1;
	skb = (struct sk_buff *)s->value;
	to = value_begin(s, index, ARGUMENT_TYPE_SKB, sizeof(*to));
	if (!to)
		return 0;
	__builtin_memset(to, 0, sizeof(*to));
	to->hash = BPF_CORE_READ(skb, hash);
	to->length = BPF_CORE_READ(skb, len);
	to->priority = BPF_CORE_READ(skb, priority);
	to->mark = BPF_CORE_READ(skb, mark);
	head = BPF_CORE_READ(skb, head);
	network = head + BPF_CORE_READ(skb, network_header);
	if (bpf_probe_read_kernel(&four, sizeof(four), network))
		return -1;
	if (four.version >> 4 == 4) {
		to->family = ADDRESS_FAMILY_INET;
		to->protocol = four.protocol;
		header = (four.version & 15) * 4;
		__builtin_memcpy(to->source, four.source, 4);
		__builtin_memcpy(to->destination, four.destination, 4);
	} else if (four.version >> 4 == 6) {
		bpf_probe_read_kernel(&six, sizeof(six), network);
		to->family = ADDRESS_FAMILY_INET6;
		to->protocol = six.next;
		header = sizeof(six);
		__builtin_memcpy(to->source, six.source, 16);
		__builtin_memcpy(to->destination, six.destination, 16);
	}
	if (to->protocol == PROTOCOL_TCP || to->protocol == PROTOCOL_UDP) {
		transport = head + BPF_CORE_READ(skb, transport_header);
		if (transport <= network)
			transport = network + header;
		bpf_probe_read_kernel(ports, sizeof(ports), transport);
		to->source_port = __builtin_bswap16(ports[0]);
		to->destination_port = __builtin_bswap16(ports[1]);
	}
	value_end(s, index, sizeof(*to), 0, 0);
	return 0;
}

/* struct sockaddr of any family; in kernel memory for security_*, in the user's for system calls. */
__noinline int argument_sockaddr(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	const volatile struct hook_argument *a = &hook.arguments[index & (HOOK_ARGUMENTS_MAX - 1)];
	struct sockaddr_value *to;
	struct {
		__u16 family;
		__u16 port;
		__u32 four;
		__u8 six[16];
		__u32 scope;
	} from = {};
	__u32 user = a->flags & ARGUMENT_FLAG_USER, size = 0, length;

	if (!s)
		return -1;
	to = value_begin(s, index, a->type, sizeof(*to));
	if (!to)
		return 0;
	__builtin_memset(to, 0, sizeof(*to));
	/* The shortest address is the family alone: read what is surely there first. Some functions have the caller's pointer. */
	if (!user)
		user = bpf_probe_read_kernel(&from, 2, (void *)s->value) != 0;
	if (user && bpf_probe_read_user(&from, 2, (void *)s->value))
		return -1;
	to->family = from.family;
	if (from.family == ADDRESS_FAMILY_INET || from.family == ADDRESS_FAMILY_INET6) {
		if (user)
			bpf_probe_read_user(&from, sizeof(from), (void *)s->value);
		else
			bpf_probe_read_kernel(&from, sizeof(from), (void *)s->value);
		to->port = __builtin_bswap16(from.port);
		if (from.family == ADDRESS_FAMILY_INET)
			__builtin_memcpy(to->address, &from.four, 4);
		else
			__builtin_memcpy(to->address, from.six, 16);
	} else if (from.family == ADDRESS_FAMILY_UNIX) {
		size = 108;
		if (user ? bpf_probe_read_user(to + 1, 108, (void *)s->value + 2) :
			   bpf_probe_read_kernel(to + 1, 108, (void *)s->value + 2))
			return -1;
		/* The address length bounds an abstract name, the first NUL a path. */
		if (a->size_argument) {
			size = s->parameters[(a->size_argument - 1) & 7];
			size = size > 2 ? size - 2 : 0;
			if (size > 108)
				size = 108;
		}
		if (*(__u8 *)(to + 1)) {
			length = bpf_probe_read_kernel_str(s->bytes, 109, to + 1) - 1;
			if (length < size)
				size = length;
		}
		to->size = size;
	}
	value_end(s, index, sizeof(*to), size, 0);
	return 0;
}

__noinline int argument_net_device(__u32 slot, __u32 index)
{
	struct hook_scratch *s = scratch_of(slot);
	struct net_device *device;
	__s64 size;
	void *to;

	if (!s)
		return -1;
	device = (struct net_device *)s->value;
	to = value_begin(s, index, ARGUMENT_TYPE_NET_DEVICE, 0);
	if (!to)
		return 0;
	size = bpf_probe_read_kernel_str(to, 16, &device->name);
	if (size < 1 || size > 16)
		return -1;
	value_end(s, index, 0, size - 1, 0);
	return 0;
}

#endif
