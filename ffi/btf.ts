/**
 * Types of the kernel, a module or an object, read straight from BTF bytes; results are plain data.
 *
 * Opening walks the type headers once; names are indexed per kind when first asked for. A type is its number (`id`), which
 * holds within this Btf (and for a module, within its base). Nothing here must be disposed.
 */

import { readFileSync } from 'node:fs'
import { assert } from './assert.ts'
import { BTF_KIND, type BtfTables, parseBtf } from './btf_format.ts'

export interface BtfParameter {
  /** Empty in prototypes without names. */
  readonly name: string
  readonly type: number
}

export interface BtfFunction {
  readonly id: number
  readonly name: string
  readonly parameters: readonly BtfParameter[]
  /** 0: void. */
  readonly returns: number
  readonly variadic: boolean
}

export interface BtfMember {
  /** Empty for an anonymous struct or union. */
  readonly name: string
  readonly type: number
  readonly bit_offset: number
  /** 0: not a bitfield. */
  readonly bit_size: number
}

export interface BtfStruct {
  readonly id: number
  readonly kind: 'struct' | 'union'
  readonly name: string
  readonly size: number
  readonly members: readonly BtfMember[]
}

export interface BtfEnum {
  readonly id: number
  readonly name: string
  readonly size: number
  readonly values: Readonly<Record<string, bigint>>
}

export interface BtfInt {
  readonly name: string
  readonly size: number
  readonly signed: boolean
  readonly boolean: boolean
}

/** What a type is once typedefs and qualifiers are peeled off. */
export type BtfType =
  | { readonly kind: 'void'; readonly id: 0 }
  | ({ readonly kind: 'int'; readonly id: number } & BtfInt)
  | { readonly kind: 'pointer'; readonly id: number; readonly to: number }
  | { readonly kind: 'array'; readonly id: number; readonly element: number; readonly length: number }
  | { readonly kind: 'struct' | 'union' | 'forward'; readonly id: number; readonly name: string; readonly size: number }
  | { readonly kind: 'enum'; readonly id: number; readonly name: string; readonly size: number }
  | { readonly kind: 'function'; readonly id: number }
  | { readonly kind: 'float'; readonly id: number; readonly size: number }
  | { readonly kind: 'other'; readonly id: number }

const KERNEL_BTF = '/sys/kernel/btf/vmlinux'
const POINTER_BYTES = 8
/** Longest chain of typedefs, qualifiers and arrays that is followed; the kernel's are shorter than 20. */
const CHAIN_MAX = 64

export class Btf {
  readonly #tables: BtfTables
  readonly #base: Btf | undefined
  readonly #first_id: number
  readonly #strings_first: number
  readonly #indexes = new Map<number, Map<string, number>>()

  /** `base` is vmlinux for BTF of a module. */
  constructor(bytes: Uint8Array, name: string, base?: Btf) {
    this.#tables = parseBtf(bytes, name)
    this.#base = base
    this.#first_id = base?.typeCount ?? 1
    this.#strings_first = base?.stringsSize ?? 0
  }

  /** The running kernel's, or a file's: raw, or an ELF file with a .BTF section. Throws ENOENT where there is none. */
  static open(path: string = KERNEL_BTF, base?: Btf): Btf {
    return new Btf(readFileSync(path), path, base)
  }

  /** One past the largest id. */
  get typeCount(): number {
    return this.#first_id + this.#tables.positions.length
  }

  get stringsSize(): number {
    return this.#strings_first + this.#tables.strings_size
  }

  /** Names of all functions, in no order; static ones included, inlined ones not. */
  functionNames(): Iterable<string> {
    return this.#index(BTF_KIND.FUNC).keys()
  }

  findFunction(name: string): BtfFunction | undefined {
    const id = this.#find(BTF_KIND.FUNC, name)
    return id === undefined ? undefined : this.function(id)
  }

