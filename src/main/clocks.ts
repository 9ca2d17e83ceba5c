// The clocks that the pipeline tells time by: the kernel's for order, the wall clock's for text.
import { monotonicNs } from '../kernel/clock.ts'
import { nanosecondsOf, secondsOf, type WallClock } from '../process/clock.ts'

export function clocksOf(clock: WallClock) {
  return {
    monotonicNs,
    text: (ns: bigint) => clock.text(secondsOf(ns), nanosecondsOf(ns, secondsOf(ns))),
  }
}
