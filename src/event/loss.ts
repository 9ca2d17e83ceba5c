/** Counts of lost events, turned into `loss` lines where the stream has its gap. */

export interface LossSource {
  /** A ring of the kernel, or a queue of the agent: one of both. */
  readonly ring?: 'reserved' | 'telemetry'
  readonly queue?: string
  readonly policy?: string
  readonly reason: string
}

/** JSON value of a `loss` line. `from` and `to` are RFC 3339 texts: no loss of this kind before, none after. */
export function lossJson(source: LossSource, count: number, from: string, to: string): string {
  const loss: Record<string, string> = {}
  if (source.ring !== undefined) loss['ring'] = source.ring
  if (source.queue !== undefined) loss['queue'] = source.queue
  if (source.policy !== undefined) loss['policy'] = source.policy
  loss['reason'] = source.reason
  loss['count'] = String(count)
  loss['from'] = from
  loss['to'] = to
  return JSON.stringify(loss)
}

interface Ledger {
  readonly source: LossSource
  total: number
  reported: number
  from: string
}

/**
 * Remembers, per source, how many losses were reported. Counters only grow, so give `observe` their present value as
 * often as you like: what is new since the last `report` becomes one line per source.
 */
export class LossLedger {
  readonly #ledgers = new Map<string, Ledger>()

  /** `total` losses of this kind since the agent started, seen at `time`. */
  observe(source: LossSource, total: number, time: string): void {
    const key = keyOf(source)
    const ledger = this.#ledgers.get(key)
    if (ledger === undefined) this.#ledgers.set(key, { source, total, reported: 0, from: time })
    else if (total > ledger.total) ledger.total = total
    else if (total === ledger.reported) ledger.from = time
  }

  /** JSON values of the `loss` lines due, and marks them reported. */
  report(time: string): string[] {
    const lines: string[] = []
    for (const ledger of this.#ledgers.values()) {
      const count = ledger.total - ledger.reported
      if (count === 0) continue
      lines.push(lossJson(ledger.source, count, ledger.from, time))
      ledger.reported = ledger.total
      ledger.from = time
    }
    return lines
  }

  /** All sources with their totals, for `GET /v1/loss`. */
  totals(): { source: LossSource; count: number }[] {
    return [...this.#ledgers.values()].map(({ source, total }) => ({ source, count: total }))
  }
}

function keyOf(source: LossSource): string {
  return [source.ring, source.queue, source.policy, source.reason].join('\n')
}
