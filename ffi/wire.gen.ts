// Generated from bpf/event.h, bpf/entry.h, bpf/config.h, bpf/hook_map.h, bpf/hook_event.h by scripts/wire.ts. DO NOT EDIT.

export const TASK_COMM_LEN = 16
export const EXEC_INLINE_BYTES = 4096
export const CHUNK_BYTES = 16384
export const ARGS_BYTES_MAX = 8388608
export const CGROUP_NAME_BYTES_MAX = 512
export const THROTTLE_NAME_BYTES = 128
export const PATH_BYTES_MAX = 4096
export const ID_USER_SPACE = 4095
export const LINEAGE_DEPTH_MAX = 32
export const HOOK_ARGUMENTS_MAX = 16
export const HOOK_SELECTORS_MAX = 16
export const HOOK_FILTERS_MAX = 128
export const HOOK_ACTIONS_MAX = 64
export const FILTER_VALUES_MAX = 8
export const RESOLVE_STEPS_MAX = 10
export const EXPRESSION_STEPS_MAX = 64
export const PREFIX_BYTES_MAX = 252
export const NEEDLE_BYTES_MAX = 128
export const STRING_BYTES_MAX = 4096
export const BUFFER_DEFAULT_BYTES = 4095
export const BUFFER_INLINE_BYTES = 4096
export const BUFFER_BYTES_MAX = 327360
export const REGISTER_WRITES_MAX = 32
export const HOOK_SELECTOR_NONE = 65535
export const IMA_HASH_BYTES_MAX = 64

/** Size in bytes of each struct, to compare with the BTF of a loaded object. */
export const WIRE_SIZES: Readonly<Record<string, number>> = {
  address_key: 24,
  base_config: 40,
  binary: 4104,
  binary_key: 16,
  bpf_map_value: 32,
  bpf_program_value: 24,
  buffer_value: 16,
  cgroup_event: 32,
  cgroup_rate: 24,
  chunk_event: 40,
  cred_value: 80,
  credentials: 64,
  event_header: 16,
  exec_event: 224,
  exit_event: 40,
  expression_step: 16,
  fork_event: 64,
  hook_action: 48,
  hook_argument: 120,
  hook_config: 19448,
  hook_counters: 72,
  hook_event: 72,
  hook_filter: 96,
  hook_value: 8,
  ima_hash_value: 72,
  lineage_key: 8,
  lineage_node: 24,
  module_value: 80,
  namespaces: 40,
  needle: 136,
  needle_key: 8,
  path_value: 8,
  perf_event_value: 152,
  policy_cgroup_key: 16,
  policy_state: 32,
  prefix_key: 260,
  process: 192,
  range_key: 16,
  register_write: 32,
  resolve_step: 8,
  ring_counters: 48,
  skb_value: 64,
  sock_value: 64,
  sockaddr_value: 24,
  string_key: 24,
  syscall_value: 8,
  throttle_event: 160,
  user_namespace_value: 16,
  value_key: 16,
  verdict_key: 16,
}

/** enum action_flag */
export const ACTION_FLAG = {
  AT_RETURN: 1,
  KERNEL_STACK: 2,
  USER_STACK: 4,
  IMA_HASH: 8,
  REFUSE: 16,
} as const

/** enum action_kind */
export const ACTION_KIND = {
  NONE: 0,
  POST: 1,
  FOLLOWFD: 2,
  SIGKILL: 3,
  UNFOLLOWFD: 4,
  OVERRIDE: 5,
  COPYFD: 6,
  GETURL: 7,
  DNSLOOKUP: 8,
  NOPOST: 9,
  SIGNAL: 10,
  TRACKSOCK: 11,
  UNTRACKSOCK: 12,
  NOTIFYENFORCER: 13,
  CLEANUPENFORCERNOTIFICATION: 14,
  SET: 15,
} as const

/** enum address_set */
export const ADDRESS_SET = {
  IPV6: 0,
  IPV4: 1073741824,
} as const

/** enum argument_flag */
export const ARGUMENT_FLAG = {
  USER: 1,
  AT_RETURN: 2,
  RETURN_COPY: 4,
  LOAD: 8,
  DATA: 16,
  HIDDEN: 32,
  SIGNED: 64,
} as const

/** enum argument_source */
export const ARGUMENT_SOURCE = {
  PARAMETER: 0,
  RETURN: 1,
  TASK: 2,
  REGISTER: 3,
  FIELD: 4,
  CONSTANT: 5,
  MEMORY: 6,
} as const

/** enum argument_type */
export const ARGUMENT_TYPE = {
  NOP: 0,
  INT8: 1,
  UINT8: 2,
  INT16: 3,
  UINT16: 4,
  INT32: 5,
  UINT32: 6,
  INT64: 7,
  UINT64: 8,
  SIZE: 9,
  STRING: 10,
  CHAR_BUF: 11,
  CHAR_IOVEC: 12,
  IOV_ITER: 13,
  FD: 14,
  FILE: 15,
  FILENAME: 16,
  PATH: 17,
  DENTRY: 18,
  KIOCB: 19,
  LINUX_BINPRM: 20,
  SOCK: 21,
  SOCKET: 22,
  SKB: 23,
  SOCKADDR: 24,
  SOCKADDR_UN: 25,
  CRED: 26,
  CAPABILITY: 27,
  USER_NAMESPACE: 28,
  KERNEL_CAP_T: 29,
  CAP_INHERITABLE: 30,
  CAP_PERMITTED: 31,
  CAP_EFFECTIVE: 32,
  BPF_ATTR: 33,
  BPF_PROG: 34,
  BPF_MAP: 35,
  BPF_CMD: 36,
  PERF_EVENT: 37,
  MODULE: 38,
  LOAD_INFO: 39,
  SYSCALL64: 40,
  DATA_LOC: 41,
  CONST_BUF: 42,
  NET_DEVICE: 43,
  IMA_HASH: 44,
} as const

/** enum capability_set */
export const CAPABILITY_SET = {
  EFFECTIVE: 0,
  INHERITABLE: 1,
  PERMITTED: 2,
} as const

/** enum cgroup_change */
export const CGROUP_CHANGE = {
  MADE: 1,
  REMOVED: 2,
} as const

/** enum chunk_kind */
export const CHUNK_KIND = {
  ARGS: 1,
  ENVS: 2,
  HOOK: 3,
} as const

/** enum event_type */
export const EVENT_TYPE = {
  EXEC: 1,
  FORK: 2,
  EXIT: 3,
  CHUNK: 4,
  HOOK: 5,
  THROTTLE: 6,
  TEST: 7,
  CGROUP: 8,
  MAX: 9,
} as const

/** enum exec_flag */
export const EXEC_FLAG = {
  EXECVE: 1,
  PROCFS: 4,
  ERROR_ENVS: 8,
  TRUNC_ARGS: 16,
  MISS: 64,
  ERROR_FILENAME: 256,
  ERROR_ARGS: 512,
  NO_CWD: 2048,
  ROOT_CWD: 4096,
  ERROR_CWD: 8192,
  CLONE: 16384,
  ERROR_CGROUP_NAME: 65536,
  ERROR_CGROUPS: 1048576,
  ERROR_CGROUP_ID: 2097152,
  ERROR_PATH_RESOLUTION_CWD: 4194304,
  DATA_FILENAME: 8388608,
  DATA_ARGS: 16777216,
  IN_INIT_TREE: 33554432,
  TRUNC_ENVS: 268435456,
  UNKNOWN_PARENT: 536870912,
  CREDENTIALS_UNKNOWN: 1073741824,
} as const

/** enum expression_operator */
export const EXPRESSION_OPERATOR = {
  CONSTANT: 1,
  ARGUMENT: 2,
  ADD: 3,
  SUBTRACT: 4,
  AND: 5,
  OR: 6,
  NOT: 7,
  EQUAL: 8,
  NOT_EQUAL: 9,
  LESS_SIGNED: 10,
  LESS_UNSIGNED: 11,
  LESS_EQUAL_SIGNED: 12,
  LESS_EQUAL_UNSIGNED: 13,
  INT32: 14,
  UINT32: 15,
  BIT_AND: 16,
  BIT_OR: 17,
  BIT_XOR: 18,
  BIT_NOT: 19,
} as const

/** enum fault */
export const FAULT = {
  PROCESSES_FULL: 0,
  BINARIES_FULL: 1,
  LINEAGES_FULL: 2,
  EXITED_FULL: 3,
  GAINS_FULL: 4,
  MAX: 5,
} as const

/** enum filter_flag */
export const FILTER_FLAG = {
  NEGATE: 1,
  SET: 2,
  FOLLOW: 4,
  NAMESPACE_PID: 8,
  USER_NAMESPACE: 16,
} as const

/** enum filter_kind */
export const FILTER_KIND = {
  NONE: 0,
  PID: 1,
  BINARY: 2,
  PARENT_BINARY: 3,
  NAMESPACE: 4,
  NAMESPACE_CHANGE: 5,
  CAPABILITY: 6,
  CAPABILITY_CHANGE: 7,
  ARGUMENT: 8,
  RETURN: 9,
  CGROUP: 10,
} as const

/** enum filter_operator */
export const FILTER_OPERATOR = {
  NONE: 0,
  EQUAL: 1,
  GREATER: 2,
  LESS: 3,
  MASK: 4,
  RANGE: 5,
  VALUES: 6,
  RANGES: 7,
  STRINGS: 8,
  PREFIXES: 9,
  POSTFIXES: 10,
  SUBSTRINGS: 11,
  SUBSTRINGS_CASELESS: 12,
  SOURCE_ADDRESS: 13,
  DESTINATION_ADDRESS: 14,
  SOURCE_PORT: 15,
  DESTINATION_PORT: 16,
  PROTOCOL: 17,
  FAMILY: 18,
  STATE: 19,
  CAPABILITIES_GAINED: 20,
  FILE_TYPE: 21,
  EXPRESSION: 22,
} as const

