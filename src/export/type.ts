// What an exporter is: the last stop of an event line, between the pipeline and a file, a pipe or a subscriber.

/** What selections look at; the process cache's entries have these fields. */
export interface EventProcess {
  readonly pid: number
  readonly binary: string
  /** Container id as in the event, '' on the host. */
  readonly docker: string
  readonly pod: {
    readonly namespace: string
    readonly name: string
    readonly container?: { readonly name: string }
  } | null
}

/** What of an event is known beside its line, so that sinks can select without parsing. */
export interface EventMeta {
  /** Place in the stream of this start of the agent, from 1. */
  readonly seq: number
  /** First key of the line: `process_exec`, `loss`, ... */
  readonly type: string
  /** Process that the event is about; null where it is about none. */
  readonly process: EventProcess | null
  /** Policy that asked for the event, '' for the base sensor. */
  readonly policy: string
}

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
