/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The record that a policy hook sends: a fixed head, then one hook_value per argument, each decodable by its type. */
#ifndef THUMP_HOOK_EVENT_H
#define THUMP_HOOK_EVENT_H

#include "config.h"

#define HOOK_SELECTOR_NONE 0xffff

enum hook_event_flag {
	HOOK_EVENT_RETURN = 0x1,	/* the return value is in it (a value whose argument's source is RETURN) */
	HOOK_EVENT_MONITORED = 0x2,	/* an enforcing action was due and the policy is in monitor mode */
	HOOK_EVENT_PREVENTED = 0x4,	/* the operation was refused */
	HOOK_EVENT_KILLED = 0x8,	/* SIGKILL was sent */
	HOOK_EVENT_SPARED = 0x10,	/* SIGKILL was due but the process is protected or the budget used up */
	HOOK_EVENT_KERNEL_STACK = 0x20, /* kernel_stack is valid, 0 included */
	HOOK_EVENT_USER_STACK = 0x40,
	HOOK_EVENT_SOCK_OWNER = 0x80,	/* process is the owner of a tracked sock, not the current one */
	HOOK_EVENT_ACTION_FAILED = 0x100,
	HOOK_EVENT_BUDGET = 0x200, /* with SPARED: the budget of kills is used up */
};

/* One hit of a policy hook. `value_count` records of struct hook_value follow. */
struct hook_event {
	struct event_header header;
	__u64 exec_id __number; /* 0: unknown process */
	__u32 pid;
	__u32 tid;
	__u32 hook_id;
	__u32 function;	   /* index into the hook's names; system calls by raw_tp: the number */
	__u32 flags;	   /* enum hook_event_flag */
	__u16 selector;	   /* that decided, HOOK_SELECTOR_NONE without selectors */
	__u16 value_count;
	__u16 action;	   /* enum action_kind: the last one of the entry half */
	__u16 return_action; /* 0: no return half */
	__u32 actions;	   /* bit per index of hook_config.actions (first 32): executed */
	__s32 kernel_stack; /* ids in map stacks */
	__s32 user_stack;
	__u64 suppressed __number; /* repeats that rateLimit held back since the last event of this key */
} __export;

enum hook_value_flag {
	HOOK_VALUE_FAULT = 0x1,	    /* memory could not be read: no bytes, or a __u32 depth of the resolve step */
	HOOK_VALUE_TRUNCATED = 0x2, /* longer than what is here */
	HOOK_VALUE_UNRESOLVED = 0x4, /* path: components missing at its beginning */
	HOOK_VALUE_EMPTY = 0x8,	    /* null pointer */
};

/* `size` bytes follow, padded to a multiple of 8. */
struct hook_value {
	__u8 type;  /* enum argument_type */
	__u8 index; /* into hook_config.arguments */
	__u16 flags; /* enum hook_value_flag */
	__u32 size;
} __export;

/* Integers of all widths: the number, extended to 64 bit. Strings, file names, devices: the bytes without NUL.
 * CAPABILITY: the number. Capability sets: the mask. BPF_CMD: the number. SYSCALL64: struct syscall_value. */

/* char_buf, char_iovec, iov_iter; the bytes follow. */
struct buffer_value {
	__u64 total __number; /* bytes that the caller gave */
	__u64 data_id __number; /* not 0: more of it is in chunk_event records of this id, which came before */
} __export;

#define IMA_HASH_BYTES_MAX 64

struct ima_hash_value {
	__s32 algorithm; /* enum hash_algo of the kernel; below 0: no hash */
	__u32 pad;
	__u8 bytes[IMA_HASH_BYTES_MAX];
} __export;

/* file, fd, path, dentry, kiocb, linux_binprm; the path follows. */
struct path_value {
	__u32 mode; /* inode mode */
	__u32 fd;
} __export;

struct sock_value {
	__u64 cookie; /* kernel address */
	__u16 family;
	__u16 type;
	__u16 protocol;
	__u8 state;
	__u8 pad;
	__u32 mark;
	__u32 priority;
	__u8 source[16]; /* IPv4 in the first four bytes */
	__u8 destination[16];
	__u16 source_port; /* host order */
	__u16 destination_port;
	__u32 pad2;
} __export;

struct skb_value {
	__u32 hash;
	__u32 length;
	__u32 priority;
	__u32 mark;
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u16 family; /* 0: not IP */
	__u16 protocol;
	__u32 sec_path_length;
	__u32 sec_path_olen;
} __export;

struct sockaddr_value {
	__u16 family;
	__u16 port;
	__u32 size; /* sockaddr_un: bytes of sun_path that follow */
	__u8 address[16];
} __export;

struct user_namespace_value {
	__s32 level;
	__u32 uid;
	__u32 gid;
	__u32 inum;
} __export;

struct cred_value {
	struct credentials credentials;
	struct user_namespace_value user_namespace;
} __export;

struct bpf_program_value { /* bpf_attr, bpf_prog */
	__u32 type;
	__u32 instructions;
	char name[16];
} __export;

struct bpf_map_value {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	char name[16];
} __export;

struct perf_event_value {
	__u64 config;
	__u64 probe_offset;
	__u32 type;
	__u32 pad;
	char function[128];
} __export;

struct module_value {
	__u64 taints;
	__u32 signature_ok; /* load_info only */
	__u32 pad;
	char name[64];
} __export;

struct syscall_value {
	__u32 id;
	__u32 compat;
} __export;

#endif