/** enum gained */
export const GAINED = {
  FILE_CAP: 1,
  SETUID: 2,
  SETGID: 4,
} as const

/** enum hook_event_flag */
export const HOOK_EVENT_FLAG = {
  RETURN: 1,
  MONITORED: 2,
  PREVENTED: 4,
  KILLED: 8,
  SPARED: 16,
  KERNEL_STACK: 32,
  USER_STACK: 64,
  SOCK_OWNER: 128,
  ACTION_FAILED: 256,
  BUDGET: 512,
} as const

/** enum hook_flag */
export const HOOK_FLAG = {
  SYSCALL: 1,
  RETURN: 2,
  RETURN_ONLY: 4,
  RESERVED_RING: 8,
  FOLLOWS_FD: 16,
  CAN_REFUSE: 32,
  COMPANION: 64,
  COOKIE: 128,
  COMPAT: 256,
  RETURN_TRACKSOCK: 512,
  RETURN_UNTRACKSOCK: 1024,
  WRITES_REGISTERS: 2048,
  HASHES: 4096,
  NO_PREEMPTION: 16384,
  LARGE: 8192,
} as const

/** enum hook_value_flag */
export const HOOK_VALUE_FLAG = {
  FAULT: 1,
  TRUNCATED: 2,
  UNRESOLVED: 4,
  EMPTY: 8,
} as const

/** enum lost_reason */
export const LOST_REASON = {
  RING_FULL: 0,
  SCRATCH: 1,
  SHARE: 2,
  PROCESS_MAP: 3,
  MAX: 4,
} as const

/** enum namespace_type */
export const NAMESPACE_TYPE = {
  UTS: 0,
  IPC: 1,
  MNT: 2,
  PID: 3,
  PID_FOR_CHILDREN: 4,
  NET: 5,
  TIME: 6,
  TIME_FOR_CHILDREN: 7,
  CGROUP: 8,
  USER: 9,
} as const

/** enum policy_state_bit */
export const POLICY_STATE_BIT = {
  ENABLED: 1,
  ENFORCE: 2,
  BUDGET_MONITOR: 4,
} as const

/** enum process_flag */
export const PROCESS_FLAG = {
  FORKED: 1,
  IN_INIT_TREE: 2,
  PROCFS: 4,
  KERNEL_THREAD: 8,
  LINEAGE_CUT: 16,
} as const

/** enum rate_scope */
export const RATE_SCOPE = {
  THREAD: 0,
  PROCESS: 1,
  GLOBAL: 2,
} as const

/** enum register_source */
export const REGISTER_SOURCE = {
  CONSTANT: 0,
  REGISTER: 1,
  MEMORY: 2,
} as const

/** enum ring_id */
export const RING_ID = {
  RESERVED: 0,
  TELEMETRY: 1,
  MAX: 2,
} as const

export const ADDRESS_KEY_SIZE = 24
/** Offsets in struct address_key. */
export const ADDRESS_KEY = {
  prefix_bits: 0,
  set: 4,
  bytes: 8,
} as const
/** struct address_key */
export interface AddressKey {
  readonly prefix_bits: number
  readonly set: number
  readonly bytes: Uint8Array
}
export function decodeAddressKey(view: DataView, at: number): AddressKey {
  return {
    prefix_bits: view.getUint32(at, true),
    set: view.getUint32(at + 4, true),
    bytes: readBytes(view, at + 8, 16),
  }
}
export function encodeAddressKey(view: DataView, at: number, value: AddressKey): void {
  clear(view, at, 24)
  view.setUint32(at, value.prefix_bits, true)
  view.setUint32(at + 4, value.set, true)
  writeBytes(view, at + 8, 16, value.bytes, 'bytes')
}

export const BASE_CONFIG_SIZE = 40
/** Offsets in struct base_config. */
export const BASE_CONFIG = {
  args_max: 0,
  envs_max: 4,
  cgroup_subsystem: 8,
  exit_has_group_dead: 12,
  credentials_observed: 16,
  cgroup_rate: 20,
  cgroup_rate_interval_ns: 24,
  preemptible: 32,
} as const
/** struct base_config */
export interface BaseConfig {
  readonly args_max: number
  readonly envs_max: number
  readonly cgroup_subsystem: number
  readonly exit_has_group_dead: number
  readonly credentials_observed: number
  readonly cgroup_rate: number
  readonly cgroup_rate_interval_ns: bigint
  readonly preemptible: number
}
export function decodeBaseConfig(view: DataView, at: number): BaseConfig {
  return {
    args_max: view.getUint32(at, true),
    envs_max: view.getUint32(at + 4, true),
    cgroup_subsystem: view.getInt32(at + 8, true),
    exit_has_group_dead: view.getUint32(at + 12, true),
    credentials_observed: view.getUint32(at + 16, true),
    cgroup_rate: view.getUint32(at + 20, true),
    cgroup_rate_interval_ns: view.getBigUint64(at + 24, true),
    preemptible: view.getUint32(at + 32, true),
  }
}
export function encodeBaseConfig(view: DataView, at: number, value: BaseConfig): void {
  clear(view, at, 40)
  view.setUint32(at, value.args_max, true)
  view.setUint32(at + 4, value.envs_max, true)
  view.setInt32(at + 8, value.cgroup_subsystem, true)
  view.setUint32(at + 12, value.exit_has_group_dead, true)
  view.setUint32(at + 16, value.credentials_observed, true)
  view.setUint32(at + 20, value.cgroup_rate, true)
  view.setBigUint64(at + 24, value.cgroup_rate_interval_ns, true)
  view.setUint32(at + 32, value.preemptible, true)
}

export const BINARY_SIZE = 4104
/** Offsets in struct binary. */
export const BINARY = {
  id: 0,
  size: 4,
  path: 8,
} as const
/** struct binary */
export interface Binary {
  readonly id: number
  readonly size: number
  readonly path: string
}
export function decodeBinary(view: DataView, at: number): Binary {
  return {
    id: view.getUint32(at, true),
    size: view.getUint32(at + 4, true),
    path: readText(view, at + 8, 4096),
  }
}
export function encodeBinary(view: DataView, at: number, value: Binary): void {
  clear(view, at, 4104)
  view.setUint32(at, value.id, true)
  view.setUint32(at + 4, value.size, true)
  writeText(view, at + 8, 4096, value.path, 'path')
}

export const BINARY_KEY_SIZE = 16
/** Offsets in struct binary_key. */
export const BINARY_KEY = {
  hash: 0,
} as const
/** struct binary_key */
export interface BinaryKey {
  readonly hash: readonly bigint[]
}
export function decodeBinaryKey(view: DataView, at: number): BinaryKey {
  return {
    hash: Array.from({ length: 2 }, (_, i) => view.getBigUint64(at + i * 8, true)),
  }
}
export function encodeBinaryKey(view: DataView, at: number, value: BinaryKey): void {
  clear(view, at, 16)
  checkLength(value.hash.length, 2, 'hash')
  value.hash.forEach((item, i) => {
    view.setBigUint64(at + i * 8, item, true)
  })
}

export const BPF_MAP_VALUE_SIZE = 32
/** Offsets in struct bpf_map_value. */
export const BPF_MAP_VALUE = {
  type: 0,
  key_size: 4,
  value_size: 8,
  max_entries: 12,
  name: 16,
} as const
/** struct bpf_map_value */
export interface BpfMapValue {
  readonly type: number
  readonly key_size: number
  readonly value_size: number
  readonly max_entries: number
  readonly name: string
}
export function decodeBpfMapValue(view: DataView, at: number): BpfMapValue {
  return {
    type: view.getUint32(at, true),
    key_size: view.getUint32(at + 4, true),
    value_size: view.getUint32(at + 8, true),
    max_entries: view.getUint32(at + 12, true),
    name: readText(view, at + 16, 16),
  }
}
export function encodeBpfMapValue(view: DataView, at: number, value: BpfMapValue): void {
  clear(view, at, 32)
  view.setUint32(at, value.type, true)
  view.setUint32(at + 4, value.key_size, true)
  view.setUint32(at + 8, value.value_size, true)
  view.setUint32(at + 12, value.max_entries, true)
  writeText(view, at + 16, 16, value.name, 'name')
}

export const BPF_PROGRAM_VALUE_SIZE = 24
/** Offsets in struct bpf_program_value. */
export const BPF_PROGRAM_VALUE = {
  type: 0,
  instructions: 4,
  name: 8,
} as const
/** struct bpf_program_value */
export interface BpfProgramValue {
  readonly type: number
  readonly instructions: number
  readonly name: string
}
export function decodeBpfProgramValue(view: DataView, at: number): BpfProgramValue {
  return {
    type: view.getUint32(at, true),
    instructions: view.getUint32(at + 4, true),
    name: readText(view, at + 8, 16),
  }
}
export function encodeBpfProgramValue(view: DataView, at: number, value: BpfProgramValue): void {
  clear(view, at, 24)
  view.setUint32(at, value.type, true)
  view.setUint32(at + 4, value.instructions, true)
  writeText(view, at + 8, 16, value.name, 'name')
}

export const BUFFER_VALUE_SIZE = 16
/** Offsets in struct buffer_value. */
export const BUFFER_VALUE = {
  total: 0,
  data_id: 8,
} as const
/** struct buffer_value */
export interface BufferValue {
  readonly total: number
  readonly data_id: number
}
export function decodeBufferValue(view: DataView, at: number): BufferValue {
  return {
    total: readNumber(view, at),
    data_id: readNumber(view, at + 8),
  }
}
export function encodeBufferValue(view: DataView, at: number, value: BufferValue): void {
  clear(view, at, 16)
  writeNumber(view, at, value.total)
  writeNumber(view, at + 8, value.data_id)
}

