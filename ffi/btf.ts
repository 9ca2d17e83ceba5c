/**
 * Types of the kernel, a module or an object, read straight from BTF bytes; results are plain data.
 *
 * Opening walks the type headers once; names are indexed per kind when first asked for. A type is its number (`id`), which
 * holds within this Btf (and for a module, within its base). Nothing here must be disposed.
 */

import { readFileSync } from 'node:fs'
import { assert } from './assert.ts'
import { BTF_KIND, parseBtf } from './btf_format.ts'
import { btfTypeName } from './btf_name.ts'
import { BtfReader, CHAIN_MAX } from './btf_reader.ts'

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
export class Btf {
  readonly #reader: BtfReader
  readonly #base: Btf | undefined
  readonly #indexes = new Map<number, Map<string, number>>()

  /** `base` is vmlinux for BTF of a module. */
  constructor(bytes: Uint8Array, name: string, base?: Btf) {
    this.#reader = new BtfReader(parseBtf(bytes, name), base === undefined ? undefined : base.#reader)
    this.#base = base
  }

  /** The running kernel's, or a file's: raw, or an ELF file with a .BTF section. Throws ENOENT where there is none. */
  static open(path: string = KERNEL_BTF, base?: Btf): Btf {
    return new Btf(readFileSync(path), path, base)
  }

  /** One past the largest id. */
  get typeCount(): number {
    return this.#reader.typeCount
  }

  get stringsSize(): number {
    return this.#reader.stringsSize
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
      const { tables, at } = this.#reader.at(id)
      for (let i = 0; i < this.#reader.vlen(id); i++) {
        const entry = at + 12 + i * 12
        if (tables.view.getUint32(entry, true) !== variable) continue
        return { section, offset: tables.view.getUint32(entry + 4, true), size: tables.view.getUint32(entry + 8, true) }
      }
    }
    return undefined
  }

  /** A prototype by the id of a function or of a function type. */
  function(id: number): BtfFunction {
    const named = this.#reader.kind(id) === BTF_KIND.FUNC
    const proto = named ? this.#reader.word(id) : id
    assert(this.#reader.kind(proto) === BTF_KIND.FUNC_PROTO, `BTF type ${id} is no function`)
    const { tables, at } = this.#reader.at(proto)
    const parameters = Array.from({ length: this.#reader.vlen(proto) }, (_, i) => ({
      name: this.#reader.string(tables.view.getUint32(at + 12 + i * 8, true)),
      type: tables.view.getUint32(at + 16 + i * 8, true),
    }))
    const last = parameters.at(-1)
    const variadic = last !== undefined && last.type === 0 && last.name === ''
    if (variadic) parameters.pop()
    return { id, name: named ? this.name(id) : '', parameters, returns: this.#reader.word(proto), variadic }
  }

  struct(id: number): BtfStruct {
    const kind = this.#reader.kind(id)
    assert(kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION, `BTF type ${id} is no struct`)
    const { tables, at } = this.#reader.at(id)
    const bitfields = tables.view.getUint32(at + 4, true) >>> 31 === 1
    const members = Array.from({ length: this.#reader.vlen(id) }, (_, i) => {
      const offset = tables.view.getUint32(at + 20 + i * 12, true)
      return {
        name: this.#reader.string(tables.view.getUint32(at + 12 + i * 12, true)),
        type: tables.view.getUint32(at + 16 + i * 12, true),
        bit_offset: bitfields ? offset & 0xffffff : offset,
        bit_size: bitfields ? offset >>> 24 : 0,
      }
    })
    const word = kind === BTF_KIND.STRUCT ? 'struct' as const : 'union' as const
    return { id, kind: word, name: this.name(id), size: this.#reader.word(id), members }
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
    const kind = this.#reader.kind(id)
    assert(kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64, `BTF type ${id} is no enum`)
    const { tables: { view }, at } = this.#reader.at(id)
    const signed = view.getUint32(at + 4, true) >>> 31 === 1
    const values: Record<string, bigint> = {}
    for (let i = 0; i < this.#reader.vlen(id); i++) {
      const entry = at + 12 + i * (kind === BTF_KIND.ENUM ? 8 : 12)
      const low = BigInt(signed ? view.getInt32(entry + 4, true) : view.getUint32(entry + 4, true))
      const wide = kind === BTF_KIND.ENUM64
        ? BigInt.asUintN(32, low) | BigInt(view.getUint32(entry + 8, true)) << 32n
        : low
      values[this.#reader.string(view.getUint32(entry, true))] = kind === BTF_KIND.ENUM64 && signed
        ? BigInt.asIntN(64, wide)
        : wide
    }
    return { id, name: this.name(id), size: this.#reader.word(id), values }
  }

  /** What a type is, typedefs, const, volatile, restrict and type tags peeled off. */
  resolve(id: number): BtfType {
    const bare = this.#reader.peel(id)
    if (bare === 0) return { kind: 'void', id: 0 }
    const { tables: { view }, at } = this.#reader.at(bare)
    switch (this.#reader.kind(bare)) {
      case BTF_KIND.INT: {
        const encoding = view.getUint32(at + 12, true) >>> 24 & 0xf
        const size = this.#reader.word(bare)
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
        return { kind: 'pointer', id: bare, to: this.#reader.word(bare) }
      case BTF_KIND.ARRAY:
        return {
          kind: 'array',
          id: bare,
          element: view.getUint32(at + 12, true),
          length: view.getUint32(at + 20, true),
        }
      case BTF_KIND.STRUCT:
        return { kind: 'struct', id: bare, name: this.name(bare), size: this.#reader.word(bare) }
      case BTF_KIND.UNION:
        return { kind: 'union', id: bare, name: this.name(bare), size: this.#reader.word(bare) }
      case BTF_KIND.FWD:
        return { kind: 'forward', id: bare, name: this.name(bare), size: 0 }
      case BTF_KIND.ENUM:
      case BTF_KIND.ENUM64:
        return { kind: 'enum', id: bare, name: this.name(bare), size: this.#reader.word(bare) }
      case BTF_KIND.FUNC_PROTO:
        return { kind: 'function', id: bare }
      case BTF_KIND.FLOAT:
        return { kind: 'float', id: bare, size: this.#reader.word(bare) }
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
    return this.#reader.name(id)
  }

  /** As C writes it: `const struct cred *`, `size_t`, `char [16]`, `void`. */
  typeName(id: number): string {
    return btfTypeName(this.#reader, id)
  }

  #find(kind: number, name: string): number | undefined {
    return this.#index(kind).get(name) ?? (this.#base === undefined ? undefined : this.#base.#find(kind, name))
  }

  /** Name to id of all types of a kind, made when first asked for. */
  #index(kind: number): Map<string, number> {
    const index = this.#indexes.get(kind) ?? this.#reader.indexOf(kind)
    this.#indexes.set(kind, index)
    return index
  }
}
