/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Keys and values of the maps that tell who a process is. The base sensor fills them for what it sees starting, user
 * space for what it finds in /proc; hook programs read them. */
#ifndef THUMP_ENTRY_H
#define THUMP_ENTRY_H

#include "event.h"

/* Bytes of a path, with its NUL. */
#define PATH_BYTES_MAX 4096

/* Ids that programs assign end in their CPU (12 bits); those that user space assigns end in this. */
#define ID_USER_SPACE 0xfff

/* Map binaries: the keyed hash (hash.h) of d_path(mm->exe_file). */
struct binary_key {
	__u64 hash[2];
} __export;

/* Ids are never 0 and never given twice. */
struct binary {
	__u32 id;
	__u32 size; /* of the path, without NUL */
	char path[PATH_BYTES_MAX];
} __export;

/* Map lineages: who executed what. An image whose binary is already in its parent's lineage has the parent's lineage,
 * so there are no more of them than combinations that occur. */
struct lineage_key {
	__u32 parent; /* lineage id, 0: none */
	__u32 binary; /* binary id */
} __export;

/* Map lineage_nodes, by id: the last link of the chain and the rest of it. */
struct lineage_node {
	struct binary_key binary;
	__u32 binary_id;
	__u32 parent; /* lineage id, 0: this is the first */
} __export;

/* Longest chain of different binaries; a longer one is not followed further (PROCESS_FLAG_LINEAGE_CUT). */
#define LINEAGE_DEPTH_MAX 32

enum process_flag {
	PROCESS_FLAG_FORKED = 0x1,	 /* has not executed since the fork */
	PROCESS_FLAG_IN_INIT_TREE = 0x2, /* is pid 1 of a pid namespace below the host's, or descends from it */
	PROCESS_FLAG_PROCFS = 0x4,	 /* found in /proc */
	PROCESS_FLAG_KERNEL_THREAD = 0x8,
	PROCESS_FLAG_LINEAGE_CUT = 0x10,
};

/* Map processes, by tgid: one live process, as of its last exec or fork. Stays until sched_process_free. */
struct process {
	__u64 exec_id __number;
	__u64 parent_exec_id __number; /* as in exec_event and fork_event */
	__u64 ktime_ns;		       /* of the exec or fork */
	__u64 start_ns;		       /* task_struct::start_time of the leading thread: tells a reused pid. 0: not known */
	__u64 cgroup_id __number;      /* at exec or fork */
	struct binary_key binary;      /* zero: no path */
	struct credentials credentials;
	struct namespaces namespaces;
	__u32 pid;
	__u32 parent_pid;
	__u32 ns_pid;
	__u32 flags;	   /* enum process_flag */
	__u32 binary_id;   /* 0: none, or map binaries is full */
	__u32 lineage_id;  /* includes binary_id; 0: not known */
	__u32 binary_size; /* of the path, without NUL */
	__u32 auid;
} __export;

/* What could not be kept. Key of the per-CPU map `faults` (value __u64). */
enum fault {
	FAULT_PROCESSES_FULL = 0,
	FAULT_BINARIES_FULL = 1,
	FAULT_LINEAGES_FULL = 2,
	FAULT_EXITED_FULL = 3,
	FAULT_GAINS_FULL = 4,
	FAULT_MAX = 5,
};

/* Constants of the base sensor, in its section .rodata.config. */
struct base_config {
	__u32 args_max;		       /* bytes of argv[1..] read, at most 8 MiB */
	__u32 envs_max;		       /* bytes of the environment read; 0: none */
	__s32 cgroup_subsystem;	       /* index into css_set::subsys of the v1 hierarchy that names cgroups; -1: the default one */
	__u32 exit_has_group_dead;     /* sched_process_exit has a second argument */
	__u32 credentials_observed;    /* one of the programs that see credentials before exec is attached */
	__u32 cgroup_rate;	       /* execs and forks per interval and cgroup; 0: no limit */
	__u64 cgroup_rate_interval_ns;
	__u32 preemptible;	       /* tracepoints are, so that the programs of again.h are attached */
	__u32 pad;
} __export;

#endif
