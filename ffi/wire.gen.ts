// Generated from bpf/event.h, bpf/config.h, bpf/hook_event.h by scripts/wire.ts; DO NOT EDIT.

/** u64 known to stay below 2^53; two u32 reads cost a third of a bigint (9-26 ns against 33-45). */
function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 4294967296, true)
  view.setUint32(at + 4, Math.floor(value / 4294967296), true)
}

/** Latin-1 text up to a NUL, at most `size` bytes, as in task_struct::comm. */
function readText(view: DataView, at: number, size: number): string {
  let text = ''
  for (let i = 0; i < size; i++) {
    const byte = view.getUint8(at + i)
    if (byte === 0) break
    text += String.fromCharCode(byte)
  }
  return text
}

function writeText(view: DataView, at: number, size: number, text: string): void {
  if (text.length >= size) throw new RangeError(`Cannot encode "${text}": ${text.length} characters, at most ${size - 1}`)
  for (let i = 0; i < size; i++) view.setUint8(at + i, i < text.length ? text.charCodeAt(i) & 0xff : 0)
}

function readBytes(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size).slice()
}

function writeBytes(view: DataView, at: number, size: number, bytes: Uint8Array): void {
  if (bytes.length > size) throw new RangeError(`Cannot encode ${bytes.length} bytes, at most ${size}`)
  const target = new Uint8Array(view.buffer, view.byteOffset + at, size)
  target.fill(0)
  target.set(bytes)
}

function readArray<T>(view: DataView, at: number, count: number, stride: number, read: (view: DataView, at: number) => T): T[] {
  const values: T[] = []
  for (let i = 0; i < count; i++) values.push(read(view, at + i * stride))
  return values
}

/** Elements that are missing at the end are zero. */
function writeArray<T>(
  view: DataView,
  at: number,
  count: number,
  stride: number,
  values: readonly T[],
  write: (view: DataView, at: number, value: T) => void,
): void {
  if (values.length > count) throw new RangeError(`Cannot encode ${values.length} elements, at most ${count}`)
  new Uint8Array(view.buffer, view.byteOffset + at, count * stride).fill(0)
  for (let i = 0; i < values.length; i++) write(view, at + i * stride, values[i]!)
}

