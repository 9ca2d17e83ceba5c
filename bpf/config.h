/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What user space tells one hook program: constants in .rodata, so that the verifier removes what the hook does not
 * use, and the keys and values of the maps that all hooks share. */
#ifndef THUMP_CONFIG_H
#define THUMP_CONFIG_H

#include "event.h"

#define HOOK_ARGUMENTS_MAX 16 /* args, data and return value of one hook together */
#define HOOK_SELECTORS_MAX 16
#define HOOK_FILTERS_MAX 128 /* over all selectors of one hook */
#define HOOK_ACTIONS_MAX 64 /* over all selectors of one hook, entry and return */
#define FILTER_VALUES_MAX 8 /* inline; more go into a set */
#define RESOLVE_STEPS_MAX 10
#define EXPRESSION_STEPS_MAX 64 /* all CEL expressions of one hook together */
#define PREFIX_BYTES_MAX 252    /* a trie key holds 256 bytes, four of them the set */
#define NEEDLE_BYTES_MAX 128
#define STRING_BYTES_MAX 4096 /* string, path, file name; with the NUL */
#define BUFFER_DEFAULT_BYTES 4095 /* char_buf without maxData, as Tetragon */
#define BUFFER_INLINE_BYTES 4096 /* char_buf, char_iovec, iov_iter inside hook_event; maxData beyond goes into chunks */
#define BUFFER_BYTES_MAX 327360 /* with maxData, as Tetragon */
#define REGISTER_WRITES_MAX 32 /* argRegs of all actions of one hook together */

/* How an argument is read and how its value is laid out in hook_event.h. Values are stable: they stand in records. */
enum argument_type {
	ARGUMENT_TYPE_NOP = 0,
	ARGUMENT_TYPE_INT8 = 1,
	ARGUMENT_TYPE_UINT8 = 2,
	ARGUMENT_TYPE_INT16 = 3,
	ARGUMENT_TYPE_UINT16 = 4,
	ARGUMENT_TYPE_INT32 = 5,
	ARGUMENT_TYPE_UINT32 = 6,
	ARGUMENT_TYPE_INT64 = 7,
	ARGUMENT_TYPE_UINT64 = 8,
	ARGUMENT_TYPE_SIZE = 9,
	ARGUMENT_TYPE_STRING = 10,
	ARGUMENT_TYPE_CHAR_BUF = 11,
	ARGUMENT_TYPE_CHAR_IOVEC = 12,
	ARGUMENT_TYPE_IOV_ITER = 13,
	ARGUMENT_TYPE_FD = 14,
	ARGUMENT_TYPE_FILE = 15,
	ARGUMENT_TYPE_FILENAME = 16,
	ARGUMENT_TYPE_PATH = 17,
	ARGUMENT_TYPE_DENTRY = 18,
	ARGUMENT_TYPE_KIOCB = 19,
	ARGUMENT_TYPE_LINUX_BINPRM = 20,
	ARGUMENT_TYPE_SOCK = 21,
	ARGUMENT_TYPE_SOCKET = 22,
	ARGUMENT_TYPE_SKB = 23,
	ARGUMENT_TYPE_SOCKADDR = 24,
	ARGUMENT_TYPE_SOCKADDR_UN = 25,
	ARGUMENT_TYPE_CRED = 26,
	ARGUMENT_TYPE_CAPABILITY = 27,
	ARGUMENT_TYPE_USER_NAMESPACE = 28,
	ARGUMENT_TYPE_KERNEL_CAP_T = 29,
	ARGUMENT_TYPE_CAP_INHERITABLE = 30,
	ARGUMENT_TYPE_CAP_PERMITTED = 31,
	ARGUMENT_TYPE_CAP_EFFECTIVE = 32,
	ARGUMENT_TYPE_BPF_ATTR = 33,
	ARGUMENT_TYPE_BPF_PROG = 34,
	ARGUMENT_TYPE_BPF_MAP = 35,
	ARGUMENT_TYPE_BPF_CMD = 36,
	ARGUMENT_TYPE_PERF_EVENT = 37,
	ARGUMENT_TYPE_MODULE = 38,
	ARGUMENT_TYPE_LOAD_INFO = 39,
	ARGUMENT_TYPE_SYSCALL64 = 40,
	ARGUMENT_TYPE_DATA_LOC = 41,
	ARGUMENT_TYPE_CONST_BUF = 42,
	ARGUMENT_TYPE_NET_DEVICE = 43,
	ARGUMENT_TYPE_IMA_HASH = 44, /* no argument: what imaHash asks for, behind them */
};

