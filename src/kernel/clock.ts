// The kernel's clocks, read together.
import { CLOCK, clockNs } from '../../ffi/system.ts'

export interface Clocks {
  readonly monotonic_ns: bigint
  readonly realtime_ns: bigint
  readonly boottime_ns: bigint
}

/** Three readings within a microsecond or two, unless the thread was interrupted: the best of a few is taken. */
export function readClocks(): Clocks {
  let best: Clocks | undefined
  let least = 1n << 62n
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = clockNs(CLOCK.MONOTONIC)
    const realtime_ns = clockNs(CLOCK.REALTIME)
    const boottime_ns = clockNs(CLOCK.BOOTTIME)
    const after = clockNs(CLOCK.MONOTONIC)
    if (best !== undefined && after - before >= least) continue
    least = after - before
    best = { monotonic_ns: before + (after - before) / 2n, realtime_ns, boottime_ns }
  }
  return best!
}

export function monotonicNs(): bigint {
  return clockNs(CLOCK.MONOTONIC)
}
