// Pump: when the pipeline takes its turns. Busy: one after the other, letting the event loop in between; idle: the doorbell.
import type { Pipeline } from '../pipeline.ts'

export interface Bell {
  /** Called once when something was written to a ring since the last arming. */
  onRing: () => void
  /** Lets the bell ring again. */
  arm(): void
}

export class Pump implements Disposable {
  readonly #pipeline: Pipeline
  readonly #bell: Bell
  readonly #timer: Timer
  #running = false
  #stopped = false

  /** `onPeriod` runs every `period_ms`: counters, clocks, sweeping. */
  constructor(pipeline: Pipeline, bell: Bell, period_ms: number, onPeriod: () => void) {
    this.#pipeline = pipeline
    this.#bell = bell
    bell.onRing = () => this.#run()
    this.#timer = setInterval(onPeriod, period_ms)
  }

  start(): void {
    this.#run()
  }

  /** Takes turns until the rings are empty, at most `turns_max` of them; gives false if they were not. */
  drainNow(turns_max: number): boolean {
    for (let turn = 0; turn < turns_max; turn++) if (!this.#pipeline.turn()) return true
    return false
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  readonly #run = (): void => {
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#step()
  }

  readonly #step = (): void => {
    if (this.#stopped) return
    if (this.#pipeline.turn()) {
      setImmediate(this.#step)
      return
    }
    this.#running = false
    this.#bell.arm()
  }
}