/* Where the value, or the root that `steps` start from, comes from. */
enum argument_source {
	ARGUMENT_SOURCE_PARAMETER = 0, /* `index`th parameter of the function or system call, argument of the raw tracepoint */
	ARGUMENT_SOURCE_RETURN = 1,
	ARGUMENT_SOURCE_TASK = 2,     /* the current task_struct */
	ARGUMENT_SOURCE_REGISTER = 3, /* `size` bytes at `offset` in pt_regs (kprobe, uprobe, usdt) */
	ARGUMENT_SOURCE_FIELD = 4,    /* `size` bytes at `offset` in a classic tracepoint's record */
	ARGUMENT_SOURCE_CONSTANT = 5, /* usdt: values of `steps[0]`: offset is the low, deref the high half */
	/* usdt: `size` bytes at register `offset` + steps[0].offset (signed) in user memory; steps[0].deref is 0, or scale
	 * << 16 | offset of an index register */
	ARGUMENT_SOURCE_MEMORY = 6,
};

enum argument_flag {
	ARGUMENT_FLAG_USER = 0x1,        /* a pointer into user memory (system call, uprobe): strings, buffers, iovec */
	ARGUMENT_FLAG_AT_RETURN = 0x2,   /* read by the return program: returnArg, returnCopy */
	ARGUMENT_FLAG_RETURN_COPY = 0x4, /* bytes = the return value */
	ARGUMENT_FLAG_LOAD = 0x8,        /* after `steps`, what is reached is an address: load `size` bytes from it */
	ARGUMENT_FLAG_DATA = 0x10,       /* stands in data[] of the event, not in args[] */
	ARGUMENT_FLAG_HIDDEN = 0x20,     /* read for filters or actions only, not sent */
	ARGUMENT_FLAG_SIGNED = 0x40,     /* REGISTER, FIELD, MEMORY: sign-extend `size` bytes */
};

/* v += offset; if (deref) v = *(u64 *)v. */
struct resolve_step {
	__u32 offset;
	__u32 deref;
} __export;

struct hook_argument {
	__u32 type;   /* enum argument_type */
	__u32 source; /* enum argument_source */
	__u32 flags;  /* enum argument_flag */
	__u32 index;
	__u32 offset;
	__u32 size;
	__u32 max_bytes;     /* char_buf: most bytes sent, 0: BUFFER_INLINE_BYTES; above it: chunks */
	__u32 size_argument; /* 1-based parameter that holds the byte (char_iovec: element) count; 0: none. FIELD: see steps[0] */
	__u32 step_count;
	__u32 pad;
	struct resolve_step steps[RESOLVE_STEPS_MAX];
} __export;

enum filter_kind {
	FILTER_KIND_NONE = 0,
	FILTER_KIND_PID = 1,               /* values or set (VALUES): tgid */
	FILTER_KIND_BINARY = 2,            /* set of MATCH_STRINGS, MATCH_PREFIXES or MATCH_POSTFIXES */
	FILTER_KIND_PARENT_BINARY = 3,
	FILTER_KIND_NAMESPACE = 4,         /* `argument`: enum namespace_type; values: inode numbers */
	FILTER_KIND_NAMESPACE_CHANGE = 5,  /* values[0]: mask of 1 << namespace_type */
	FILTER_KIND_CAPABILITY = 6,        /* `argument`: enum capability_set; values[0]: mask */
	FILTER_KIND_CAPABILITY_CHANGE = 7,
	FILTER_KIND_ARGUMENT = 8,          /* matchArgs, matchData */
	FILTER_KIND_RETURN = 9,            /* matchReturnArgs: evaluated by the return program */
	FILTER_KIND_CGROUP = 10,           /* matchWorkloads: `set` is a policy filter id in policy_cgroups */
};

