/** Tetragon's exec_id: base64 of `node:start:pid`. */

import type { JsonBytes } from '../event/bytes.ts'

/** Longest text behind the node's name: 20 digits of time, 10 of pid, two colons, and room. */
const TAIL_MAX = 40

/**
 * Makes exec_ids of one node. Writes digits behind the name that stands ready in a buffer: 110 ns, where btoa of a
 * concatenated string takes 280.
 */
export class ExecIds {
  readonly #bytes: Buffer
  readonly #tail_at: number

  constructor(node_name: string) {
    const name = Buffer.from(node_name + ':', 'utf8')
    this.#bytes = Buffer.alloc(name.length + TAIL_MAX)
    name.copy(this.#bytes)
    this.#tail_at = name.length
  }

  /** Start as whole seconds and nanoseconds below 10^9; together they stand as one decimal number of nanoseconds. */
  encode(seconds: number, nanoseconds: number, pid: number): string {
    return this.#bytes.toString('base64', 0, this.#write(seconds, nanoseconds, pid))
  }

  /** The same, straight into JSON. */
  encodeTo(json: JsonBytes, seconds: number, nanoseconds: number, pid: number): void {
    json.base64(this.#bytes, this.#write(seconds, nanoseconds, pid))
  }

  #write(seconds: number, nanoseconds: number, pid: number): number {
    const bytes = this.#bytes
    let at = this.#tail_at
    if (seconds === 0) {
      at = writeNumber(bytes, at, nanoseconds, digitsOf(nanoseconds))
    } else {
      at = writeNumber(bytes, at, seconds, digitsOf(seconds))
      at = writeNumber(bytes, at, nanoseconds, 9)
    }
    bytes[at++] = 0x3a
    return writeNumber(bytes, at, pid, digitsOf(pid))
  }
}

/** Writes `digits` decimal digits of `number` (below 2^53) at `at`; returns where they end. */
function writeNumber(bytes: Buffer, at: number, number: number, digits: number): number {
  const end = at + digits
  for (let i = end - 1; i >= at; i--) {
    const rest = number < 0x8000_0000 ? (number / 10) | 0 : Math.floor(number / 10)
    bytes[i] = 0x30 + (number - rest * 10)
    number = rest
  }
  return end
}

function digitsOf(number: number): number {
  let digits = 1
  for (let limit = 10; number >= limit; limit *= 10) digits++
  return digits
}
