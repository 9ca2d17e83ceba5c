// RetiredSensors: former versions of policies, which finish the calls that were under way when another took over.
import fs from 'node:fs'
import type { Sensor } from './load.ts'

/** Longer than any program run that began before the change; asked again until no call is under way. */
const RETIRE_MS = 1000
/** An accept() may take for ever: beyond this many the oldest goes, and its calls are not reported. */
const RETIRED_MAX = 64

export class RetiredSensors implements Disposable {
  readonly #procfs: string
  readonly #onDone: (sensor: Sensor) => void
  #sensors: { readonly sensor: Sensor; readonly since_ms: number }[] = []
  #timer: Timer | undefined

  /** `onDone` disposes of it. */
  constructor(procfs: string, onDone: (sensor: Sensor) => void) {
    this.#procfs = procfs
    this.#onDone = onDone
  }

  get sensors(): readonly Sensor[] {
    return this.#sensors.map(({ sensor }) => sensor)
  }

  add(sensor: Sensor): void {
    this.#sensors.push({ sensor, since_ms: performance.now() })
    this.#schedule()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const { sensor } of this.#sensors) sensor[Symbol.dispose]()
    this.#sensors = []
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#look()
      if (this.#sensors.length > 0) this.#schedule()
    }, RETIRE_MS)
    this.#timer.unref()
  }

  #look(): void {
    const old_ms = performance.now() - RETIRE_MS
    const surplus = this.#sensors.length - RETIRED_MAX
    this.#sensors = this.#sensors.filter(({ sensor, since_ms }, i) => {
      const stays = since_ms > old_ms || (i >= surplus && this.#isBusy(sensor))
      if (!stays) this.#onDone(sensor)
      return stays
    })
  }

  #isBusy(sensor: Sensor): boolean {
    return sensor.callsUnderWay((tid) => fs.existsSync(`${this.#procfs}/${tid}`)) > 0
  }
}