/** enum event_type */
export const EVENT_TYPE = {
  EXEC: 1,
  FORK: 2,
  EXIT: 3,
  CHUNK: 4,
  HOOK: 5,
  THROTTLE: 6,
  TEST: 7,
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

/** enum gained */
export const GAINED = {
  FILE_CAP: 1,
  SETUID: 2,
  SETGID: 4,
} as const

/** enum chunk_kind */
export const CHUNK_KIND = {
  ARGS: 1,
  ENVS: 2,
  HOOK: 3,
} as const

/** enum lost_reason */
export const LOST_REASON = {
  RING_FULL: 0,
  SCRATCH: 1,
  SHARE: 2,
  PROCESS_MAP: 3,
  MAX: 4,
} as const

/** enum ring_id */
export const RING_ID = {
  RESERVED: 0,
  TELEMETRY: 1,
  MAX: 2,
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

/** enum capability_set */
export const CAPABILITY_SET = {
  EFFECTIVE: 0,
  INHERITABLE: 1,
  PERMITTED: 2,
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

/** enum filter_flag */
export const FILTER_FLAG = {
  NEGATE: 1,
  SET: 2,
  FOLLOW: 4,
  NAMESPACE_PID: 8,
  USER_NAMESPACE: 16,
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

/** enum action_flag */
export const ACTION_FLAG = {
  AT_RETURN: 1,
  KERNEL_STACK: 2,
  USER_STACK: 4,
  IMA_HASH: 8,
  REFUSE: 16,
} as const

/** enum rate_scope */
export const RATE_SCOPE = {
  THREAD: 0,
  PROCESS: 1,
  GLOBAL: 2,
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
} as const

/** enum policy_state_bit */
export const POLICY_STATE_BIT = {
  ENABLED: 1,
  ENFORCE: 2,
  BUDGET_MONITOR: 4,
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
} as const

/** enum hook_value_flag */
export const HOOK_VALUE_FLAG = {
  FAULT: 1,
  TRUNCATED: 2,
  UNRESOLVED: 4,
  EMPTY: 8,
} as const

export const EVENT_HEADER_SIZE = 16

/** struct event_header */
export interface EventHeader {
  readonly size: number
  readonly type: number
  readonly cpu: number
  readonly ktime_ns: bigint
}

/** Byte offsets in struct event_header, for readers that want one member. */
export const EVENT_HEADER_AT = {
  size: 0,
  type: 4,
  cpu: 6,
  ktime_ns: 8,
} as const

export function decodeEventHeader(view: DataView, at: number): EventHeader {
  return {
    size: view.getUint32(at + 0, true),
    type: view.getUint16(at + 4, true),
    cpu: view.getUint16(at + 6, true),
    ktime_ns: view.getBigUint64(at + 8, true),
  }
}

export function encodeEventHeader(view: DataView, at: number, value: EventHeader): void {
  view.setUint32(at + 0, value.size, true)
  view.setUint16(at + 4, value.type, true)
  view.setUint16(at + 6, value.cpu, true)
  view.setBigUint64(at + 8, value.ktime_ns, true)
}

export const CREDENTIALS_SIZE = 64

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

/** Byte offsets in struct credentials, for readers that want one member. */
export const CREDENTIALS_AT = {
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

export function decodeCredentials(view: DataView, at: number): Credentials {
  return {
    permitted: view.getBigUint64(at + 0, true),
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
  view.setBigUint64(at + 0, value.permitted, true)
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
  writeBytes(view, at + 60, 4, new Uint8Array(0))
}

export const NAMESPACES_SIZE = 40

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

/** Byte offsets in struct namespaces, for readers that want one member. */
export const NAMESPACES_AT = {
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

export function decodeNamespaces(view: DataView, at: number): Namespaces {
  return {
    uts: view.getUint32(at + 0, true),
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
  view.setUint32(at + 0, value.uts, true)
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

export const EXEC_EVENT_SIZE = 224

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

/** Byte offsets in struct exec_event, for readers that want one member. */
export const EXEC_EVENT_AT = {
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

export function decodeExecEvent(view: DataView, at: number): ExecEvent {
  return {
    header: decodeEventHeader(view, at + 0),
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
  encodeEventHeader(view, at + 0, value.header)
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

export const FORK_EVENT_SIZE = 64

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

/** Byte offsets in struct fork_event, for readers that want one member. */
export const FORK_EVENT_AT = {
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

export function decodeForkEvent(view: DataView, at: number): ForkEvent {
  return {
    header: decodeEventHeader(view, at + 0),
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
  encodeEventHeader(view, at + 0, value.header)
  writeNumber(view, at + 16, value.exec_id)
  writeNumber(view, at + 24, value.parent_exec_id)
  view.setBigUint64(at + 32, value.parent_ktime_ns, true)
  writeNumber(view, at + 40, value.cgroup_id)
  view.setUint32(at + 48, value.pid, true)
  view.setUint32(at + 52, value.parent_pid, true)
  view.setUint32(at + 56, value.ns_pid, true)
  view.setUint32(at + 60, value.flags, true)
}

export const EXIT_EVENT_SIZE = 40

/** struct exit_event */
export interface ExitEvent {
  readonly header: EventHeader
  readonly exec_id: number
  readonly pid: number
  readonly tid: number
  readonly code: number
}

/** Byte offsets in struct exit_event, for readers that want one member. */
export const EXIT_EVENT_AT = {
  header: 0,
  exec_id: 16,
  pid: 24,
  tid: 28,
  code: 32,
} as const

export function decodeExitEvent(view: DataView, at: number): ExitEvent {
  return {
    header: decodeEventHeader(view, at + 0),
    exec_id: readNumber(view, at + 16),
    pid: view.getUint32(at + 24, true),
    tid: view.getUint32(at + 28, true),
    code: view.getUint32(at + 32, true),
  }
}

export function encodeExitEvent(view: DataView, at: number, value: ExitEvent): void {
  encodeEventHeader(view, at + 0, value.header)
  writeNumber(view, at + 16, value.exec_id)
  view.setUint32(at + 24, value.pid, true)
  view.setUint32(at + 28, value.tid, true)
  view.setUint32(at + 32, value.code, true)
  writeBytes(view, at + 36, 4, new Uint8Array(0))
}

export const CHUNK_EVENT_SIZE = 40

/** struct chunk_event */
export interface ChunkEvent {
  readonly header: EventHeader
  readonly id: number
  readonly index: number
  readonly kind: number
  readonly bytes: number
}

/** Byte offsets in struct chunk_event, for readers that want one member. */
export const CHUNK_EVENT_AT = {
  header: 0,
  id: 16,
  index: 24,
  kind: 28,
  bytes: 32,
} as const

export function decodeChunkEvent(view: DataView, at: number): ChunkEvent {
  return {
    header: decodeEventHeader(view, at + 0),
    id: readNumber(view, at + 16),
    index: view.getUint32(at + 24, true),
    kind: view.getUint32(at + 28, true),
    bytes: view.getUint32(at + 32, true),
  }
}

export function encodeChunkEvent(view: DataView, at: number, value: ChunkEvent): void {
  encodeEventHeader(view, at + 0, value.header)
  writeNumber(view, at + 16, value.id)
  view.setUint32(at + 24, value.index, true)
  view.setUint32(at + 28, value.kind, true)
  view.setUint32(at + 32, value.bytes, true)
  writeBytes(view, at + 36, 4, new Uint8Array(0))
}

export const RING_COUNTERS_SIZE = 48

/** struct ring_counters */
export interface RingCounters {
  readonly attempted: number
  readonly submitted: number
  readonly lost: readonly number[]
}

/** Byte offsets in struct ring_counters, for readers that want one member. */
export const RING_COUNTERS_AT = {
  attempted: 0,
  submitted: 8,
  lost: 16,
} as const

export function decodeRingCounters(view: DataView, at: number): RingCounters {
  return {
    attempted: readNumber(view, at + 0),
    submitted: readNumber(view, at + 8),
    lost: readArray(view, at + 16, 4, 8, (view, at) => readNumber(view, at)),
  }
}

export function encodeRingCounters(view: DataView, at: number, value: RingCounters): void {
  writeNumber(view, at + 0, value.attempted)
  writeNumber(view, at + 8, value.submitted)
  writeArray(view, at + 16, 4, 8, value.lost, (view, at, value) => writeNumber(view, at, value))
}

export const RESOLVE_STEP_SIZE = 8

/** struct resolve_step */
export interface ResolveStep {
  readonly offset: number
  readonly deref: number
}

/** Byte offsets in struct resolve_step, for readers that want one member. */
export const RESOLVE_STEP_AT = {
  offset: 0,
  deref: 4,
} as const

export function decodeResolveStep(view: DataView, at: number): ResolveStep {
  return {
    offset: view.getUint32(at + 0, true),
    deref: view.getUint32(at + 4, true),
  }
}

export function encodeResolveStep(view: DataView, at: number, value: ResolveStep): void {
  view.setUint32(at + 0, value.offset, true)
  view.setUint32(at + 4, value.deref, true)
}

export const HOOK_ARGUMENT_SIZE = 120

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

/** Byte offsets in struct hook_argument, for readers that want one member. */
export const HOOK_ARGUMENT_AT = {
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

export function decodeHookArgument(view: DataView, at: number): HookArgument {
  return {
    type: view.getUint32(at + 0, true),
    source: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    index: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
    size: view.getUint32(at + 20, true),
    max_bytes: view.getUint32(at + 24, true),
    size_argument: view.getUint32(at + 28, true),
    step_count: view.getUint32(at + 32, true),
    steps: readArray(view, at + 40, 10, 8, (view, at) => decodeResolveStep(view, at)),
  }
}

export function encodeHookArgument(view: DataView, at: number, value: HookArgument): void {
  view.setUint32(at + 0, value.type, true)
  view.setUint32(at + 4, value.source, true)
  view.setUint32(at + 8, value.flags, true)
  view.setUint32(at + 12, value.index, true)
  view.setUint32(at + 16, value.offset, true)
  view.setUint32(at + 20, value.size, true)
  view.setUint32(at + 24, value.max_bytes, true)
  view.setUint32(at + 28, value.size_argument, true)
  view.setUint32(at + 32, value.step_count, true)
  writeBytes(view, at + 36, 4, new Uint8Array(0))
  writeArray(view, at + 40, 10, 8, value.steps, (view, at, value) => encodeResolveStep(view, at, value))
}

export const HOOK_FILTER_SIZE = 96

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

/** Byte offsets in struct hook_filter, for readers that want one member. */
export const HOOK_FILTER_AT = {
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

export function decodeHookFilter(view: DataView, at: number): HookFilter {
  return {
    kind: view.getUint32(at + 0, true),
    operator: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    selector: view.getUint32(at + 12, true),
    argument: view.getUint32(at + 16, true),
    argument_new: view.getUint32(at + 20, true),
    set: view.getUint32(at + 24, true),
    value_count: view.getUint32(at + 28, true),
    values: readArray(view, at + 32, 8, 8, (view, at) => view.getBigUint64(at, true)),
  }
}

export function encodeHookFilter(view: DataView, at: number, value: HookFilter): void {
  view.setUint32(at + 0, value.kind, true)
  view.setUint32(at + 4, value.operator, true)
  view.setUint32(at + 8, value.flags, true)
  view.setUint32(at + 12, value.selector, true)
  view.setUint32(at + 16, value.argument, true)
  view.setUint32(at + 20, value.argument_new, true)
  view.setUint32(at + 24, value.set, true)
  view.setUint32(at + 28, value.value_count, true)
  writeArray(view, at + 32, 8, 8, value.values, (view, at, value) => view.setBigUint64(at, value, true))
}

export const HOOK_ACTION_SIZE = 48

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

/** Byte offsets in struct hook_action, for readers that want one member. */
export const HOOK_ACTION_AT = {
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

export function decodeHookAction(view: DataView, at: number): HookAction {
  return {
    kind: view.getUint32(at + 0, true),
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
  view.setUint32(at + 0, value.kind, true)
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

export const EXPRESSION_STEP_SIZE = 16

/** struct expression_step */
export interface ExpressionStep {
  readonly operator: number
  readonly value: bigint
}

/** Byte offsets in struct expression_step, for readers that want one member. */
export const EXPRESSION_STEP_AT = {
  operator: 0,
  value: 8,
} as const

export function decodeExpressionStep(view: DataView, at: number): ExpressionStep {
  return {
    operator: view.getUint32(at + 0, true),
    value: view.getBigUint64(at + 8, true),
  }
}

export function encodeExpressionStep(view: DataView, at: number, value: ExpressionStep): void {
  view.setUint32(at + 0, value.operator, true)
  writeBytes(view, at + 4, 4, new Uint8Array(0))
  view.setBigUint64(at + 8, value.value, true)
}

export const HOOK_CONFIG_SIZE = 14576

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
  readonly arguments: readonly HookArgument[]
  readonly positions: readonly number[]
  readonly filters: readonly HookFilter[]
  readonly actions: readonly HookAction[]
  readonly expression: readonly ExpressionStep[]
}

/** Byte offsets in struct hook_config, for readers that want one member. */
export const HOOK_CONFIG_AT = {
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
  arguments: 48,
  positions: 1968,
  filters: 2032,
  actions: 11248,
  expression: 13552,
} as const

export function decodeHookConfig(view: DataView, at: number): HookConfig {
  return {
    hook_id: view.getUint32(at + 0, true),
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
    arguments: readArray(view, at + 48, 16, 120, (view, at) => decodeHookArgument(view, at)),
    positions: readArray(view, at + 1968, 16, 4, (view, at) => view.getUint32(at, true)),
    filters: readArray(view, at + 2032, 96, 96, (view, at) => decodeHookFilter(view, at)),
    actions: readArray(view, at + 11248, 48, 48, (view, at) => decodeHookAction(view, at)),
    expression: readArray(view, at + 13552, 64, 16, (view, at) => decodeExpressionStep(view, at)),
  }
}

export function encodeHookConfig(view: DataView, at: number, value: HookConfig): void {
  view.setUint32(at + 0, value.hook_id, true)
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
  writeBytes(view, at + 44, 4, new Uint8Array(0))
  writeArray(view, at + 48, 16, 120, value.arguments, (view, at, value) => encodeHookArgument(view, at, value))
  writeArray(view, at + 1968, 16, 4, value.positions, (view, at, value) => view.setUint32(at, value, true))
  writeArray(view, at + 2032, 96, 96, value.filters, (view, at, value) => encodeHookFilter(view, at, value))
  writeArray(view, at + 11248, 48, 48, value.actions, (view, at, value) => encodeHookAction(view, at, value))
  writeArray(view, at + 13552, 64, 16, value.expression, (view, at, value) => encodeExpressionStep(view, at, value))
}

export const POLICY_STATE_SIZE = 32

/** struct policy_state */
export interface PolicyState {
  readonly state: number
  readonly kill_budget: number
  readonly budget_window_ns: number
  readonly budget_used: number
  readonly generation: number
}

/** Byte offsets in struct policy_state, for readers that want one member. */
export const POLICY_STATE_AT = {
  state: 0,
  kill_budget: 4,
  budget_window_ns: 8,
  budget_used: 16,
  generation: 24,
} as const

export function decodePolicyState(view: DataView, at: number): PolicyState {
  return {
    state: view.getUint32(at + 0, true),
    kill_budget: view.getUint32(at + 4, true),
    budget_window_ns: readNumber(view, at + 8),
    budget_used: readNumber(view, at + 16),
    generation: readNumber(view, at + 24),
  }
}

export function encodePolicyState(view: DataView, at: number, value: PolicyState): void {
  view.setUint32(at + 0, value.state, true)
  view.setUint32(at + 4, value.kill_budget, true)
  writeNumber(view, at + 8, value.budget_window_ns)
  writeNumber(view, at + 16, value.budget_used)
  writeNumber(view, at + 24, value.generation)
}

export const STRING_KEY_SIZE = 24

/** struct string_key */
export interface StringKey {
  readonly hash: readonly bigint[]
  readonly set: number
  readonly size: number
}

/** Byte offsets in struct string_key, for readers that want one member. */
export const STRING_KEY_AT = {
  hash: 0,
  set: 16,
  size: 20,
} as const

export function decodeStringKey(view: DataView, at: number): StringKey {
  return {
    hash: readArray(view, at + 0, 2, 8, (view, at) => view.getBigUint64(at, true)),
    set: view.getUint32(at + 16, true),
    size: view.getUint32(at + 20, true),
  }
}

export function encodeStringKey(view: DataView, at: number, value: StringKey): void {
  writeArray(view, at + 0, 2, 8, value.hash, (view, at, value) => view.setBigUint64(at, value, true))
  view.setUint32(at + 16, value.set, true)
  view.setUint32(at + 20, value.size, true)
}

export const PREFIX_KEY_SIZE = 260

/** struct prefix_key */
export interface PrefixKey {
  readonly prefix_bits: number
  readonly set: number
  readonly bytes: Uint8Array
}

/** Byte offsets in struct prefix_key, for readers that want one member. */
export const PREFIX_KEY_AT = {
  prefix_bits: 0,
  set: 4,
  bytes: 8,
} as const

export function decodePrefixKey(view: DataView, at: number): PrefixKey {
  return {
    prefix_bits: view.getUint32(at + 0, true),
    set: view.getUint32(at + 4, true),
    bytes: readBytes(view, at + 8, 252),
  }
}

export function encodePrefixKey(view: DataView, at: number, value: PrefixKey): void {
  view.setUint32(at + 0, value.prefix_bits, true)
  view.setUint32(at + 4, value.set, true)
  writeBytes(view, at + 8, 252, value.bytes)
}

export const ADDRESS_KEY_SIZE = 24

/** struct address_key */
export interface AddressKey {
  readonly prefix_bits: number
  readonly set: number
  readonly bytes: Uint8Array
}

/** Byte offsets in struct address_key, for readers that want one member. */
export const ADDRESS_KEY_AT = {
  prefix_bits: 0,
  set: 4,
  bytes: 8,
} as const

export function decodeAddressKey(view: DataView, at: number): AddressKey {
  return {
    prefix_bits: view.getUint32(at + 0, true),
    set: view.getUint32(at + 4, true),
    bytes: readBytes(view, at + 8, 16),
  }
}

export function encodeAddressKey(view: DataView, at: number, value: AddressKey): void {
  view.setUint32(at + 0, value.prefix_bits, true)
  view.setUint32(at + 4, value.set, true)
  writeBytes(view, at + 8, 16, value.bytes)
}

export const RANGE_KEY_SIZE = 16

/** struct range_key */
export interface RangeKey {
  readonly prefix_bits: number
  readonly set: number
  readonly bytes: Uint8Array
}

/** Byte offsets in struct range_key, for readers that want one member. */
export const RANGE_KEY_AT = {
  prefix_bits: 0,
  set: 4,
  bytes: 8,
} as const

export function decodeRangeKey(view: DataView, at: number): RangeKey {
  return {
    prefix_bits: view.getUint32(at + 0, true),
    set: view.getUint32(at + 4, true),
    bytes: readBytes(view, at + 8, 8),
  }
}

export function encodeRangeKey(view: DataView, at: number, value: RangeKey): void {
  view.setUint32(at + 0, value.prefix_bits, true)
  view.setUint32(at + 4, value.set, true)
  writeBytes(view, at + 8, 8, value.bytes)
}

export const VALUE_KEY_SIZE = 16

/** struct value_key */
export interface ValueKey {
  readonly value: bigint
  readonly set: number
}

/** Byte offsets in struct value_key, for readers that want one member. */
export const VALUE_KEY_AT = {
  value: 0,
  set: 8,
} as const

export function decodeValueKey(view: DataView, at: number): ValueKey {
  return {
    value: view.getBigUint64(at + 0, true),
    set: view.getUint32(at + 8, true),
  }
}

export function encodeValueKey(view: DataView, at: number, value: ValueKey): void {
  view.setBigUint64(at + 0, value.value, true)
  view.setUint32(at + 8, value.set, true)
  writeBytes(view, at + 12, 4, new Uint8Array(0))
}

export const NEEDLE_KEY_SIZE = 8

/** struct needle_key */
export interface NeedleKey {
  readonly set: number
  readonly index: number
}

/** Byte offsets in struct needle_key, for readers that want one member. */
export const NEEDLE_KEY_AT = {
  set: 0,
  index: 4,
} as const

export function decodeNeedleKey(view: DataView, at: number): NeedleKey {
  return {
    set: view.getUint32(at + 0, true),
    index: view.getUint32(at + 4, true),
  }
}

export function encodeNeedleKey(view: DataView, at: number, value: NeedleKey): void {
  view.setUint32(at + 0, value.set, true)
  view.setUint32(at + 4, value.index, true)
}

export const NEEDLE_SIZE = 136

/** struct needle */
export interface Needle {
  readonly size: number
  readonly bytes: Uint8Array
}

/** Byte offsets in struct needle, for readers that want one member. */
export const NEEDLE_AT = {
  size: 0,
  bytes: 8,
} as const

export function decodeNeedle(view: DataView, at: number): Needle {
  return {
    size: view.getUint32(at + 0, true),
    bytes: readBytes(view, at + 8, 128),
  }
}

export function encodeNeedle(view: DataView, at: number, value: Needle): void {
  view.setUint32(at + 0, value.size, true)
  writeBytes(view, at + 4, 4, new Uint8Array(0))
  writeBytes(view, at + 8, 128, value.bytes)
}

export const POLICY_CGROUP_KEY_SIZE = 16

/** struct policy_cgroup_key */
export interface PolicyCgroupKey {
  readonly cgroup_id: number
  readonly filter: number
}

/** Byte offsets in struct policy_cgroup_key, for readers that want one member. */
export const POLICY_CGROUP_KEY_AT = {
  cgroup_id: 0,
  filter: 8,
} as const

export function decodePolicyCgroupKey(view: DataView, at: number): PolicyCgroupKey {
  return {
    cgroup_id: readNumber(view, at + 0),
    filter: view.getUint32(at + 8, true),
  }
}

export function encodePolicyCgroupKey(view: DataView, at: number, value: PolicyCgroupKey): void {
  writeNumber(view, at + 0, value.cgroup_id)
  view.setUint32(at + 8, value.filter, true)
  writeBytes(view, at + 12, 4, new Uint8Array(0))
}

export const VERDICT_KEY_SIZE = 16

/** struct verdict_key */
export interface VerdictKey {
  readonly set: number
  readonly operator: number
  readonly id: number
  readonly follow: number
}

/** Byte offsets in struct verdict_key, for readers that want one member. */
export const VERDICT_KEY_AT = {
  set: 0,
  operator: 4,
  id: 8,
  follow: 12,
} as const

export function decodeVerdictKey(view: DataView, at: number): VerdictKey {
  return {
    set: view.getUint32(at + 0, true),
    operator: view.getUint32(at + 4, true),
    id: view.getUint32(at + 8, true),
    follow: view.getUint32(at + 12, true),
  }
}

export function encodeVerdictKey(view: DataView, at: number, value: VerdictKey): void {
  view.setUint32(at + 0, value.set, true)
  view.setUint32(at + 4, value.operator, true)
  view.setUint32(at + 8, value.id, true)
  view.setUint32(at + 12, value.follow, true)
}

export const HOOK_COUNTERS_SIZE = 64

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
}

/** Byte offsets in struct hook_counters, for readers that want one member. */
export const HOOK_COUNTERS_AT = {
  hits: 0,
  posted: 8,
  suppressed: 16,
  lost: 24,
  kills: 32,
  overrides: 40,
  merge_lost: 48,
  spared: 56,
} as const

export function decodeHookCounters(view: DataView, at: number): HookCounters {
  return {
    hits: readNumber(view, at + 0),
    posted: readNumber(view, at + 8),
    suppressed: readNumber(view, at + 16),
    lost: readNumber(view, at + 24),
    kills: readNumber(view, at + 32),
    overrides: readNumber(view, at + 40),
    merge_lost: readNumber(view, at + 48),
    spared: readNumber(view, at + 56),
  }
}

export function encodeHookCounters(view: DataView, at: number, value: HookCounters): void {
  writeNumber(view, at + 0, value.hits)
  writeNumber(view, at + 8, value.posted)
  writeNumber(view, at + 16, value.suppressed)
  writeNumber(view, at + 24, value.lost)
  writeNumber(view, at + 32, value.kills)
  writeNumber(view, at + 40, value.overrides)
  writeNumber(view, at + 48, value.merge_lost)
  writeNumber(view, at + 56, value.spared)
}

export const HOOK_EVENT_SIZE = 72

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

/** Byte offsets in struct hook_event, for readers that want one member. */
export const HOOK_EVENT_AT = {
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

export function decodeHookEvent(view: DataView, at: number): HookEvent {
  return {
    header: decodeEventHeader(view, at + 0),
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
  encodeEventHeader(view, at + 0, value.header)
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

export const HOOK_VALUE_SIZE = 8

/** struct hook_value */
export interface HookValue {
  readonly type: number
  readonly index: number
  readonly flags: number
  readonly size: number
}

/** Byte offsets in struct hook_value, for readers that want one member. */
export const HOOK_VALUE_AT = {
  type: 0,
  index: 1,
  flags: 2,
  size: 4,
} as const

export function decodeHookValue(view: DataView, at: number): HookValue {
  return {
    type: view.getUint8(at + 0),
    index: view.getUint8(at + 1),
    flags: view.getUint16(at + 2, true),
    size: view.getUint32(at + 4, true),
  }
}

export function encodeHookValue(view: DataView, at: number, value: HookValue): void {
  view.setUint8(at + 0, value.type)
  view.setUint8(at + 1, value.index)
  view.setUint16(at + 2, value.flags, true)
  view.setUint32(at + 4, value.size, true)
}

export const BUFFER_VALUE_SIZE = 16

/** struct buffer_value */
export interface BufferValue {
  readonly total: number
  readonly data_id: number
}

/** Byte offsets in struct buffer_value, for readers that want one member. */
export const BUFFER_VALUE_AT = {
  total: 0,
  data_id: 8,
} as const

export function decodeBufferValue(view: DataView, at: number): BufferValue {
  return {
    total: readNumber(view, at + 0),
    data_id: readNumber(view, at + 8),
  }
}

export function encodeBufferValue(view: DataView, at: number, value: BufferValue): void {
  writeNumber(view, at + 0, value.total)
  writeNumber(view, at + 8, value.data_id)
}

export const PATH_VALUE_SIZE = 8

/** struct path_value */
export interface PathValue {
  readonly mode: number
  readonly fd: number
}

/** Byte offsets in struct path_value, for readers that want one member. */
export const PATH_VALUE_AT = {
  mode: 0,
  fd: 4,
} as const

export function decodePathValue(view: DataView, at: number): PathValue {
  return {
    mode: view.getUint32(at + 0, true),
    fd: view.getUint32(at + 4, true),
  }
}

export function encodePathValue(view: DataView, at: number, value: PathValue): void {
  view.setUint32(at + 0, value.mode, true)
  view.setUint32(at + 4, value.fd, true)
}

export const SOCK_VALUE_SIZE = 64

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

/** Byte offsets in struct sock_value, for readers that want one member. */
export const SOCK_VALUE_AT = {
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

export function decodeSockValue(view: DataView, at: number): SockValue {
  return {
    cookie: view.getBigUint64(at + 0, true),
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
  view.setBigUint64(at + 0, value.cookie, true)
  view.setUint16(at + 8, value.family, true)
  view.setUint16(at + 10, value.type, true)
  view.setUint16(at + 12, value.protocol, true)
  view.setUint8(at + 14, value.state)
  writeBytes(view, at + 15, 1, new Uint8Array(0))
  view.setUint32(at + 16, value.mark, true)
  view.setUint32(at + 20, value.priority, true)
  writeBytes(view, at + 24, 16, value.source)
  writeBytes(view, at + 40, 16, value.destination)
  view.setUint16(at + 56, value.source_port, true)
  view.setUint16(at + 58, value.destination_port, true)
  writeBytes(view, at + 60, 4, new Uint8Array(0))
}

export const SKB_VALUE_SIZE = 64

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

/** Byte offsets in struct skb_value, for readers that want one member. */
export const SKB_VALUE_AT = {
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

export function decodeSkbValue(view: DataView, at: number): SkbValue {
  return {
    hash: view.getUint32(at + 0, true),
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
  view.setUint32(at + 0, value.hash, true)
  view.setUint32(at + 4, value.length, true)
  view.setUint32(at + 8, value.priority, true)
  view.setUint32(at + 12, value.mark, true)
  writeBytes(view, at + 16, 16, value.source)
  writeBytes(view, at + 32, 16, value.destination)
  view.setUint16(at + 48, value.source_port, true)
  view.setUint16(at + 50, value.destination_port, true)
  view.setUint16(at + 52, value.family, true)
  view.setUint16(at + 54, value.protocol, true)
  view.setUint32(at + 56, value.sec_path_length, true)
  view.setUint32(at + 60, value.sec_path_olen, true)
}

export const SOCKADDR_VALUE_SIZE = 24

/** struct sockaddr_value */
export interface SockaddrValue {
  readonly family: number
  readonly port: number
  readonly size: number
  readonly address: Uint8Array
}

/** Byte offsets in struct sockaddr_value, for readers that want one member. */
export const SOCKADDR_VALUE_AT = {
  family: 0,
  port: 2,
  size: 4,
  address: 8,
} as const

export function decodeSockaddrValue(view: DataView, at: number): SockaddrValue {
  return {
    family: view.getUint16(at + 0, true),
    port: view.getUint16(at + 2, true),
    size: view.getUint32(at + 4, true),
    address: readBytes(view, at + 8, 16),
  }
}

export function encodeSockaddrValue(view: DataView, at: number, value: SockaddrValue): void {
  view.setUint16(at + 0, value.family, true)
  view.setUint16(at + 2, value.port, true)
  view.setUint32(at + 4, value.size, true)
  writeBytes(view, at + 8, 16, value.address)
}

export const USER_NAMESPACE_VALUE_SIZE = 16

/** struct user_namespace_value */
export interface UserNamespaceValue {
  readonly level: number
  readonly uid: number
  readonly gid: number
  readonly inum: number
}

/** Byte offsets in struct user_namespace_value, for readers that want one member. */
export const USER_NAMESPACE_VALUE_AT = {
  level: 0,
  uid: 4,
  gid: 8,
  inum: 12,
} as const

export function decodeUserNamespaceValue(view: DataView, at: number): UserNamespaceValue {
  return {
    level: view.getInt32(at + 0, true),
    uid: view.getUint32(at + 4, true),
    gid: view.getUint32(at + 8, true),
    inum: view.getUint32(at + 12, true),
  }
}

export function encodeUserNamespaceValue(view: DataView, at: number, value: UserNamespaceValue): void {
  view.setInt32(at + 0, value.level, true)
  view.setUint32(at + 4, value.uid, true)
  view.setUint32(at + 8, value.gid, true)
  view.setUint32(at + 12, value.inum, true)
}

export const CRED_VALUE_SIZE = 80

/** struct cred_value */
export interface CredValue {
  readonly credentials: Credentials
  readonly user_namespace: UserNamespaceValue
}

/** Byte offsets in struct cred_value, for readers that want one member. */
export const CRED_VALUE_AT = {
  credentials: 0,
  user_namespace: 64,
} as const

export function decodeCredValue(view: DataView, at: number): CredValue {
  return {
    credentials: decodeCredentials(view, at + 0),
    user_namespace: decodeUserNamespaceValue(view, at + 64),
  }
}

export function encodeCredValue(view: DataView, at: number, value: CredValue): void {
  encodeCredentials(view, at + 0, value.credentials)
  encodeUserNamespaceValue(view, at + 64, value.user_namespace)
}

export const BPF_PROGRAM_VALUE_SIZE = 24

/** struct bpf_program_value */
export interface BpfProgramValue {
  readonly type: number
  readonly instructions: number
  readonly name: string
}

/** Byte offsets in struct bpf_program_value, for readers that want one member. */
export const BPF_PROGRAM_VALUE_AT = {
  type: 0,
  instructions: 4,
  name: 8,
} as const

export function decodeBpfProgramValue(view: DataView, at: number): BpfProgramValue {
  return {
    type: view.getUint32(at + 0, true),
    instructions: view.getUint32(at + 4, true),
    name: readText(view, at + 8, 16),
  }
}

export function encodeBpfProgramValue(view: DataView, at: number, value: BpfProgramValue): void {
  view.setUint32(at + 0, value.type, true)
  view.setUint32(at + 4, value.instructions, true)
  writeText(view, at + 8, 16, value.name)
}

export const BPF_MAP_VALUE_SIZE = 32

/** struct bpf_map_value */
export interface BpfMapValue {
  readonly type: number
  readonly key_size: number
  readonly value_size: number
  readonly max_entries: number
  readonly name: string
}

/** Byte offsets in struct bpf_map_value, for readers that want one member. */
export const BPF_MAP_VALUE_AT = {
  type: 0,
  key_size: 4,
  value_size: 8,
  max_entries: 12,
  name: 16,
} as const

export function decodeBpfMapValue(view: DataView, at: number): BpfMapValue {
  return {
    type: view.getUint32(at + 0, true),
    key_size: view.getUint32(at + 4, true),
    value_size: view.getUint32(at + 8, true),
    max_entries: view.getUint32(at + 12, true),
    name: readText(view, at + 16, 16),
  }
}

export function encodeBpfMapValue(view: DataView, at: number, value: BpfMapValue): void {
  view.setUint32(at + 0, value.type, true)
  view.setUint32(at + 4, value.key_size, true)
  view.setUint32(at + 8, value.value_size, true)
  view.setUint32(at + 12, value.max_entries, true)
  writeText(view, at + 16, 16, value.name)
}

export const PERF_EVENT_VALUE_SIZE = 152

/** struct perf_event_value */
export interface PerfEventValue {
  readonly config: bigint
  readonly probe_offset: bigint
  readonly type: number
  readonly function: string
}

/** Byte offsets in struct perf_event_value, for readers that want one member. */
export const PERF_EVENT_VALUE_AT = {
  config: 0,
  probe_offset: 8,
  type: 16,
  function: 24,
} as const

export function decodePerfEventValue(view: DataView, at: number): PerfEventValue {
  return {
    config: view.getBigUint64(at + 0, true),
    probe_offset: view.getBigUint64(at + 8, true),
    type: view.getUint32(at + 16, true),
    function: readText(view, at + 24, 128),
  }
}

export function encodePerfEventValue(view: DataView, at: number, value: PerfEventValue): void {
  view.setBigUint64(at + 0, value.config, true)
  view.setBigUint64(at + 8, value.probe_offset, true)
  view.setUint32(at + 16, value.type, true)
  writeBytes(view, at + 20, 4, new Uint8Array(0))
  writeText(view, at + 24, 128, value.function)
}

export const MODULE_VALUE_SIZE = 80

/** struct module_value */
export interface ModuleValue {
  readonly taints: bigint
  readonly signature_ok: number
  readonly name: string
}

/** Byte offsets in struct module_value, for readers that want one member. */
export const MODULE_VALUE_AT = {
  taints: 0,
  signature_ok: 8,
  name: 16,
} as const

export function decodeModuleValue(view: DataView, at: number): ModuleValue {
  return {
    taints: view.getBigUint64(at + 0, true),
    signature_ok: view.getUint32(at + 8, true),
    name: readText(view, at + 16, 64),
  }
}

export function encodeModuleValue(view: DataView, at: number, value: ModuleValue): void {
  view.setBigUint64(at + 0, value.taints, true)
  view.setUint32(at + 8, value.signature_ok, true)
  writeBytes(view, at + 12, 4, new Uint8Array(0))
  writeText(view, at + 16, 64, value.name)
}

export const SYSCALL_VALUE_SIZE = 8

/** struct syscall_value */
export interface SyscallValue {
  readonly id: number
  readonly compat: number
}

/** Byte offsets in struct syscall_value, for readers that want one member. */
export const SYSCALL_VALUE_AT = {
  id: 0,
  compat: 4,
} as const

export function decodeSyscallValue(view: DataView, at: number): SyscallValue {
  return {
    id: view.getUint32(at + 0, true),
    compat: view.getUint32(at + 4, true),
  }
}

export function encodeSyscallValue(view: DataView, at: number, value: SyscallValue): void {
  view.setUint32(at + 0, value.id, true)
  view.setUint32(at + 4, value.compat, true)
}

/** Bytes of each exported struct, to compare with a loaded object's BTF. */

export const WIRE_SIZES: Readonly<Record<string, number>> = {
  event_header: 16,
  credentials: 64,
  namespaces: 40,
  exec_event: 224,
  fork_event: 64,
  exit_event: 40,
  chunk_event: 40,
  ring_counters: 48,
  resolve_step: 8,
  hook_argument: 120,
  hook_filter: 96,
  hook_action: 48,
  expression_step: 16,
  hook_config: 14576,
  policy_state: 32,
  string_key: 24,
  prefix_key: 260,
  address_key: 24,
  range_key: 16,
  value_key: 16,
  needle_key: 8,
  needle: 136,
  policy_cgroup_key: 16,
  verdict_key: 16,
  hook_counters: 64,
  hook_event: 72,
  hook_value: 8,
  buffer_value: 16,
  path_value: 8,
  sock_value: 64,
  skb_value: 64,
  sockaddr_value: 24,
  user_namespace_value: 16,
  cred_value: 80,
  bpf_program_value: 24,
  bpf_map_value: 32,
  perf_event_value: 152,
  module_value: 80,
  syscall_value: 8,
}
