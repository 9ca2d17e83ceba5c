/** What leaves the agent: the JSON of every event kind, and what filters and exporters see beside the line. */

import type { Container } from '../process/container_entry.ts'

/** Kinds of lines, as the first key of the line; `loss` is Thump's own. */
export type EventType =
  | 'process_exec'
  | 'process_exit'
  | 'process_kprobe'
  | 'process_tracepoint'
  | 'process_loader'
  | 'process_uprobe'
  | 'process_throttle'
  | 'process_lsm'
  | 'process_usdt'
  | 'rate_limit_info'
  | 'loss'

/** Tetragon's `Pod` (only with Kubernetes), already shaped for JSON. */
export interface Pod {
  namespace?: string
  name?: string
  uid?: string
  container?: {
    id?: string
    name?: string
    image?: { id?: string; name?: string }
    start_time?: string
    pid?: number
    maybe_exec_probe?: boolean
    security_context?: { privileged?: boolean }
  }
  pod_labels?: Record<string, string>
  workload?: string
  workload_kind?: string
  pod_annotations?: Record<string, string>
}

/** A process as filters and exporters may look at it: read only, valid as long as it is held. */
export interface ProcessReference {
  /** Kernel's number of this image (unique while the agent runs); 0 for `<kernel>` and for a process never seen. */
  readonly key: number
  readonly pid: number
  readonly image: ImageReference
  /** Text of the JSON field `flags`. */
  readonly flags: string
  readonly in_init_tree: boolean
  /** Undefined when it was never seen or has been forgotten. */
  readonly parent: ProcessReference | undefined
  /** `base64("node:start:pid")`, computed when asked for. */
  readonly exec_id: string
  readonly parent_exec_id: string
}

/** What execve gave a process; shared by it and the children that it forks before they execute something. */
export interface ImageReference {
  readonly binary: string
  readonly arguments: string
  readonly cwd: string
  readonly uid: number
  readonly auid: number
  /** First 31 characters of the container's id, or ''. */
  readonly docker: string
  readonly cgroup_id: number
  readonly pod: Pod | undefined
  readonly capabilities: CapabilityMasks | undefined
  readonly environment: readonly EnvironmentVariable[] | undefined
}

export interface CapabilityMasks {
  readonly permitted: bigint
  readonly effective: bigint
  readonly inheritable: bigint
}

export interface EnvironmentVariable {
  readonly Key: string
  readonly Value: string
}

/** Travels with every line, so that nobody has to parse the line to route, count or filter it. */
export interface EventMeta {
  readonly type: EventType
  /** CLOCK_MONOTONIC nanoseconds of the event (above 2^53 rounded to what a number holds). */
  readonly ktime_ns: number
  /** Number of the line since the agent started: `thump.seq`. */
  readonly seq: number
  readonly process: ProcessReference | undefined
  /** Name of the policy that reported it, `namespace/name` for a namespaced one. */
  readonly policy: string | undefined
}

/** One NDJSON line, without its newline. */
export interface EventLine {
  readonly line: string
  readonly meta: EventMeta
  /** Set: `line` is empty until the container of the process is known or the time for that is over. */
  readonly held?: HeldLine
}

/** What a line is made of once its container is known. */
export interface HeldLine {
  readonly container: Container
  /** With marks where pods belong. */
  readonly body: string
  readonly time: string
  readonly extra: string
}

export interface Capabilities {
  permitted?: (string | number)[]
  effective?: (string | number)[]
  inheritable?: (string | number)[]
}

export interface Namespace {
  inum: number
  is_host?: boolean
}

export interface ProcessCredentials {
  uid: number
  gid: number
  euid: number
  egid: number
  suid: number
  sgid: number
  fsuid: number
  fsgid: number
  securebits?: string[]
  caps?: Capabilities
}

/** `process`, `parent` and each of `ancestors`. An unknown process has `pid`, `flags` and `start_time` only. */
export interface Process {
  exec_id?: string
  pid: number
  uid?: number
  cwd?: string
  binary?: string
  arguments?: string
  flags?: string
  start_time: string
  auid?: number
  pod?: Pod
  docker?: string
  parent_exec_id?: string
  refcnt?: number
  cap?: Capabilities
  ns?: Partial<Record<NamespaceName, Namespace>>
  tid?: number
  process_credentials?: ProcessCredentials
  binary_properties?: BinaryProperties
  user?: { name: string }
  in_init_tree?: boolean
  environment_variables?: EnvironmentVariable[]
}

export type NamespaceName =
  | 'uts'
  | 'ipc'
  | 'mnt'
  | 'pid'
  | 'pid_for_children'
  | 'net'
  | 'time'
  | 'time_for_children'
  | 'cgroup'
  | 'user'

export interface BinaryProperties {
  setuid?: number
  setgid?: number
  privileges_changed?: string[]
  file?: { inode: { number: string; links: 0 } }
}

export interface ProcessExec {
  process: Process
  parent?: Process
  ancestors?: Process[]
}

export interface ProcessExit extends ProcessExec {
  signal?: string
  status?: number
  time: string
}

/** An event of a policy's hook; the fields beyond these stand in `hook*.ts`. */
export interface ProcessHook extends ProcessExec {
  policy_name?: string
  message?: string
  tags?: string[]
  action?: string
  args?: unknown[]
}

export interface ProcessKprobe extends ProcessHook {
  function_name: string
  return?: unknown
  return_action?: string
  kernel_stack_trace?: StackTraceEntry[]
  user_stack_trace?: StackTraceEntry[]
  data?: unknown[]
}

export interface StackTraceEntry {
  address?: string
  offset?: string
  symbol?: string
  module?: string
}

export interface ProcessThrottle {
  type: 'THROTTLE_START' | 'THROTTLE_STOP'
  cgroup?: string
}

export interface RateLimitInfo {
  number_of_dropped_process_events: string
}

/** Events that could not be delivered, reported where they would have stood. */
export interface Loss {
  /** Where: a ring of the kernel, or a queue of the agent. */
  ring?: 'reserved' | 'telemetry'
  queue?: string
  policy?: string
  reason: string
  count: string
  from: string
  to: string
}

/** What Thump adds to a line of its own or of Tetragon's kind. */
export interface ThumpFields {
  seq: string
  boot: string
  parent_unknown?: true
  process_unknown?: true
  truncated?: ('arguments' | 'environment')[]
  /** Thread that called execve, where it was not the leading one. */
  exec_tid?: number
  [field: string]: unknown
}

export interface Envelope {
  node_name: string
  time?: string
  cluster_name?: string
  node_labels?: Record<string, string>
  thump?: ThumpFields
}

export type Event =
  & Envelope
  & (
    | { process_exec: ProcessExec }
    | { process_exit: ProcessExit }
    | { process_kprobe: ProcessKprobe }
    | { process_tracepoint: ProcessHook & { subsys: string; event: string } }
    | { process_uprobe: ProcessHook & { path: string; symbol?: string; offset?: string; ref_ctr_offset?: string } }
    | { process_usdt: ProcessHook & { path: string; provider: string; name: string } }
    | { process_lsm: ProcessHook & { function_name: string; ima_hash?: string } }
    | { process_loader: ProcessExec & { path: string; buildid: string } }
    | { process_throttle: ProcessThrottle }
    | { rate_limit_info: RateLimitInfo }
    | { loss: Loss }
  )
