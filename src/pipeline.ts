// Pipeline: drain → decode → process cache → line → sinks, a bounded number of records per turn of the event loop.
import { EVENT_TYPE } from '../ffi/wire.gen.ts'
import { recordType } from './event/decode.ts'
import type { EventLine, EventMeta } from './event/type.ts'
import type { Exporter } from './export/type.ts'
import { type KernelCounters, LossLedger, type NewLoss, type StageCounters } from './ledger.ts'
import { WaitingRoom } from './pipeline/waiting_room.ts'
import type { Container } from './process/container_entry.ts'
import type { Tracker } from './process/tracker.ts'

/** Both rings, merged in order of time (ffi/ring). `view` is valid during `visit` only. */
export interface RecordSource {
  /** Visits at most `records_max` records and releases them; gives their number. */
  drain(records_max: number, visit: (view: DataView, at: number, size: number) => void): number
  /** False if the last drain left nothing behind: the doorbell tells when to come again. */
  readonly more: boolean
}

/** Makes a line of a record that is not of the base sensor; undefined where it gives none. */
export type RecordHandler = (view: DataView, at: number, size: number) => EventLine | undefined

export interface Clocks {
  /** CLOCK_MONOTONIC. */
  monotonicNs(): bigint
  /** Text of a moment as in events. */
  text(monotonic_ns: bigint): string
}

export interface PipelineOptions {
  readonly source: RecordSource
  readonly tracker: Tracker
  readonly sinks: readonly Exporter[]
  /** Reads the kernel's counters; costs a system call per map. */
  readonly kernelCounters: () => readonly KernelCounters[]
  readonly clocks: Clocks
  readonly drain_records_max: number
  readonly counters_period_ms: number
  /** Called when too many lines wait: what is known of this container must do. */
  readonly onCrowded?: (container: Container) => void
}

const TYPE_NAMES: readonly string[] = typeNames()

function typeNames(): string[] {
  const names: string[] = []
  for (const [name, number] of Object.entries(EVENT_TYPE)) if (name !== 'MAX') names[number] = name.toLowerCase()
  return names
}

export class Pipeline {
  readonly ledger = new LossLedger()
  /** Lines by the record type that they came from, 0 for those that no record caused. */
  readonly lines: number[] = new Array<number>(TYPE_NAMES.length).fill(0)
  /** Lines by their kind, for metrics. */
  readonly kinds: Record<string, number> = {}
  /** Time spent in turns, and how many there were. */
  readonly turns = { count: 0, busy: 0, records: 0, seconds: 0, longest_seconds: 0 }
  /** Lines that wait until it is known whose container they are about. */
  readonly waiting_room = new WaitingRoom()
  readonly #options: PipelineOptions
  readonly #handlers: (RecordHandler | undefined)[] = []
  readonly #visit: (view: DataView, at: number, size: number) => void
  #watchers: ((line: EventLine) => void)[] = []
  #looked_ns: bigint
  /** Records whose handler threw: a bug, counted and told once per kind instead of ending the agent. */
  readonly #failed: number[] = new Array<number>(TYPE_NAMES.length).fill(0)
  #onFailure: (type: string, error: unknown) => void

  constructor(options: PipelineOptions, onFailure: (type: string, error: unknown) => void) {
    this.#options = options
    this.#onFailure = onFailure
    this.#looked_ns = options.clocks.monotonicNs()
    this.#visit = (view, at, size) => this.#record(view, at, size)
  }

  /** `type` is one of EVENT_TYPE above the base sensor's. */
  handle(type: number, handler: RecordHandler): void {
    this.#handlers[type] = handler
  }

  /** Calls `watcher` with every line until the returned function is called. */
  watch(watcher: (line: EventLine) => void): () => void {
    this.#watchers = [...this.#watchers, watcher]
    return () => {
      this.#watchers = this.#watchers.filter((each) => each !== watcher)
    }
  }

