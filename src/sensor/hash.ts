// SipHash-1-3 with 128 bits of output, the user-space half of bpf/hash.h: keys of the maps that hold strings.

/** 64-bit words as pairs of 32-bit halves, because BigInt arithmetic is some twenty times slower. */
export interface HashKey {
  readonly low: readonly [number, number]
  readonly high: readonly [number, number]
}

/** Key from 16 random bytes, as they stand in .rodata `hash_key` (two little-endian u64). */
export function hashKey(bytes: Uint8Array): HashKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  return {
    low: [view.getUint32(0, true), view.getUint32(8, true)],
    high: [view.getUint32(4, true), view.getUint32(12, true)],
  }
}

/** State v0..v3 as [low0, high0, low1, high1, ...]. */
const state = new Int32Array(8)

function add(to: number, from: number): void {
  const low = (state[to]! >>> 0) + (state[from]! >>> 0)
  state[to + 1] = state[to + 1]! + state[from + 1]! + (low > 0xffffffff ? 1 : 0)
  state[to] = low
}

/** state[at] = rotate(state[at], bits) ^ state[other]; bits below 32. */
function rotateXor(at: number, bits: number, other: number): void {
  const low = state[at]!
  const high = state[at + 1]!
  state[at] = (low << bits | high >>> (32 - bits)) ^ state[other]!
  state[at + 1] = (high << bits | low >>> (32 - bits)) ^ state[other + 1]!
}

function swap(at: number): void {
  const low = state[at]!
  state[at] = state[at + 1]!
  state[at + 1] = low
}

function round(): void {
  add(0, 2)
  rotateXor(2, 13, 0)
  swap(0)
  add(4, 6)
  rotateXor(6, 16, 4)
  add(0, 6)
  rotateXor(6, 21, 0)
  add(4, 2)
  rotateXor(2, 17, 4)
  swap(4)
}

function word(low: number, high: number): void {
  state[6] = state[6]! ^ low
  state[7] = state[7]! ^ high
  round()
  state[0] = state[0]! ^ low
  state[1] = state[1]! ^ high
}

/** Writes the 16 bytes of the hash of `bytes` at `at`, as struct string_key::hash. */
export function hashInto(key: HashKey, bytes: Uint8Array, view: DataView, at: number): void {
  state[0] = key.low[0] ^ 0x70736575
  state[1] = key.high[0] ^ 0x736f6d65
  state[2] = key.low[1] ^ 0x6e646f6d ^ 0xee
  state[3] = key.high[1] ^ 0x646f7261
  state[4] = key.low[0] ^ 0x6e657261
  state[5] = key.high[0] ^ 0x6c796765
  state[6] = key.low[1] ^ 0x79746573
  state[7] = key.high[1] ^ 0x74656462
  const whole = bytes.length & ~7
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < whole; i += 8) word(from.getInt32(i, true), from.getInt32(i + 4, true))
  let low = 0
  let high = 0
  for (let i = whole; i < bytes.length; i++) {
    const shift = (i - whole) * 8
    if (shift < 32) low |= bytes[i]! << shift
    else high |= bytes[i]! << (shift - 32)
  }
  word(low, high | (bytes.length & 0xff) << 24)
  state[4] = state[4]! ^ 0xee
  round()
  round()
  round()
  view.setInt32(at, state[0]! ^ state[2]! ^ state[4]! ^ state[6]!, true)
  view.setInt32(at + 4, state[1]! ^ state[3]! ^ state[5]! ^ state[7]!, true)
  state[2] = state[2]! ^ 0xdd
  round()
  round()
  round()
  view.setInt32(at + 8, state[0]! ^ state[2]! ^ state[4]! ^ state[6]!, true)
  view.setInt32(at + 12, state[1]! ^ state[3]! ^ state[5]! ^ state[7]!, true)
}
