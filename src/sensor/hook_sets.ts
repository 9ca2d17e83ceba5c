// Value sets of policies: from plans into the maps that all hooks share, under numbers that are never given twice.
import { LibbpfError } from '../../ffi/error.ts'
import { writeEntries } from '../../ffi/map_batch.ts'
import type { BpfMap } from '../../ffi/map.ts'
import {
  ADDRESS_KEY_SIZE,
  ADDRESS_SET,
  NEEDLE_KEY_SIZE,
  NEEDLE_SIZE,
  PREFIX_KEY_SIZE,
  RANGE_KEY_SIZE,
  STRING_KEY_SIZE,
  VALUE_KEY_SIZE,
} from '../../ffi/wire.gen.ts'
import type { SetPlan } from '../policy/plan_type.ts'
import { hashInto, type HashKey } from './hash.ts'

/** Keys of one set, as they stand in its map; for removing them again. */
export interface WrittenSet {
  readonly map: string
  readonly keys: readonly Uint8Array<ArrayBuffer>[]
}

const SET_BITS = 32
/** Hashes say E2BIG (ENOMEM if made whole beforehand), tries ENOSPC. */
const FULL: ReadonlySet<string> = new Set(['E2BIG', 'ENOSPC', 'ENOMEM'])
const encoder = new TextEncoder()

/** Numbers of sets; 0 is none. Verdicts on binaries are kept by number, so none is used again. */
export class SetNumbers {
  #last = 0

  take(count: number): number {
    const first = this.#last + 1
    this.#last += count
    if (this.#last > 0xffffffff) throw new Error('Cannot number value sets: all 2^32 are used up, restart the agent')
    return first
  }
}

/** Writes a set under `number`. `map` gives the shared map by name. */
export function writeSet(plan: SetPlan, number: number, key: HashKey, map: (name: string) => BpfMap): WrittenSet {
  const keys = setKeys(plan, number, key)
  const target = map(plan.map)
  const values = plan.map === 'needles'
    ? needleValues(plan.values)
    : new Uint8Array(keys.length * target.value_bytes).fill(1)
  try {
    writeEntries(target, concatenate(keys, target.key_size), values, keys.length)
  } catch (error) {
    // What was written before the map was full.
    removeSet({ map: plan.map, keys }, map)
    if (!(error instanceof LibbpfError) || !FULL.has(error.code)) throw error
    const { max_entries } = target
    throw new Error(
      `Cannot keep ${keys.length} values: map "${plan.map}", which all policies share, holds ${max_entries} on this kernel`,
      { cause: error },
    )
  }
  return { map: plan.map, keys }
}

export function removeSet(set: WrittenSet, map: (name: string) => BpfMap): void {
  const target = map(set.map)
  for (const key of set.keys) target.delete(key)
}

/** Pure: the map keys of a set's values, each once. */
export function setKeys(plan: SetPlan, number: number, key: HashKey): Uint8Array<ArrayBuffer>[] {
  switch (plan.map) {
    case 'strings':
      return distinct(plan.values).map((text) => stringKey(encoder.encode(text), number, key))
    case 'prefixes':
      return distinct(plan.values).map((text) => prefixKey(encoder.encode(text), number))
    case 'postfixes':
      return distinct(plan.values).map((text) => prefixKey(encoder.encode(text).reverse(), number))
    case 'needles':
      return plan.values.map((_, index) => pairKey(number, index, NEEDLE_KEY_SIZE))
    case 'addresses':
      return plan.values.map(({ bytes, bits }) => addressKey(bytes, bits, number))
    case 'values':
      return [...new Set(plan.values)].map((value) => valueKey(value, number))
    case 'ranges':
      return plan.values.flatMap(({ min, max }) => rangeKeys(min, max, number))
  }
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}

function bytesOf(size: number): { bytes: Uint8Array<ArrayBuffer>; view: DataView } {
  const bytes = new Uint8Array(new ArrayBuffer(size))
  return { bytes, view: new DataView(bytes.buffer) }
}

function stringKey(text: Uint8Array, number: number, key: HashKey): Uint8Array<ArrayBuffer> {
  const { bytes, view } = bytesOf(STRING_KEY_SIZE)
  hashInto(key, text, view, 0)
  view.setUint32(16, number, true)
  view.setUint32(20, text.length, true)
  return bytes
}

/** Tries compare bytes from the first, so the number stands big-endian. */
function prefixKey(text: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = bytesOf(PREFIX_KEY_SIZE)
  if (text.length > PREFIX_KEY_SIZE - 8) {
    throw new Error(`Cannot match a prefix of ${text.length} bytes, at most ${PREFIX_KEY_SIZE - 8}`)
  }
  view.setUint32(0, SET_BITS + text.length * 8, true)
  view.setUint32(4, number)
  bytes.set(text, 8)
  return bytes
}

/** IPv4 stands as ::ffff:a.b.c.d and has a set of its own. */
function addressKey(address: readonly number[], bits: number, number: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = bytesOf(ADDRESS_KEY_SIZE)
  const mapped = address.slice(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff
  view.setUint32(0, SET_BITS + bits, true)
  view.setUint32(4, number | (mapped && bits >= 96 ? ADDRESS_SET.IPV4 : ADDRESS_SET.IPV6))
  bytes.set(address, 8)
  return bytes
}

function valueKey(value: bigint, number: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = bytesOf(VALUE_KEY_SIZE)
  view.setBigUint64(0, BigInt.asUintN(64, value), true)
  view.setUint32(8, number, true)
  return bytes
}

function pairKey(first: number, second: number, size: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = bytesOf(size)
  view.setUint32(0, first, true)
  view.setUint32(4, second, true)
  return bytes
}

/** The fewest aligned blocks of 2^n numbers that make up min..max (unsigned). */
function rangeKeys(min: bigint, max: bigint, number: number): Uint8Array<ArrayBuffer>[] {
  const keys: Uint8Array<ArrayBuffer>[] = []
  let from = min
  while (from <= max) {
    let bits = 0n
    while (bits < 64n && (from & ((2n << bits) - 1n)) === 0n && from + (2n << bits) - 1n <= max) bits++
    const { bytes, view } = bytesOf(RANGE_KEY_SIZE)
    view.setUint32(0, SET_BITS + 64 - Number(bits), true)
    view.setUint32(4, number)
    view.setBigUint64(8, from)
    keys.push(bytes)
    from += 1n << bits
  }
  return keys
}

function needleValues(values: readonly string[]): Uint8Array {
  const { bytes, view } = bytesOf(values.length * NEEDLE_SIZE)
  values.forEach((text, i) => {
    const needle = encoder.encode(text)
    if (needle.length > NEEDLE_SIZE - 8) {
      throw new Error(`Cannot search for ${needle.length} bytes, at most ${NEEDLE_SIZE - 8}`)
    }
    view.setUint32(i * NEEDLE_SIZE, needle.length, true)
    bytes.set(needle, i * NEEDLE_SIZE + 8)
  })
  return bytes
}

function concatenate(keys: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(keys.length * size)
  keys.forEach((key, i) => all.set(key, i * size))
  return all
}