export const CGROUP_EVENT_SIZE = 32
/** Offsets in struct cgroup_event. */
export const CGROUP_EVENT = {
  header: 0,
  cgroup_id: 16,
  change: 24,
  path_size: 28,
} as const
/** struct cgroup_event */
export interface CgroupEvent {
  readonly header: EventHeader
  readonly cgroup_id: number
  readonly change: number
  readonly path_size: number
}
export function decodeCgroupEvent(view: DataView, at: number): CgroupEvent {
  return {
    header: decodeEventHeader(view, at),
    cgroup_id: readNumber(view, at + 16),
    change: view.getUint32(at + 24, true),
    path_size: view.getUint32(at + 28, true),
  }
}
export function encodeCgroupEvent(view: DataView, at: number, value: CgroupEvent): void {
  clear(view, at, 32)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.cgroup_id)
  view.setUint32(at + 24, value.change, true)
  view.setUint32(at + 28, value.path_size, true)
}

export const CGROUP_RATE_SIZE = 24
/** Offsets in struct cgroup_rate. */
export const CGROUP_RATE = {
  window_ns: 0,
  count: 8,
  exceeded_ns: 16,
} as const
/** struct cgroup_rate */
export interface CgroupRate {
  readonly window_ns: bigint
  readonly count: number
  readonly exceeded_ns: bigint
}
export function decodeCgroupRate(view: DataView, at: number): CgroupRate {
  return {
    window_ns: view.getBigUint64(at, true),
    count: readNumber(view, at + 8),
    exceeded_ns: view.getBigUint64(at + 16, true),
  }
}
export function encodeCgroupRate(view: DataView, at: number, value: CgroupRate): void {
  clear(view, at, 24)
  view.setBigUint64(at, value.window_ns, true)
  writeNumber(view, at + 8, value.count)
  view.setBigUint64(at + 16, value.exceeded_ns, true)
}

export const CHUNK_EVENT_SIZE = 40
/** Offsets in struct chunk_event. */
export const CHUNK_EVENT = {
  header: 0,
  id: 16,
  index: 24,
  kind: 28,
  bytes: 32,
} as const
/** struct chunk_event */
export interface ChunkEvent {
  readonly header: EventHeader
  readonly id: number
  readonly index: number
  readonly kind: number
  readonly bytes: number
}
export function decodeChunkEvent(view: DataView, at: number): ChunkEvent {
  return {
    header: decodeEventHeader(view, at),
    id: readNumber(view, at + 16),
    index: view.getUint32(at + 24, true),
    kind: view.getUint32(at + 28, true),
    bytes: view.getUint32(at + 32, true),
  }
}
export function encodeChunkEvent(view: DataView, at: number, value: ChunkEvent): void {
  clear(view, at, 40)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.id)
  view.setUint32(at + 24, value.index, true)
  view.setUint32(at + 28, value.kind, true)
  view.setUint32(at + 32, value.bytes, true)
}

export const CRED_VALUE_SIZE = 80
/** Offsets in struct cred_value. */
export const CRED_VALUE = {
  credentials: 0,
  user_namespace: 64,
} as const
/** struct cred_value */
export interface CredValue {
  readonly credentials: Credentials
  readonly user_namespace: UserNamespaceValue
}
export function decodeCredValue(view: DataView, at: number): CredValue {
  return {
    credentials: decodeCredentials(view, at),
    user_namespace: decodeUserNamespaceValue(view, at + 64),
  }
}
export function encodeCredValue(view: DataView, at: number, value: CredValue): void {
  clear(view, at, 80)
  encodeCredentials(view, at, value.credentials)
  encodeUserNamespaceValue(view, at + 64, value.user_namespace)
}

export const CREDENTIALS_SIZE = 64
/** Offsets in struct credentials. */
export const CREDENTIALS = {
  permitted: 0,
  effective: 8,
  inheritable: 16,
  uid: 24,
  gid: 28,
  euid: 32,
  egid: 36,
  suid: 40,
  sgid: 44,
  fsuid: 48,
  fsgid: 52,
  securebits: 56,
} as const
/** struct credentials */
export interface Credentials {
  readonly permitted: bigint
  readonly effective: bigint
  readonly inheritable: bigint
  readonly uid: number
  readonly gid: number
  readonly euid: number
  readonly egid: number
  readonly suid: number
  readonly sgid: number
  readonly fsuid: number
  readonly fsgid: number
  readonly securebits: number
}
export function decodeCredentials(view: DataView, at: number): Credentials {
  return {
    permitted: view.getBigUint64(at, true),
    effective: view.getBigUint64(at + 8, true),
    inheritable: view.getBigUint64(at + 16, true),
    uid: view.getUint32(at + 24, true),
    gid: view.getUint32(at + 28, true),
    euid: view.getUint32(at + 32, true),
    egid: view.getUint32(at + 36, true),
    suid: view.getUint32(at + 40, true),
    sgid: view.getUint32(at + 44, true),
    fsuid: view.getUint32(at + 48, true),
    fsgid: view.getUint32(at + 52, true),
    securebits: view.getUint32(at + 56, true),
  }
}
export function encodeCredentials(view: DataView, at: number, value: Credentials): void {
  clear(view, at, 64)
  view.setBigUint64(at, value.permitted, true)
  view.setBigUint64(at + 8, value.effective, true)
  view.setBigUint64(at + 16, value.inheritable, true)
  view.setUint32(at + 24, value.uid, true)
  view.setUint32(at + 28, value.gid, true)
  view.setUint32(at + 32, value.euid, true)
  view.setUint32(at + 36, value.egid, true)
  view.setUint32(at + 40, value.suid, true)
  view.setUint32(at + 44, value.sgid, true)
  view.setUint32(at + 48, value.fsuid, true)
  view.setUint32(at + 52, value.fsgid, true)
  view.setUint32(at + 56, value.securebits, true)
}

export const EVENT_HEADER_SIZE = 16
/** Offsets in struct event_header. */
export const EVENT_HEADER = {
  size: 0,
  type: 4,
  cpu: 6,
  ktime_ns: 8,
} as const
/** struct event_header */
export interface EventHeader {
  readonly size: number
  readonly type: number
  readonly cpu: number
  readonly ktime_ns: bigint
}
export function decodeEventHeader(view: DataView, at: number): EventHeader {
  return {
    size: view.getUint32(at, true),
    type: view.getUint16(at + 4, true),
    cpu: view.getUint16(at + 6, true),
    ktime_ns: view.getBigUint64(at + 8, true),
  }
}
export function encodeEventHeader(view: DataView, at: number, value: EventHeader): void {
  clear(view, at, 16)
  view.setUint32(at, value.size, true)
  view.setUint16(at + 4, value.type, true)
  view.setUint16(at + 6, value.cpu, true)
  view.setBigUint64(at + 8, value.ktime_ns, true)
}

export const EXEC_EVENT_SIZE = 224
/** Offsets in struct exec_event. */
export const EXEC_EVENT = {
  header: 0,
  exec_id: 16,
  parent_exec_id: 24,
  parent_ktime_ns: 32,
  cgroup_id: 40,
  inode: 48,
  credentials: 56,
  namespaces: 120,
  pid: 160,
  old_tid: 164,
  parent_pid: 168,
  ns_pid: 172,
  auid: 176,
  flags: 180,
  gained: 184,
  filename_size: 188,
  cwd_size: 192,
  cgroup_name_size: 196,
  args_size: 200,
  envs_size: 204,
  args_chunks: 208,
  envs_chunks: 212,
  args_total: 216,
  envs_total: 220,
} as const
/** struct exec_event */
export interface ExecEvent {
  readonly header: EventHeader
  readonly exec_id: number
  readonly parent_exec_id: number
  readonly parent_ktime_ns: bigint
  readonly cgroup_id: number
  readonly inode: number
  readonly credentials: Credentials
  readonly namespaces: Namespaces
  readonly pid: number
  readonly old_tid: number
  readonly parent_pid: number
  readonly ns_pid: number
  readonly auid: number
  readonly flags: number
  readonly gained: number
  readonly filename_size: number
  readonly cwd_size: number
  readonly cgroup_name_size: number
  readonly args_size: number
  readonly envs_size: number
  readonly args_chunks: number
  readonly envs_chunks: number
  readonly args_total: number
  readonly envs_total: number
}
export function decodeExecEvent(view: DataView, at: number): ExecEvent {
  return {
    header: decodeEventHeader(view, at),
    exec_id: readNumber(view, at + 16),
    parent_exec_id: readNumber(view, at + 24),
    parent_ktime_ns: view.getBigUint64(at + 32, true),
    cgroup_id: readNumber(view, at + 40),
    inode: readNumber(view, at + 48),
    credentials: decodeCredentials(view, at + 56),
    namespaces: decodeNamespaces(view, at + 120),
    pid: view.getUint32(at + 160, true),
    old_tid: view.getUint32(at + 164, true),
    parent_pid: view.getUint32(at + 168, true),
    ns_pid: view.getUint32(at + 172, true),
    auid: view.getUint32(at + 176, true),
    flags: view.getUint32(at + 180, true),
    gained: view.getUint32(at + 184, true),
    filename_size: view.getUint32(at + 188, true),
    cwd_size: view.getUint32(at + 192, true),
    cgroup_name_size: view.getUint32(at + 196, true),
    args_size: view.getUint32(at + 200, true),
    envs_size: view.getUint32(at + 204, true),
    args_chunks: view.getUint32(at + 208, true),
    envs_chunks: view.getUint32(at + 212, true),
    args_total: view.getUint32(at + 216, true),
    envs_total: view.getUint32(at + 220, true),
  }
}
export function encodeExecEvent(view: DataView, at: number, value: ExecEvent): void {
  clear(view, at, 224)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.exec_id)
  writeNumber(view, at + 24, value.parent_exec_id)
  view.setBigUint64(at + 32, value.parent_ktime_ns, true)
  writeNumber(view, at + 40, value.cgroup_id)
  writeNumber(view, at + 48, value.inode)
  encodeCredentials(view, at + 56, value.credentials)
  encodeNamespaces(view, at + 120, value.namespaces)
  view.setUint32(at + 160, value.pid, true)
  view.setUint32(at + 164, value.old_tid, true)
  view.setUint32(at + 168, value.parent_pid, true)
  view.setUint32(at + 172, value.ns_pid, true)
  view.setUint32(at + 176, value.auid, true)
  view.setUint32(at + 180, value.flags, true)
  view.setUint32(at + 184, value.gained, true)
  view.setUint32(at + 188, value.filename_size, true)
  view.setUint32(at + 192, value.cwd_size, true)
  view.setUint32(at + 196, value.cgroup_name_size, true)
  view.setUint32(at + 200, value.args_size, true)
  view.setUint32(at + 204, value.envs_size, true)
  view.setUint32(at + 208, value.args_chunks, true)
  view.setUint32(at + 212, value.envs_chunks, true)
  view.setUint32(at + 216, value.args_total, true)
  view.setUint32(at + 220, value.envs_total, true)
}

