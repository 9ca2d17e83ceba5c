/** Memory that C looks at: option structs that hold what they point to, and copies of what C owns. */

import { type Pointer, ptr, toArrayBuffer } from 'bun:ffi'
import { assert } from './assert.ts'
import { encodeCString } from './cstring.ts'

/**
 * Bytes whose address stays the same. A typed array made without a buffer moves when its `buffer` is first asked for
 * (JavaScriptCore allocates small ones elsewhere), so whatever has its address taken is made here.
 */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(size))
}

/** For calls that take it as a number; `bytes` as in `CStruct.pointer()`, and in use until the call returns. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return ptr(bytes)
}

/** A C struct being filled. What its pointers point to lives as long as it does. */
export class CStruct {
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView
  readonly #held: Uint8Array[] = []

  constructor(size: number) {
    this.#bytes = allocate(size)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** libbpf's option structs begin with their own size, as size_t. */
  static options(size: number): CStruct {
    return new CStruct(size).u64(0, size)
  }

  u8(at: number, value: number | boolean): this {
    this.#view.setUint8(at, Number(value))
    return this
  }

  u32(at: number, value: number): this {
    this.#view.setUint32(at, value, true)
    return this
  }

  u64(at: number, value: number | bigint): this {
    this.#view.setBigUint64(at, BigInt(value), true)
    return this
  }

  /** Address of `bytes`, which are held. `bytes` must come from `allocate()` or have been made with a buffer. */
  pointer(at: number, bytes: Uint8Array | undefined): this {
    if (bytes === undefined || bytes.byteLength === 0) return this
    this.#held.push(bytes)
    return this.u64(at, ptr(bytes))
  }

  /** Keeps `bytes` alive, whose address stands somewhere else in what this points to. */
  hold(bytes: Uint8Array): this {
    this.#held.push(bytes)
    return this
  }

  text(at: number, text: string | undefined): this {
    return text === undefined ? this : this.pointer(at, encodeCString(text))
  }

  /** Calls `call` with the struct's bytes; what they point to is not collected before it returns. */
  lend<T>(call: (bytes: Uint8Array<ArrayBuffer>) => T): T {
    const result = call(this.#bytes)
    assert(this.#held.length >= 0, 'held until here')
    return result
  }

  getU32(at: number): number {
    return this.#view.getUint32(at, true)
  }

  getU64(at: number): bigint {
    return this.#view.getBigUint64(at, true)
  }
}

/** An array of C strings: `const char **`, with what it points to. */
export function encodeStringArray(texts: readonly string[]): { array: Uint8Array<ArrayBuffer>; held: Uint8Array[] } {
  const held = texts.map(encodeCString)
  const array = allocate(texts.length * 8)
  const view = new DataView(array.buffer)
  held.forEach((text, index) => view.setBigUint64(index * 8, BigInt(ptr(text)), true))
  return { array, held }
}

/** Copies `size` bytes that C owns. */
export function copyFromC(pointer: Pointer, size: number): Uint8Array<ArrayBuffer> {
  const copy = allocate(size)
  if (size > 0) copy.set(new Uint8Array(toArrayBuffer(pointer, 0, size)))
  return copy
}

/** Copies `bytes` over memory that C owns and that has room for them. */
export function copyToC(pointer: Pointer, at: number, bytes: Uint8Array): void {
  if (bytes.length > 0) new Uint8Array(toArrayBuffer(pointer, at, bytes.length)).set(bytes)
}
