// Batches of lines on their way to a server: bounded spool, one request at a time, retries with growing pauses.

import type { EventMeta } from '../event/type.ts'
import type { Exporter, SinkCounters } from './type.ts'

export interface BatchOptions {
  readonly name: string
  /** Most lines and characters in one request. */
  readonly batch_lines_max: number
  readonly batch_characters_max: number
  /** How long a line may wait for company. */
  readonly linger_ms: number
  /** Characters that may wait while the server is away. */
  readonly spool_characters_max: number
  /** First pause after a failure; doubles up to pause_ms_max. */
  readonly pause_ms_min: number
  readonly pause_ms_max: number
  /** A batch is given up after so many attempts. */
  readonly attempts_max: number
  /** How long flush() at the end may take before what is left is counted as dropped. */
  readonly flush_ms_max: number
  /** Makes the line that tells the server what it missed. */
  readonly lossLine?: (count: number, from_ms: number, to_ms: number) => string
  /** Ends what `send` keeps open, after the last batch. */
  readonly close?: () => Promise<void>
  /** Told when sending begins to fail, and null when it works again. */
  readonly onTrouble?: (error: Error | null) => void
}

/** Why a batch was not taken. */
export class SendError extends Error {
  override readonly name = 'SendError'
  /** False: the same bytes will never be taken, so they are dropped. */
  readonly again: boolean
  /** Pause that the server asked for, in ms. */
  readonly after_ms: number | undefined

  constructor(message: string, again: boolean, after_ms?: number) {
    super(message)
    this.again = again
    this.after_ms = after_ms
  }
}

export interface Entry {
  readonly line: string
  readonly time_ms: number
  /** `thump.seq` of the line; 0 where it is not known. */
  readonly seq: number
}

/** Gives how many of the lines will never be taken, if any; throws SendError, or anything else as a reason to try again. */
export type Send = (lines: readonly Entry[], signal: AbortSignal) => Promise<number | void>

/** Gathers lines for `send`. */
export class BatchExporter implements Exporter {
  readonly counters: SinkCounters
  readonly open = true
  readonly #options: BatchOptions
  readonly #send: Send
  #spool: Entry[] = []
  #characters = 0
  #busy: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #stop = new AbortController()
  #ending = false
  #failing = false
  #lost = 0
  #lost_from_ms = 0
  #lost_to_ms = 0

  constructor(options: BatchOptions, send: Send) {
    this.#options = options
    this.#send = send
    this.counters = {
      name: options.name,
      events: 0,
      written: 0,
      written_bytes: 0,
      queued: 0,
      queued_bytes: 0,
      dropped: { queue_full: 0, refused: 0, error: 0, closed: 0 },
    }
  }