/* order: as struct namespaces in event.h */
enum namespace_type {
	NAMESPACE_TYPE_UTS = 0,
	NAMESPACE_TYPE_IPC = 1,
	NAMESPACE_TYPE_MNT = 2,
	NAMESPACE_TYPE_PID = 3,
	NAMESPACE_TYPE_PID_FOR_CHILDREN = 4,
	NAMESPACE_TYPE_NET = 5,
	NAMESPACE_TYPE_TIME = 6,
	NAMESPACE_TYPE_TIME_FOR_CHILDREN = 7,
	NAMESPACE_TYPE_CGROUP = 8,
	NAMESPACE_TYPE_USER = 9,
};

enum capability_set {
	CAPABILITY_SET_EFFECTIVE = 0,
	CAPABILITY_SET_INHERITABLE = 1,
	CAPABILITY_SET_PERMITTED = 2,
};

/* The positive form; `negate` makes the other one. An argument that faulted or has no path matches neither. */
enum filter_operator {
	FILTER_OPERATOR_NONE = 0,
	FILTER_OPERATOR_EQUAL = 1,  /* integers: values, compared as 64 bit after extension by type */
	FILTER_OPERATOR_GREATER = 2, /* signed or unsigned by type */
	FILTER_OPERATOR_LESS = 3,
	FILTER_OPERATOR_MASK = 4,
	FILTER_OPERATOR_RANGE = 5, /* values: pairs of lowest and highest */
	FILTER_OPERATOR_VALUES = 6, /* set in map values (exact) */
	FILTER_OPERATOR_RANGES = 7, /* set in map ranges (prefixes of the big-endian 64 bit number) */
	FILTER_OPERATOR_STRINGS = 8, /* set in map strings: equal to one */
	FILTER_OPERATOR_PREFIXES = 9,
	FILTER_OPERATOR_POSTFIXES = 10,
	FILTER_OPERATOR_SUBSTRINGS = 11, /* needles values[0] .. values[0] + values[1] - 1 of the set */
	FILTER_OPERATOR_SUBSTRINGS_CASELESS = 12,
	FILTER_OPERATOR_SOURCE_ADDRESS = 13, /* set in map addresses */
	FILTER_OPERATOR_DESTINATION_ADDRESS = 14,
	FILTER_OPERATOR_SOURCE_PORT = 15, /* values: ranges inline, or set in map ranges (flag SET); privileged: 0..1023 */
	FILTER_OPERATOR_DESTINATION_PORT = 16,
	FILTER_OPERATOR_PROTOCOL = 17, /* values */
	FILTER_OPERATOR_FAMILY = 18,
	FILTER_OPERATOR_STATE = 19,
	FILTER_OPERATOR_CAPABILITIES_GAINED = 20, /* `argument` the old, `argument_new` the new */
	FILTER_OPERATOR_FILE_TYPE = 21, /* values: S_IFMT >> 12 numbers */
	FILTER_OPERATOR_EXPRESSION = 22, /* CEL: steps values[0] .. values[0] + values[1] - 1 of config.expression */
};

enum filter_flag {
	FILTER_FLAG_NEGATE = 0x1,
	FILTER_FLAG_SET = 0x2,              /* look in `set`, not in values */
	FILTER_FLAG_FOLLOW = 0x4,           /* matchPIDs followForks, matchBinaries followChildren */
	FILTER_FLAG_NAMESPACE_PID = 0x8,    /* matchPIDs isNamespacePID */
	FILTER_FLAG_USER_NAMESPACE = 0x10,  /* capabilities: only where the user namespace is not the host's */
};

