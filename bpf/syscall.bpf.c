/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on system calls through the raw tracepoints that every call passes, where nothing better exists. */
#include "kernel.h"
#include "map.h"
#include "hook_run.h"

/* The number of the call, with SYSCALL_COMPAT_BIT where it is a 32 bit one; ~0 where that cannot be the hook's. */
static __always_inline __u64 syscall_id(__u64 number)
{
	if (!task_is_compat())
		return number;
	return hook.flags & HOOK_FLAG_COMPAT ? number | SYSCALL_COMPAT_BIT : ~0ULL;
}

/* Is it a call that the hook is for? A version that takes over is for the same calls. */
static __always_inline int syscall_wanted(__u64 id)
{
	struct value_key key = {};

	if (!hook.syscall_set)
		return id == hook.syscall_id;
	key.value = id;
	key.set = hook.syscall_set;
	return bpf_map_lookup_elem(&values, &key) != 0;
}

SEC("raw_tp/sys_enter")
int hook_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct hook_scratch *s;
	__u64 id = syscall_id(ctx->args[1]);
	__u32 slot;

	if (!syscall_wanted(id))
		return 0;
	VERSION_JUMP(ctx);
	slot = hook_begin(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	s->function = id;
	s->parameters[0] = ctx->args[0];
	syscall_parameters(slot);
	hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	return 0;
}

SEC("raw_tp/sys_exit")
int hook_sys_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	struct hook_scratch *s;
	__u64 id = syscall_id(BPF_CORE_READ(regs, orig_ax));
	__u32 slot;
	int verdict;

	if (!syscall_wanted(id))
		return 0;
	VERSION_JUMP_AT_RETURN(ctx);
	slot = hook_begin_return(ctx);
	s = scratch_of(slot);
	if (!s)
		return 0;
	s->function = id;
	s->result = ctx->args[1];
	if (hook.flags & HOOK_FLAG_RETURN_ONLY) {
		s->parameters[0] = (__u64)regs;
		syscall_parameters(slot);
		verdict = hook_entry(slot);
	} else {
		verdict = hook_return(slot);
	}
	hook_end(ctx, slot, verdict);
	scratch_release(slot);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
