/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on kernel functions through kprobes, where there is no trampoline for them, or many functions at once. */
#include "kernel.h"
#include "map.h"
#include "return_probe.h"

static __always_inline int kprobe_entry(struct pt_regs *ctx)
{
	__u32 slot;
	struct hook_scratch *s;
	int error, verdict;

	/* The kernel lets no program that overrides results into a map of programs, nor use one. */
	if (!(hook.flags & HOOK_FLAG_CAN_REFUSE))
		VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	register_parameters(slot);
	if (hook.flags & HOOK_FLAG_SYSCALL)
		syscall_parameters(slot);
	s->function = hook.flags & HOOK_FLAG_COOKIE ? bpf_get_attach_cookie(ctx) : 0;
	verdict = hook_entry(slot);
	error = hook_end(ctx, slot, verdict);
	scratch_release(slot);
	if (hook.flags & HOOK_FLAG_CAN_REFUSE && verdict & HOOK_VERDICT_OVERRIDE)
		bpf_override_return(ctx, error);
	return 0;
}

SEC("kprobe")
int hook_kprobe(struct pt_regs *ctx)
{
	return kprobe_entry(ctx);
}

SEC("kretprobe")
int hook_kretprobe(struct pt_regs *ctx)
{
	return return_probe(ctx);
}

SEC("kprobe.multi")
int hook_kprobe_multi(struct pt_regs *ctx)
{
	return kprobe_entry(ctx);
}

SEC("kretprobe.multi")
int hook_kretprobe_multi(struct pt_regs *ctx)
{
	return return_probe(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