export const EXIT_EVENT_SIZE = 40
/** Offsets in struct exit_event. */
export const EXIT_EVENT = {
  header: 0,
  exec_id: 16,
  pid: 24,
  tid: 28,
  code: 32,
} as const
/** struct exit_event */
export interface ExitEvent {
  readonly header: EventHeader
  readonly exec_id: number
  readonly pid: number
  readonly tid: number
  readonly code: number
}
export function decodeExitEvent(view: DataView, at: number): ExitEvent {
  return {
    header: decodeEventHeader(view, at),
    exec_id: readNumber(view, at + 16),
    pid: view.getUint32(at + 24, true),
    tid: view.getUint32(at + 28, true),
    code: view.getUint32(at + 32, true),
  }
}
export function encodeExitEvent(view: DataView, at: number, value: ExitEvent): void {
  clear(view, at, 40)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.exec_id)
  view.setUint32(at + 24, value.pid, true)
  view.setUint32(at + 28, value.tid, true)
  view.setUint32(at + 32, value.code, true)
}

export const EXPRESSION_STEP_SIZE = 16
/** Offsets in struct expression_step. */
export const EXPRESSION_STEP = {
  operator: 0,
  value: 8,
} as const
/** struct expression_step */
export interface ExpressionStep {
  readonly operator: number
  readonly value: bigint
}
export function decodeExpressionStep(view: DataView, at: number): ExpressionStep {
  return {
    operator: view.getUint32(at, true),
    value: view.getBigUint64(at + 8, true),
  }
}
export function encodeExpressionStep(view: DataView, at: number, value: ExpressionStep): void {
  clear(view, at, 16)
  view.setUint32(at, value.operator, true)
  view.setBigUint64(at + 8, value.value, true)
}

export const FORK_EVENT_SIZE = 64
/** Offsets in struct fork_event. */
export const FORK_EVENT = {
  header: 0,
  exec_id: 16,
  parent_exec_id: 24,
  parent_ktime_ns: 32,
  cgroup_id: 40,
  pid: 48,
  parent_pid: 52,
  ns_pid: 56,
  flags: 60,
} as const
/** struct fork_event */
export interface ForkEvent {
  readonly header: EventHeader
  readonly exec_id: number
  readonly parent_exec_id: number
  readonly parent_ktime_ns: bigint
  readonly cgroup_id: number
  readonly pid: number
  readonly parent_pid: number
  readonly ns_pid: number
  readonly flags: number
}
export function decodeForkEvent(view: DataView, at: number): ForkEvent {
  return {
    header: decodeEventHeader(view, at),
    exec_id: readNumber(view, at + 16),
    parent_exec_id: readNumber(view, at + 24),
    parent_ktime_ns: view.getBigUint64(at + 32, true),
    cgroup_id: readNumber(view, at + 40),
    pid: view.getUint32(at + 48, true),
    parent_pid: view.getUint32(at + 52, true),
    ns_pid: view.getUint32(at + 56, true),
    flags: view.getUint32(at + 60, true),
  }
}
export function encodeForkEvent(view: DataView, at: number, value: ForkEvent): void {
  clear(view, at, 64)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.exec_id)
  writeNumber(view, at + 24, value.parent_exec_id)
  view.setBigUint64(at + 32, value.parent_ktime_ns, true)
  writeNumber(view, at + 40, value.cgroup_id)
  view.setUint32(at + 48, value.pid, true)
  view.setUint32(at + 52, value.parent_pid, true)
  view.setUint32(at + 56, value.ns_pid, true)
  view.setUint32(at + 60, value.flags, true)
}

export const HOOK_ACTION_SIZE = 48
/** Offsets in struct hook_action. */
export const HOOK_ACTION = {
  kind: 0,
  flags: 4,
  selector: 8,
  error: 12,
  signal: 16,
  argument: 20,
  argument_name: 24,
  rate_scope: 28,
  rate_interval_ns: 32,
  value: 40,
} as const
/** struct hook_action */
export interface HookAction {
  readonly kind: number
  readonly flags: number
  readonly selector: number
  readonly error: number
  readonly signal: number
  readonly argument: number
  readonly argument_name: number
  readonly rate_scope: number
  readonly rate_interval_ns: bigint
  readonly value: bigint
}
export function decodeHookAction(view: DataView, at: number): HookAction {
  return {
    kind: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    selector: view.getUint32(at + 8, true),
    error: view.getInt32(at + 12, true),
    signal: view.getUint32(at + 16, true),
    argument: view.getUint32(at + 20, true),
    argument_name: view.getUint32(at + 24, true),
    rate_scope: view.getUint32(at + 28, true),
    rate_interval_ns: view.getBigUint64(at + 32, true),
    value: view.getBigUint64(at + 40, true),
  }
}
export function encodeHookAction(view: DataView, at: number, value: HookAction): void {
  clear(view, at, 48)
  view.setUint32(at, value.kind, true)
  view.setUint32(at + 4, value.flags, true)
  view.setUint32(at + 8, value.selector, true)
  view.setInt32(at + 12, value.error, true)
  view.setUint32(at + 16, value.signal, true)
  view.setUint32(at + 20, value.argument, true)
  view.setUint32(at + 24, value.argument_name, true)
  view.setUint32(at + 28, value.rate_scope, true)
  view.setBigUint64(at + 32, value.rate_interval_ns, true)
  view.setBigUint64(at + 40, value.value, true)
}

export const HOOK_ARGUMENT_SIZE = 120
/** Offsets in struct hook_argument. */
export const HOOK_ARGUMENT = {
  type: 0,
  source: 4,
  flags: 8,
  index: 12,
  offset: 16,
  size: 20,
  max_bytes: 24,
  size_argument: 28,
  step_count: 32,
  steps: 40,
} as const
/** struct hook_argument */
export interface HookArgument {
  readonly type: number
  readonly source: number
  readonly flags: number
  readonly index: number
  readonly offset: number
  readonly size: number
  readonly max_bytes: number
  readonly size_argument: number
  readonly step_count: number
  readonly steps: readonly ResolveStep[]
}
export function decodeHookArgument(view: DataView, at: number): HookArgument {
  return {
    type: view.getUint32(at, true),
    source: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    index: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
    size: view.getUint32(at + 20, true),
    max_bytes: view.getUint32(at + 24, true),
    size_argument: view.getUint32(at + 28, true),
    step_count: view.getUint32(at + 32, true),
    steps: Array.from({ length: 10 }, (_, i) => decodeResolveStep(view, at + 40 + i * 8)),
  }
}
export function encodeHookArgument(view: DataView, at: number, value: HookArgument): void {
  clear(view, at, 120)
  view.setUint32(at, value.type, true)
  view.setUint32(at + 4, value.source, true)
  view.setUint32(at + 8, value.flags, true)
  view.setUint32(at + 12, value.index, true)
  view.setUint32(at + 16, value.offset, true)
  view.setUint32(at + 20, value.size, true)
  view.setUint32(at + 24, value.max_bytes, true)
  view.setUint32(at + 28, value.size_argument, true)
  view.setUint32(at + 32, value.step_count, true)
  checkLength(value.steps.length, 10, 'steps')
  value.steps.forEach((item, i) => {
    encodeResolveStep(view, at + 40 + i * 8, item)
  })
}

