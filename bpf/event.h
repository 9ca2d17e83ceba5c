/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records that the base sensor puts into the rings: the one definition that C and TypeScript share. */
#ifndef THUMP_EVENT_H
#define THUMP_EVENT_H

#define __export __attribute__((btf_decl_tag("export")))
#define __number __attribute__((btf_decl_tag("number"))) /* u64 known to stay below 2^53: decodes to a number */

#define TASK_COMM_LEN 16

/* Bytes of argv (and of the environment) that travel inside exec_event; what is longer goes into chunk_event records. */
#define EXEC_INLINE_BYTES 4096
#define CHUNK_BYTES 16384
#define ARGS_BYTES_MAX 8388608	    /* highest bound that can be set for argv, and for the environment */
#define CGROUP_NAME_BYTES_MAX 512

enum event_type {
	EVENT_TYPE_EXEC = 1,
	EVENT_TYPE_FORK = 2,
	EVENT_TYPE_EXIT = 3,
	EVENT_TYPE_CHUNK = 4,
	EVENT_TYPE_HOOK = 5, /* hook_event.h */
	EVENT_TYPE_THROTTLE = 6,
	EVENT_TYPE_TEST = 7, /* bench and ring tests only */
	EVENT_TYPE_CGROUP = 8,
	EVENT_TYPE_MAX = 9,
};

/* First bytes of every record. `size` is that of the fixed struct, without the blob behind it. */
struct event_header {
	__u32 size;
	__u16 type; /* enum event_type */
	__u16 cpu;
	__u64 ktime_ns; /* CLOCK_MONOTONIC, taken before the record is reserved */
} __export;

/* Bits as Tetragon's msg_execve flags, so that the words in JSON follow from them. */
enum exec_flag {
	EXEC_FLAG_EXECVE = 0x1,
	EXEC_FLAG_PROCFS = 0x4,
	EXEC_FLAG_ERROR_ENVS = 0x8,
	EXEC_FLAG_TRUNC_ARGS = 0x10,
	EXEC_FLAG_MISS = 0x40,
	EXEC_FLAG_ERROR_FILENAME = 0x100,
	EXEC_FLAG_ERROR_ARGS = 0x200,
	EXEC_FLAG_NO_CWD = 0x800,
	EXEC_FLAG_ROOT_CWD = 0x1000,
	EXEC_FLAG_ERROR_CWD = 0x2000,
	EXEC_FLAG_CLONE = 0x4000,
	EXEC_FLAG_ERROR_CGROUP_NAME = 0x10000,
	EXEC_FLAG_ERROR_CGROUPS = 0x100000,
	EXEC_FLAG_ERROR_CGROUP_ID = 0x200000,
	EXEC_FLAG_ERROR_PATH_RESOLUTION_CWD = 0x400000,
	EXEC_FLAG_DATA_FILENAME = 0x800000,
	EXEC_FLAG_DATA_ARGS = 0x1000000,
	EXEC_FLAG_IN_INIT_TREE = 0x2000000,
	/* Thump's own, above Tetragon's: never printed in `flags`. */
	EXEC_FLAG_TRUNC_ENVS = 0x10000000,
	EXEC_FLAG_UNKNOWN_PARENT = 0x20000000, /* the parent's exec was missed */
	EXEC_FLAG_CREDENTIALS_UNKNOWN = 0x40000000, /* no hook saw the credentials before exec: gains are not known */
};

/* Why the credentials grew at exec (Tetragon's binary_properties.privileges_changed). */
enum gained {
	GAINED_FILE_CAP = 0x1, /* permitted capabilities that the caller had not, without setuid */
	GAINED_SETUID = 0x2,   /* euid is another than the caller's uid; binary_properties.setuid */
	GAINED_SETGID = 0x4,
};

struct credentials {
	__u64 permitted; /* capability sets as bit masks */
	__u64 effective;
	__u64 inheritable;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 suid;
	__u32 sgid;
	__u32 fsuid;
	__u32 fsgid;
	__u32 securebits;
	__u32 pad;
} __export;

/* Inode numbers; 0 where the kernel has no such namespace. */
struct namespaces {
	__u32 uts;
	__u32 ipc;
	__u32 mnt;
	__u32 pid;
	__u32 pid_for_children;
	__u32 net;
	__u32 time;
	__u32 time_for_children;
	__u32 cgroup;
	__u32 user;
} __export;

/* One execve that succeeded. Behind the struct, without gaps and without NUL at the joints:
 * filename, cwd, cgroup name, argv[1..] (each NUL-terminated), environment (each NUL-terminated);
 * argv and environment only if they fit EXEC_INLINE_BYTES, else they came before as chunk_event of this exec_id.
 * cgroup name: the whole path ("/a/b", "/" for the root), because podman and sysbox have the container's id in a
 * component above the last; of a longer one than CGROUP_NAME_BYTES_MAX the last components, without leading slash. */
