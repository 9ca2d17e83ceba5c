/** Types of an object, as `bpftool btf dump -j` prints them, to the layouts that C and TypeScript share. */

export type Scalar = 'u8' | 's8' | 'u16' | 's16' | 'u32' | 's32' | 'u64' | 's64' | 'char'

export type MemberType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'struct'; readonly name: string; readonly size: number }
  | { readonly kind: 'array'; readonly length: number; readonly element: MemberType }

export interface Member {
  readonly name: string
  readonly offset: number
  readonly size: number
  readonly type: MemberType
  /** Tagged `number`: a u64 that stays below 2^53. */
  readonly number: boolean
}

export interface Struct {
  readonly name: string
  readonly size: number
  readonly members: readonly Member[]
}

export interface Enum {
  readonly name: string
  readonly values: ReadonlyArray<readonly [string, number]>
}

export interface Layouts {
  readonly structs: readonly Struct[]
  readonly enums: readonly Enum[]
}

interface BtfMember {
  readonly name: string
  readonly type_id: number
  readonly bits_offset: number
  readonly bitfield_size?: number
}

interface BtfType {
  readonly id: number
  readonly kind: string
  readonly name: string
  readonly size?: number
  readonly type_id?: number
  readonly nr_elems?: number
  readonly encoding?: string
  readonly component_idx?: number
  readonly members?: readonly BtfMember[]
  readonly values?: ReadonlyArray<{ readonly name: string; readonly val: number }>
}

/** Throws one Error that names each struct and member which is not laid out alike on every 64-bit target. */
export function readLayouts(dump: unknown): Layouts {
  const types = new Map((dump as { readonly types: readonly BtfType[] }).types.map((type) => [type.id, type]))
  const all = [...types.values()]
  const tags = all.filter((type) => type.kind === 'DECL_TAG')
  const exported = new Set(
    tags.filter((tag) => tag.name === 'export' && tag.component_idx === -1).map((tag) => tag.type_id),
  )
  const numbers = new Set(
    tags.filter((tag) => tag.name === 'number').map((tag) => `${tag.type_id}.${tag.component_idx}`),
  )
  const mistakes: string[] = []
  const structs = all.filter((type) => type.kind === 'STRUCT' && exported.has(type.id)).map((type): Struct => ({
    name: type.name,
    size: type.size ?? 0,
    members: readMembers(type, types, exported, numbers, mistakes),
  }))
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'))
  const enums = all.filter((type) => type.kind === 'ENUM' && type.name !== '(anon)').map((type): Enum => ({
    name: type.name,
    values: (type.values ?? []).map(({ name, val }) => [name, val] as const),
  }))
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => a.name < b.name ? -1 : 1
  return { structs: structs.sort(byName), enums: enums.sort(byName) }
}

function readMembers(
  struct: BtfType,
  types: ReadonlyMap<number, BtfType>,
  exported: ReadonlySet<number | undefined>,
  numbers: ReadonlySet<string>,
  mistakes: string[],
): Member[] {
  let end = 0
  const members = (struct.members ?? []).flatMap((member, index): Member[] => {
    const place = `struct ${struct.name}, member "${member.name}"`
    if ((member.bitfield_size ?? 0) !== 0 || member.bits_offset % 8 !== 0) {
      mistakes.push(`Cannot export ${place}: it is a bitfield`)
      return []
    }
    const offset = member.bits_offset / 8
    const read = readType(member.type_id, types, exported)
    if (typeof read === 'string') {
      mistakes.push(`Cannot export ${place}: ${read}`)
      return []
    }
    if (offset !== end) mistakes.push(`Cannot export ${place}: ${offset - end} bytes of padding before it, name them`)
    if (offset % read.align !== 0) {
      mistakes.push(`Cannot export ${place}: at ${offset}, not a multiple of ${read.align}`)
    }
    end = offset + read.size
    const number = numbers.has(`${struct.id}.${index}`)
    if (number && !isWide(read.type)) mistakes.push(`Cannot export ${place}: tagged number, but no 64-bit integer`)
    return [{ name: member.name, offset, size: read.size, type: read.type, number }]
  })
  if (end !== struct.size) {
    mistakes.push(
      `Cannot export struct ${struct.name}: ${(struct.size ?? 0) - end} bytes of padding at its end, name them`,
    )
  }
  return members
}

interface ReadType {
  readonly type: MemberType
  readonly size: number
  readonly align: number
}

/** The type behind typedefs and qualifiers, or why it cannot be exported. */
function readType(
  id: number | undefined,
  types: ReadonlyMap<number, BtfType>,
  exported: ReadonlySet<number | undefined>,
): ReadType | string {
  const type = types.get(id ?? 0)
  if (type === undefined) return 'it has no type'
  switch (type.kind) {
    case 'TYPEDEF':
    case 'CONST':
    case 'VOLATILE':
      return readType(type.type_id, types, exported)
    case 'INT': {
      if (/\blong\b/.test(type.name) && !/\blong long\b/.test(type.name)) {
        return `its type "${type.name}" differs between targets`
      }
      if (type.name === 'char') return { type: { kind: 'scalar', scalar: 'char' }, size: 1, align: 1 }
      const size = type.size ?? 0
      return {
        type: { kind: 'scalar', scalar: `${type.encoding === 'SIGNED' ? 's' : 'u'}${size * 8}` as Scalar },
        size,
        align: size,
      }
    }
    case 'ENUM':
      return { type: { kind: 'scalar', scalar: 'u32' }, size: 4, align: 4 }
    case 'STRUCT':
      if (!exported.has(type.id)) return `struct ${type.name} is not exported`
      return {
        type: { kind: 'struct', name: type.name, size: type.size ?? 0 },
        size: type.size ?? 0,
        align: structAlign(type, types, exported),
      }
    case 'ARRAY': {
      const element = readType(type.type_id, types, exported)
      if (typeof element === 'string') return element
      const length = type.nr_elems ?? 0
      return {
        type: { kind: 'array', length, element: element.type },
        size: element.size * length,
        align: element.align,
      }
    }
    default:
      return `its type is ${type.kind.toLowerCase()}`
  }
}

function structAlign(
  struct: BtfType,
  types: ReadonlyMap<number, BtfType>,
  exported: ReadonlySet<number | undefined>,
): number {
  return (struct.members ?? []).reduce((align, member) => {
    const read = readType(member.type_id, types, exported)
    return typeof read === 'string' ? align : Math.max(align, read.align)
  }, 1)
}

function isWide(type: MemberType): boolean {
  if (type.kind === 'array') return isWide(type.element)
  return type.kind === 'scalar' && (type.scalar === 'u64' || type.scalar === 's64')
}
