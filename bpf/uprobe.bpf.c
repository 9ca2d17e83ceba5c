/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on functions and static probes of user programs. */
#include "kernel.h"
#include "map.h"
#include "return_probe.h"

SEC("uprobe")
int hook_uprobe(struct pt_regs *ctx)
{
	__u32 slot;
	struct hook_scratch *s;

	VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	register_parameters(slot);
	s->function = hook.flags & HOOK_FLAG_COOKIE ? bpf_get_attach_cookie(ctx) : 0;
	hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	return 0;
}

/* A static probe with Set: writes before the event goes, so that it says whether that worked. */
SEC("uprobe")
int hook_uprobe_set(struct pt_regs *ctx)
{
	__u32 slot;
	struct hook_scratch *s;
	int verdict;

	VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	register_parameters(slot);
	s->function = hook.flags & HOOK_FLAG_COOKIE ? bpf_get_attach_cookie(ctx) : 0;
	verdict = hook_entry(slot);
	if (verdict & HOOK_VERDICT_WRITE)
		memory_write(s);
	hook_end(ctx, slot, verdict);
	scratch_release(slot);
	return 0;
}

/* Stores to ctx at constant offsets, which is what the verifier allows. */
#define CTX_STORE(s, ctx, index)                                                                                       \
	do {                                                                                                           \
		if (hook.register_mask & (1U << (index)))                                                              \
			asm volatile("*(u64 *)(%0 + %1) = %2"                                                          \
				     :                                                                                         \
				     : "r"(ctx), "i"((index) * 8), "r"((s)->registers[index])                                  \
				     : "memory");                                                                              \
	} while (0)

/* Override: the function is left with other registers, or gone on with elsewhere. From 6.18 on (commit 7384893d970e);
 * without a jump, because such programs cannot be in a map of programs together with others. */
SEC("uprobe")
int hook_uprobe_write(struct pt_regs *ctx)
{
	__u32 slot;
	struct hook_scratch *s;
	int verdict;

	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	register_parameters(slot);
	s->function = hook.flags & HOOK_FLAG_COOKIE ? bpf_get_attach_cookie(ctx) : 0;
	verdict = hook_entry(slot);
	hook_end(ctx, slot, verdict);
	if (verdict & HOOK_VERDICT_OVERRIDE) {
		CTX_STORE(s, ctx, 0);
		CTX_STORE(s, ctx, 1);
		CTX_STORE(s, ctx, 2);
		CTX_STORE(s, ctx, 3);
		CTX_STORE(s, ctx, 4);
		CTX_STORE(s, ctx, 5);
		CTX_STORE(s, ctx, 6);
		CTX_STORE(s, ctx, 7);
		CTX_STORE(s, ctx, 8);
		CTX_STORE(s, ctx, 9);
		CTX_STORE(s, ctx, 10);
		CTX_STORE(s, ctx, 11);
		CTX_STORE(s, ctx, 12);
		CTX_STORE(s, ctx, 13);
		CTX_STORE(s, ctx, 14);
		CTX_STORE(s, ctx, 16);
		CTX_STORE(s, ctx, 19);
	}
	scratch_release(slot);
	return 0;
}

SEC("uretprobe")
int hook_uretprobe(struct pt_regs *ctx)
{
	return return_probe(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
