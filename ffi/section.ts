/**
 * Global variables of an object before it is loaded: `.rodata` (constants for the verifier), `.data` and `.bss`. Once loaded,
 * `.data` and `.bss` are maps with one entry: `object.map('.bss').lookup(0)`.
 */

import { assert } from './assert.ts'

/** `read` and `write` reach the memory in libbpf; both throw once the object is disposed or loaded. */
export interface SectionMemory {
  read(): Uint8Array<ArrayBuffer>
  write(at: number, bytes: Uint8Array): void
}

export class BpfSection {
  readonly #memory: SectionMemory
  readonly name: string
  readonly size: number
  readonly #offset: number

  /** For `ffi/` itself: `size` bytes at `offset` of the section. */
  constructor(name: string, memory: SectionMemory, offset: number, size: number) {
    this.#memory = memory
    this.name = name
    this.#offset = offset
    this.size = size
  }

  /** A copy. */
  read(): Uint8Array<ArrayBuffer> {
    return this.#memory.read().slice(this.#offset, this.#offset + this.size)
  }

  /** Writes `bytes` at `at`, all of which must fit. */
  write(bytes: Uint8Array, at = 0): void {
    assert(at >= 0 && at + bytes.length <= this.size, `${bytes.length} bytes at ${at} of "${this.name}" (${this.size})`)
    this.#memory.write(this.#offset + at, bytes)
  }

  /** Has `fill` change a copy, which is then written: `edit((view) => encodeHookConfig(view, 0, config))`. */
  edit(fill: (view: DataView<ArrayBuffer>) => void): void {
    const copy = this.read()
    fill(new DataView(copy.buffer, copy.byteOffset, copy.byteLength))
    this.#memory.write(this.#offset, copy)
  }
}