export const HOOK_CONFIG_SIZE = 19448
/** Offsets in struct hook_config. */
export const HOOK_CONFIG = {
  hook_id: 0,
  policy_slot: 4,
  flags: 8,
  argument_count: 12,
  filter_count: 16,
  action_count: 20,
  selector_count: 24,
  expression_count: 28,
  cgroup_filter: 32,
  syscall_id: 36,
  syscall_set: 40,
  parameter_mask: 44,
  result_index: 48,
  register_mask: 52,
  arguments: 56,
  positions: 1976,
  filters: 2040,
  actions: 14328,
  expression: 17400,
  registers: 18424,
} as const
/** struct hook_config */
export interface HookConfig {
  readonly hook_id: number
  readonly policy_slot: number
  readonly flags: number
  readonly argument_count: number
  readonly filter_count: number
  readonly action_count: number
  readonly selector_count: number
  readonly expression_count: number
  readonly cgroup_filter: number
  readonly syscall_id: number
  readonly syscall_set: number
  readonly parameter_mask: number
  readonly result_index: number
  readonly register_mask: number
  readonly arguments: readonly HookArgument[]
  readonly positions: readonly number[]
  readonly filters: readonly HookFilter[]
  readonly actions: readonly HookAction[]
  readonly expression: readonly ExpressionStep[]
  readonly registers: readonly RegisterWrite[]
}
export function decodeHookConfig(view: DataView, at: number): HookConfig {
  return {
    hook_id: view.getUint32(at, true),
    policy_slot: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    argument_count: view.getUint32(at + 12, true),
    filter_count: view.getUint32(at + 16, true),
    action_count: view.getUint32(at + 20, true),
    selector_count: view.getUint32(at + 24, true),
    expression_count: view.getUint32(at + 28, true),
    cgroup_filter: view.getUint32(at + 32, true),
    syscall_id: view.getUint32(at + 36, true),
    syscall_set: view.getUint32(at + 40, true),
    parameter_mask: view.getUint32(at + 44, true),
    result_index: view.getUint32(at + 48, true),
    register_mask: view.getUint32(at + 52, true),
    arguments: Array.from({ length: 16 }, (_, i) => decodeHookArgument(view, at + 56 + i * 120)),
    positions: Array.from({ length: 16 }, (_, i) => view.getUint32(at + 1976 + i * 4, true)),
    filters: Array.from({ length: 128 }, (_, i) => decodeHookFilter(view, at + 2040 + i * 96)),
    actions: Array.from({ length: 64 }, (_, i) => decodeHookAction(view, at + 14328 + i * 48)),
    expression: Array.from({ length: 64 }, (_, i) => decodeExpressionStep(view, at + 17400 + i * 16)),
    registers: Array.from({ length: 32 }, (_, i) => decodeRegisterWrite(view, at + 18424 + i * 32)),
  }
}
export function encodeHookConfig(view: DataView, at: number, value: HookConfig): void {
  clear(view, at, 19448)
  view.setUint32(at, value.hook_id, true)
  view.setUint32(at + 4, value.policy_slot, true)
  view.setUint32(at + 8, value.flags, true)
  view.setUint32(at + 12, value.argument_count, true)
  view.setUint32(at + 16, value.filter_count, true)
  view.setUint32(at + 20, value.action_count, true)
  view.setUint32(at + 24, value.selector_count, true)
  view.setUint32(at + 28, value.expression_count, true)
  view.setUint32(at + 32, value.cgroup_filter, true)
  view.setUint32(at + 36, value.syscall_id, true)
  view.setUint32(at + 40, value.syscall_set, true)
  view.setUint32(at + 44, value.parameter_mask, true)
  view.setUint32(at + 48, value.result_index, true)
  view.setUint32(at + 52, value.register_mask, true)
  checkLength(value.arguments.length, 16, 'arguments')
  value.arguments.forEach((item, i) => {
    encodeHookArgument(view, at + 56 + i * 120, item)
  })
  checkLength(value.positions.length, 16, 'positions')
  value.positions.forEach((item, i) => {
    view.setUint32(at + 1976 + i * 4, item, true)
  })
  checkLength(value.filters.length, 128, 'filters')
  value.filters.forEach((item, i) => {
    encodeHookFilter(view, at + 2040 + i * 96, item)
  })
  checkLength(value.actions.length, 64, 'actions')
  value.actions.forEach((item, i) => {
    encodeHookAction(view, at + 14328 + i * 48, item)
  })
  checkLength(value.expression.length, 64, 'expression')
  value.expression.forEach((item, i) => {
    encodeExpressionStep(view, at + 17400 + i * 16, item)
  })
  checkLength(value.registers.length, 32, 'registers')
  value.registers.forEach((item, i) => {
    encodeRegisterWrite(view, at + 18424 + i * 32, item)
  })
}

export const HOOK_COUNTERS_SIZE = 72
/** Offsets in struct hook_counters. */
export const HOOK_COUNTERS = {
  hits: 0,
  posted: 8,
  suppressed: 16,
  lost: 24,
  kills: 32,
  overrides: 40,
  merge_lost: 48,
  spared: 56,
  scratch_lost: 64,
} as const
/** struct hook_counters */
export interface HookCounters {
  readonly hits: number
  readonly posted: number
  readonly suppressed: number
  readonly lost: number
  readonly kills: number
  readonly overrides: number
  readonly merge_lost: number
  readonly spared: number
  readonly scratch_lost: number
}
export function decodeHookCounters(view: DataView, at: number): HookCounters {
  return {
    hits: readNumber(view, at),
    posted: readNumber(view, at + 8),
    suppressed: readNumber(view, at + 16),
    lost: readNumber(view, at + 24),
    kills: readNumber(view, at + 32),
    overrides: readNumber(view, at + 40),
    merge_lost: readNumber(view, at + 48),
    spared: readNumber(view, at + 56),
    scratch_lost: readNumber(view, at + 64),
  }
}
export function encodeHookCounters(view: DataView, at: number, value: HookCounters): void {
  clear(view, at, 72)
  writeNumber(view, at, value.hits)
  writeNumber(view, at + 8, value.posted)
  writeNumber(view, at + 16, value.suppressed)
  writeNumber(view, at + 24, value.lost)
  writeNumber(view, at + 32, value.kills)
  writeNumber(view, at + 40, value.overrides)
  writeNumber(view, at + 48, value.merge_lost)
  writeNumber(view, at + 56, value.spared)
  writeNumber(view, at + 64, value.scratch_lost)
}

export const HOOK_EVENT_SIZE = 72
/** Offsets in struct hook_event. */
export const HOOK_EVENT = {
  header: 0,
  exec_id: 16,
  pid: 24,
  tid: 28,
  hook_id: 32,
  function: 36,
  flags: 40,
  selector: 44,
  value_count: 46,
  action: 48,
  return_action: 50,
  actions: 52,
  kernel_stack: 56,
  user_stack: 60,
  suppressed: 64,
} as const
/** struct hook_event */
export interface HookEvent {
  readonly header: EventHeader
  readonly exec_id: number
  readonly pid: number
  readonly tid: number
  readonly hook_id: number
  readonly function: number
  readonly flags: number
  readonly selector: number
  readonly value_count: number
  readonly action: number
  readonly return_action: number
  readonly actions: number
  readonly kernel_stack: number
  readonly user_stack: number
  readonly suppressed: number
}
export function decodeHookEvent(view: DataView, at: number): HookEvent {
  return {
    header: decodeEventHeader(view, at),
    exec_id: readNumber(view, at + 16),
    pid: view.getUint32(at + 24, true),
    tid: view.getUint32(at + 28, true),
    hook_id: view.getUint32(at + 32, true),
    function: view.getUint32(at + 36, true),
    flags: view.getUint32(at + 40, true),
    selector: view.getUint16(at + 44, true),
    value_count: view.getUint16(at + 46, true),
    action: view.getUint16(at + 48, true),
    return_action: view.getUint16(at + 50, true),
    actions: view.getUint32(at + 52, true),
    kernel_stack: view.getInt32(at + 56, true),
    user_stack: view.getInt32(at + 60, true),
    suppressed: readNumber(view, at + 64),
  }
}
export function encodeHookEvent(view: DataView, at: number, value: HookEvent): void {
  clear(view, at, 72)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.exec_id)
  view.setUint32(at + 24, value.pid, true)
  view.setUint32(at + 28, value.tid, true)
  view.setUint32(at + 32, value.hook_id, true)
  view.setUint32(at + 36, value.function, true)
  view.setUint32(at + 40, value.flags, true)
  view.setUint16(at + 44, value.selector, true)
  view.setUint16(at + 46, value.value_count, true)
  view.setUint16(at + 48, value.action, true)
  view.setUint16(at + 50, value.return_action, true)
  view.setUint32(at + 52, value.actions, true)
  view.setInt32(at + 56, value.kernel_stack, true)
  view.setInt32(at + 60, value.user_stack, true)
  writeNumber(view, at + 64, value.suppressed)
}

export const HOOK_FILTER_SIZE = 96
/** Offsets in struct hook_filter. */
export const HOOK_FILTER = {
  kind: 0,
  operator: 4,
  flags: 8,
  selector: 12,
  argument: 16,
  argument_new: 20,
  set: 24,
  value_count: 28,
  values: 32,
} as const
/** struct hook_filter */
export interface HookFilter {
  readonly kind: number
  readonly operator: number
  readonly flags: number
  readonly selector: number
  readonly argument: number
  readonly argument_new: number
  readonly set: number
  readonly value_count: number
  readonly values: readonly bigint[]
}
export function decodeHookFilter(view: DataView, at: number): HookFilter {
  return {
    kind: view.getUint32(at, true),
    operator: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    selector: view.getUint32(at + 12, true),
    argument: view.getUint32(at + 16, true),
    argument_new: view.getUint32(at + 20, true),
    set: view.getUint32(at + 24, true),
    value_count: view.getUint32(at + 28, true),
    values: Array.from({ length: 8 }, (_, i) => view.getBigUint64(at + 32 + i * 8, true)),
  }
}
export function encodeHookFilter(view: DataView, at: number, value: HookFilter): void {
  clear(view, at, 96)
  view.setUint32(at, value.kind, true)
  view.setUint32(at + 4, value.operator, true)
  view.setUint32(at + 8, value.flags, true)
  view.setUint32(at + 12, value.selector, true)
  view.setUint32(at + 16, value.argument, true)
  view.setUint32(at + 20, value.argument_new, true)
  view.setUint32(at + 24, value.set, true)
  view.setUint32(at + 28, value.value_count, true)
  checkLength(value.values.length, 8, 'values')
  value.values.forEach((item, i) => {
    view.setBigUint64(at + 32 + i * 8, item, true)
  })
}

export const HOOK_VALUE_SIZE = 8
/** Offsets in struct hook_value. */
export const HOOK_VALUE = {
  type: 0,
  index: 1,
  flags: 2,
  size: 4,
} as const
/** struct hook_value */
export interface HookValue {
  readonly type: number
  readonly index: number
  readonly flags: number
  readonly size: number
}
export function decodeHookValue(view: DataView, at: number): HookValue {
  return {
    type: view.getUint8(at),
    index: view.getUint8(at + 1),
    flags: view.getUint16(at + 2, true),
    size: view.getUint32(at + 4, true),
  }
}
export function encodeHookValue(view: DataView, at: number, value: HookValue): void {
  clear(view, at, 8)
  view.setUint8(at, value.type)
  view.setUint8(at + 1, value.index)
  view.setUint16(at + 2, value.flags, true)
  view.setUint32(at + 4, value.size, true)
}

