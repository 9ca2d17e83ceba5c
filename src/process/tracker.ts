/**
 * From lifecycle records to lines: keeps the process cache up to date and writes process_exec and process_exit.
 *
 *   const tracker = new Tracker({ node_name, boot, clock, host_namespaces, … })
 *   for (const line of tracker.addExisting(scanProcfs({ root: '/proc' }))) send(line)     // before the first drain
 *   ring.drain(max, (view, at, size) => {
 *     const event = tracker.onRecord(view, at, size)                                      // exec, fork, exit, chunk
 *     if (event !== undefined) for (const exporter of exporters) exporter.write(event.line, event.meta)
 *   })
 *   tracker.sweep(now_ns)                                                                 // every few seconds
 *
 * Records of other types: `recordType(view, at, size, tracker.records)` (event/decode.ts) tells which, then
 *   tracker.hookLine('process_kprobe', { key, pid, tid, ktime_ns }, policy, before, after, extra)
 * puts a hook's body (`,"function_name":…` up to where `ancestors` stands, and what follows it, e.g. `,"data":[…]`) into
 * a line with its process, parent and ancestors; `tracker.plainLine('loss', json, ktime_ns)` writes lines of other kinds.
 * Chunks of hook arguments: `tracker.chunks.take(CHUNK_KIND.HOOK, id, count)`.
 *
 * Order: records must come as the kernel wrote them per process (exec before its hooks, exit last). One that refers to a
 * process that is not known still gives a line, marked in `thump` (`process_unknown`, `parent_unknown`) and counted.
 * Nothing here throws for what a record may hold; what cannot be read is counted in `records`.
 */

import {
  type ChunkEvent,
  decodeChunkEvent,
  decodeExecEvent,
  decodeExitEvent,
  decodeForkEvent,
  EVENT_TYPE,
  EXEC_FLAG,
  type ExecEvent,
  type ExitEvent,
  type ForkEvent,
  type Namespaces,
} from '../../ffi/wire.gen.ts'
import { CHUNK_EVENT_SIZE } from '../../ffi/wire.gen.ts'
import { createRecordCounters, type RecordCounters, recordType } from '../event/decode.ts'
import { type LineOptions, LineWriter } from '../event/json.ts'
import { exitStatus, signalName } from '../event/exit.ts'
import type { EventLine, EventType } from '../event/type.ts'
import { CACHE_LIMITS, type CacheLimits, type Node, Process, ProcessCache } from './cache.ts'
import { CHUNK_LIMITS, ChunkAssembler, type ChunkLimits } from './chunk.ts'
import { nanosecondsOf, secondsOf, type WallClock } from './clock.ts'
import { NamespacePrinter } from './credential.ts'
import { type ExecOptions, ExecReader } from './exec.ts'
import { ExecIds } from './exec_id.ts'
import { flagText } from './flag.ts'
import { existingProcess, kernelProcess, parentsFirst } from './existing.ts'
import type { ProcfsProcess } from './procfs.ts'

/** Events that carry `ancestors`, by the words of --enable-ancestors. */
export type AncestorsOption = 'base' | 'kprobe' | 'tracepoint' | 'loader' | 'uprobe' | 'lsm' | 'usdt'

export interface TrackerOptions extends LineOptions, ExecOptions {
  readonly clock: WallClock
  /** Of pid 1: decides `is_host` and whose /etc/passwd counts. */
  readonly host_namespaces: Namespaces
  /** --enable-ancestors. */
  readonly ancestors?: ReadonlySet<AncestorsOption>
  readonly cache?: CacheLimits
  readonly chunks?: ChunkLimits
}

/** What a hook's record says about where it ran. */
export interface HookOrigin {
  /** exec_id number of the record, 0 if the kernel did not know the process. */
  readonly key: number
  readonly pid: number
  readonly tid: number
  readonly ktime_ns: bigint
}

export class Tracker {
  readonly cache: ProcessCache
  readonly chunks: ChunkAssembler
  readonly records: RecordCounters = createRecordCounters()
  readonly lines: LineWriter
  /** Pid 0, the parent of 1 and 2. */
  readonly kernel: Process
  readonly #clock: WallClock
  readonly #node: Node
  readonly #reader: ExecReader
  readonly #ancestors: ReadonlySet<AncestorsOption>

