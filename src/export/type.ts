// What an exporter is: the last stop of an event line, between the pipeline and a file, a pipe or a subscriber.
import type { EventMeta } from '../event/type.ts'

export interface SinkCounters {
  readonly name: string
  /** Events handed to the sink. written + dropped + queued = events. */
  events: number
  written: number
  written_bytes: number
  queued: number
  queued_bytes: number
  /** By reason: `queue_full`, `closed`, `error`, ... */
  readonly dropped: Record<string, number>
}

/** Never throws, never waits: what cannot be kept is counted under a reason. */
export interface Exporter extends AsyncDisposable {
  readonly counters: SinkCounters
  /** False once nothing written can arrive any more (closed stdout, removed file). */
  readonly open: boolean
  /** Takes one line without its newline; the string is shared with other sinks. */
  write(line: string, meta: EventMeta): void
  /** Passes on what was gathered; called at the end of every turn of the pipeline. */
  push(): void
  /** Resolves when all that was taken is written or counted as dropped. */
  flush(): Promise<void>
}