export const IMA_HASH_VALUE_SIZE = 72
/** Offsets in struct ima_hash_value. */
export const IMA_HASH_VALUE = {
  algorithm: 0,
  bytes: 8,
} as const
/** struct ima_hash_value */
export interface ImaHashValue {
  readonly algorithm: number
  readonly bytes: Uint8Array
}
export function decodeImaHashValue(view: DataView, at: number): ImaHashValue {
  return {
    algorithm: view.getInt32(at, true),
    bytes: readBytes(view, at + 8, 64),
  }
}
export function encodeImaHashValue(view: DataView, at: number, value: ImaHashValue): void {
  clear(view, at, 72)
  view.setInt32(at, value.algorithm, true)
  writeBytes(view, at + 8, 64, value.bytes, 'bytes')
}

export const LINEAGE_KEY_SIZE = 8
/** Offsets in struct lineage_key. */
export const LINEAGE_KEY = {
  parent: 0,
  binary: 4,
} as const
/** struct lineage_key */
export interface LineageKey {
  readonly parent: number
  readonly binary: number
}
export function decodeLineageKey(view: DataView, at: number): LineageKey {
  return {
    parent: view.getUint32(at, true),
    binary: view.getUint32(at + 4, true),
  }
}
export function encodeLineageKey(view: DataView, at: number, value: LineageKey): void {
  clear(view, at, 8)
  view.setUint32(at, value.parent, true)
  view.setUint32(at + 4, value.binary, true)
}

export const LINEAGE_NODE_SIZE = 24
/** Offsets in struct lineage_node. */
export const LINEAGE_NODE = {
  binary: 0,
  binary_id: 16,
  parent: 20,
} as const
/** struct lineage_node */
export interface LineageNode {
  readonly binary: BinaryKey
  readonly binary_id: number
  readonly parent: number
}
export function decodeLineageNode(view: DataView, at: number): LineageNode {
  return {
    binary: decodeBinaryKey(view, at),
    binary_id: view.getUint32(at + 16, true),
    parent: view.getUint32(at + 20, true),
  }
}
export function encodeLineageNode(view: DataView, at: number, value: LineageNode): void {
  clear(view, at, 24)
  encodeBinaryKey(view, at, value.binary)
  view.setUint32(at + 16, value.binary_id, true)
  view.setUint32(at + 20, value.parent, true)
}

export const MODULE_VALUE_SIZE = 80
/** Offsets in struct module_value. */
export const MODULE_VALUE = {
  taints: 0,
  signature_ok: 8,
  name: 16,
} as const
/** struct module_value */
export interface ModuleValue {
  readonly taints: bigint
  readonly signature_ok: number
  readonly name: string
}
export function decodeModuleValue(view: DataView, at: number): ModuleValue {
  return {
    taints: view.getBigUint64(at, true),
    signature_ok: view.getUint32(at + 8, true),
    name: readText(view, at + 16, 64),
  }
}
export function encodeModuleValue(view: DataView, at: number, value: ModuleValue): void {
  clear(view, at, 80)
  view.setBigUint64(at, value.taints, true)
  view.setUint32(at + 8, value.signature_ok, true)
  writeText(view, at + 16, 64, value.name, 'name')
}

export const NAMESPACES_SIZE = 40
/** Offsets in struct namespaces. */
export const NAMESPACES = {
  uts: 0,
  ipc: 4,
  mnt: 8,
  pid: 12,
  pid_for_children: 16,
  net: 20,
  time: 24,
  time_for_children: 28,
  cgroup: 32,
  user: 36,
} as const
/** struct namespaces */
export interface Namespaces {
  readonly uts: number
  readonly ipc: number
  readonly mnt: number
  readonly pid: number
  readonly pid_for_children: number
  readonly net: number
  readonly time: number
  readonly time_for_children: number
  readonly cgroup: number
  readonly user: number
}
export function decodeNamespaces(view: DataView, at: number): Namespaces {
  return {
    uts: view.getUint32(at, true),
    ipc: view.getUint32(at + 4, true),
    mnt: view.getUint32(at + 8, true),
    pid: view.getUint32(at + 12, true),
    pid_for_children: view.getUint32(at + 16, true),
    net: view.getUint32(at + 20, true),
    time: view.getUint32(at + 24, true),
    time_for_children: view.getUint32(at + 28, true),
    cgroup: view.getUint32(at + 32, true),
    user: view.getUint32(at + 36, true),
  }
}
export function encodeNamespaces(view: DataView, at: number, value: Namespaces): void {
  clear(view, at, 40)
  view.setUint32(at, value.uts, true)
  view.setUint32(at + 4, value.ipc, true)
  view.setUint32(at + 8, value.mnt, true)
  view.setUint32(at + 12, value.pid, true)
  view.setUint32(at + 16, value.pid_for_children, true)
  view.setUint32(at + 20, value.net, true)
  view.setUint32(at + 24, value.time, true)
  view.setUint32(at + 28, value.time_for_children, true)
  view.setUint32(at + 32, value.cgroup, true)
  view.setUint32(at + 36, value.user, true)
}

export const NEEDLE_SIZE = 136
/** Offsets in struct needle. */
export const NEEDLE = {
  size: 0,
  bytes: 8,
} as const
/** struct needle */
export interface Needle {
  readonly size: number
  readonly bytes: Uint8Array
}
export function decodeNeedle(view: DataView, at: number): Needle {
  return {
    size: view.getUint32(at, true),
    bytes: readBytes(view, at + 8, 128),
  }
}
export function encodeNeedle(view: DataView, at: number, value: Needle): void {
  clear(view, at, 136)
  view.setUint32(at, value.size, true)
  writeBytes(view, at + 8, 128, value.bytes, 'bytes')
}

export const NEEDLE_KEY_SIZE = 8
/** Offsets in struct needle_key. */
export const NEEDLE_KEY = {
  set: 0,
  index: 4,
} as const
/** struct needle_key */
export interface NeedleKey {
  readonly set: number
  readonly index: number
}
export function decodeNeedleKey(view: DataView, at: number): NeedleKey {
  return {
    set: view.getUint32(at, true),
    index: view.getUint32(at + 4, true),
  }
}
export function encodeNeedleKey(view: DataView, at: number, value: NeedleKey): void {
  clear(view, at, 8)
  view.setUint32(at, value.set, true)
  view.setUint32(at + 4, value.index, true)
}

export const PATH_VALUE_SIZE = 8
/** Offsets in struct path_value. */
export const PATH_VALUE = {
  mode: 0,
  fd: 4,
} as const
/** struct path_value */
export interface PathValue {
  readonly mode: number
  readonly fd: number
}
export function decodePathValue(view: DataView, at: number): PathValue {
  return {
    mode: view.getUint32(at, true),
    fd: view.getUint32(at + 4, true),
  }
}
export function encodePathValue(view: DataView, at: number, value: PathValue): void {
  clear(view, at, 8)
  view.setUint32(at, value.mode, true)
  view.setUint32(at + 4, value.fd, true)
}

export const PERF_EVENT_VALUE_SIZE = 152
/** Offsets in struct perf_event_value. */
export const PERF_EVENT_VALUE = {
  config: 0,
  probe_offset: 8,
  type: 16,
  function: 24,
} as const
/** struct perf_event_value */
export interface PerfEventValue {
  readonly config: bigint
  readonly probe_offset: bigint
  readonly type: number
  readonly function: string
}
export function decodePerfEventValue(view: DataView, at: number): PerfEventValue {
  return {
    config: view.getBigUint64(at, true),
    probe_offset: view.getBigUint64(at + 8, true),
    type: view.getUint32(at + 16, true),
    function: readText(view, at + 24, 128),
  }
}
export function encodePerfEventValue(view: DataView, at: number, value: PerfEventValue): void {
  clear(view, at, 152)
  view.setBigUint64(at, value.config, true)
  view.setBigUint64(at + 8, value.probe_offset, true)
  view.setUint32(at + 16, value.type, true)
  writeText(view, at + 24, 128, value.function, 'function')
}

export const POLICY_CGROUP_KEY_SIZE = 16
/** Offsets in struct policy_cgroup_key. */
export const POLICY_CGROUP_KEY = {
  cgroup_id: 0,
  filter: 8,
} as const
/** struct policy_cgroup_key */
export interface PolicyCgroupKey {
  readonly cgroup_id: number
  readonly filter: number
}
export function decodePolicyCgroupKey(view: DataView, at: number): PolicyCgroupKey {
  return {
    cgroup_id: readNumber(view, at),
    filter: view.getUint32(at + 8, true),
  }
}
export function encodePolicyCgroupKey(view: DataView, at: number, value: PolicyCgroupKey): void {
  clear(view, at, 16)
  writeNumber(view, at, value.cgroup_id)
  view.setUint32(at + 8, value.filter, true)
}

export const POLICY_STATE_SIZE = 32
/** Offsets in struct policy_state. */
export const POLICY_STATE = {
  state: 0,
  kill_budget: 4,
  budget_window_ns: 8,
  budget_used: 16,
  generation: 24,
} as const
/** struct policy_state */
export interface PolicyState {
  readonly state: number
  readonly kill_budget: number
  readonly budget_window_ns: number
  readonly budget_used: number
  readonly generation: number
}
export function decodePolicyState(view: DataView, at: number): PolicyState {
  return {
    state: view.getUint32(at, true),
    kill_budget: view.getUint32(at + 4, true),
    budget_window_ns: readNumber(view, at + 8),
    budget_used: readNumber(view, at + 16),
    generation: readNumber(view, at + 24),
  }
}
export function encodePolicyState(view: DataView, at: number, value: PolicyState): void {
  clear(view, at, 32)
  view.setUint32(at, value.state, true)
  view.setUint32(at + 4, value.kill_budget, true)
  writeNumber(view, at + 8, value.budget_window_ns)
  writeNumber(view, at + 16, value.budget_used)
  writeNumber(view, at + 24, value.generation)
}

