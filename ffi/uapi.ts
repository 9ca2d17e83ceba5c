/** Numbers from the kernel's include/uapi/linux/bpf.h (6.12) under the names they have there, prefix removed. */

export const PROGRAM_TYPE = {
  UNSPEC: 0,
  SOCKET_FILTER: 1,
  KPROBE: 2,
  TRACEPOINT: 5,
  PERF_EVENT: 7,
  CGROUP_SKB: 8,
  RAW_TRACEPOINT: 17,
  TRACING: 26,
  EXT: 28,
  LSM: 29,
  SYSCALL: 31,
} as const

export const ATTACH_TYPE = {
  TRACE_RAW_TP: 23,
  TRACE_FENTRY: 24,
  TRACE_FEXIT: 25,
  MODIFY_RETURN: 26,
  LSM_MAC: 27,
  TRACE_ITER: 28,
  PERF_EVENT: 41,
  TRACE_KPROBE_MULTI: 42,
  LSM_CGROUP: 43,
  TRACE_UPROBE_MULTI: 48,
  TRACE_KPROBE_SESSION: 56,
} as const

export const MAP_TYPE = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  STACK_TRACE: 7,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  LPM_TRIE: 11,
  ARRAY_OF_MAPS: 12,
  HASH_OF_MAPS: 13,
  RINGBUF: 27,
  INODE_STORAGE: 28,
  TASK_STORAGE: 29,
  BLOOM_FILTER: 30,
} as const

export const MAP_FLAG = {
  NO_PREALLOC: 0x1,
  RDONLY: 0x8,
  RDONLY_PROG: 0x80,
  MMAPABLE: 0x400,
  INNER_MAP: 0x1000,
} as const

/** Flags of a map update. */
export const UPDATE = { ANY: 0, NOEXIST: 1, EXIST: 2 } as const

export const LINK_TYPE: readonly string[] = [
  'unspec',
  'raw_tracepoint',
  'tracing',
  'cgroup',
  'iter',
  'netns',
  'xdp',
  'perf_event',
  'kprobe_multi',
  'struct_ops',
  'netfilter',
  'tcx',
  'uprobe_multi',
  'netkit',
  'sockmap',
]
