/** Between the kernel's monotonic nanoseconds and the RFC 3339 text of protobuf JSON. */

import { ascii, type JsonBytes } from '../event/bytes.ts'

const BILLION = 1_000_000_000

/** The three clocks (CLOCK_MONOTONIC, _REALTIME, _BOOTTIME) read one right after the other. */
export interface ClockReading {
  readonly monotonic_ns: bigint
  readonly realtime_ns: bigint
  readonly boottime_ns: bigint
}

/** Three digits of 0 to 999, so that a fraction needs three look-ups and no division by ten. */
const DIGITS: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'))

/**
 * Turns CLOCK_MONOTONIC (and, for processes found in /proc, CLOCK_BOOTTIME) nanoseconds into wall clock text.
 *
 * The offset changes only in `refresh`, so the same ktime gives the same text in between: `start_time` and `time` of an
 * exec are equal, where Tetragon reads two clocks per event and both jitter.
 */
export class WallClock {
  #offset_seconds = 0
  #offset_nanoseconds = 0
  #boot_offset_seconds = 0
  #boot_offset_nanoseconds = 0
  #second = -1
  #second_text = ''
  #bytes_second = -1
  #bytes_of_second = ascii('')

  constructor(reading: ClockReading) {
    this.refresh(reading)
  }

  /** Takes new offsets. Call it every few seconds: the wall clock is slewed and set, the monotonic one never. */
  refresh(reading: ClockReading): void {
    const offset = reading.realtime_ns - reading.monotonic_ns
    this.#offset_nanoseconds = Number(((offset % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)
    this.#offset_seconds = Number((offset - BigInt(this.#offset_nanoseconds)) / 1_000_000_000n)
    const boot = reading.realtime_ns - reading.boottime_ns
    this.#boot_offset_nanoseconds = Number(((boot % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)
    this.#boot_offset_seconds = Number((boot - BigInt(this.#boot_offset_nanoseconds)) / 1_000_000_000n)
  }

  /** Text of a monotonic moment given as whole seconds and nanoseconds below 10^9. */
  text(seconds: number, nanoseconds: number): string {
    return this.#format(seconds + this.#offset_seconds, nanoseconds + this.#offset_nanoseconds)
  }

  /** The same, straight into JSON. */
  textTo(json: JsonBytes, seconds: number, nanoseconds: number): void {
    let wall_nanoseconds = nanoseconds + this.#offset_nanoseconds
    let wall_seconds = seconds + this.#offset_seconds
    if (wall_nanoseconds >= BILLION) {
      wall_nanoseconds -= BILLION
      wall_seconds++
    }
    if (wall_nanoseconds % 1000 === 0) {
      json.string(this.text(seconds, nanoseconds)) // fewer digits
      return
    }
    if (wall_seconds !== this.#bytes_second) {
      this.#bytes_of_second = ascii(new Date(wall_seconds * 1000).toISOString().slice(0, 20))
      this.#bytes_second = wall_seconds
    }
    json.constant(this.#bytes_of_second)
    json.nine(wall_nanoseconds)
    json.bytes[json.at++] = 0x5a
  }

  /** text() for CLOCK_BOOTTIME, which counts suspended time too. */
  bootText(seconds: number, nanoseconds: number): string {
    return this.#format(seconds + this.#boot_offset_seconds, nanoseconds + this.#boot_offset_nanoseconds)
  }

  #format(seconds: number, nanoseconds: number): string {
    if (nanoseconds >= BILLION) {
      nanoseconds -= BILLION
      seconds++
    }
    if (seconds !== this.#second) {
      this.#second_text = new Date(seconds * 1000).toISOString().slice(0, 19)
      this.#second = seconds
    }
    return this.#second_text + fraction(nanoseconds) + 'Z'
  }
}

/** 0, 3, 6 or 9 digits after a point, as protobuf JSON prints them. */
function fraction(nanoseconds: number): string {
  const micros = (nanoseconds / 1000) | 0
  const nano = nanoseconds - micros * 1000
  const milli = (micros / 1000) | 0
  const micro = micros - milli * 1000
  if (nano !== 0) return '.' + DIGITS[milli] + DIGITS[micro] + DIGITS[nano]
  if (micro !== 0) return '.' + DIGITS[milli] + DIGITS[micro]
  return milli === 0 ? '' : '.' + DIGITS[milli]
}

/** Whole seconds of a u64 time; with `nanosecondsOf` exact for all of them. */
export function secondsOf(ktime_ns: bigint): number {
  return Number(ktime_ns / 1_000_000_000n)
}

export function nanosecondsOf(ktime_ns: bigint, _seconds?: number): number {
  return Number(ktime_ns % 1_000_000_000n)
}