export const PREFIX_KEY_SIZE = 260
/** Offsets in struct prefix_key. */
export const PREFIX_KEY = {
  prefix_bits: 0,
  set: 4,
  bytes: 8,
} as const
/** struct prefix_key */
export interface PrefixKey {
  readonly prefix_bits: number
  readonly set: number
  readonly bytes: Uint8Array
}
export function decodePrefixKey(view: DataView, at: number): PrefixKey {
  return {
    prefix_bits: view.getUint32(at, true),
    set: view.getUint32(at + 4, true),
    bytes: readBytes(view, at + 8, 252),
  }
}
export function encodePrefixKey(view: DataView, at: number, value: PrefixKey): void {
  clear(view, at, 260)
  view.setUint32(at, value.prefix_bits, true)
  view.setUint32(at + 4, value.set, true)
  writeBytes(view, at + 8, 252, value.bytes, 'bytes')
}

export const PROCESS_SIZE = 192
/** Offsets in struct process. */
export const PROCESS = {
  exec_id: 0,
  parent_exec_id: 8,
  ktime_ns: 16,
  start_ns: 24,
  cgroup_id: 32,
  binary: 40,
  credentials: 56,
  namespaces: 120,
  pid: 160,
  parent_pid: 164,
  ns_pid: 168,
  flags: 172,
  binary_id: 176,
  lineage_id: 180,
  binary_size: 184,
  auid: 188,
} as const
/** struct process */
export interface Process {
  readonly exec_id: number
  readonly parent_exec_id: number
  readonly ktime_ns: bigint
  readonly start_ns: bigint
  readonly cgroup_id: number
  readonly binary: BinaryKey
  readonly credentials: Credentials
  readonly namespaces: Namespaces
  readonly pid: number
  readonly parent_pid: number
  readonly ns_pid: number
  readonly flags: number
  readonly binary_id: number
  readonly lineage_id: number
  readonly binary_size: number
  readonly auid: number
}
export function decodeProcess(view: DataView, at: number): Process {
  return {
    exec_id: readNumber(view, at),
    parent_exec_id: readNumber(view, at + 8),
    ktime_ns: view.getBigUint64(at + 16, true),
    start_ns: view.getBigUint64(at + 24, true),
    cgroup_id: readNumber(view, at + 32),
    binary: decodeBinaryKey(view, at + 40),
    credentials: decodeCredentials(view, at + 56),
    namespaces: decodeNamespaces(view, at + 120),
    pid: view.getUint32(at + 160, true),
    parent_pid: view.getUint32(at + 164, true),
    ns_pid: view.getUint32(at + 168, true),
    flags: view.getUint32(at + 172, true),
    binary_id: view.getUint32(at + 176, true),
    lineage_id: view.getUint32(at + 180, true),
    binary_size: view.getUint32(at + 184, true),
    auid: view.getUint32(at + 188, true),
  }
}
export function encodeProcess(view: DataView, at: number, value: Process): void {
  clear(view, at, 192)
  writeNumber(view, at, value.exec_id)
  writeNumber(view, at + 8, value.parent_exec_id)
  view.setBigUint64(at + 16, value.ktime_ns, true)
  view.setBigUint64(at + 24, value.start_ns, true)
  writeNumber(view, at + 32, value.cgroup_id)
  encodeBinaryKey(view, at + 40, value.binary)
  encodeCredentials(view, at + 56, value.credentials)
  encodeNamespaces(view, at + 120, value.namespaces)
  view.setUint32(at + 160, value.pid, true)
  view.setUint32(at + 164, value.parent_pid, true)
  view.setUint32(at + 168, value.ns_pid, true)
  view.setUint32(at + 172, value.flags, true)
  view.setUint32(at + 176, value.binary_id, true)
  view.setUint32(at + 180, value.lineage_id, true)
  view.setUint32(at + 184, value.binary_size, true)
  view.setUint32(at + 188, value.auid, true)
}

export const RANGE_KEY_SIZE = 16
/** Offsets in struct range_key. */
export const RANGE_KEY = {
  prefix_bits: 0,
  set: 4,
  bytes: 8,
} as const
/** struct range_key */
export interface RangeKey {
  readonly prefix_bits: number
  readonly set: number
  readonly bytes: Uint8Array
}
export function decodeRangeKey(view: DataView, at: number): RangeKey {
  return {
    prefix_bits: view.getUint32(at, true),
    set: view.getUint32(at + 4, true),
    bytes: readBytes(view, at + 8, 8),
  }
}
export function encodeRangeKey(view: DataView, at: number, value: RangeKey): void {
  clear(view, at, 16)
  view.setUint32(at, value.prefix_bits, true)
  view.setUint32(at + 4, value.set, true)
  writeBytes(view, at + 8, 8, value.bytes, 'bytes')
}

export const REGISTER_WRITE_SIZE = 32
/** Offsets in struct register_write. */
export const REGISTER_WRITE = {
  kind: 0,
  target: 4,
  target_size: 8,
  source: 12,
  source_size: 16,
  value: 24,
} as const
/** struct register_write */
export interface RegisterWrite {
  readonly kind: number
  readonly target: number
  readonly target_size: number
  readonly source: number
  readonly source_size: number
  readonly value: bigint
}
export function decodeRegisterWrite(view: DataView, at: number): RegisterWrite {
  return {
    kind: view.getUint32(at, true),
    target: view.getUint32(at + 4, true),
    target_size: view.getUint32(at + 8, true),
    source: view.getUint32(at + 12, true),
    source_size: view.getUint32(at + 16, true),
    value: view.getBigUint64(at + 24, true),
  }
}
export function encodeRegisterWrite(view: DataView, at: number, value: RegisterWrite): void {
  clear(view, at, 32)
  view.setUint32(at, value.kind, true)
  view.setUint32(at + 4, value.target, true)
  view.setUint32(at + 8, value.target_size, true)
  view.setUint32(at + 12, value.source, true)
  view.setUint32(at + 16, value.source_size, true)
  view.setBigUint64(at + 24, value.value, true)
}

export const RESOLVE_STEP_SIZE = 8
/** Offsets in struct resolve_step. */
export const RESOLVE_STEP = {
  offset: 0,
  deref: 4,
} as const
/** struct resolve_step */
export interface ResolveStep {
  readonly offset: number
  readonly deref: number
}
export function decodeResolveStep(view: DataView, at: number): ResolveStep {
  return {
    offset: view.getUint32(at, true),
    deref: view.getUint32(at + 4, true),
  }
}
export function encodeResolveStep(view: DataView, at: number, value: ResolveStep): void {
  clear(view, at, 8)
  view.setUint32(at, value.offset, true)
  view.setUint32(at + 4, value.deref, true)
}

export const RING_COUNTERS_SIZE = 48
/** Offsets in struct ring_counters. */
export const RING_COUNTERS = {
  attempted: 0,
  submitted: 8,
  lost: 16,
} as const
/** struct ring_counters */
export interface RingCounters {
  readonly attempted: number
  readonly submitted: number
  readonly lost: readonly number[]
}
export function decodeRingCounters(view: DataView, at: number): RingCounters {
  return {
    attempted: readNumber(view, at),
    submitted: readNumber(view, at + 8),
    lost: Array.from({ length: 4 }, (_, i) => readNumber(view, at + 16 + i * 8)),
  }
}
export function encodeRingCounters(view: DataView, at: number, value: RingCounters): void {
  clear(view, at, 48)
  writeNumber(view, at, value.attempted)
  writeNumber(view, at + 8, value.submitted)
  checkLength(value.lost.length, 4, 'lost')
  value.lost.forEach((item, i) => {
    writeNumber(view, at + 16 + i * 8, item)
  })
}

export const SKB_VALUE_SIZE = 64
/** Offsets in struct skb_value. */
export const SKB_VALUE = {
  hash: 0,
  length: 4,
  priority: 8,
  mark: 12,
  source: 16,
  destination: 32,
  source_port: 48,
  destination_port: 50,
  family: 52,
  protocol: 54,
  sec_path_length: 56,
  sec_path_olen: 60,
} as const
/** struct skb_value */
export interface SkbValue {
  readonly hash: number
  readonly length: number
  readonly priority: number
  readonly mark: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly source_port: number
  readonly destination_port: number
  readonly family: number
  readonly protocol: number
  readonly sec_path_length: number
  readonly sec_path_olen: number
}
export function decodeSkbValue(view: DataView, at: number): SkbValue {
  return {
    hash: view.getUint32(at, true),
    length: view.getUint32(at + 4, true),
    priority: view.getUint32(at + 8, true),
    mark: view.getUint32(at + 12, true),
    source: readBytes(view, at + 16, 16),
    destination: readBytes(view, at + 32, 16),
    source_port: view.getUint16(at + 48, true),
    destination_port: view.getUint16(at + 50, true),
    family: view.getUint16(at + 52, true),
    protocol: view.getUint16(at + 54, true),
    sec_path_length: view.getUint32(at + 56, true),
    sec_path_olen: view.getUint32(at + 60, true),
  }
}
export function encodeSkbValue(view: DataView, at: number, value: SkbValue): void {
  clear(view, at, 64)
  view.setUint32(at, value.hash, true)
  view.setUint32(at + 4, value.length, true)
  view.setUint32(at + 8, value.priority, true)
  view.setUint32(at + 12, value.mark, true)
  writeBytes(view, at + 16, 16, value.source, 'source')
  writeBytes(view, at + 32, 16, value.destination, 'destination')
  view.setUint16(at + 48, value.source_port, true)
  view.setUint16(at + 50, value.destination_port, true)
  view.setUint16(at + 52, value.family, true)
  view.setUint16(at + 54, value.protocol, true)
  view.setUint32(at + 56, value.sec_path_length, true)
  view.setUint32(at + 60, value.sec_path_olen, true)
}

