/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What protect.bpf.c reads of the kernel's objects and asks of its calls: no other program does. */
#ifndef THUMP_PROTECT_KERNEL_H
#define THUMP_PROTECT_KERNEL_H

#include "kernel.h"

#define EPERM 1
#define FMODE_WRITE 0x2
#define PTRACE_MODE_ATTACH 0x2
#define BPF_FS_MAGIC 0xcafe4a11
/* enum bpf_cmd */
#define COMMAND_MAP_CREATE 0
#define COMMAND_PROG_LOAD 5
#define COMMAND_OBJ_GET 7
#define COMMAND_LINK_UPDATE 29
#define COMMAND_LINK_DETACH 34

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block___protect {
	__u32 s_dev;
	unsigned long s_magic;
};

struct dentry___protect {
	struct dentry___protect *d_parent;
	const struct qstr d_name;
	struct super_block___protect *d_sb;
};

struct vfsmount___protect {
	struct super_block___protect *mnt_sb;
};

struct bpf_map___protect {
	__u32 id;
};

struct bpf_prog_aux___protect {
	__u32 id;
};

struct bpf_prog___protect {
	struct bpf_prog_aux___protect *aux;
};

struct bpf_link___protect {
	struct bpf_prog___protect *prog;
};

struct file___protect {
	void *private_data;
};

#pragma clang attribute pop

#endif