  /** By struct tag; `findUnion` and `findTypedef` for the others. Of several with one name, the first. */
  findStruct(name: string): BtfStruct | undefined {
    const id = this.#find(BTF_KIND.STRUCT, name)
    return id === undefined ? undefined : this.struct(id)
  }

  findUnion(name: string): BtfStruct | undefined {
    const id = this.#find(BTF_KIND.UNION, name)
    return id === undefined ? undefined : this.struct(id)
  }

  findEnum(name: string): BtfEnum | undefined {
    const id = this.#find(BTF_KIND.ENUM, name) ?? this.#find(BTF_KIND.ENUM64, name)
    return id === undefined ? undefined : this.enum(id)
  }

  /** The id of a typedef. */
  findTypedef(name: string): number | undefined {
    return this.#find(BTF_KIND.TYPEDEF, name)
  }

  /** Where a global variable lies in its section: for BTF of objects. */
  findVariable(name: string): { section: string; offset: number; size: number } | undefined {
    const variable = this.#find(BTF_KIND.VAR, name)
    if (variable === undefined) return undefined
    for (const [section, id] of this.#index(BTF_KIND.DATASEC)) {
      const { tables, at } = this.#at(id)
      for (let i = 0; i < this.#vlen(id); i++) {
        const entry = at + 12 + i * 12
        if (tables.view.getUint32(entry, true) !== variable) continue
        return { section, offset: tables.view.getUint32(entry + 4, true), size: tables.view.getUint32(entry + 8, true) }
      }
    }
    return undefined
  }