export const SOCK_VALUE_SIZE = 64
/** Offsets in struct sock_value. */
export const SOCK_VALUE = {
  cookie: 0,
  family: 8,
  type: 10,
  protocol: 12,
  state: 14,
  mark: 16,
  priority: 20,
  source: 24,
  destination: 40,
  source_port: 56,
  destination_port: 58,
} as const
/** struct sock_value */
export interface SockValue {
  readonly cookie: bigint
  readonly family: number
  readonly type: number
  readonly protocol: number
  readonly state: number
  readonly mark: number
  readonly priority: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly source_port: number
  readonly destination_port: number
}
export function decodeSockValue(view: DataView, at: number): SockValue {
  return {
    cookie: view.getBigUint64(at, true),
    family: view.getUint16(at + 8, true),
    type: view.getUint16(at + 10, true),
    protocol: view.getUint16(at + 12, true),
    state: view.getUint8(at + 14),
    mark: view.getUint32(at + 16, true),
    priority: view.getUint32(at + 20, true),
    source: readBytes(view, at + 24, 16),
    destination: readBytes(view, at + 40, 16),
    source_port: view.getUint16(at + 56, true),
    destination_port: view.getUint16(at + 58, true),
  }
}
export function encodeSockValue(view: DataView, at: number, value: SockValue): void {
  clear(view, at, 64)
  view.setBigUint64(at, value.cookie, true)
  view.setUint16(at + 8, value.family, true)
  view.setUint16(at + 10, value.type, true)
  view.setUint16(at + 12, value.protocol, true)
  view.setUint8(at + 14, value.state)
  view.setUint32(at + 16, value.mark, true)
  view.setUint32(at + 20, value.priority, true)
  writeBytes(view, at + 24, 16, value.source, 'source')
  writeBytes(view, at + 40, 16, value.destination, 'destination')
  view.setUint16(at + 56, value.source_port, true)
  view.setUint16(at + 58, value.destination_port, true)
}

export const SOCKADDR_VALUE_SIZE = 24
/** Offsets in struct sockaddr_value. */
export const SOCKADDR_VALUE = {
  family: 0,
  port: 2,
  size: 4,
  address: 8,
} as const
/** struct sockaddr_value */
export interface SockaddrValue {
  readonly family: number
  readonly port: number
  readonly size: number
  readonly address: Uint8Array
}
export function decodeSockaddrValue(view: DataView, at: number): SockaddrValue {
  return {
    family: view.getUint16(at, true),
    port: view.getUint16(at + 2, true),
    size: view.getUint32(at + 4, true),
    address: readBytes(view, at + 8, 16),
  }
}
export function encodeSockaddrValue(view: DataView, at: number, value: SockaddrValue): void {
  clear(view, at, 24)
  view.setUint16(at, value.family, true)
  view.setUint16(at + 2, value.port, true)
  view.setUint32(at + 4, value.size, true)
  writeBytes(view, at + 8, 16, value.address, 'address')
}

export const STRING_KEY_SIZE = 24
/** Offsets in struct string_key. */
export const STRING_KEY = {
  hash: 0,
  set: 16,
  size: 20,
} as const
/** struct string_key */
export interface StringKey {
  readonly hash: readonly bigint[]
  readonly set: number
  readonly size: number
}
export function decodeStringKey(view: DataView, at: number): StringKey {
  return {
    hash: Array.from({ length: 2 }, (_, i) => view.getBigUint64(at + i * 8, true)),
    set: view.getUint32(at + 16, true),
    size: view.getUint32(at + 20, true),
  }
}
export function encodeStringKey(view: DataView, at: number, value: StringKey): void {
  clear(view, at, 24)
  checkLength(value.hash.length, 2, 'hash')
  value.hash.forEach((item, i) => {
    view.setBigUint64(at + i * 8, item, true)
  })
  view.setUint32(at + 16, value.set, true)
  view.setUint32(at + 20, value.size, true)
}

export const SYSCALL_VALUE_SIZE = 8
/** Offsets in struct syscall_value. */
export const SYSCALL_VALUE = {
  id: 0,
  compat: 4,
} as const
/** struct syscall_value */
export interface SyscallValue {
  readonly id: number
  readonly compat: number
}
export function decodeSyscallValue(view: DataView, at: number): SyscallValue {
  return {
    id: view.getUint32(at, true),
    compat: view.getUint32(at + 4, true),
  }
}
export function encodeSyscallValue(view: DataView, at: number, value: SyscallValue): void {
  clear(view, at, 8)
  view.setUint32(at, value.id, true)
  view.setUint32(at + 4, value.compat, true)
}

export const THROTTLE_EVENT_SIZE = 160
/** Offsets in struct throttle_event. */
export const THROTTLE_EVENT = {
  header: 0,
  cgroup_id: 16,
  exec_id: 24,
  cgroup: 32,
} as const
/** struct throttle_event */
export interface ThrottleEvent {
  readonly header: EventHeader
  readonly cgroup_id: number
  readonly exec_id: number
  readonly cgroup: string
}
export function decodeThrottleEvent(view: DataView, at: number): ThrottleEvent {
  return {
    header: decodeEventHeader(view, at),
    cgroup_id: readNumber(view, at + 16),
    exec_id: readNumber(view, at + 24),
    cgroup: readText(view, at + 32, 128),
  }
}
export function encodeThrottleEvent(view: DataView, at: number, value: ThrottleEvent): void {
  clear(view, at, 160)
  encodeEventHeader(view, at, value.header)
  writeNumber(view, at + 16, value.cgroup_id)
  writeNumber(view, at + 24, value.exec_id)
  writeText(view, at + 32, 128, value.cgroup, 'cgroup')
}

export const USER_NAMESPACE_VALUE_SIZE = 16
/** Offsets in struct user_namespace_value. */
export const USER_NAMESPACE_VALUE = {
  level: 0,
  uid: 4,
  gid: 8,
  inum: 12,
} as const
/** struct user_namespace_value */
export interface UserNamespaceValue {
  readonly level: number
  readonly uid: number
  readonly gid: number
  readonly inum: number
}
export function decodeUserNamespaceValue(view: DataView, at: number): UserNamespaceValue {
  return {
    level: view.getInt32(at, true),
    uid: view.getUint32(at + 4, true),
    gid: view.getUint32(at + 8, true),
    inum: view.getUint32(at + 12, true),
  }
}
export function encodeUserNamespaceValue(view: DataView, at: number, value: UserNamespaceValue): void {
  clear(view, at, 16)
  view.setInt32(at, value.level, true)
  view.setUint32(at + 4, value.uid, true)
  view.setUint32(at + 8, value.gid, true)
  view.setUint32(at + 12, value.inum, true)
}

export const VALUE_KEY_SIZE = 16
/** Offsets in struct value_key. */
export const VALUE_KEY = {
  value: 0,
  set: 8,
} as const
/** struct value_key */
export interface ValueKey {
  readonly value: bigint
  readonly set: number
}
export function decodeValueKey(view: DataView, at: number): ValueKey {
  return {
    value: view.getBigUint64(at, true),
    set: view.getUint32(at + 8, true),
  }
}
export function encodeValueKey(view: DataView, at: number, value: ValueKey): void {
  clear(view, at, 16)
  view.setBigUint64(at, value.value, true)
  view.setUint32(at + 8, value.set, true)
}

export const VERDICT_KEY_SIZE = 16
/** Offsets in struct verdict_key. */
export const VERDICT_KEY = {
  set: 0,
  operator: 4,
  id: 8,
  follow: 12,
} as const
/** struct verdict_key */
export interface VerdictKey {
  readonly set: number
  readonly operator: number
  readonly id: number
  readonly follow: number
}
export function decodeVerdictKey(view: DataView, at: number): VerdictKey {
  return {
    set: view.getUint32(at, true),
    operator: view.getUint32(at + 4, true),
    id: view.getUint32(at + 8, true),
    follow: view.getUint32(at + 12, true),
  }
}
export function encodeVerdictKey(view: DataView, at: number, value: VerdictKey): void {
  clear(view, at, 16)
  view.setUint32(at, value.set, true)
  view.setUint32(at + 4, value.operator, true)
  view.setUint32(at + 8, value.id, true)
  view.setUint32(at + 12, value.follow, true)
}

function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x100000000
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / 0x100000000), true)
}

const utf8 = new TextDecoder()

function readText(view: DataView, at: number, size: number): string {
  let text = ''
  for (let i = 0; i < size; i++) {
    const byte = view.getUint8(at + i)
    if (byte === 0) break
    if (byte >= 0x80) return readWide(view, at, size)
    text += String.fromCharCode(byte)
  }
  return text
}

function readWide(view: DataView, at: number, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, size)
  const end = bytes.indexOf(0)
  // One mark for each run of invalid bytes, as everywhere else.
  return utf8.decode(end === -1 ? bytes : bytes.subarray(0, end)).replace(/\ufffd+/g, '\ufffd')
}

function readBytes(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size).slice()
}

function writeText(view: DataView, at: number, size: number, value: string, name: string): void {
  const bytes = new TextEncoder().encode(value)
  if (bytes.length >= size) throw new RangeError(`Cannot encode "${name}": ${bytes.length} bytes, at most ${size - 1}`)
  new Uint8Array(view.buffer, view.byteOffset + at, size).set(bytes)
}

function writeBytes(view: DataView, at: number, size: number, value: Uint8Array, name: string): void {
  checkLength(value.length, size, name)
  new Uint8Array(view.buffer, view.byteOffset + at, size).set(value)
}

/** Fewer elements than there is room for leave zeroes. */
function checkLength(length: number, max: number, name: string): void {
  if (length > max) throw new RangeError(`Cannot encode "${name}": ${length} elements, at most ${max}`)
}

function clear(view: DataView, at: number, size: number): void {
  new Uint8Array(view.buffer, view.byteOffset + at, size).fill(0)
}
