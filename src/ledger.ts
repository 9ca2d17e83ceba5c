// LossLedger: who had how many events, and where the others went, from the kernel's counters to each sink.
import type { SinkCounters } from './export/type.ts'

/** Counters of one kind of record on one ring, summed over CPUs; attempted = submitted + sum of lost. */
export interface KernelCounters {
  readonly ring: string
  readonly type: string
  /** Of hooks: the policy; '' for the base sensor. */
  readonly policy: string
  readonly attempted: number
  readonly submitted: number
  readonly lost: Readonly<Record<string, number>>
}

/** What the pipeline did with records of one kind; received = events + sum of without_event + sum of lost. */
export interface StageCounters {
  readonly type: string
  readonly received: number
  readonly events: number
  readonly without_event: Readonly<Record<string, number>>
  readonly lost: Readonly<Record<string, number>>
}

/** One line of /v1/loss: total = passed + waiting + sum of other + sum of lost. */
export interface LossRow {
  readonly where: string
  readonly kind: string
  readonly total: number
  readonly passed: number
  /** Still in a queue. */
  readonly waiting: number
  /** Left the stream on purpose: records that give no event, filtered or rate limited events. */
  readonly other: Readonly<Record<string, number>>
  readonly lost: Readonly<Record<string, number>>
}

/** Something new was lost between two looks. */
export interface NewLoss {
  readonly where: string
  readonly type: string
  readonly policy: string
  readonly reason: string
  readonly count: number
}

/** Reasons for which a sink drops on purpose. */
const ON_PURPOSE = new Set(['filter', 'rate'])

export class LossLedger {
  /** By "ring type policy reason". */
  readonly #seen = new Map<string, number>()
  /** What policies that are gone had lost; their counters went with them. */
  #lost_total = 0

  get lost_total(): number {
    return this.#lost_total
  }

  /** What was lost since the last call. Counters may only grow; those of a removed policy may vanish. */
  newLosses(kernel: readonly KernelCounters[], stages: readonly StageCounters[]): NewLoss[] {
    const losses: NewLoss[] = []
    for (const { ring, type, policy, lost } of kernel) this.#compare(ring, type, policy, lost, losses)
    for (const { type, lost } of stages) this.#compare('agent', type, '', lost, losses)
    return losses
  }

  #compare(where: string, type: string, policy: string, lost: Readonly<Record<string, number>>, losses: NewLoss[]) {
    for (const reason in lost) {
      const key = `${where} ${type} ${policy} ${reason}`
      const before = this.#seen.get(key) ?? 0
      const now = lost[reason]!
      if (now === before) continue
      this.#seen.set(key, now)
      if (now < before) continue // counters of a policy that was loaded anew
      losses.push({ where, type, policy, reason, count: now - before })
      this.#lost_total += now - before
    }
  }
}

/** The whole ledger as rows, kernel first, sinks last. Pure. */
export function ledgerRows(
  kernel: readonly KernelCounters[],
  stages: readonly StageCounters[],
  sinks: readonly Readonly<SinkCounters>[],
): LossRow[] {
  const rows: LossRow[] = []
  for (const { ring, type, policy, attempted, submitted, lost } of kernel) {
    if (attempted === 0) continue
    const kind = policy === '' ? type : `${type} ${policy}`
    rows.push({ where: `kernel ${ring}`, kind, total: attempted, passed: submitted, waiting: 0, other: {}, lost })
  }
  for (const { type, received, events, without_event, lost } of stages) {
    if (received === 0) continue
    rows.push({ where: 'agent', kind: type, total: received, passed: events, waiting: 0, other: without_event, lost })
  }
  for (const { name, events, written, queued, dropped } of sinks) {
    const split = (wanted: boolean) => {
      return Object.fromEntries(Object.entries(dropped).filter(([reason]) => ON_PURPOSE.has(reason) === wanted))
    }
    const parts = { other: split(true), lost: split(false) }
    rows.push({ where: name, kind: 'event', total: events, passed: written, waiting: queued, ...parts })
  }
  return rows
}

/** What /v1/loss says. `lost` is everything: `before_sinks` (also of policies that are gone) and what sinks lost. */
export function lossAnswer(before_sinks: number, rows: readonly LossRow[]) {
  const uneven = imbalance(rows)
  const lost = rows.filter(({ where }) => !isBeforeSinks(where)).reduce(
    (sum, row) => sum + sumOf(row.lost),
    before_sinks,
  )
  return { lost, balanced: uneven.length === 0, imbalance: uneven, rows }
}

/** What does not add up, one sentence per row; empty when all is well. */
export function imbalance(rows: readonly LossRow[]): string[] {
  const sentences: string[] = []
  for (const { where, kind, total, passed, waiting, other, lost } of rows) {
    const rest = sumOf(other) + sumOf(lost)
    if (total !== passed + waiting + rest) {
      sentences.push(`${where} ${kind}: ${total} came, ${passed} passed, ${waiting} wait, ${rest} are accounted for`)
    }
  }
  return sentences
}

function isBeforeSinks(where: string): boolean {
  return where === 'agent' || where.startsWith('kernel ')
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