struct hook_filter {
	__u32 kind;     /* enum filter_kind */
	__u32 operator; /* enum filter_operator */
	__u32 flags;    /* enum filter_flag */
	__u32 selector;
	__u32 argument; /* index into hook_config.arguments (or see kind) */
	__u32 argument_new;
	__u32 set; /* in the plan counted from 0 per policy; the loader adds the base */
	__u32 value_count;
	__u64 values[FILTER_VALUES_MAX];
} __export;

enum action_kind {
	ACTION_KIND_NONE = 0,
	ACTION_KIND_POST = 1,
	ACTION_KIND_FOLLOWFD = 2,
	ACTION_KIND_SIGKILL = 3,
	ACTION_KIND_UNFOLLOWFD = 4,
	ACTION_KIND_OVERRIDE = 5,
	ACTION_KIND_COPYFD = 6,
	ACTION_KIND_GETURL = 7,
	ACTION_KIND_DNSLOOKUP = 8,
	ACTION_KIND_NOPOST = 9,
	ACTION_KIND_SIGNAL = 10,
	ACTION_KIND_TRACKSOCK = 11,
	ACTION_KIND_UNTRACKSOCK = 12,
	ACTION_KIND_NOTIFYENFORCER = 13,
	ACTION_KIND_CLEANUPENFORCERNOTIFICATION = 14,
	ACTION_KIND_SET = 15,
};

enum action_flag {
	ACTION_FLAG_AT_RETURN = 0x1, /* matchReturnActions */
	ACTION_FLAG_KERNEL_STACK = 0x2,
	ACTION_FLAG_USER_STACK = 0x4,
	ACTION_FLAG_IMA_HASH = 0x8,
	ACTION_FLAG_REFUSE = 0x10, /* Sigkill where the hook can refuse: `error` is returned as well */
};

enum rate_scope {
	RATE_SCOPE_THREAD = 0,
	RATE_SCOPE_PROCESS = 1,
	RATE_SCOPE_GLOBAL = 2,
};

struct hook_action {
	__u32 kind; /* enum action_kind, numbered as Tetragon's KprobeAction */
	__u32 flags;
	__u32 selector;
	__s32 error;    /* Override, NotifyEnforcer */
	__u32 signal;   /* Signal, NotifyEnforcer */
	__u32 argument; /* index into hook_config.arguments: argSock, argFd, argIndex; of registers: Override in a program */
	__u32 argument_name; /* FollowFD argName, CopyFD's second descriptor; Override in a program: number of registers */
	__u32 rate_scope;
	__u64 rate_interval_ns; /* 0: no limit */
	__u64 value;            /* Set: argValue */
} __export;

enum register_source {
	REGISTER_SOURCE_CONSTANT = 0,
	REGISTER_SOURCE_REGISTER = 1, /* plus value */
	REGISTER_SOURCE_MEMORY = 2,   /* what stands at register plus value */
};

/* Override in a program: one register gets a new value; offsets in bytes of struct pt_regs. */
struct register_write {
	__u32 kind; /* enum register_source */
	__u32 target;
	__u32 target_size;
	__u32 source;
	__u32 source_size;
	__u32 pad;
	__u64 value;
} __export;

/* CEL as a stack machine. */
enum expression_operator {
	EXPRESSION_OPERATOR_CONSTANT = 1, /* push value */
	EXPRESSION_OPERATOR_ARGUMENT = 2, /* push the integer of arguments[value] */
	EXPRESSION_OPERATOR_ADD = 3,
	EXPRESSION_OPERATOR_SUBTRACT = 4,
	EXPRESSION_OPERATOR_AND = 5, /* logical */
	EXPRESSION_OPERATOR_OR = 6,
	EXPRESSION_OPERATOR_NOT = 7,
	EXPRESSION_OPERATOR_EQUAL = 8,
	EXPRESSION_OPERATOR_NOT_EQUAL = 9,
	EXPRESSION_OPERATOR_LESS_SIGNED = 10,
	EXPRESSION_OPERATOR_LESS_UNSIGNED = 11,
	EXPRESSION_OPERATOR_LESS_EQUAL_SIGNED = 12,
	EXPRESSION_OPERATOR_LESS_EQUAL_UNSIGNED = 13,
	EXPRESSION_OPERATOR_INT32 = 14, /* cast the top */
	EXPRESSION_OPERATOR_UINT32 = 15,
	EXPRESSION_OPERATOR_BIT_AND = 16,
	EXPRESSION_OPERATOR_BIT_OR = 17,
	EXPRESSION_OPERATOR_BIT_XOR = 18,
	EXPRESSION_OPERATOR_BIT_NOT = 19,
};

