/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on tracepoints: classic ones, whose record has fields at offsets, and raw ones with the kernel's arguments. */
#include "kernel.h"
#include "map.h"
#include "hook_run.h"

SEC("tp")
int hook_tracepoint(void *ctx)
{
	__u32 slot;
	struct hook_scratch *s;

	VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	return 0;
}

SEC("raw_tp")
int hook_raw_tp(void *ctx)
{
	__u32 slot;
	struct hook_scratch *s;

	VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	CTX_PARAMETERS(s, ctx);
	hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
