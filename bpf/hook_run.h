/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The steps of a hook in order: is the policy on, does the process match, read and filter argument by argument, act,
 * post or keep for the return half. Families differ only in how they fill parameters and result. */
#ifndef THUMP_HOOK_RUN_H
#define THUMP_HOOK_RUN_H

#include "hook.h"
#include "argument.h"
#include "selector.h"
#include "action.h"
#include "hook_output.h"

/* Always 0, which the verifier must not know: a tail call with a constant index becomes a jump in the program's text that
 * the kernel patches at each change, by int3 while it is being run. That is a halt of all CPUs per change, and the emulators
 * of our tests broke there ("int3: 0000"), once in some fifty changes under load. */
__u32 version_index SEC(".bss.version");

/* Goes to the present version, if that is another program. */
#define VERSION_JUMP(ctx) bpf_tail_call(ctx, &hook_versions, *(volatile __u32 *)&version_index)

/* Return halves that go on with a kept record are attached once per version: each knows its own records. */
#define VERSION_JUMP_AT_RETURN(ctx)                                                                                    \
	do {                                                                                                           \
		if (hook.flags & HOOK_FLAG_RETURN_ONLY)                                                                \
			bpf_tail_call(ctx, &hook_return_versions, *(volatile __u32 *)&version_index);                  \
	} while (0)

/* Claims scratch for this run; HOOK_SCRATCH_LEVELS when the policy is off or no scratch is free. What began while it was
 * on is finished (`resumes`), so that a call which is under way when its policy changes is neither lost nor halved. */
static __always_inline __u32 hook_claim(void *ctx, __u32 resumes)
{
	struct hook_counters *counters;
	struct hook_scratch *s;
	__u32 slot, state = policy_state_bits();

	if (!resumes && !(state & POLICY_STATE_ENABLED))
		return HOOK_SCRATCH_LEVELS;
	slot = scratch_claim();
	s = scratch_of(slot);
	counters = hook_counter(0);
	if (!s) {
		if (counters)
			counters->scratch_lost++;
		return HOOK_SCRATCH_LEVELS;
	}
	if (counters && !resumes)
		counters->hits++;
	s->context = (__u64)ctx;
	s->state = state;
	return slot;
}

static __always_inline __u32 hook_begin(void *ctx)
{
	return hook_claim(ctx, 0);
}

static __always_inline __u32 hook_begin_return(void *ctx)
{
	return hook_claim(ctx, !(hook.flags & HOOK_FLAG_RETURN_ONLY));
}

/* The first selector left decides. It is counted when nothing can change that any more (`final`). */
static __always_inline void select_first(struct hook_scratch *s, __u32 final)
{
	__u32 i, selector = HOOK_SELECTOR_NONE;
	struct hook_counters *counters;

	for (i = 0; i < HOOK_SELECTORS_MAX; i++) {
		if (i >= hook.selector_count)
			break;
		if (s->alive & (1U << i)) {
			selector = i;
			break;
		}
	}
	s->event.selector = selector;
	if (!final || selector == HOOK_SELECTOR_NONE)
		return;
	counters = hook_counter(selector + 1);
	if (counters)
		counters->hits++;
}

/* Reads the arguments of one half and lets filters decide after each. 0: no selector is left. */
static __always_inline int arguments_run(__u32 slot, struct hook_scratch *s, __u32 at_return, __u32 both)
{
	__u32 i, type;

	for (i = 0; i < HOOK_ARGUMENTS_MAX; i++) {
		if (i >= hook.argument_count)
			break;
		if (!both && ((hook.arguments[i].flags & ARGUMENT_FLAG_AT_RETURN) != 0) != at_return)
			continue;
		type = hook.arguments[i].type;
		if (argument_fetch(slot, i)) {
			value_fault(s, i, type, s->fault_depth + 1);
		} else if (argument_read(slot, i, type)) {
			value_fault(s, i, type, 0);
		}
		/* A policy that follows descriptors tells of no others. */
		if (type == ARGUMENT_TYPE_FD && hook.flags & HOOK_FLAG_FOLLOWS_FD && !fd_followed(slot, i))
			return 0;
		if (type == ARGUMENT_TYPE_SOCK || type == ARGUMENT_TYPE_SOCKET)
			sock_attribute(slot, i);
		if (hook.arguments[i].source == ARGUMENT_SOURCE_RETURN && hook.flags & HOOK_FLAG_RETURN_TRACKSOCK)
			action_track_sock(slot, i, 1);
		if (hook.arguments[i].source == ARGUMENT_SOURCE_RETURN && hook.flags & HOOK_FLAG_RETURN_UNTRACKSOCK)
			action_track_sock(slot, i, 0);
		if (!at_return)
			select_argument(slot, s, i, FILTER_KIND_ARGUMENT);
		if (at_return || both)
			select_argument(slot, s, i, FILTER_KIND_RETURN);
		if (!s->alive)
			return 0;
	}
	if (!at_return)
		select_argument(slot, s, HOOK_ARGUMENTS_MAX, FILTER_KIND_ARGUMENT);
	return s->alive != 0;
}

