/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* SipHash-1-3 with 128 bits of output, between strings and the maps keyed by them: a key of fixed size for any length,
 * that nobody can craft a collision for without the key. src/sensor/hash.ts computes the same. */
#ifndef THUMP_HASH_H
#define THUMP_HASH_H

/* Chosen at random by each agent, so it is not known outside; kept with pinned maps. */
const volatile __u64 hash_key[2] SEC(".rodata.hash") = {};

struct hash_state {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 hash_rotate(__u64 value, __u32 bits)
{
	return value << bits | value >> (64 - bits);
}

static __always_inline void hash_round(struct hash_state *h)
{
	h->v0 += h->v1;
	h->v1 = hash_rotate(h->v1, 13) ^ h->v0;
	h->v0 = hash_rotate(h->v0, 32);
	h->v2 += h->v3;
	h->v3 = hash_rotate(h->v3, 16) ^ h->v2;
	h->v0 += h->v3;
	h->v3 = hash_rotate(h->v3, 21) ^ h->v0;
	h->v2 += h->v1;
	h->v1 = hash_rotate(h->v1, 17) ^ h->v2;
	h->v2 = hash_rotate(h->v2, 32);
}

static __always_inline void hash_begin(struct hash_state *h)
{
	h->v0 = hash_key[0] ^ 0x736f6d6570736575ULL;
	h->v1 = hash_key[1] ^ 0x646f72616e646f6dULL ^ 0xee;
	h->v2 = hash_key[0] ^ 0x6c7967656e657261ULL;
	h->v3 = hash_key[1] ^ 0x7465646279746573ULL;
}

static __always_inline void hash_word(struct hash_state *h, __u64 word)
{
	h->v3 ^= word;
	hash_round(h);
	h->v0 ^= word;
}

/* `tail`: the last size % 8 bytes, zeroes above them. */
static __always_inline void hash_end(struct hash_state *h, __u64 tail, __u32 size, __u64 out[2])
{
	hash_word(h, tail | (__u64)size << 56);
	h->v2 ^= 0xee;
	hash_round(h);
	hash_round(h);
	hash_round(h);
	out[0] = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
	h->v1 ^= 0xdd;
	hash_round(h);
	hash_round(h);
	hash_round(h);
	out[1] = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
}

#endif
