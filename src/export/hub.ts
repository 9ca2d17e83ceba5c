// Hub: the live stream and its short history, between the pipeline and any number of subscribers.
import { type EventMatch, Subscription } from './subscription.ts'
import type { EventMeta } from '../event/type.ts'
import type { Exporter, SinkCounters } from './type.ts'

export interface HubOptions {
  /** Random per start of the agent: sequence numbers of two starts must not be mixed up. */
  readonly boot: string
  readonly history_events_max: number
  readonly history_bytes_max: number
  readonly queue_events_max: number
  readonly queue_bytes_max: number
  readonly subscribers_max: number
  readonly flush_ms_max: number
}

export interface HubEvent {
  readonly line: string
  readonly meta: EventMeta
}

export class Hub implements Exporter {
  readonly boot: string
  readonly open = true
  readonly counters: SinkCounters = {
    name: 'subscribers',
    events: 0,
    written: 0,
    written_bytes: 0,
    queued: 0,
    queued_bytes: 0,
    dropped: { slow: 0, closed: 0 },
  }
  readonly #options: HubOptions
  /** A circle of events #first to #next - 1, counted in order of arrival. */
  readonly #history: (HubEvent | undefined)[]
  #first = 0
  #next = 0
  /** Last sequence number that is no longer kept. */
  #forgotten = 0
  #history_bytes = 0
  #subscriptions = new Set<Subscription>()

  constructor(options: HubOptions) {
    this.#options = options
    this.boot = options.boot
    this.#history = new Array(options.history_events_max)
  }

  get subscribers(): number {
    return this.#subscriptions.size
  }

  get history(): { events: number; bytes: number } {
    return { events: this.#next - this.#first, bytes: this.#history_bytes }
  }

  /** `meta.seq` must grow. */
  write(line: string, meta: EventMeta): void {
    const event = { line, meta }
    const size = this.#history.length
    if (this.#next - this.#first === size) this.#forget()
    this.#history[this.#next++ % size] = event
    this.#history_bytes += line.length
    while (this.#history_bytes > this.#options.history_bytes_max && this.#next - this.#first > 1) this.#forget()
    for (const subscription of this.#subscriptions) subscription.offer(event)
  }

  push(): void {
    for (const subscription of this.#subscriptions) subscription.wake()
  }

  /** Resolves when every subscriber has taken what waited for it, or after flush_ms_max: a stopped one never does. */
  async flush(): Promise<void> {
    this.push()
    const end_ms = performance.now() + this.#options.flush_ms_max
    while (this.counters.queued > 0 && performance.now() < end_ms) await Bun.sleep(5)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subscription of [...this.#subscriptions]) subscription[Symbol.dispose]()
  }

  /**
   * Events that `match` wants, from now on or after event `since` (as `BOOT-SEQ`). What of the wanted range is no
   * longer kept comes as a loss first. Null when there are subscribers_max already.
   */
  subscribe(match: EventMatch, since: string | null): Subscription | null {
    if (this.#subscriptions.size >= this.#options.subscribers_max) return null
    const subscription = new Subscription({
      match,
      events_max: this.#options.queue_events_max,
      bytes_max: this.#options.queue_bytes_max,
      counters: this.counters,
      onDispose: () => this.#subscriptions.delete(subscription),
    })
    if (since !== null) this.#replay(subscription, since)
    this.#subscriptions.add(subscription)
    return subscription
  }

  #replay(subscription: Subscription, since: string): void {
    const dash = since.lastIndexOf('-')
    const seq = Number(since.slice(dash + 1))
    const oldest = this.#forgotten + 1
    let after = 0
    if (dash < 0 || since.slice(0, dash) !== this.boot || !Number.isSafeInteger(seq)) {
      subscription.offerLost({ reason: 'boot', count: null, from: since, to: `${this.boot}-${oldest}` })
    } else if (seq + 1 < oldest) {
      const [from, to] = [`${this.boot}-${seq + 1}`, `${this.boot}-${this.#forgotten}`]
      subscription.offerLost({ reason: 'history', count: this.#forgotten - seq, from, to })
    } else after = seq
    for (let at = this.#first; at < this.#next; at++) {
      const event = this.#history[at % this.#history.length]!
      if (event.meta.seq > after) subscription.offer(event)
    }
  }

  #forget(): void {
    const place = this.#first++ % this.#history.length
    const event = this.#history[place]!
    this.#history_bytes -= event.line.length
    this.#forgotten = event.meta.seq
    this.#history[place] = undefined
  }
}