  write(line: string, meta?: EventMeta): void {
    const { counters } = this
    counters.events++
    if (this.#characters > 0 && this.#characters + line.length > this.#options.spool_characters_max) {
      this.#drop('queue_full', 1)
      return
    }
    if (this.#lost > 0) this.#reportLost()
    this.#add(line, meta?.seq ?? 0)
  }

  push(): void {
    if (this.#busy || this.#spool.length === 0) return
    const { batch_lines_max, batch_characters_max, linger_ms } = this.#options
    if (this.#spool.length >= batch_lines_max || this.#characters >= batch_characters_max || this.#ending) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), linger_ms).unref()
  }

  async flush(): Promise<void> {
    const end_ms = Date.now() + this.#options.flush_ms_max
    if (this.#lost > 0) this.#reportLost()
    while (this.#spool.length > 0 && Date.now() < end_ms) {
      this.#start()
      await Promise.race([this.#busy, Bun.sleep(Math.max(1, end_ms - Date.now()))])
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true
    await this.flush()
    this.#stop.abort()
    await this.#busy
    clearTimeout(this.#timer)
    const left = this.#spool.length
    this.#spool = []
    this.#characters = 0
    this.counters.queued -= left
    this.counters.queued_bytes = 0
    this.#count('closed', left)
    await this.#options.close?.()
  }

  #add(line: string, seq: number): void {
    this.#spool.push({ line, time_ms: Date.now(), seq })
    this.#characters += line.length
    this.counters.queued++
    this.counters.queued_bytes = this.#characters
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#busy ??= this.#drain().finally(() => {
      this.#busy = undefined
    })
  }

  /** Sends until nothing is left. Never rejects. */
  async #drain(): Promise<void> {
    while (this.#spool.length > 0 && !this.#stop.signal.aborted) {
      const batch = this.#take()
      const sent = await this.#deliver(batch)
      const characters = batch.reduce((sum, { line }) => sum + line.length, 0)
      if (sent === 'stopped') return
      this.#spool.splice(0, batch.length)
      this.#characters -= characters
      this.counters.queued -= batch.length
      this.counters.queued_bytes = this.#characters
      if (typeof sent === 'number') {
        this.counters.written += batch.length - sent
        this.counters.written_bytes += characters
        if (sent > 0) this.#drop('refused', sent)
      } else this.#drop(sent, batch.length)
    }
  }

  #take(): readonly Entry[] {
    const { batch_lines_max, batch_characters_max } = this.#options
    let characters = 0
    let count = 0
    for (const { line } of this.#spool) {
      if (count >= batch_lines_max || (count > 0 && characters + line.length > batch_characters_max)) break
      characters += line.length
      count++
    }
    return this.#spool.slice(0, count)
  }

  /** How many of the batch were refused where the others were taken, or why none was. */
  async #deliver(batch: readonly Entry[]): Promise<number | 'refused' | 'error' | 'stopped'> {
    const { attempts_max, pause_ms_min, pause_ms_max } = this.#options
    let pause_ms = pause_ms_min
    for (let attempt = 1;; attempt++) {
      try {
        const refused = await this.#send(batch, this.#stop.signal)
        if (this.#failing) this.#options.onTrouble?.(null)
        this.#failing = false
        return refused ?? 0
      } catch (cause) {
        if (this.#stop.signal.aborted) return 'stopped'
        const error = cause instanceof Error ? cause : new Error(String(cause))
        if (!this.#failing) this.#options.onTrouble?.(error)
        this.#failing = true
        if (error instanceof SendError && !error.again) return 'refused'
        if (attempt >= attempts_max) return 'error'
        // A quarter of chance, so that many agents do not come back at once.
        const wait_ms = (error instanceof SendError ? error.after_ms : undefined) ?? pause_ms * (1 + Math.random() / 4)
        await this.#pause(Math.min(wait_ms, pause_ms_max))
        if (this.#stop.signal.aborted) return 'stopped'
        pause_ms = Math.min(pause_ms * 2, pause_ms_max)
      }
    }
  }

  async #pause(wait_ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, wait_ms).unref()
    const stop = () => resolve()
    this.#stop.signal.addEventListener('abort', stop, { once: true })
    await promise
    clearTimeout(timer)
    this.#stop.signal.removeEventListener('abort', stop)
  }

  #drop(reason: string, lines: number): void {
    this.#count(reason, lines)
    const now_ms = Date.now()
    if (this.#lost === 0) this.#lost_from_ms = now_ms
    this.#lost += lines
    this.#lost_to_ms = now_ms
  }

  #count(reason: string, lines: number): void {
    const { dropped } = this.counters
    dropped[reason] = (dropped[reason] ?? 0) + lines
  }

  #reportLost(): void {
    const { lossLine } = this.#options
    if (lossLine) {
      this.counters.events++
      this.#add(lossLine(this.#lost, this.#lost_from_ms, this.#lost_to_ms), 0)
    }
    this.#lost = 0
  }
}

/** What an answer means: nothing for success, else whether to try again (429 and 5xx) and when. */
export async function checkAnswer(response: Response): Promise<void> {
  if (response.ok) {
    await response.body?.cancel()
    return
  }
  const text = (await response.text()).slice(0, 200)
  const again = response.status === 429 || response.status === 408 || response.status >= 500
  const after = response.headers.get('retry-after')
  const seconds = after !== null && /^\d+$/.test(after) ? Number(after) : undefined
  throw new SendError(
    `The server answered with status ${response.status}${text === '' ? '' : `: ${text}`}`,
    again,
    seconds === undefined ? undefined : seconds * 1000,
  )
}
