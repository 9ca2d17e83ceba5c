// Subscription: one subscriber's bounded queue, between the hub and a response that is read at its own pace.
import type { HubEvent } from './hub.ts'
import type { EventMeta } from '../event/type.ts'
import type { SinkCounters } from './type.ts'

/** What a subscriber asked for. */
export type EventMatch = (line: string, meta: EventMeta) => boolean

/** Events that this subscriber will not get. */
export interface LostRange {
  /** `slow`: the queue was full; `history`: no longer kept; `boot`: the id is of another start of the agent. */
  readonly reason: 'slow' | 'history' | 'boot'
  /** Null where it cannot be known. */
  readonly count: number | null
  /** Ids of the first and the last of them. */
  readonly from: string
  readonly to: string
}

export type Delivery = { readonly event: HubEvent } | { readonly lost: LostRange }

export interface SubscriptionOptions {
  readonly match: EventMatch
  readonly events_max: number
  readonly bytes_max: number
  readonly counters: SinkCounters
  readonly onDispose: () => void
}

export class Subscription implements Disposable {
  readonly #options: SubscriptionOptions
  #queue: Delivery[] = []
  #bytes = 0
  #lost = 0
  #lost_from = 0
  #lost_to = 0
  #closed = false
  #waiting: (() => void) | null = null

  constructor(options: SubscriptionOptions) {
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Queues the event if it matches; counts it as lost if there is no room. */
  offer(event: HubEvent): void {
    const { match, counters, events_max, bytes_max } = this.#options
    if (!match(event.line, event.meta)) return
    counters.events++
    if (this.#queue.length >= events_max || (this.#bytes > 0 && this.#bytes + event.line.length > bytes_max)) {
      counters.dropped.slow!++
      if (this.#lost++ === 0) this.#lost_from = event.meta.seq
      this.#lost_to = event.meta.seq
      return
    }
    if (this.#lost > 0) this.#markLost()
    this.#queue.push({ event })
    this.#bytes += event.line.length
    counters.queued++
    counters.queued_bytes += event.line.length
  }

  offerLost(lost: LostRange): void {
    this.#queue.push({ lost })
  }

  wake(): void {
    if (this.#waiting === null || this.#queue.length === 0) return
    const resolve = this.#waiting
    this.#waiting = null
    resolve()
  }

  /** What waits, at least one; empty after `timeout_ms` of silence or when disposed. One caller at a time. */
  async take(timeout_ms: number): Promise<readonly Delivery[]> {
    if (this.#queue.length === 0 && this.#lost > 0) this.#markLost()
    if (this.#queue.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeout_ms)
        this.#waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#waiting = null
    }
    const { counters } = this.#options
    const taken = this.#queue
    this.#queue = []
    counters.queued_bytes -= this.#bytes
    counters.written_bytes += this.#bytes
    this.#bytes = 0
    for (const delivery of taken) {
      if ('lost' in delivery) continue
      counters.queued--
      counters.written++
    }
    return taken
  }

  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    const { counters, onDispose } = this.#options
    const events = this.#queue.filter((delivery) => 'event' in delivery).length
    counters.queued -= events
    counters.queued_bytes -= this.#bytes
    counters.dropped.closed! += events
    this.#queue = []
    this.#bytes = 0
    this.#waiting?.()
    onDispose()
  }

  #markLost(): void {
    this.#queue.push({
      lost: { reason: 'slow', count: this.#lost, from: String(this.#lost_from), to: String(this.#lost_to) },
    })
    this.#lost = 0
  }
}