  constructor(options: TrackerOptions) {
    this.#clock = options.clock
    this.#node = { ids: new ExecIds(options.node_name), clock: options.clock }
    this.#ancestors = options.ancestors ?? new Set()
    this.cache = new ProcessCache(options.cache ?? CACHE_LIMITS)
    this.chunks = new ChunkAssembler(options.chunks ?? CHUNK_LIMITS)
    this.lines = new LineWriter(options)
    this.#reader = new ExecReader(options, new NamespacePrinter(options.host_namespaces), this.chunks)
    this.kernel = kernelProcess(this.#node)
  }

  /** Handles one record of the base sensor; undefined where it gives no line (fork, chunk, other types, broken). */
  onRecord(view: DataView, at: number, size: number): EventLine | undefined {
    switch (recordType(view, at, size, this.records)) {
      case EVENT_TYPE.EXEC:
        return this.onExec(decodeExecEvent(view, at), view, at, size)
      case EVENT_TYPE.FORK:
        this.onFork(decodeForkEvent(view, at))
        return undefined
      case EVENT_TYPE.EXIT:
        return this.onExit(decodeExitEvent(view, at))
      case EVENT_TYPE.CHUNK:
        this.onChunk(decodeChunkEvent(view, at), view, at, size)
        return undefined
      default:
        return undefined
    }
  }

  /** `view[at, at + size)` is the whole record with the blob behind the struct. */
  onExec(record: ExecEvent, view: DataView, at: number, size: number): EventLine | undefined {
    const exec = this.#reader.read(record, view, at, size)
    if (exec === undefined) {
      this.records.short++
      return undefined
    }
    const ktime_ns = record.header.ktime_ns
    const seconds = secondsOf(ktime_ns)
    const nanoseconds = nanosecondsOf(ktime_ns, seconds)
    const parent = this.#parent(record.parent_exec_id, record.parent_pid, record.pid)
    const process = new Process(this.#node, {
      key: record.exec_id,
      pid: record.pid,
      seconds,
      nanoseconds,
      boottime: false,
      parent,
      parent_exec_id: parent === undefined ? this.#lostParentId(record.parent_pid, record.parent_ktime_ns) : '',
      image: exec.image,
      flags: flagText(exec.flags),
      in_init_tree: (exec.flags & EXEC_FLAG.IN_INIT_TREE) !== 0,
      forked: false,
    })
    this.cache.add(process, Number(ktime_ns))
    let extra = exec.extra
    let body = '"process_exec":{"process":' + process.execJson
    if (parent === undefined) extra += ',"parent_unknown":true'
    else body += ',"parent":' + parent.json
    if (this.#ancestors.has('base')) body += this.#ancestorsJson(process)
    return this.#send('process_exec', body + '}', process.start_time, extra, Number(ktime_ns), process, undefined)
  }

  onFork(record: ForkEvent): void {
    const ktime_ns = record.header.ktime_ns
    const seconds = secondsOf(ktime_ns)
    const parent = this.#parent(record.parent_exec_id, record.parent_pid, 0)
    const in_init_tree = (record.flags & EXEC_FLAG.IN_INIT_TREE) !== 0
    const process = new Process(this.#node, {
      key: record.exec_id,
      pid: record.pid,
      seconds,
      nanoseconds: nanosecondsOf(ktime_ns, seconds),
      boottime: false,
      parent,
      parent_exec_id: parent === undefined ? this.#lostParentId(record.parent_pid, record.parent_ktime_ns) : '',
      image: parent === undefined ? this.#reader.unknown_image : parent.image,
      flags: in_init_tree ? 'execve inInitTree' : 'execve',
      in_init_tree,
      forked: true,
    })
    this.cache.add(process, Number(ktime_ns))
  }

