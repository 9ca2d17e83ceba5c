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
  CHUNK_EVENT,
  CHUNK_EVENT_SIZE,
  EVENT_HEADER,
  EVENT_TYPE,
  EXEC_EVENT,
  EXEC_FLAG,
  EXIT_EVENT,
  FORK_EVENT,
  type Namespaces,
} from '../../ffi/wire.gen.ts'
import { createRecordCounters, type RecordCounters, recordType } from '../event/decode.ts'
import { exitExtra, exitMembers } from '../event/exit.ts'
import { type LineOptions, LineWriter } from '../event/json.ts'
import type { EventLine, EventType } from '../event/type.ts'
import { CACHE_LIMITS, type CacheLimits, ProcessCache } from './cache.ts'
import { CHUNK_LIMITS, ChunkAssembler, type ChunkLimits } from './chunk.ts'
import type { WallClock } from './clock.ts'
import { MARK, replaceMarks } from './container_entry.ts'
import { ContainerTable } from './container_table.ts'
import { NamespacePrinter } from './credential.ts'
import { type ExecOptions, ExecReader } from './exec.ts'
import { ExecIds } from './exec_id.ts'
import { ExecJson } from './exec_json.ts'
import { existingProcess, kernelProcess, parentsFirst } from './existing.ts'
import { flagText } from './flag.ts'
import { Ktime, readNumber } from './ktime.ts'
import { type Node, Process } from './process.ts'
import { ancestorsJson, type AncestorsOption, ancestorsOption, unknownJson } from './process_json.ts'
import type { ProcfsProcess } from './procfs.ts'

export interface TrackerOptions extends LineOptions, ExecOptions {
  readonly clock: WallClock
  /** Of pid 1: decides `is_host` and whose /etc/passwd counts. */
  readonly host_namespaces: Namespaces
  /** --enable-ancestors. */
  readonly ancestors?: ReadonlySet<AncestorsOption>
  readonly cache?: CacheLimits
  readonly chunks?: ChunkLimits
  readonly containers?: ContainerTable
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
  readonly containers: ContainerTable
  readonly records: RecordCounters = createRecordCounters()
  readonly lines: LineWriter
  /** Pid 0, the parent of 1 and 2. */
  readonly kernel: Process
  readonly #clock: WallClock
  readonly #node: Node
  readonly #reader: ExecReader
  readonly #json: ExecJson
  readonly #ancestors: ReadonlySet<AncestorsOption>
  /** Of the record at hand. */
  readonly #time = new Ktime()

