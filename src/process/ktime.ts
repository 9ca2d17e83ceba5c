/** The time of a record as numbers, exact for every u64 and without bigint for the first 104 days after boot. */

const BILLION = 1_000_000_000
/** High halves from here on make numbers of 2^53 and more. */
const HIGH_MAX = 2 ** 21

/** A moment of CLOCK_MONOTONIC; one object that is filled again and again, so that no record costs one. */
export class Ktime {
  seconds = 0
  nanoseconds = 0
  /** Both as one number, above 2^53 rounded: for comparing and counting. */
  ns = 0

  /** Reads the u64 at `at`. */
  read(view: DataView, at: number): void {
    const high = view.getUint32(at + 4, true)
    if (high >= HIGH_MAX) {
      this.set(view.getBigUint64(at, true))
      return
    }
    const ns = high * 2 ** 32 + view.getUint32(at, true)
    this.ns = ns
    this.seconds = Math.floor(ns / BILLION)
    this.nanoseconds = ns - this.seconds * BILLION
  }

  set(ktime_ns: bigint): void {
    this.ns = Number(ktime_ns)
    this.seconds = Number(ktime_ns / 1_000_000_000n)
    this.nanoseconds = Number(ktime_ns % 1_000_000_000n)
  }
}

/** A u64 that is known to stay below 2^53. */
export function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
}
