// ELF files of programs and libraries: where symbols, addresses and notes stand in the file. 64-bit little-endian only.

import { goSymbols } from './go_symbols.ts'

/** Symbols of one file; browsers have about a million. */
const SYMBOLS_MAX = 4_000_000

export interface ElfSection {
  readonly name: string
  readonly type: number
  readonly address: bigint
  readonly at: number
  readonly size: number
  readonly link: number
  readonly entry_size: number
}

interface Segment {
  readonly at: bigint
  readonly address: bigint
  readonly size: bigint
}

const SHT_SYMTAB = 2
const SHT_NOTE = 7
const SHT_DYNSYM = 11
const PT_LOAD = 1
const STT_NOTYPE = 0
const STT_OBJECT = 1
const STT_FUNC = 2
const STT_GNU_IFUNC = 10

const FUNCTIONS: readonly number[] = [STT_FUNC, STT_GNU_IFUNC]
const VARIABLES: readonly number[] = [STT_NOTYPE, STT_OBJECT]

export interface ElfFunction {
  readonly name: string
  /** Virtual. */
  readonly address: bigint
  readonly size: bigint
}

export class ElfError extends Error {
  override name = 'ElfError'
}

/** Bounds are checked by DataView: a cut file ends in ElfError, never in a read outside of it. */
export class Elf {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly sections: readonly ElfSection[]
  readonly #segments: readonly Segment[]
  #symbols: ReadonlyMap<string, bigint> | undefined
  /** 0 for a name that stands at several places. */
  #variables: Map<string, bigint> | undefined

  /** Throws ElfError for what is no such file. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < 64 || this.#view.getUint32(0, false) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) {
      throw new ElfError('no 64-bit ELF file')
    }
    try {
      this.#segments = this.#readSegments()
      this.sections = this.#readSections()
    } catch (cause) {
      throw new ElfError('ELF file is cut', { cause })
    }
  }

  #readSegments(): Segment[] {
    const view = this.#view
    const [table, size, count] = [
      Number(view.getBigUint64(32, true)),
      view.getUint16(54, true),
      view.getUint16(56, true),
    ]
    const segments: Segment[] = []
    for (let i = 0; i < count; i++) {
      const at = table + i * size
      if (view.getUint32(at, true) !== PT_LOAD) continue
      segments.push({
        at: view.getBigUint64(at + 8, true),
        address: view.getBigUint64(at + 16, true),
        size: view.getBigUint64(at + 32, true),
      })
    }
    return segments
  }

  #readSections(): ElfSection[] {
    const view = this.#view
    const table = Number(view.getBigUint64(40, true))
    const [size, count, names_index] = [view.getUint16(58, true), view.getUint16(60, true), view.getUint16(62, true)]
    if (table === 0 || count === 0) return []
    const names = Number(view.getBigUint64(table + names_index * size + 24, true))
    return Array.from({ length: count }, (_, i) => {
      const at = table + i * size
      return {
        name: this.text(names + view.getUint32(at, true)),
        type: view.getUint32(at + 4, true),
        address: view.getBigUint64(at + 16, true),
        at: Number(view.getBigUint64(at + 24, true)),
        size: Number(view.getBigUint64(at + 32, true)),
        link: view.getUint32(at + 40, true),
        entry_size: Number(view.getBigUint64(at + 56, true)),
      }
    })
  }

  /** NUL-terminated text at a place in the file. */
  text(at: number): string {
    const end = this.#bytes.indexOf(0, at)
    return at < 0 || at >= this.#bytes.length || end < 0 ? '' : this.#bytes.toString('latin1', at, end)
  }

  bytesOf({ at, size }: ElfSection): Buffer {
    return this.#bytes.subarray(at, at + size)
  }

  /** File offset of a virtual address; undefined outside of what is loaded from the file. */
  offsetOf(address: bigint): bigint | undefined {
    const segment = this.#segments.find((each) => address >= each.address && address < each.address + each.size)
    return segment === undefined ? undefined : address - segment.address + segment.at
  }

  /**
   * Functions of symtab, dynsym and Go's own table by name, to virtual addresses; versions (`@GLIBC_2.2`) are not part of
   * the name.
   */
  symbols(): ReadonlyMap<string, bigint> {
    if (this.#symbols !== undefined) return this.#symbols
    const found = new Map<string, bigint>()
    // Of two functions of one name that one is meant which others can call.
    const functions = [...this.#table(SHT_DYNSYM), ...this.#table(SHT_SYMTAB), ...this.#goFunctions()]
    for (const { name, address } of functions) if (!found.has(name)) found.set(name, address)
    this.#symbols = found
    return found
  }

  /** Functions in the order of the tables: symtab, dynsym, Go's own. Names are not unique. */
  functions(): readonly ElfFunction[] {
    return [...this.#table(SHT_SYMTAB), ...this.#table(SHT_DYNSYM), ...this.#goFunctions()]
  }

  /** Virtual address of a variable; undefined also where several of that name stand at different ones. */
  variable(name: string): bigint | undefined {
    if (this.#variables === undefined) {
      this.#variables = new Map()
      for (const each of [...this.#table(SHT_SYMTAB, VARIABLES), ...this.#table(SHT_DYNSYM, VARIABLES)]) {
        const other = this.#variables.get(each.name) ?? each.address
        this.#variables.set(each.name, other === each.address ? other : 0n)
      }
    }
    return this.#variables.get(name) || undefined
  }

  *#table(kind: number, types = FUNCTIONS): Generator<ElfFunction> {
    for (const section of this.sections) {
      if (section.type !== kind) continue
      const names = this.sections[section.link]?.at ?? 0
      const count = Math.min(Math.floor(section.size / 24), SYMBOLS_MAX)
      for (let i = 0; i < count; i++) {
        const at = section.at + i * 24
        if (at + 24 > this.#bytes.length) break
        const type = this.#view.getUint8(at + 4) & 0xf
        const address = this.#view.getBigUint64(at + 8, true)
        if (!types.includes(type) || address === 0n) continue
        const name = this.text(names + this.#view.getUint32(at, true))
        if (name !== '') yield { name, address, size: this.#view.getBigUint64(at + 16, true) }
      }
    }
  }

  /** Go's table has no sizes: a function ends where the next one begins. */
  *#goFunctions(): Generator<ElfFunction> {
    const table = this.sections.find(({ name }) => name === '.gopclntab' || name === '.data.rel.ro.gopclntab')
    const text = this.sections.find(({ name }) => name === '.text')
    if (table === undefined || text === undefined) return
    const end = text.address + BigInt(text.size)
    const sorted = [...goSymbols(this.bytesOf(table), text.address)].sort(([, a], [, b]) => a < b ? -1 : a > b ? 1 : 0)
    for (const [i, [name, address]] of sorted.entries()) {
      const next = sorted[i + 1]?.[1] ?? end
      yield { name, address, size: next > address ? next - address : 0n }
    }
  }

  /** Notes with their owner's name. */
  *notes(): Generator<{ owner: string; type: number; description: Buffer }> {
    for (const section of this.sections) {
      if (section.type !== SHT_NOTE) continue
      const bytes = this.bytesOf(section)
      let at = 0
      while (at + 12 <= bytes.length) {
        const [name_size, size, type] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)]
        const name_at = at + 12
        const description_at = name_at + (name_size + 3 & ~3)
        if (description_at + size > bytes.length || name_size > bytes.length) break
        const owner = bytes.toString('latin1', name_at, name_at + Math.max(0, name_size - 1))
        yield { owner, type, description: bytes.subarray(description_at, description_at + size) }
        at = description_at + (size + 3 & ~3)
      }
    }
  }
}