  constructor(options: TrackerOptions) {
    this.#clock = options.clock
    this.#node = { ids: new ExecIds(options.node_name), clock: options.clock }
    this.#ancestors = options.ancestors ?? new Set()
    this.cache = new ProcessCache(options.cache ?? CACHE_LIMITS)
    this.chunks = new ChunkAssembler(options.chunks ?? CHUNK_LIMITS)
    this.lines = new LineWriter(options)
    this.containers = options.containers ?? new ContainerTable(options.host_namespaces)
    const namespaces = new NamespacePrinter(options.host_namespaces)
    this.#json = new ExecJson(this.#node.ids, options.clock, this.lines)
    this.#reader = new ExecReader(options, namespaces, this.chunks, this.containers, this.#json)
    this.kernel = kernelProcess(this.#node)
  }

  /** Handles one record of the base sensor; undefined where it gives no line (fork, chunk, other types, broken). */
  onRecord(view: DataView, at: number, size: number): EventLine | undefined {
    const type = recordType(view, at, size, this.records)
    if (type === 0) return undefined
    this.#time.read(view, at + EVENT_HEADER.ktime_ns)
    if (type === EVENT_TYPE.EXEC) return this.#onExec(view, at, size)
    if (type === EVENT_TYPE.EXIT) return this.#onExit(view, at)
    if (type === EVENT_TYPE.FORK) this.#onFork(view, at)
    else if (type === EVENT_TYPE.CHUNK) this.#onChunk(view, at, size)
    return undefined
  }

  #onExec(view: DataView, at: number, size: number): EventLine | undefined {
    const image = this.#reader.read(view, at, size, this.#time)
    if (image === undefined) {
      this.records.short++
      return undefined
    }
    const { seconds, nanoseconds, ns } = this.#time
    const pid = view.getUint32(at + EXEC_EVENT.pid, true)
    const parent_pid = view.getUint32(at + EXEC_EVENT.parent_pid, true)
    const parent = this.#parent(readNumber(view, at + EXEC_EVENT.parent_exec_id), parent_pid, pid)
    const flags = this.#reader.flags
    const process = new Process(
      this.#node,
      'exec',
      readNumber(view, at + EXEC_EVENT.exec_id),
      pid,
      seconds,
      nanoseconds,
      parent,
      parent === undefined ? this.#lostParentId(parent_pid, view, at + EXEC_EVENT.parent_ktime_ns) : '',
      image,
      flagText(flags),
      (flags & EXEC_FLAG.IN_INIT_TREE) !== 0,
    )
    process.ns_pid = view.getUint32(at + EXEC_EVENT.ns_pid, true)
    const finished = this.#reader.begun && this.#json.finish(process)
    if (finished) process.adopt(this.#json)
    this.cache.add(process, ns)
    if (finished && this.containers.waiting === 0 && !this.#ancestors.has('base')) {
      const line = this.#json.execLine(process, this.#reader.extra)
      if (line !== '') return this.#event('process_exec', line, ns, process)
    }
    const ancestors = this.#ancestors.has('base') ? ancestorsJson(process) : ''
    const body = parent === undefined
      ? `"process_exec":{"process":${process.exec_json}}`
      : `"process_exec":{"process":${process.exec_json},"parent":${parent.json}${ancestors}}`
    const extra = parent === undefined ? this.#reader.extra + ',"parent_unknown":true' : this.#reader.extra
    return this.#send('process_exec', body, process.start_time, extra, ns, process, undefined)
  }

  #onFork(view: DataView, at: number): void {
    const { seconds, nanoseconds, ns } = this.#time
    const parent_pid = view.getUint32(at + FORK_EVENT.parent_pid, true)
    const parent = this.#parent(readNumber(view, at + FORK_EVENT.parent_exec_id), parent_pid, 0)
    const in_init_tree = (view.getUint32(at + FORK_EVENT.flags, true) & EXEC_FLAG.IN_INIT_TREE) !== 0
    const process = new Process(
      this.#node,
      'fork',
      readNumber(view, at + FORK_EVENT.exec_id),
      view.getUint32(at + FORK_EVENT.pid, true),
      seconds,
      nanoseconds,
      parent,
      parent === undefined ? this.#lostParentId(parent_pid, view, at + FORK_EVENT.parent_ktime_ns) : '',
      parent === undefined ? this.#reader.unknown_image : parent.image,
      // Tetragon's flag for a clone event has the number of `execve`, and so its word.
      in_init_tree ? 'execve inInitTree' : 'execve',
      in_init_tree,
    )
    process.ns_pid = view.getUint32(at + FORK_EVENT.ns_pid, true)
    this.cache.add(process, ns)
  }