struct exec_event {
	struct event_header header;
	__u64 exec_id __number;        /* this image */
	__u64 parent_exec_id __number; /* the forking parent after a fork, the former image of this pid otherwise; 0 unknown */
	__u64 parent_ktime_ns;         /* start of that parent image, 0 unknown */
	__u64 cgroup_id __number;
	__u64 inode __number; /* of a program without links (deleted, memfd), else 0 */
	struct credentials credentials;
	struct namespaces namespaces;
	__u32 pid;
	__u32 old_tid; /* tid that called execve; differs from pid when another than the leading thread did */
	__u32 parent_pid;
	__u32 ns_pid; /* in its innermost pid namespace */
	__u32 auid;
	__u32 flags;  /* enum exec_flag */
	__u32 gained; /* enum gained; whether to root: compare with the credentials */
	__u32 filename_size;
	__u32 cwd_size;
	__u32 cgroup_name_size;
	__u32 args_size; /* of all argv[1..] bytes read, inline or in chunks */
	__u32 envs_size;
	__u32 args_chunks; /* records sent before this one; 0: inline */
	__u32 envs_chunks;
	__u32 args_total; /* what the process has; larger than args_size when cut */
	__u32 envs_total;
} __export;

/* A new process (thread group); it has the parent's image until it executes. */
struct fork_event {
	struct event_header header;
	__u64 exec_id __number;
	__u64 parent_exec_id __number; /* 0 unknown */
	__u64 parent_ktime_ns;
	__u64 cgroup_id __number;
	__u32 pid;
	__u32 parent_pid;
	__u32 ns_pid;
	__u32 flags; /* enum exec_flag: EXEC_FLAG_IN_INIT_TREE, EXEC_FLAG_UNKNOWN_PARENT */
} __export;

/* One process exit, sent once per thread group, by its last thread. */
struct exit_event {
	struct event_header header;
	__u64 exec_id __number; /* 0: never seen starting */
	__u32 pid;
	__u32 tid;  /* of the thread that left last */
	__u32 code; /* task_struct::exit_code: status << 8 | signal | 0x80 on core dump */
	__u32 pad;
} __export;

enum chunk_kind {
	CHUNK_KIND_ARGS = 1,
	CHUNK_KIND_ENVS = 2,
	CHUNK_KIND_HOOK = 3, /* bytes of a hook argument; id is hook_event's data id */
};

/* Part of something longer than a record; `bytes` bytes follow. Sent before the event that it belongs to. */
struct chunk_event {
	struct event_header header;
	__u64 id __number; /* exec_id, or a hook's data id */
	__u32 index;       /* from 0 */
	__u32 kind;        /* enum chunk_kind */
	__u32 bytes;
	__u32 pad;
} __export;

#define THROTTLE_NAME_BYTES 128

/* A cgroup began to start more processes than --cgroup-rate allows. What is beyond the rate is counted as lost
 * (LOST_REASON_SHARE); its exits still come. */
struct throttle_event {
	struct event_header header;
	__u64 cgroup_id __number;
	__u64 exec_id __number; /* that met the bound: the image before its exec, the parent of a fork */
	char cgroup[THROTTLE_NAME_BYTES]; /* last component of its path, empty for the root */
} __export;

/* Value of the map cgroup_rates, key: cgroup id. User space tells the end when nothing was beyond the rate for
 * THROTTLE_QUIET_NS. */
struct cgroup_rate {
	__u64 window_ns; /* start of the present interval */
	__u64 count __number;
	__u64 exceeded_ns; /* when something was last beyond the rate, 0: never */
} __export;

#define THROTTLE_QUIET_NS 5000000000ULL

enum cgroup_change {
	CGROUP_CHANGE_MADE = 1,
	CGROUP_CHANGE_REMOVED = 2,
};

/* A cgroup came or went, in the hierarchy that names containers. Its path follows ("/a/b"), at most
 * CGROUP_NAME_BYTES_MAX bytes without NUL: of a longer one the first. */
struct cgroup_event {
	struct event_header header;
	__u64 cgroup_id __number;
	__u32 change; /* enum cgroup_change */
	__u32 path_size;
} __export;

/* Why a record could not be sent. */
enum lost_reason {
	LOST_REASON_RING_FULL = 0,
	LOST_REASON_SCRATCH = 1,   /* per-CPU scratch in use by an interrupted program */
	LOST_REASON_SHARE = 2,     /* a cgroup's share of the reserved ring was used up */
	LOST_REASON_PROCESS_MAP = 3, /* the map of processes is full */
	LOST_REASON_MAX = 4,
};

enum ring_id {
	RING_RESERVED = 0,
	RING_TELEMETRY = 1,
	RING_MAX = 2,
};

/* Value of the per-CPU map `counters`, key: event type * RING_MAX + ring. attempted = submitted + sum of lost. */
struct ring_counters {
	__u64 attempted __number;
	__u64 submitted __number;
	__u64 lost[LOST_REASON_MAX] __number;
} __export;

#endif
