/** Single types of BTF by their number: the three words of a header, names, and what lies under typedefs and qualifiers. */

import { assert } from './assert.ts'
import { BTF_KIND, type BtfTables } from './btf_format.ts'

/** Longest chain of typedefs, qualifiers and arrays that is followed; the kernel's are shorter than 20. */
export const CHAIN_MAX = 64

export class BtfReader {
  readonly #tables: BtfTables
  readonly #base: BtfReader | undefined
  readonly first_id: number
  readonly #strings_first: number

  constructor(tables: BtfTables, base: BtfReader | undefined) {
    this.#tables = tables
    this.#base = base
    this.first_id = base?.typeCount ?? 1
    this.#strings_first = base?.stringsSize ?? 0
  }

  /** One past the largest id. */
  get typeCount(): number {
    return this.first_id + this.#tables.positions.length
  }

  get stringsSize(): number {
    return this.#strings_first + this.#tables.strings_size
  }

  /** Name to id of all types of a kind; the first of several. Those of the base are not in it. */
  indexOf(kind: number): Map<string, number> {
    const index = new Map<string, number>()
    const { view, positions } = this.#tables
    for (let i = 0; i < positions.length; i++) {
      const at = positions[i] ?? 0
      if ((view.getUint32(at + 4, true) >>> 24 & 0x1f) !== kind) continue
      const name = this.string(view.getUint32(at, true))
      if (name !== '' && !index.has(name)) index.set(name, this.first_id + i)
    }
    return index
  }

  /** Peels off typedefs, const, volatile, restrict and type tags. */
  peel(id: number): number {
    for (let i = 0; i < CHAIN_MAX; i++) {
      switch (this.kind(id)) {
        case BTF_KIND.TYPEDEF:
        case BTF_KIND.CONST:
        case BTF_KIND.VOLATILE:
        case BTF_KIND.RESTRICT:
        case BTF_KIND.TYPE_TAG:
          id = this.word(id)
          break
        default:
          return id
      }
    }
    return id
  }

  at(id: number): { tables: BtfTables; at: number } {
    if (this.#base !== undefined && id < this.first_id) return this.#base.at(id)
    const at = this.#tables.positions[id - this.first_id]
    assert(at !== undefined, `BTF type ${id} of ${this.typeCount}`)
    return { tables: this.#tables, at }
  }

  kind(id: number): number {
    if (id === 0) return BTF_KIND.VOID
    const { tables, at } = this.at(id)
    return tables.view.getUint32(at + 4, true) >>> 24 & 0x1f
  }

  vlen(id: number): number {
    const { tables, at } = this.at(id)
    return tables.view.getUint32(at + 4, true) & 0xffff
  }

  /** The third word of the header: a size or a type. */
  word(id: number): number {
    const { tables, at } = this.at(id)
    return tables.view.getUint32(at + 8, true)
  }

  string(offset: number): string {
    if (this.#base !== undefined && offset < this.#strings_first) return this.#base.string(offset)
    const { bytes, strings_at, strings_size } = this.#tables
    const start = strings_at + offset - this.#strings_first
    assert(start < strings_at + strings_size, `BTF string ${offset}`)
    let end = start
    while (bytes[end] !== 0) end++
    return bytes.toString('latin1', start, end)
  }

  /** Name of one type, empty for an anonymous one. */
  name(id: number): string {
    if (id === 0) return ''
    const { tables, at } = this.at(id)
    return this.string(tables.view.getUint32(at, true))
  }
}
