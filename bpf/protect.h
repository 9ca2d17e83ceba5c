/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What protect.bpf.c and src/sensor/protection.ts agree on; a test compares the names there with these. */
#ifndef THUMP_PROTECT_H
#define THUMP_PROTECT_H

#define PROTECT_NAME_BYTES 32

/* LSM hooks, as index of the record's function. */
enum protect_function {
	PROTECT_FUNCTION_TASK_KILL,
	PROTECT_FUNCTION_FILE_SEND_SIGIOTASK,
	PROTECT_FUNCTION_TASK_SETRLIMIT,
	PROTECT_FUNCTION_PTRACE_ACCESS_CHECK,
	PROTECT_FUNCTION_BPF,
	PROTECT_FUNCTION_BPF_MAP,
	PROTECT_FUNCTION_BPF_PROG,
	PROTECT_FUNCTION_INODE_UNLINK,
	PROTECT_FUNCTION_INODE_RMDIR,
	PROTECT_FUNCTION_INODE_RENAME,
	PROTECT_FUNCTION_SB_UMOUNT,
};

/* What the one value of a record is, as its index: user space has a label for each. */
enum protect_argument {
	PROTECT_ARGUMENT_SIGNAL,
	PROTECT_ARGUMENT_RESOURCE,
	PROTECT_ARGUMENT_MODE,
	PROTECT_ARGUMENT_COMMAND,
	PROTECT_ARGUMENT_MAP,
	PROTECT_ARGUMENT_PROGRAM,
	PROTECT_ARGUMENT_NAME,
	PROTECT_ARGUMENT_FLAGS,
};

enum protected_kind {
	PROTECTED_PROGRAM = 1,
	PROTECTED_MAP = 2,
};

/* Key of protect_objects. */
struct protected_object {
	__u32 kind; /* enum protected_kind */
	__u32 id;
};

#endif
