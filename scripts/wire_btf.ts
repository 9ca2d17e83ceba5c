/** BTF types as `bpftool btf dump -j` prints them, and what a wire layout may be made of. */

export interface BtfMember {
  readonly name: string
  readonly type_id: number
  readonly bits_offset: number
  readonly bitfield_size?: number
}

export interface BtfType {
  readonly id: number
  readonly kind: string
  readonly name: string
  readonly size?: number
  readonly type_id?: number
  readonly nr_elems?: number
  readonly encoding?: string
  readonly component_idx?: number
  readonly members?: readonly BtfMember[]
  readonly values?: readonly { readonly name: string; readonly val: number }[]
}

/** What one member holds, typedefs and qualifiers removed. */
export type Shape =
  | { readonly kind: 'int'; readonly size: 1 | 2 | 4 | 8; readonly signed: boolean; readonly number: boolean }
  | { readonly kind: 'text'; readonly size: number }
  | { readonly kind: 'bytes'; readonly size: number }
  | { readonly kind: 'struct'; readonly type: BtfType }
  | { readonly kind: 'array'; readonly element: Shape; readonly count: number; readonly stride: number }

export function readTypes(json: string): BtfType[] {
  return (JSON.parse(json) as { types: BtfType[] }).types
}

export class Types {
  readonly #by_id = new Map<number, BtfType>()
  readonly #tags = new Set<string>()

  constructor(types: readonly BtfType[]) {
    for (const type of types) {
      this.#by_id.set(type.id, type)
      if (type.kind === 'DECL_TAG') this.#tags.add(`${type.name} ${type.type_id} ${type.component_idx}`)
    }
  }

  named(kind: 'STRUCT' | 'ENUM', name: string): BtfType {
    for (const type of this.#by_id.values()) if (type.kind === kind && type.name === name) return type
    throw new Error(`Cannot find ${kind.toLowerCase()} "${name}" in the compiled layouts`)
  }

  isExported(name: string): boolean {
    return this.#tags.has(`export ${this.named('STRUCT', name).id} -1`) ||
      this.#tags.has(`export ${this.named('STRUCT', name).id} 4294967295`)
  }

  /** Shape of the `index`th member; throws naming struct and member for what is not the same on every 64-bit target. */
  member(struct: BtfType, index: number): Shape {
    const member = struct.members![index]!
    const where = `${struct.name}.${member.name}`
    if ((member.bitfield_size ?? 0) !== 0) throw new Error(`Cannot export ${where}: a bitfield`)
    const number = this.#tags.has(`number ${struct.id} ${index}`)
    const shape = this.#shape(member.type_id, where, number)
    const at = member.bits_offset / 8
    if (at % alignmentOf(shape) !== 0) throw new Error(`Cannot export ${where}: at byte ${at}, not aligned`)
    return shape
  }

  #shape(id: number, where: string, number: boolean): Shape {
    const type = this.#by_id.get(id)
    if (type === undefined) throw new Error(`Cannot export ${where}: unknown type ${id}`)
    switch (type.kind) {
      case 'TYPEDEF':
      case 'CONST':
      case 'VOLATILE':
        return this.#shape(type.type_id!, where, number)
      case 'ENUM':
        return { kind: 'int', size: 4, signed: false, number: false }
      case 'INT':
        if (/\blong\b/.test(type.name) && !/\blong long\b/.test(type.name)) {
          throw new Error(`Cannot export ${where}: "${type.name}" differs between targets, wanted __u32 or __u64`)
        }
        return { kind: 'int', size: type.size as 1 | 2 | 4 | 8, signed: type.encoding === 'SIGNED', number }
      case 'STRUCT':
        return { kind: 'struct', type }
      case 'ARRAY': {
        const element = this.#shape(type.type_id!, where, number)
        const count = type.nr_elems!
        if (element.kind === 'int' && element.size === 1) {
          return { kind: this.#isChar(type.type_id!) ? 'text' : 'bytes', size: count }
        }
        return { kind: 'array', element, count, stride: sizeOf(element) }
      }
      default:
        throw new Error(`Cannot export ${where}: a ${type.kind.toLowerCase()}, wanted integers, arrays and structs`)
    }
  }

  #isChar(id: number): boolean {
    const type = this.#by_id.get(id)
    return type?.kind === 'INT' && type.name === 'char'
  }
}

export function sizeOf(shape: Shape): number {
  switch (shape.kind) {
    case 'struct':
      return shape.type.size!
    case 'array':
      return shape.stride * shape.count
    default:
      return shape.size
  }
}

function alignmentOf(shape: Shape): number {
  switch (shape.kind) {
    case 'int':
      return shape.size
    case 'array':
      return alignmentOf(shape.element)
    case 'struct':
      return 4
    default:
      return 1
  }
}
