/** Lifecycle records made by hand, as the kernel would write them into a ring. */

import {
  CHUNK_EVENT_SIZE,
  CHUNK_KIND,
  type Credentials,
  encodeChunkEvent,
  encodeExecEvent,
  encodeExitEvent,
  encodeForkEvent,
  EVENT_TYPE,
  EXEC_EVENT_SIZE,
  EXEC_FLAG,
  type ExecEvent,
  EXIT_EVENT_SIZE,
  type ExitEvent,
  FORK_EVENT_SIZE,
  type ForkEvent,
  type Namespaces,
} from '../../ffi/wire.gen.ts'
import type { ProcfsProcess } from '../../src/process/procfs.ts'
import { WallClock } from '../../src/process/clock.ts'
import { Tracker, type TrackerOptions } from '../../src/process/tracker.ts'

export const HOST: Namespaces = {
  uts: 4026531838,
  ipc: 4026531839,
  mnt: 4026531841,
  pid: 4026531836,
  pid_for_children: 4026531836,
  net: 4026531840,
  time: 4026531834,
  time_for_children: 4026531834,
  cgroup: 4026531835,
  user: 4026531837,
}

export const ROOT: Credentials = {
  permitted: (1n << 41n) - 1n,
  effective: (1n << 41n) - 1n,
  inheritable: 0n,
  uid: 0,
  gid: 0,
  euid: 0,
  egid: 0,
  suid: 0,
  sgid: 0,
  fsuid: 0,
  fsgid: 0,
  securebits: 0,
}

export interface ExecFields extends Partial<Omit<ExecEvent, 'header'>> {
  readonly ktime_ns?: bigint
  readonly filename?: string
  readonly cwd?: string
  readonly cgroup?: string
  /** argv[1..] */
  readonly args?: readonly (string | Uint8Array)[]
  readonly envs?: readonly string[]
}

export function strings(values: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(values.flatMap((value) => [Buffer.from(value as string), Buffer.from([0])]))
}

export function execRecord(fields: ExecFields): DataView {
  const { ktime_ns = 1_000_000_000n, filename = '/bin/true', cwd = '/tmp', cgroup = '', args = [], envs = [] } = fields
  const filename_bytes = Buffer.from(filename)
  const cwd_bytes = Buffer.from(cwd)
  const cgroup_bytes = Buffer.from(cgroup)
  const args_bytes = (fields.args_chunks ?? 0) === 0 ? strings(args) : Buffer.alloc(0)
  const envs_bytes = (fields.envs_chunks ?? 0) === 0 ? strings(envs) : Buffer.alloc(0)
  const blob = Buffer.concat([filename_bytes, cwd_bytes, cgroup_bytes, args_bytes, envs_bytes])
  const view = new DataView(new ArrayBuffer(EXEC_EVENT_SIZE + blob.length))
  const pid = fields.pid ?? 100
  encodeExecEvent(view, 0, {
    exec_id: 1,
    parent_exec_id: 0,
    parent_ktime_ns: 0n,
    cgroup_id: 1,
    inode: 0,
    credentials: ROOT,
    namespaces: HOST,
    pid,
    old_tid: pid,
    parent_pid: 1,
    ns_pid: pid,
    auid: 0xffff_ffff,
    flags: EXEC_FLAG.EXECVE | EXEC_FLAG.CLONE,
    gained: 0,
    filename_size: filename_bytes.length,
    cwd_size: cwd_bytes.length,
    cgroup_name_size: cgroup_bytes.length,
    args_size: args_bytes.length,
    envs_size: envs_bytes.length,
    args_chunks: 0,
    envs_chunks: 0,
    args_total: fields.args_size ?? args_bytes.length,
    envs_total: fields.envs_size ?? envs_bytes.length,
    ...(fields as Partial<ExecEvent>),
    header: { size: EXEC_EVENT_SIZE, type: EVENT_TYPE.EXEC, cpu: 0, ktime_ns },
  })
  Buffer.from(view.buffer).set(blob, EXEC_EVENT_SIZE)
  return view
}

export function forkRecord(fields: Partial<ForkEvent> & { ktime_ns?: bigint }): DataView {
  const view = new DataView(new ArrayBuffer(FORK_EVENT_SIZE))
  const pid = fields.pid ?? 100
  encodeForkEvent(view, 0, {
    exec_id: 1,
    parent_exec_id: 0,
    parent_ktime_ns: 0n,
    cgroup_id: 1,
    pid,
    parent_pid: 1,
    ns_pid: pid,
    flags: 0,
    ...fields,
    header: { size: FORK_EVENT_SIZE, type: EVENT_TYPE.FORK, cpu: 0, ktime_ns: fields.ktime_ns ?? 1_000_000_000n },
  })
  return view
}

export function exitRecord(fields: Partial<ExitEvent> & { ktime_ns?: bigint }): DataView {
  const view = new DataView(new ArrayBuffer(EXIT_EVENT_SIZE))
  const pid = fields.pid ?? 100
  encodeExitEvent(view, 0, {
    exec_id: 1,
    pid,
    tid: pid,
    code: 0,
    ...fields,
    header: { size: EXIT_EVENT_SIZE, type: EVENT_TYPE.EXIT, cpu: 0, ktime_ns: fields.ktime_ns ?? 2_000_000_000n },
  })
  return view
}

export function chunkRecord(id: number, index: number, bytes: Uint8Array, kind: number = CHUNK_KIND.ARGS): DataView {
  const view = new DataView(new ArrayBuffer(CHUNK_EVENT_SIZE + bytes.length))
  encodeChunkEvent(view, 0, {
    id,
    index,
    kind,
    bytes: bytes.length,
    header: { size: CHUNK_EVENT_SIZE, type: EVENT_TYPE.CHUNK, cpu: 0, ktime_ns: 1_000_000_000n },
  })
  Buffer.from(view.buffer).set(bytes, CHUNK_EVENT_SIZE)
  return view
}

/** Wall clock 2026-11-22T14:28:00Z at boot. */
export const BOOT_NS = BigInt(Date.parse('2026-11-22T14:28:00Z')) * 1_000_000n

export function testTracker(options: Partial<TrackerOptions> = {}): Tracker {
  return new Tracker({
    node_name: 'guest',
    boot: 'b00t',
    clock: new WallClock({ monotonic_ns: 0n, realtime_ns: BOOT_NS, boottime_ns: 0n }),
    host_namespaces: HOST,
    ...options,
  })
}

/** The line that one record gives, parsed. */
export function lineOf(tracker: Tracker, record: DataView): unknown {
  const event = tracker.onRecord(record, 0, record.byteLength)
  return event === undefined ? undefined : JSON.parse(event.line)
}

/** A process as /proc shows it. */
export function existing(pid: number, ppid: number, more: Partial<ProcfsProcess> = {}): ProcfsProcess {
  return {
    pid,
    ppid,
    ns_pid: pid,
    start_ns: pid * 1e7,
    kernel_thread: false,
    binary: `/bin/p${pid}`,
    argument_text: 'a\0b c\0',
    cwd: '/',
    flags: EXEC_FLAG.PROCFS | EXEC_FLAG.ROOT_CWD,
    auid: 0xffff_ffff,
    cgroup: '/',
    cgroup_id: 0,
    credentials: ROOT,
    namespaces: HOST,
    ...more,
  }
}
