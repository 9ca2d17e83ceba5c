/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on functions and static probes of user programs. */
#include "kernel.h"
#include "map.h"
#include "hook_run.h"

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

SEC("uretprobe")
int hook_uretprobe(struct pt_regs *ctx)
{
	__u32 slot;
	struct hook_scratch *s;
	int verdict;

	VERSION_JUMP_AT_RETURN(ctx);
	slot = hook_begin_return(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	register_parameters(slot);
	s->function = hook.flags & HOOK_FLAG_COOKIE ? bpf_get_attach_cookie(ctx) : 0;
	if (hook.flags & HOOK_FLAG_RETURN_ONLY)
		verdict = hook_entry(slot);
	else
		verdict = hook_return(slot);
	hook_end(ctx, slot, verdict);
	scratch_release(slot);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
