// Export rate limit: so many events a minute, and a word once a minute on what was held back.

/** How often the number of held back events is reported. */
const REPORT_MS = 60_000

/** Tokens flow in at `per_minute`, at most so many are kept; one event takes one. Never throws, keeps no timer. */
export class RateLimit {
  readonly #per_minute: number
  #tokens: number
  #filled_ms: number
  #dropped = 0
  #dropped_total = 0
  #reported_ms: number

  /** `per_minute` below 0: no limit; 0: nothing passes. Times are milliseconds of any clock that only goes forward. */
  constructor(per_minute: number, now_ms: number) {
    this.#per_minute = per_minute
    this.#tokens = Math.max(per_minute, 0)
    this.#filled_ms = now_ms
    this.#reported_ms = now_ms
  }

  get dropped_total(): number {
    return this.#dropped_total
  }

  /** True if the event may pass; else it is counted. */
  take(now_ms: number): boolean {
    if (this.#per_minute < 0) return true
    this.#tokens = Math.min(this.#per_minute, this.#tokens + ((now_ms - this.#filled_ms) * this.#per_minute) / 60_000)
    this.#filled_ms = now_ms
    if (this.#tokens >= 1) {
      this.#tokens--
      return true
    }
    this.#dropped++
    this.#dropped_total++
    return false
  }

  /** Events held back since the last report, once a minute where there were any; undefined otherwise. */
  report(now_ms: number): number | undefined {
    if (this.#dropped === 0 || now_ms - this.#reported_ms < REPORT_MS) return undefined
    const dropped = this.#dropped
    this.#dropped = 0
    this.#reported_ms = now_ms
    return dropped
  }
}

/** The line of a report, with an envelope as every event has it. */
export function rateLimitLine(dropped: number, node_name: string, cluster_name: string, time: Date): string {
  return JSON.stringify({
    rate_limit_info: { number_of_dropped_process_events: String(dropped) },
    node_name: node_name === '' ? undefined : node_name,
    time: time.toISOString(),
    cluster_name: cluster_name === '' ? undefined : cluster_name,
  })
}
