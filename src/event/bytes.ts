/** JSON put together byte by byte, for texts that need no escaping: one string at the end instead of twenty joined. */

/** Room for the longest process of a record without chunks: two paths, inline arguments that grow by quoting. */
const SIZE = 65536

/** ASCII of a constant, to be copied by `constant()`. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

/** Characters of base64 by six bits. */
const BASE64 = ascii('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** Bytes that stand in JSON strings as they are: printable ASCII without quote and backslash. */
const PLAIN = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c ? 1 : 0,
)

/** Decimal digits of 0 to 999, three each. */
const DIGITS = ascii(Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0')).join(''))

/** Writes at `at`, which callers may set back. Nothing checks for room but what callers know of their sizes. */
export class JsonBytes {
  at = 0
  readonly bytes: Buffer = Buffer.alloc(SIZE)

  text(from: number): string {
    return this.bytes.toString('latin1', from, this.at)
  }

  /** Room for so many bytes more. */
  hasRoom(bytes: number): boolean {
    return this.at + bytes <= SIZE
  }

  /** A string of any length that fits (see hasRoom); false where it is not ASCII. */
  string(text: string): boolean {
    const written = this.bytes.write(text, this.at)
    if (written !== text.length) return false
    this.at += written
    return true
  }

  /** What was written before, once more. */
  again(from: number, to: number): void {
    const bytes = this.bytes
    let at = this.at
    for (let i = from; i < to; i++) bytes[at++] = bytes[i]!
    this.at = at
  }

  /** A byte at a time: a call of set() costs more for texts this short. */
  constant(text: Uint8Array): void {
    const bytes = this.bytes
    let at = this.at
    for (let i = 0; i < text.length; i++) bytes[at++] = text[i]!
    this.at = at
  }

  /** A whole number from 0 to 2^53, with zeros in front up to `digits_min` digits. */
  number(number: number, digits_min: number): void {
    let digits = 1
    for (let limit = 10; number >= limit; limit *= 10) digits++
    if (digits < digits_min) digits = digits_min
    const bytes = this.bytes
    for (let at = this.at + digits - 1; at >= this.at; at--) {
      const rest = number < 0x8000_0000 ? (number / 10) | 0 : Math.floor(number / 10)
      bytes[at] = 0x30 + (number - rest * 10)
      number = rest
    }
    this.at += digits
  }

  /** Nine digits of a number below 10^9. */
  nine(number: number): void {
    const millions = (number / 1_000_000) | 0
    const rest = number - millions * 1_000_000
    const thousands = (rest / 1000) | 0
    this.#three(millions)
    this.#three(thousands)
    this.#three(rest - thousands * 1000)
  }

  #three(number: number): void {
    const bytes = this.bytes
    const at = this.at
    const digit = number * 3
    bytes[at] = DIGITS[digit]!
    bytes[at + 1] = DIGITS[digit + 1]!
    bytes[at + 2] = DIGITS[digit + 2]!
    this.at = at + 3
  }

  /** Copies `source[from, to)`; false where a byte would have to be escaped or is not ASCII. */
  plain(source: Uint8Array, from: number, to: number): boolean {
    const bytes = this.bytes
    let at = this.at
    for (let i = from; i < to; i++) {
      const byte = source[i]!
      if (PLAIN[byte] === 0) return false
      bytes[at++] = byte
    }
    this.at = at
    return true
  }

  /** NUL-ended arguments joined as joinArguments() does, quotes escaped; false where they have to be escaped otherwise. */
  joined(source: Uint8Array, from: number, to: number): boolean {
    const bytes = this.bytes
    const start = this.at
    let at = start
    while (from < to) {
      let spaced = false
      let end = from
      for (; end < to; end++) {
        const byte = source[end]!
        if (byte === 0) break
        if (byte === 0x20) spaced = true
        else if (PLAIN[byte] === 0) return false
      }
      if (spaced || at !== start) bytes[at++] = 0x20
      if (spaced) {
        bytes[at++] = 0x5c
        bytes[at++] = 0x22
      }
      for (let i = from; i < end; i++) bytes[at++] = source[i]!
      if (spaced) {
        bytes[at++] = 0x5c
        bytes[at++] = 0x22
      }
      from = end + 1
    }
    this.at = at
    return true
  }

  /** Standard base64 with padding of `source[0, length)`. */
  base64(source: Uint8Array, length: number): void {
    const bytes = this.bytes
    let at = this.at
    let i = 0
    for (; i + 2 < length; i += 3) {
      const bits = (source[i]! << 16) | (source[i + 1]! << 8) | source[i + 2]!
      bytes[at++] = BASE64[bits >> 18]!
      bytes[at++] = BASE64[(bits >> 12) & 63]!
      bytes[at++] = BASE64[(bits >> 6) & 63]!
      bytes[at++] = BASE64[bits & 63]!
    }
    if (i < length) {
      const two = i + 1 < length
      const bits = (source[i]! << 16) | (two ? source[i + 1]! << 8 : 0)
      bytes[at++] = BASE64[bits >> 18]!
      bytes[at++] = BASE64[(bits >> 12) & 63]!
      bytes[at++] = two ? BASE64[(bits >> 6) & 63]! : 0x3d
      bytes[at++] = 0x3d
    }
    this.at = at
  }
}
