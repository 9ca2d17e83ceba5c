/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What hooks alone ask of the kernel. */
#ifndef THUMP_HOOK_KERNEL_H
#define THUMP_HOOK_KERNEL_H

#include "kernel.h"

/* The user namespace of the last exec: in the mm, since 7.2 beside it. */
struct mm_struct___hook {
	struct user_namespace *user_ns;
} __attribute__((preserve_access_index));
struct task_exec_state {
	struct user_namespace *user_ns;
} __attribute__((preserve_access_index));
struct task_struct___exec_state {
	struct task_exec_state *exec_state;
} __attribute__((preserve_access_index));

/* arch/x86/include/asm/thread_info.h: the task is in a 32 bit system call. */
#define TS_COMPAT 0x0002

/* In the ids of 32 bit system calls, which have other numbers: COMPAT_BIT of src/kernel/syscall.ts. */
#define SYSCALL_COMPAT_BIT 0x80000000ULL

static __always_inline int task_is_compat(void)
{
#if defined(__TARGET_ARCH_x86)
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return (BPF_CORE_READ(task, thread_info.status) & TS_COMPAT) != 0;
#else
	return 0;
#endif
}

#endif