  onExit(record: ExitEvent): EventLine {
    const ktime_ns = record.header.ktime_ns
    const seconds = secondsOf(ktime_ns)
    const time = this.#clock.text(seconds, nanosecondsOf(ktime_ns, seconds))
    const process = this.process(record.exec_id, record.pid)
    const code = record.code
    const signal = signalName(code)
    const status = exitStatus(code)
    let body = '"process_exit":{"process":'
    let extra = (code & 0x80) === 0 ? '' : ',"core_dumped":true'
    // Real-time signals have no name in Tetragon's table, so that one cannot see there that there was one.
    if (signal === '' && (code & 0x7f) !== 0) extra += ',"signal":' + (code & 0x7f)
    if (process === undefined) {
      body += this.#unknownJson(record.pid, record.pid, time)
      extra += ',"process_unknown":true'
    } else {
      body += process.json
      const parent = process.parent
      if (parent !== undefined) body += ',"parent":' + parent.json
      else if (process.pid !== 0) extra += ',"parent_unknown":true'
    }
    if (signal !== '') body += ',"signal":"' + signal + '"'
    if (status !== 0) body += ',"status":' + status
    body += ',"time":"' + time + '"'
    if (process !== undefined && this.#ancestors.has('base')) body += this.#ancestorsJson(process)
    if (process !== undefined) this.cache.end(process, Number(ktime_ns))
    return this.#send('process_exit', body + '}', time, extra, Number(ktime_ns), process, undefined)
  }

  onChunk(record: ChunkEvent, view: DataView, at: number, size: number): void {
    if (CHUNK_EVENT_SIZE + record.bytes > size) {
      this.records.short++
      return
    }
    const ktime_ns = Number(record.header.ktime_ns)
    this.chunks.add(record.kind, record.id, record.index, ktime_ns, view, at + CHUNK_EVENT_SIZE, record.bytes)
  }

  /** Adds what /proc had and gives its lines (process_exec with `procFS`) in the order given, without kernel threads. */
  addExisting(found: readonly ProcfsProcess[]): EventLine[] {
    for (const entry of parentsFirst(found)) {
      const parent = entry.ppid === 0 ? this.kernel : this.cache.living(entry.ppid)
      this.cache.add(existingProcess(this.#node, entry, parent, this.#reader), 0)
    }
    const lines = [this.#existingLine(this.kernel)]
    for (const entry of found) {
      const process = this.cache.get(entry.pid)
      if (process !== undefined && !entry.kernel_thread) lines.push(this.#existingLine(process))
    }
    return lines
  }

  /**
   * A hook's line. `before` are the members after `parent` up to `ancestors`, `after` those behind it, each member led by
   * a comma; `extra` goes to `thump`, led by a comma too.
   */
  hookLine(
    type: EventType,
    origin: HookOrigin,
    policy: string | undefined,
    before: string,
    after = '',
    extra = '',
  ): EventLine {
    const seconds = secondsOf(origin.ktime_ns)
    const time = this.#clock.text(seconds, nanosecondsOf(origin.ktime_ns, seconds))
    const process = this.process(origin.key, origin.pid)
    let body = '"' + type + '":{"process":'
    if (process === undefined) {
      body += this.#unknownJson(origin.pid, origin.tid, time) + before
      extra += ',"process_unknown":true'
    } else {
      body += process.hookJson(origin.tid)
      if (process.parent !== undefined) body += ',"parent":' + process.parent.json
      body += before
      if (this.#ancestors.has(ancestorsOption(type))) body += this.#ancestorsJson(process)
    }
    return this.#send(type, body + after + '}', time, extra, Number(origin.ktime_ns), process, policy)
  }

  /** A line about no process: `json` is the value of its kind's key. */
  plainLine(type: EventType, json: string, ktime_ns: bigint, policy?: string): EventLine {
    const seconds = secondsOf(ktime_ns)
    const time = this.#clock.text(seconds, nanosecondsOf(ktime_ns, seconds))
    return this.#send(type, '"' + type + '":' + json, time, '', Number(ktime_ns), undefined, policy)
  }

  /** Process of a record: by the kernel's number, else the one that lives under the pid. */
  process(key: number, pid: number): Process | undefined {
    const process = key === 0 ? undefined : this.cache.get(key)
    if (process !== undefined) return process
    if (pid === 0) return this.kernel
    const living = this.cache.living(pid)
    if (living === undefined) this.cache.counters.missed_process++
    return living
  }

  /** Frees what ended and gives up chunks whose event never came. */
  sweep(now_ns: number): void {
    this.cache.sweep(now_ns)
    this.chunks.expire(now_ns)
  }

  #parent(key: number, parent_pid: number, own_pid: number): Process | undefined {
    const parent = key === 0 ? undefined : this.cache.get(key)
    if (parent !== undefined) return parent
    if (parent_pid === 0) return this.kernel
    // The kernel's map may have been full when the parent began; user space can know it all the same.
    const living = parent_pid === own_pid ? undefined : this.cache.living(parent_pid)
    if (living === undefined) this.cache.counters.missed_parent++
    return living
  }

  /** Id of a parent that only the kernel knows, '' where it does not either. */
  #lostParentId(pid: number, ktime_ns: bigint): string {
    if (ktime_ns === 0n) return ''
    const seconds = secondsOf(ktime_ns)
    return this.#node.ids.encode(seconds, nanosecondsOf(ktime_ns, seconds), pid)
  }

  #ancestorsJson(process: Process): string {
    let json = ''
    let ancestor = process.parent?.parent
    while (ancestor !== undefined && ancestor.pid !== 0) {
      json += json === '' ? ',"ancestors":[' + ancestor.json : ',' + ancestor.json
      ancestor = ancestor.parent
    }
    return json === '' ? '' : json + ']'
  }

  #unknownJson(pid: number, tid: number, time: string): string {
    return '{"pid":' + pid + ',"flags":"unknown","start_time":"' + time + '","tid":' + tid + '}'
  }

  #existingLine(process: Process): EventLine {
    let body = '"process_exec":{"process":' + process.json
    if (process.parent !== undefined) body += ',"parent":' + process.parent.json
    if (this.#ancestors.has('base')) body += this.#ancestorsJson(process)
    return this.#send('process_exec', body + '}', process.start_time, '', 0, process, undefined)
  }

  #send(
    type: EventType,
    body: string,
    time: string,
    extra: string,
    ktime_ns: number,
    process: Process | undefined,
    policy: string | undefined,
  ): EventLine {
    const line = this.lines.line(body, time, extra)
    return { line, meta: { type, ktime_ns, seq: this.lines.seq, process, policy } }
  }
}

function ancestorsOption(type: EventType): AncestorsOption {
  return type.slice('process_'.length) as AncestorsOption
}
