/**
 * Two rings read as one, in an order in which causes come before effects: exec, then that process' events, then its exit.
 *
 * A record's ktime is taken before its space is reserved, and what it causes takes its own ktime after it was committed. So:
 * first read the clock (T0), then the telemetry ring's producer position, then the reserved one's; always take the head with
 * the lower ktime; leave reserved records later than T0 for the next drain, since what came before them may lie behind the
 * position that was taken. A head still being written stops both: what lies behind it cannot be judged.
 */

import { HEAD, type RingBuffer } from './ring.ts'
import { CLOCK, clockNs } from './system.ts'

export const RING = { RESERVED: 0, TELEMETRY: 1 } as const

/** `ring` is one of RING. Borrows ring memory during the call only. */
export type VisitPair = (view: DataView, at: number, size: number, ring: number) => void

/** Why a drain ended. All but DONE: call again on the next turn; DONE: wait for the doorbell. */
export const DRAINED = {
  /** All that was there when the drain began was visited. */
  DONE: 0,
  /** `records_max` were visited. */
  BUDGET: 1,
  /** The next record is younger than the drain. */
  CLOCK: 2,
  /** The next record is still being written; nothing says for how long (microseconds as a rule). */
  BUSY: 3,
} as const

/** Where struct event_header has ktime_ns. */
const KTIME_AT = 8

export class RingPair {
  readonly #reserved: RingBuffer
  readonly #telemetry: RingBuffer
  readonly #now: () => bigint
  #state: number = DRAINED.DONE

  /** Borrows the rings. `now` is CLOCK_MONOTONIC in nanoseconds, for tests to replace. */
  constructor(reserved: RingBuffer, telemetry: RingBuffer, now: () => bigint = () => clockNs(CLOCK.MONOTONIC)) {
    this.#reserved = reserved
    this.#telemetry = telemetry
    this.#now = now
  }

  /** One of DRAINED: how the last drain ended. */
  get state(): number {
    return this.#state
  }

  /** Bytes not yet consumed in both rings. */
  lag(): number {
    return this.#reserved.lag() + this.#telemetry.lag()
  }

  /** Visits at most `records_max` records in order; returns how many. `state` says whether there is more. */
  drain(records_max: number, visit: VisitPair): number {
    const [reserved, telemetry] = [this.#reserved, this.#telemetry]
    const now = this.#now()
    const now_high = Number(now >> 32n)
    const now_low = Number(now & 0xffffffffn)
    telemetry.begin()
    reserved.begin()
    let current = reserved
    let visiting = false
    let count = 0
    try {
      let reserved_head = reserved.peek()
      let telemetry_head = telemetry.peek()
      for (;;) {
        if (reserved_head === HEAD.BUSY || telemetry_head === HEAD.BUSY) {
          this.#state = DRAINED.BUSY
          return count
        }
        if (reserved_head === HEAD.RECORD) {
          const high = reserved.view.getUint32(reserved.at + KTIME_AT + 4, true)
          const low = reserved.view.getUint32(reserved.at + KTIME_AT, true)
          if (telemetry_head === HEAD.RECORD && isBefore(telemetry, high, low)) current = telemetry
          else if (high > now_high || (high === now_high && low > now_low)) {
            this.#state = DRAINED.CLOCK
            return count
          } else current = reserved
        } else if (telemetry_head === HEAD.RECORD) current = telemetry
        else {
          this.#state = DRAINED.DONE
          return count
        }
        if (count === records_max) {
          this.#state = DRAINED.BUDGET
          return count
        }
        count++
        visiting = true
        visit(current.view, current.at, current.length, current === reserved ? RING.RESERVED : RING.TELEMETRY)
        visiting = false
        current.advance()
        if (current === reserved) reserved_head = reserved.peek()
        else telemetry_head = telemetry.peek()
      }
    } finally {
      // A record whose visit threw counts as visited: it would throw again for ever.
      if (visiting) {
        this.#state = DRAINED.BUDGET
        current.advance()
      }
      reserved.release()
      telemetry.release()
    }
  }
}

/** Whether the head of `ring` is older than the given ktime, in two u32: no BigInt per record. */
function isBefore(ring: RingBuffer, high: number, low: number): boolean {
  const own_high = ring.view.getUint32(ring.at + KTIME_AT + 4, true)
  if (own_high !== high) return own_high < high
  return ring.view.getUint32(ring.at + KTIME_AT, true) < low
}