  /** A prototype by the id of a function or of a function type. */
  function(id: number): BtfFunction {
    const named = this.#kind(id) === BTF_KIND.FUNC
    const proto = named ? this.#word(id) : id
    assert(this.#kind(proto) === BTF_KIND.FUNC_PROTO, `BTF type ${id} is no function`)
    const { tables, at } = this.#at(proto)
    const parameters = Array.from({ length: this.#vlen(proto) }, (_, i) => ({
      name: this.#string(tables.view.getUint32(at + 12 + i * 8, true)),
      type: tables.view.getUint32(at + 16 + i * 8, true),
    }))
    const last = parameters.at(-1)
    const variadic = last !== undefined && last.type === 0 && last.name === ''
    if (variadic) parameters.pop()
    return { id, name: named ? this.name(id) : '', parameters, returns: this.#word(proto), variadic }
  }

  struct(id: number): BtfStruct {
    const kind = this.#kind(id)
    assert(kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION, `BTF type ${id} is no struct`)
    const { tables, at } = this.#at(id)
    const bitfields = tables.view.getUint32(at + 4, true) >>> 31 === 1
    const members = Array.from({ length: this.#vlen(id) }, (_, i) => {
      const offset = tables.view.getUint32(at + 20 + i * 12, true)
      return {
        name: this.#string(tables.view.getUint32(at + 12 + i * 12, true)),
        type: tables.view.getUint32(at + 16 + i * 12, true),
        bit_offset: bitfields ? offset & 0xffffff : offset,
        bit_size: bitfields ? offset >>> 24 : 0,
      }
    })
    const word = kind === BTF_KIND.STRUCT ? 'struct' as const : 'union' as const
    return { id, kind: word, name: this.name(id), size: this.#word(id), members }
  }

  /** A member by name, also inside anonymous members, with its offset from the beginning of `id`. */
  findMember(id: number, name: string): BtfMember | undefined {
    for (const member of this.struct(id).members) {
      if (member.name === name) return member
      if (member.name !== '') continue
      const inner = this.resolve(member.type)
      if (inner.kind !== 'struct' && inner.kind !== 'union') continue
      const found = this.findMember(inner.id, name)
      if (found !== undefined) return { ...found, bit_offset: found.bit_offset + member.bit_offset }
    }
    return undefined
  }

  enum(id: number): BtfEnum {
    const kind = this.#kind(id)
    assert(kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64, `BTF type ${id} is no enum`)
    const { tables: { view }, at } = this.#at(id)
    const signed = view.getUint32(at + 4, true) >>> 31 === 1
    const values: Record<string, bigint> = {}
    for (let i = 0; i < this.#vlen(id); i++) {
      const entry = at + 12 + i * (kind === BTF_KIND.ENUM ? 8 : 12)
      const low = BigInt(signed ? view.getInt32(entry + 4, true) : view.getUint32(entry + 4, true))
      const wide = kind === BTF_KIND.ENUM64
        ? BigInt.asUintN(32, low) | BigInt(view.getUint32(entry + 8, true)) << 32n
        : low
      values[this.#string(view.getUint32(entry, true))] = kind === BTF_KIND.ENUM64 && signed
        ? BigInt.asIntN(64, wide)
        : wide
    }
    return { id, name: this.name(id), size: this.#word(id), values }
  }

  /** What a type is, typedefs, const, volatile, restrict and type tags peeled off. */
  resolve(id: number): BtfType {
    const bare = this.#peel(id)
    if (bare === 0) return { kind: 'void', id: 0 }
    const { tables: { view }, at } = this.#at(bare)
    switch (this.#kind(bare)) {
      case BTF_KIND.INT: {
        const encoding = view.getUint32(at + 12, true) >>> 24 & 0xf
        const size = this.#word(bare)
        return {
          kind: 'int',
          id: bare,
          name: this.name(bare),
          size,
          signed: (encoding & 1) !== 0,
          boolean: (encoding & 4) !== 0,
        }
      }
      case BTF_KIND.PTR:
        return { kind: 'pointer', id: bare, to: this.#word(bare) }
      case BTF_KIND.ARRAY:
        return {
          kind: 'array',
          id: bare,
          element: view.getUint32(at + 12, true),
          length: view.getUint32(at + 20, true),
        }
      case BTF_KIND.STRUCT:
        return { kind: 'struct', id: bare, name: this.name(bare), size: this.#word(bare) }
      case BTF_KIND.UNION:
        return { kind: 'union', id: bare, name: this.name(bare), size: this.#word(bare) }
      case BTF_KIND.FWD:
        return { kind: 'forward', id: bare, name: this.name(bare), size: 0 }
      case BTF_KIND.ENUM:
      case BTF_KIND.ENUM64:
        return { kind: 'enum', id: bare, name: this.name(bare), size: this.#word(bare) }
      case BTF_KIND.FUNC_PROTO:
        return { kind: 'function', id: bare }
      case BTF_KIND.FLOAT:
        return { kind: 'float', id: bare, size: this.#word(bare) }
      default:
        return { kind: 'other', id: bare }
    }
  }

  /** Bytes of a type; 0 for void, functions and forward declarations. */
  sizeOf(id: number): number {
    let factor = 1
    for (let i = 0; i < CHAIN_MAX; i++) {
      const type = this.resolve(id)
      if (type.kind === 'pointer') return factor * POINTER_BYTES
      if (type.kind !== 'array') return 'size' in type ? factor * type.size : 0
      factor *= type.length
      id = type.element
    }
    return 0
  }

  /** Name of one type, empty for an anonymous one. */
  name(id: number): string {
    if (id === 0) return ''
    const { tables, at } = this.#at(id)
    return this.#string(tables.view.getUint32(at, true))
  }

  /** As C writes it: `const struct cred *`, `size_t`, `char [16]`, `void`. */
  typeName(id: number): string {
    let suffix = ''
    for (let i = 0; i < CHAIN_MAX; i++) {
      const kind = this.#kind(id)
      switch (kind) {
        case BTF_KIND.VOID:
          return `void${suffix}`
        case BTF_KIND.PTR:
          suffix = suffix.startsWith(' *') ? ` *${suffix.slice(1)}` : ` *${suffix}`
          break
        case BTF_KIND.CONST:
        case BTF_KIND.VOLATILE:
        case BTF_KIND.RESTRICT: {
          const word = kind === BTF_KIND.CONST ? 'const' : kind === BTF_KIND.VOLATILE ? 'volatile' : 'restrict'
          const inner = this.#word(id)
          if (this.#kind(inner) !== BTF_KIND.PTR) return `${word} ${this.typeName(inner)}${suffix}`
          suffix = ` ${word}${suffix}`
          break
        }
        case BTF_KIND.TYPE_TAG:
          break
        case BTF_KIND.ARRAY: {
          const { tables: { view }, at } = this.#at(id)
          return `${this.typeName(view.getUint32(at + 12, true))} [${view.getUint32(at + 20, true)}]${suffix}`
        }
        case BTF_KIND.STRUCT:
          return `struct ${this.name(id)}${suffix}`
        case BTF_KIND.UNION:
          return `union ${this.name(id)}${suffix}`
        case BTF_KIND.FWD:
          return `${this.#at(id).tables.view.getUint32(this.#at(id).at + 4, true) >>> 31 ? 'union' : 'struct'} ${
            this.name(id)
          }${suffix}`
        case BTF_KIND.ENUM:
        case BTF_KIND.ENUM64:
          return `enum ${this.name(id)}${suffix}`
        case BTF_KIND.FUNC_PROTO:
          return `function${suffix}`
        default:
          return `${this.name(id)}${suffix}`
      }
      id = this.#word(id)
    }
    return `?${suffix}`
  }

  #peel(id: number): number {
    for (let i = 0; i < CHAIN_MAX; i++) {
      switch (this.#kind(id)) {
        case BTF_KIND.TYPEDEF:
        case BTF_KIND.CONST:
        case BTF_KIND.VOLATILE:
        case BTF_KIND.RESTRICT:
        case BTF_KIND.TYPE_TAG:
          id = this.#word(id)
          break
        default:
          return id
      }
    }
    return id
  }

  #at(id: number): { tables: BtfTables; at: number } {
    if (this.#base !== undefined && id < this.#first_id) return this.#base.#at(id)
    const at = this.#tables.positions[id - this.#first_id]
    assert(at !== undefined, `BTF type ${id} of ${this.typeCount}`)
    return { tables: this.#tables, at }
  }

  #kind(id: number): number {
    if (id === 0) return BTF_KIND.VOID
    const { tables, at } = this.#at(id)
    return tables.view.getUint32(at + 4, true) >>> 24 & 0x1f
  }

  #vlen(id: number): number {
    const { tables, at } = this.#at(id)
    return tables.view.getUint32(at + 4, true) & 0xffff
  }

  /** The third word of the header: a size or a type. */
  #word(id: number): number {
    const { tables, at } = this.#at(id)
    return tables.view.getUint32(at + 8, true)
  }

  #string(offset: number): string {
    if (this.#base !== undefined && offset < this.#strings_first) return this.#base.#string(offset)
    const { bytes, strings_at, strings_size } = this.#tables
    const start = strings_at + offset - this.#strings_first
    assert(start < strings_at + strings_size, `BTF string ${offset}`)
    let end = start
    while (bytes[end] !== 0) end++
    return bytes.toString('latin1', start, end)
  }

  #find(kind: number, name: string): number | undefined {
    return this.#index(kind).get(name) ?? (this.#base === undefined ? undefined : this.#base.#find(kind, name))
  }

  /** Name to id of all types of a kind; the first of several. */
  #index(kind: number): Map<string, number> {
    const known = this.#indexes.get(kind)
    if (known !== undefined) return known
    const index = new Map<string, number>()
    const { view, positions } = this.#tables
    for (let i = 0; i < positions.length; i++) {
      const at = positions[i] ?? 0
      if ((view.getUint32(at + 4, true) >>> 24 & 0x1f) !== kind) continue
      const name = this.#string(view.getUint32(at, true))
      if (name !== '' && !index.has(name)) index.set(name, this.#first_id + i)
    }
    this.#indexes.set(kind, index)
    return index
  }
}
