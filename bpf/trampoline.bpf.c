/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hooks on kernel functions through trampolines: fentry, fexit, fmod_ret. Attach targets are set by the loader. */
#include "kernel.h"
#include "map.h"
#include "hook_run.h"
#include "alone.h"

static __always_inline void trampoline_parameters(void *ctx, struct hook_scratch *s, __u32 slot)
{
	if (hook.flags & HOOK_FLAG_SYSCALL) {
		s->parameters[0] = CTX_WORD(ctx, 0);
		syscall_parameters(slot);
	} else {
		CTX_PARAMETERS(s, ctx);
	}
}

static __always_inline __u64 trampoline_result(void *ctx)
{
	switch (hook.result_index) {
	case 0:
		return CTX_WORD(ctx, 0);
	case 1:
		return CTX_WORD(ctx, 1);
	case 2:
		return CTX_WORD(ctx, 2);
	case 3:
		return CTX_WORD(ctx, 3);
	case 4:
		return CTX_WORD(ctx, 4);
	case 5:
		return CTX_WORD(ctx, 5);
	case 6:
		return CTX_WORD(ctx, 6);
	}
	return 0;
}

static __always_inline int trampoline_entry(void *ctx)
{
	__u32 slot = hook_begin(ctx);
	struct hook_scratch *s = scratch_of(slot);
	int error;

	if (!s)
		return 0;
	trampoline_parameters(ctx, s, slot);
	error = hook_end(ctx, slot, hook_entry(slot));
	scratch_release(slot);
	return error;
}

static __always_inline void trampoline_exit(void *ctx)
{
	__u32 slot = hook_begin_return(ctx);
	struct hook_scratch *s = scratch_of(slot);
	int verdict;

	if (!s)
		return;
	s->result = trampoline_result(ctx);
	if (hook.flags & HOOK_FLAG_RETURN_ONLY) {
		trampoline_parameters(ctx, s, slot);
		verdict = hook_entry(slot);
	} else {
		verdict = hook_return(slot);
	}
	hook_end(ctx, slot, verdict);
	scratch_release(slot);
}

SEC("fentry")
int hook_fentry(void *ctx)
{
	VERSION_JUMP(ctx);
	alone_begin();
	trampoline_entry(ctx);
	alone_end();
	return 0;
}

SEC("fexit")
int hook_fexit(void *ctx)
{
	VERSION_JUMP_AT_RETURN(ctx);
	alone_begin();
	trampoline_exit(ctx);
	alone_end();
	return 0;
}

/* `long`, because the function may return one: an int's upper half would be 0, and the caller of a system call see no error. */
SEC("fmod_ret")
long hook_fmod_ret(void *ctx)
{
	int error;

	VERSION_JUMP(ctx);
	alone_begin();
	error = trampoline_entry(ctx);
	alone_end();
	return error;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