  /** One turn: gives true if there may be more. */
  turn(): boolean {
    const started = performance.now()
    const { source, sinks, drain_records_max } = this.#options
    const records = source.drain(drain_records_max, this.#visit)
    for (const sink of sinks) sink.push()
    const seconds = (performance.now() - started) / 1000
    const turns = this.turns
    turns.count++
    turns.records += records
    turns.seconds += seconds
    if (seconds > turns.longest_seconds) turns.longest_seconds = seconds
    if (records >= drain_records_max) turns.busy++
    return source.more
  }

  /** Passes a line on that no record caused. */
  emit(line: EventLine): void {
    this.lines[0]!++
    this.#send(line)
  }

  /** Sends what waited for `container`, with what is known of it by now. */
  release(container: Container): void {
    const { tracker, sinks } = this.#options
    for (const event of this.waiting_room.take(container)) this.#send(tracker.finish(event))
    for (const sink of sinks) sink.push()
  }

  emitAll(lines: readonly EventLine[]): void {
    for (const line of lines) this.emit(line)
    for (const sink of this.#options.sinks) sink.push()
  }

  /** Compares the counters and reports what was lost since the last look, as `loss` events. */
  reportLosses(): readonly NewLoss[] {
    const { clocks, tracker, kernelCounters, sinks } = this.#options
    const now_ns = clocks.monotonicNs()
    const losses = this.ledger.newLosses(kernelCounters(), this.stages())
    if (losses.length > 0 && !tracker.lines.tetragon_only) {
      const [from, to] = [clocks.text(this.#looked_ns), clocks.text(now_ns)]
      for (const { where, type, policy, reason, count } of losses) {
        const place = where === 'agent' ? { queue: where } : { ring: where }
        const named = policy === '' ? {} : { policy }
        const json = JSON.stringify({ ...place, type, ...named, reason, count: String(count), from, to })
        this.emit(tracker.plainLine('loss', json, now_ns))
      }
      for (const sink of sinks) sink.push()
    }
    this.#looked_ns = now_ns
    return losses
  }

  /** The line that tells the reader of a sink that its queue was full; `from_ms` and `to_ms` are Unix times. */
  sinkLossLine(sink: string, count: number, from_ms: number, to_ms: number): string {
    const text = (ms: number) => new Date(ms).toISOString()
    const json = { queue: sink, reason: 'queue_full', count: String(count), from: text(from_ms), to: text(to_ms) }
    const { tracker, clocks } = this.#options
    return tracker.plainLine('loss', JSON.stringify(json), clocks.monotonicNs()).line
  }

  /** What the kernel says of its side, as it is compared with ours. */
  kernel(): readonly KernelCounters[] {
    return this.#options.kernelCounters()
  }

  /** What became of records, by type. */
  stages(): StageCounters[] {
    const { received, unknown, mismatched, short } = this.#options.tracker.records
    const stages: StageCounters[] = []
    for (let type = 1; type < TYPE_NAMES.length; type++) {
      const events = this.lines[type]!
      const failed = this.#failed[type]!
      const rest = received[type]! - events - failed
      const silent = type !== EVENT_TYPE.EXEC && type !== EVENT_TYPE.EXIT
      stages.push({
        type: TYPE_NAMES[type] ?? String(type),
        received: received[type]!,
        events,
        without_event: silent ? { no_event: rest } : {},
        lost: silent ? { failed } : { failed, decode: rest },
      })
    }
    // Of a record that could not even be told apart. `short` counts exec records that were cut as well: those are above.
    const cut = stages.reduce((sum, { lost }) => sum + (lost.decode ?? 0), 0)
    const decode = unknown + mismatched + Math.max(0, short - cut)
    stages.push({ type: 'unreadable', received: decode, events: 0, without_event: {}, lost: { decode } })
    return stages
  }

  #record(view: DataView, at: number, size: number): void {
    const type = size >= 8 ? view.getUint16(at + 4, true) : 0
    let line: EventLine | undefined
    try {
      if (type <= EVENT_TYPE.CHUNK) line = this.#options.tracker.onRecord(view, at, size)
      else if (recordType(view, at, size, this.#options.tracker.records) === type) {
        line = this.#handlers[type]?.(view, at, size)
      }
    } catch (error) {
      // The records behind this one must not be lost with it.
      const known = TYPE_NAMES[type] === undefined ? 0 : type
      if (this.#failed[known]!++ === 0) this.#onFailure(TYPE_NAMES[type] ?? String(type), error)
      return
    }
    if (line === undefined) return
    this.lines[type]!++
    this.#send(line)
  }

  #send(event: EventLine): void {
    const { line, meta, held } = event
    if (held !== undefined) {
      const room = this.waiting_room
      if (room.full) this.#options.onCrowded?.(room.oldest()!)
      // Which may have been this one.
      if (!held.container.waiting) return this.#send(this.#options.tracker.finish(event))
      room.add({ ...event, held })
      return
    }
    this.#count(meta)
    for (const sink of this.#options.sinks) sink.write(line, meta)
    if (this.#watchers.length > 0) { for (const watcher of this.#watchers) watcher(event) }
  }

  #count(meta: EventMeta): void {
    this.kinds[meta.type] = (this.kinds[meta.type] ?? 0) + 1
  }
}