struct expression_step {
	__u32 operator;
	__u32 pad;
	__u64 value;
} __export;

enum hook_flag {
	HOOK_FLAG_SYSCALL = 0x1, /* parameters are those of a system call: read them from pt_regs */
	HOOK_FLAG_RETURN = 0x2,  /* has a return half: the entry half keeps its record for it */
	HOOK_FLAG_RETURN_ONLY = 0x4, /* fexit alone: arguments, filters and the result in one program */
	HOOK_FLAG_RESERVED_RING = 0x8, /* events of an enforcing policy */
	HOOK_FLAG_FOLLOWS_FD = 0x10, /* the policy follows descriptors: events with an fd argument only for followed ones */
	HOOK_FLAG_CAN_REFUSE = 0x20, /* LSM, fmod_ret, override: the return value decides */
	HOOK_FLAG_COMPANION = 0x40,  /* refuses in place of another hook; posts nothing itself */
	HOOK_FLAG_COOKIE = 0x80,     /* several functions share the program: bpf_get_attach_cookie is the function index */
	HOOK_FLAG_COMPAT = 0x100,    /* system calls: 32 bit ones, too */
	HOOK_FLAG_RETURN_TRACKSOCK = 0x200, /* returnArgAction */
	HOOK_FLAG_RETURN_UNTRACKSOCK = 0x400,
	HOOK_FLAG_WRITES_REGISTERS = 0x800, /* Override in a program */
	HOOK_FLAG_HASHES = 0x1000, /* imaHash: a second, sleepable program ends what the first began */
	HOOK_FLAG_NO_PREEMPTION = 0x4000, /* the kernel can keep other tasks out of the program (bpf_preempt_disable) */
	HOOK_FLAG_LARGE = 0x2000,  /* some argument has max_bytes above BUFFER_INLINE_BYTES */
};

struct hook_config {
	__u32 hook_id;     /* unique among loaded hooks; given by the loader */
	__u32 policy_slot; /* key into policy_states; given by the loader */
	__u32 flags;       /* enum hook_flag */
	__u32 argument_count;
	__u32 filter_count;
	__u32 action_count;
	__u32 selector_count; /* 0: everything matches, Post */
	__u32 expression_count;
	__u32 cgroup_filter; /* policy filter id in policy_cgroups, 0: none */
	__u32 syscall_id;    /* raw_tp system calls: the number; set_syscalls for several */
	__u32 syscall_set;   /* set in map values of numbers with a hook; 0: only syscall_id */
	__u32 parameter_mask; /* parameters that are read, bit per index; filled by the loader from `arguments` */
	__u32 result_index;   /* parameters of the function's prototype: fexit finds the result behind them */
	__u32 register_mask;  /* registers that some action writes, bit per eight bytes of struct pt_regs */
	struct hook_argument arguments[HOOK_ARGUMENTS_MAX]; /* in order of reading: cheap ones first */
	__u32 positions[HOOK_ARGUMENTS_MAX];                /* place of each in the policy's own order, sent along */
	struct hook_filter filters[HOOK_FILTERS_MAX];
	struct hook_action actions[HOOK_ACTIONS_MAX]; /* in order within each selector */
	struct expression_step expression[EXPRESSION_STEPS_MAX];
	struct register_write registers[REGISTER_WRITES_MAX];
} __export;

#endif
