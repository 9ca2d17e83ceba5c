/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Kernel types, what BTF lacks of them, and how they differ between kernels. Nothing else includes vmlinux.h. */
#ifndef THUMP_KERNEL_H
#define THUMP_KERNEL_H

#include <vmlinux.h> /* in angles, so that scripts/vmlinux.ts can put the whole one in its place */
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

/* include/linux/fs.h: S_IFMT and its values */
#define S_IFMT 00170000

/* include/linux/threads.h keeps pid namespaces at most this deep (MAX_PID_NS_LEVEL) */
#define PID_NS_LEVEL_MAX 32

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* kernfs_node::parent is __parent since 6.15 (commit 633488947ef6, "kernfs: Use RCU to access kernfs_node::parent"). */
struct kernfs_node___before_6_15 {
	struct kernfs_node___before_6_15 *parent;
};

struct kernfs_node___since_6_15 {
	struct kernfs_node *__parent;
};

/* u64 since 5.7 (commit d1e7fd6462ca): grows with each exec. */
struct task_struct___exec {
	__u64 self_exec_id;
};

#pragma clang attribute pop

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___since_6_15 *since = (void *)node;
	struct kernfs_node___before_6_15 *before = (void *)node;

	if (bpf_core_field_exists(since->__parent))
		return BPF_CORE_READ(since, __parent);
	return (struct kernfs_node *)BPF_CORE_READ(before, parent);
}

#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
#endif

#endif