/* Entry half, or the whole of a hook that has no return half or runs at return only. Returns enum hook_verdict. */
__noinline int hook_entry(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	__u32 both = hook.flags & HOOK_FLAG_RETURN_ONLY;

	if (!s)
		return 0;
	s->read = 0;
	s->cursor = 0;
	s->verdict = 0;
	s->fault_depth = 0;
	s->alive = hook.selector_count ? (1U << hook.selector_count) - 1 : 1;
	hook_event_begin(s);
	if (hook.cgroup_filter && !filter_cgroup(slot, hook.cgroup_filter))
		return 0;
	select_process(slot, s);
	if (!s->alive)
		return 0;
	if (!arguments_run(slot, s, 0, both))
		return 0;
	select_first(s, both || !(hook.flags & HOOK_FLAG_RETURN));
	if (actions_run(slot, s, s->event.selector, 0))
		s->verdict |= HOOK_VERDICT_POST;
	if (both) {
		s->event.flags |= HOOK_EVENT_RETURN;
		if (!actions_run(slot, s, s->event.selector, ACTION_FLAG_AT_RETURN))
			s->verdict &= ~HOOK_VERDICT_POST;
	} else if (hook.flags & HOOK_FLAG_RETURN) {
		s->verdict |= HOOK_VERDICT_KEEP;
	} else if (hook.flags & HOOK_FLAG_HASHES && s->verdict & HOOK_VERDICT_POST && s->verdict & HOOK_VERDICT_HASH) {
		s->verdict |= HOOK_VERDICT_KEEP;
	}
	/* What a companion refuses never gets to the hook that it stands in for, so it tells of it; of the rest that hook does. */
	if (hook.flags & HOOK_FLAG_COMPANION && !(s->verdict & HOOK_VERDICT_OVERRIDE))
		s->verdict &= ~HOOK_VERDICT_POST;
	if (s->verdict & HOOK_VERDICT_POST && s->verdict & HOOK_VERDICT_CHANGES)
		history_update(s->verdict);
	if (hook.flags & HOOK_FLAG_LARGE && s->verdict & HOOK_VERDICT_POST)
		buffers_send(slot);
	return s->verdict;
}

/* Return half: goes on with what the entry half kept. s->result is set. */
__noinline int hook_return(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);

	if (!s)
		return 0;
	if (!hook_take(slot))
		return 0;
	s->read = 0;
	s->fault_depth = 0;
	s->verdict &= HOOK_VERDICT_POST;
	if (!arguments_run(slot, s, 1, 0))
		return 0;
	select_first(s, 1);
	s->event.flags |= HOOK_EVENT_RETURN;
	if (!actions_run(slot, s, s->event.selector, ACTION_FLAG_AT_RETURN))
		s->verdict &= ~HOOK_VERDICT_POST;
	return s->verdict;
}

