/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* No other task gets the CPU while a trampoline's or an LSM hook's program runs. Without it tasks that were interrupted
 * inside keep scratch, until others find none and pass unjudged; and the kernel skips fentry, fexit and fmod_ret programs that
 * another task of the CPU is in the middle of. Kernels preempt each other's tasks there by default since 7.0. */
#ifndef THUMP_ALONE_H
#define THUMP_ALONE_H

#include "hook.h"

/* Since 6.10. From 6.15 on global functions, which hooks consist of, may be called in between. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* Behind a tail call, which may not be in between; before every exit stands alone_end(). */
static __always_inline void alone_begin(void)
{
	if (hook.flags & HOOK_FLAG_NO_PREEMPTION)
		bpf_preempt_disable();
}

static __always_inline void alone_end(void)
{
	if (hook.flags & HOOK_FLAG_NO_PREEMPTION)
		bpf_preempt_enable();
}

#endif
