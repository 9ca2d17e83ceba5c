/** BTF bytes built by hand for tests. */

import { BTF_KIND } from '../../ffi/btf_format.ts'

export class BtfBuilder {
  readonly #types: number[] = []
  #strings = '\0'
  #next: number
  readonly #strings_base: number

  /** For BTF of a module: what its base has. */
  constructor(first_id = 1, strings_base = 0) {
    this.#next = first_id
    this.#strings_base = strings_base
    if (strings_base > 0) this.#strings = ''
  }

  string(text: string): number {
    if (text === '') return 0
    const at = this.#strings.length
    this.#strings += `${text}\0`
    return this.#strings_base + at
  }

  /** Adds a type of words; returns its id. */
  type(
    name: string,
    kind: number,
    vlen: number,
    size_or_type: number,
    words: readonly number[] = [],
    flag = false,
  ): number {
    this.#types.push(this.string(name), (kind << 24 | vlen) + (flag ? 2 ** 31 : 0), size_or_type, ...words)
    return this.#next++
  }

  int(name: string, size: number, encoding = 0): number {
    return this.type(name, BTF_KIND.INT, 0, size, [encoding << 24 | size * 8])
  }

  pointer(to: number): number {
    return this.type('', BTF_KIND.PTR, 0, to)
  }

  struct(
    name: string,
    size: number,
    members: readonly [name: string, type: number, bits: number][],
    flag = false,
  ): number {
    const words = members.flatMap(([member, type, bits]) => [this.string(member), type, bits])
    return this.type(name, BTF_KIND.STRUCT, members.length, size, words, flag)
  }

  function(name: string, returns: number, parameters: readonly [name: string, type: number][]): number {
    const words = parameters.flatMap(([parameter, type]) => [this.string(parameter), type])
    const proto = this.type('', BTF_KIND.FUNC_PROTO, parameters.length, returns, words)
    return this.type(name, BTF_KIND.FUNC, 0, proto)
  }

  build(): Uint8Array<ArrayBuffer> {
    const types = new Uint8Array(new Uint32Array(this.#types).buffer)
    const strings = new TextEncoder().encode(this.#strings)
    const bytes = new Uint8Array(24 + types.length + strings.length)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, 0xeb9f, true)
    view.setUint8(2, 1)
    view.setUint32(4, 24, true)
    view.setUint32(12, types.length, true)
    view.setUint32(16, types.length, true)
    view.setUint32(20, strings.length, true)
    bytes.set(types, 24)
    bytes.set(strings, 24 + types.length)
    return bytes
  }
}