  #onExit(view: DataView, at: number): EventLine {
    const { seconds, nanoseconds, ns } = this.#time
    const pid = view.getUint32(at + EXIT_EVENT.pid, true)
    const process = this.process(readNumber(view, at + EXIT_EVENT.exec_id), pid)
    const code = view.getUint32(at + EXIT_EVENT.code, true)
    const how = exitMembers(code)
    let extra = exitExtra(code)
    if (process === undefined) {
      const time = this.#clock.text(seconds, nanoseconds)
      extra += ',"process_unknown":true'
      const body = `"process_exit":{"process":${unknownJson(pid, pid, time)}${how},"time":"${time}"}`
      return this.#send('process_exit', body, time, extra, ns, undefined, undefined)
    }
    const { parent } = process
    if (parent === undefined && pid !== 0) extra += ',"parent_unknown":true'
    if (this.containers.waiting === 0 && !this.#ancestors.has('base')) {
      const line = this.#json.exitLine(process, how, this.#time, extra)
      if (line !== '') {
        this.cache.end(process, ns)
        return this.#event('process_exit', line, ns, process)
      }
    }
    const time = this.#clock.text(seconds, nanoseconds)
    const parent_json = parent === undefined ? '' : ',"parent":' + parent.json
    const ancestors = this.#ancestors.has('base') ? ancestorsJson(process) : ''
    this.cache.end(process, ns)
    const body = `"process_exit":{"process":${process.json}${parent_json}${how},"time":"${time}"${ancestors}}`
    return this.#send('process_exit', body, time, extra, ns, process, undefined)
  }

  #onChunk(view: DataView, at: number, size: number): void {
    const bytes = view.getUint32(at + CHUNK_EVENT.bytes, true)
    if (CHUNK_EVENT_SIZE + bytes > size) {
      this.records.short++
      return
    }
    const kind = view.getUint32(at + CHUNK_EVENT.kind, true)
    const id = readNumber(view, at + CHUNK_EVENT.id)
    const index = view.getUint32(at + CHUNK_EVENT.index, true)
    this.chunks.add(kind, id, index, this.#time.ns, view, at + CHUNK_EVENT_SIZE, bytes)
  }

  /** Adds what /proc had and gives its lines (process_exec with `procFS`) in the order given, without kernel threads. */
  addExisting(found: readonly ProcfsProcess[]): EventLine[] {
    for (const entry of parentsFirst(found)) {
      const parent = entry.ppid === 0 ? this.kernel : this.cache.living(entry.ppid)
      this.cache.add(existingProcess(this.#node, entry, parent, this.#reader), 0)
    }
    const lines = [this.#existingLine(this.kernel)]
    for (const entry of found) {
      const process = this.cache.get(entry.key ?? entry.pid)
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
    this.#time.set(origin.ktime_ns)
    const { seconds, nanoseconds, ns } = this.#time
    const time = this.#clock.text(seconds, nanoseconds)
    const process = this.process(origin.key, origin.pid)
    const shown = type === 'process_loader' ? '' : time // as Tetragon
    if (shown === '') extra += ',"time":"' + time + '"'
    if (process === undefined) {
      const body = `"${type}":{"process":${unknownJson(origin.pid, origin.tid, time)}${before}${after}}`
      return this.#send(type, body, shown, extra + ',"process_unknown":true', ns, undefined, policy)
    }
    const parent = process.parent === undefined ? '' : ',"parent":' + process.parent.json
    const ancestors = this.#ancestors.has(ancestorsOption(type)) ? ancestorsJson(process) : ''
    const body = `"${type}":{"process":${process.hookJson(origin.tid)}${parent}${before}${ancestors}${after}}`
    return this.#send(type, body, shown, extra, ns, process, policy)
  }

  /** A line about no process: `json` is the value of its kind's key. */
  plainLine(type: EventType, json: string, ktime_ns: bigint, policy?: string): EventLine {
    this.#time.set(ktime_ns)
    const { seconds, nanoseconds, ns } = this.#time
    const time = this.#clock.text(seconds, nanoseconds)
    return this.#send(type, `"${type}":${json}`, time, '', ns, undefined, policy)
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
    this.containers.sweep(now_ns)
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
  #lostParentId(pid: number, view: DataView, ktime_at: number): string {
    lost_time.read(view, ktime_at)
    return lost_time.ns === 0 ? '' : this.#node.ids.encode(lost_time.seconds, lost_time.nanoseconds, pid)
  }

  #existingLine(process: Process): EventLine {
    let body = '"process_exec":{"process":' + process.json
    if (process.parent !== undefined) body += ',"parent":' + process.parent.json
    if (this.#ancestors.has('base')) body += ancestorsJson(process)
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
    const container = process?.image.container
    if (this.containers.waiting > 0) {
      if (container?.waiting === true) {
        const meta = { type, ktime_ns, seq: 0, process, policy }
        return { line: '', meta, held: { container, body, time, extra } }
      }
      // Of the parent or an ancestor in a container that is not known yet: nobody waits for another process' sake.
      if (body.includes(MARK)) body = this.#withoutMarks(body)
    }
    const line = this.lines.line(body, time, container === undefined ? extra : extra + container.extra)
    return this.#event(type, line, ktime_ns, process, policy)
  }

  #event(type: EventType, line: string, ktime_ns: number, process: Process | undefined, policy?: string): EventLine {
    return { line, meta: { type, ktime_ns, seq: this.lines.seq, process, policy } }
  }

  /** The line of an event that was held back, with what is known by now. */
  finish(event: EventLine): EventLine {
    const { held, meta } = event
    if (held === undefined) return event
    const line = this.lines.line(this.#withoutMarks(held.body), held.time, held.extra + held.container.extra)
    return { line, meta: { ...meta, seq: this.lines.seq } }
  }

  #withoutMarks(body: string): string {
    return replaceMarks(body, (key) => this.cache.get(key) ?? this.containers.marked(key))
  }
}

const lost_time = new Ktime()