/* Stack traces need ctx, so this is in the program itself; then the event goes where the verdict says. */
static __always_inline int hook_end(void *ctx, __u32 slot, int verdict)
{
	struct hook_scratch *s = scratch_of(slot);
	int id;

	if (!s)
		return 0;
	if (verdict & HOOK_VERDICT_KERNEL_STACK) {
		id = bpf_get_stackid(ctx, &stacks, 0);
		if (id >= 0) {
			s->event.kernel_stack = id;
			s->event.flags |= HOOK_EVENT_KERNEL_STACK;
		}
	}
	if (verdict & HOOK_VERDICT_USER_STACK) {
		id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
		if (id >= 0) {
			s->event.user_stack = id;
			s->event.flags |= HOOK_EVENT_USER_STACK;
		}
	}
	if (verdict & HOOK_VERDICT_KEEP) {
		id = hook_keep(slot);
		if (hook.flags & HOOK_FLAG_HASHES) {
			/* The other program refuses, because none runs behind one that does. */
			if (!id)
				return 0;
			hook_post(slot);
		}
	} else if (verdict & HOOK_VERDICT_POST) {
		hook_post(slot);
	}
	return verdict & HOOK_VERDICT_OVERRIDE ? s->error : 0;
}

/* System call parameters: registers of the caller, which the arch's wrapper gets as its only parameter (here the first
 * of s->parameters, because global functions take no pointers). A 32 bit call has them in other registers. */
__noinline int syscall_parameters(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct pt_regs *regs;

	if (!s)
		return -1;
	regs = (struct pt_regs *)s->parameters[0];
#if defined(__TARGET_ARCH_x86)
	if (hook.flags & HOOK_FLAG_COMPAT && task_is_compat()) {
		s->parameters[0] = (__u32)BPF_CORE_READ(regs, bx);
		s->parameters[1] = (__u32)BPF_CORE_READ(regs, cx);
		s->parameters[2] = (__u32)BPF_CORE_READ(regs, dx);
		s->parameters[3] = (__u32)BPF_CORE_READ(regs, si);
		s->parameters[4] = (__u32)BPF_CORE_READ(regs, di);
		s->parameters[5] = (__u32)BPF_CORE_READ(regs, bp);
		return 0;
	}
	s->parameters[0] = BPF_CORE_READ(regs, di);
	s->parameters[1] = BPF_CORE_READ(regs, si);
	s->parameters[2] = BPF_CORE_READ(regs, dx);
	s->parameters[3] = BPF_CORE_READ(regs, r10);
	s->parameters[4] = BPF_CORE_READ(regs, r8);
	s->parameters[5] = BPF_CORE_READ(regs, r9);
#endif
	return 0;
}

/* Function parameters: registers at a probe, whose ctx they are. */
__noinline int register_parameters(__u32 slot)
{
	struct hook_scratch *s = scratch_of(slot);
	struct pt_regs *regs;

	if (!s)
		return -1;
	regs = (struct pt_regs *)s->context;
#if defined(__TARGET_ARCH_x86)
	s->parameters[0] = BPF_CORE_READ(regs, di);
	s->parameters[1] = BPF_CORE_READ(regs, si);
	s->parameters[2] = BPF_CORE_READ(regs, dx);
	s->parameters[3] = BPF_CORE_READ(regs, cx);
	s->parameters[4] = BPF_CORE_READ(regs, r8);
	s->parameters[5] = BPF_CORE_READ(regs, r9);
	s->result = BPF_CORE_READ(regs, ax);
#endif
	return 0;
}

/* u64 at a constant offset of ctx. By hand, because clang computes `ctx + offset` first where the constant differs by
 * branch, and the verifier then refuses ("dereference of modified ctx ptr"). */
#define CTX_WORD(ctx, index)                                                                                           \
	({                                                                                                             \
		__u64 word;                                                                                            \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(word) : "r"(ctx), "i"((index) * 8));                      \
		word;                                                                                                  \
	})

/* Only the words that the configuration uses: a function with fewer parameters has no others. */
#define CTX_PARAMETER(s, ctx, index)                                                                                   \
	do {                                                                                                           \
		if (hook.parameter_mask & (1U << (index)))                                                           \
			(s)->parameters[index] = CTX_WORD(ctx, index);                                                 \
	} while (0)

#define CTX_PARAMETERS(s, ctx)                                                                                         \
	do {                                                                                                           \
		CTX_PARAMETER(s, ctx, 0);                                                                              \
		CTX_PARAMETER(s, ctx, 1);                                                                              \
		CTX_PARAMETER(s, ctx, 2);                                                                              \
		CTX_PARAMETER(s, ctx, 3);                                                                              \
		CTX_PARAMETER(s, ctx, 4);                                                                              \
		CTX_PARAMETER(s, ctx, 5);                                                                              \
	} while (0)

#endif
