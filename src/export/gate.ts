// ExportGate: what may leave by stdout and file, between the pipeline and those sinks. Subscribers choose for themselves.
import type { EventMeta } from '../event/type.ts'
import type { Exporter, SinkCounters } from './type.ts'

export interface Gate {
  /** False: filtered. Null: nothing is filtered. */
  readonly match: ((line: string, meta: EventMeta) => boolean) | null
  /** False: over the rate. */
  readonly rate: { take(now_ms: number): boolean; report(now_ms: number): number | undefined } | null
  /** The line as it may leave. */
  readonly edit: ((line: string) => string) | null
  /** The line that reports how many events were over the rate. */
  readonly rateLine: (dropped: number) => string
}

export class ExportGate implements Exporter {
  readonly counters: SinkCounters
  readonly #gate: Gate
  readonly #sinks: readonly Exporter[]

  constructor(gate: Gate, sinks: readonly Exporter[], name = 'export') {
    const dropped = { filter: 0, rate: 0 }
    this.counters = { name, events: 0, written: 0, written_bytes: 0, queued: 0, queued_bytes: 0, dropped }
    this.#gate = gate
    this.#sinks = sinks
  }

  get open(): boolean {
    return this.#sinks.some((sink) => sink.open)
  }

  write(line: string, meta: EventMeta): void {
    const { match, rate, edit } = this.#gate
    const counters = this.counters
    counters.events++
    // What was lost nobody can ask for: it passes every list, limit and field filter.
    const always = meta.type === 'loss'
    if (!always && match !== null && !match(line, meta)) {
      counters.dropped.filter!++
      return
    }
    if (!always && rate !== null && !rate.take(performance.now())) {
      counters.dropped.rate!++
      return
    }
    const edited = always || edit === null ? line : edit(line)
    counters.written++
    counters.written_bytes += edited.length
    for (const sink of this.#sinks) sink.write(edited, meta)
  }

  push(): void {
    const held = this.#gate.rate?.report(performance.now())
    if (held !== undefined) {
      const meta: EventMeta = { type: 'rate_limit_info', ktime_ns: 0, seq: 0, process: undefined, policy: undefined }
      const line = this.#gate.rateLine(held)
      for (const sink of this.#sinks) sink.write(line, meta)
    }
    for (const sink of this.#sinks) sink.push()
  }

  async flush(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.flush()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink[Symbol.asyncDispose]()))
  }
}
