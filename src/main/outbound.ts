// What policies ask the world for: GetUrl and DnsLookup, with --allow-outbound only, never in the way of events.
import { Resolver } from 'node:dns/promises'
import type { Log } from './log.ts'

/** Requests under way; whoever can cause hits must not be able to make the agent open more. */
const REQUESTS_MAX = 16
/** A canary that does not answer is not waited for longer. */
const TIMEOUT_MS = 5000

export interface OutboundCounters {
  /** Begun. */
  asked: number
  /** Without an answer. */
  failed: number
  /** Left out because REQUESTS_MAX were under way. */
  dropped: number
  /** Left out because --allow-outbound is not given. */
  forbidden: number
}

export class Outbound {
  readonly counters: OutboundCounters = { asked: 0, failed: 0, dropped: 0, forbidden: 0 }
  readonly #allowed: boolean
  readonly #log: Pick<Log, 'warn'>
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 })
  #under_way = 0

  constructor(allowed: boolean, log: Pick<Log, 'warn'>) {
    this.#allowed = allowed
    this.#log = log
  }

  /** Asks for a URL and throws its body away. Redirects are not followed: a policy names where it asks. */
  getUrl(url: string): void {
    this.#begin(url, async () => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' })
      await answer.body?.cancel()
    })
  }

  /** Resolves a name with the system's resolvers. */
  lookUp(name: string): void {
    this.#begin(name, async () => {
      await this.#resolver.resolve4(name)
    })
  }

  #begin(what: string, ask: () => Promise<void>): void {
    if (!this.#allowed) {
      this.counters.forbidden++
      return
    }
    if (this.#under_way >= REQUESTS_MAX) {
      this.counters.dropped++
      return
    }
    this.#under_way++
    this.counters.asked++
    ask().catch((error: unknown) => {
      // Told once; the counters tell the rest.
      if (this.counters.failed++ === 0) this.#log.warn({ what, err: error }, 'a request of a policy was not answered')
    }).finally(() => {
      this.#under_way--
    })
  }
}
