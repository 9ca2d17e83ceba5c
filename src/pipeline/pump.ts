// Pump: when the pipeline takes its turns. Busy: one after the other, letting the event loop in between; idle: the doorbell.
import type { Pipeline } from '../pipeline.ts'

export interface Bell {
  /** Lets the bell ring once more: it calls Pump.start() when a ring holds records. */
  arm(): void
}

/** Where nothing comes, one period in so many is enough: most of an idle agent's CPU would be spent on them. */
const IDLE_PERIODS = 5

export class Pump implements Disposable {
  /** Set before start(). */
  bell: Bell = { arm: () => {} }
  readonly #pipeline: Pipeline
  readonly #timer: Timer
  #running = false
  #stopped = false
  /** Periods since the last turn. */
  #idle = 0

  /** `onPeriod` runs every `period_ms`, and less often while no turn is taken: counters, clocks, sweeping. */
  constructor(pipeline: Pipeline, period_ms: number, onPeriod: () => void) {
    this.#pipeline = pipeline
    this.#timer = setInterval(() => {
      if (this.#idle++ % IDLE_PERIODS === 0) onPeriod()
    }, period_ms)
  }

  /** Takes turns until the rings are empty, then arms the bell. */
  start(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#idle = 0
    this.#step()
  }

  /** Takes turns at once until the rings are empty, at most `turns_max` of them; gives false if they were not. */
  drainNow(turns_max: number): boolean {
    for (let turn = 0; turn < turns_max; turn++) if (!this.#pipeline.turn()) return true
    return false
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  readonly #step = (): void => {
    if (this.#stopped) return
    if (this.#pipeline.turn()) {
      setImmediate(this.#step)
      return
    }
    this.#running = false
    this.bell.arm()
  }
}
