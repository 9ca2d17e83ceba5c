// Kernel types and types of the language: which one reads what, and when the two contradict each other.
import { type ArgumentType, argumentType, typeOfInteger, typeOfStruct } from './argument_type.ts'
import { quote } from './error.ts'
import type { TypeTable } from './facts_type.ts'
import { structOf } from './resolve.ts'

/** The type that reads a value of this kernel type; undefined where none does. */
export function inferType(types: TypeTable, id: number): ArgumentType | undefined {
  const type = types.resolve(id)
  switch (type.kind) {
    case 'int':
      return typeOfInteger(type.size, type.signed)
    case 'enum':
      return typeOfInteger(type.size, true)
    case 'array':
      return isCharacter(types, type.element) ? argumentType('string') : undefined
    case 'struct':
    case 'union':
      return typeOfStruct(type.name)
    case 'pointer': {
      if (isCharacter(types, type.to)) return argumentType('string')
      const target = structOf(types, id)
      return target === undefined ? undefined : typeOfStruct(target.name)
    }
    default:
      return undefined
  }
}

function isCharacter(types: TypeTable, id: number): boolean {
  const type = types.resolve(id)
  return type.kind === 'int' && type.size === 1 && type.name !== '_Bool'
}

export type Verdict = { readonly wrong: string; readonly certain: boolean } | null

/** Null: fits. Certain: reading such a value as that type can never give anything true. */
export function contradiction(types: TypeTable, id: number, type: ArgumentType): Verdict {
  const found = types.resolve(id)
  const is = `is ${quote(types.typeName(id))}`
  if (type.name === 'nop' || found.kind === 'other') return null
  if (found.kind === 'void') return { wrong: 'is void', certain: true }
  if (!type.pointer) {
    if (found.kind === 'pointer') {
      return { wrong: `${is}, a pointer: its address is what ${type.name} shows`, certain: false }
    }
    if (found.kind === 'struct' || found.kind === 'union') {
      return { wrong: `${is}, a struct`, certain: type.shape !== 'mask' }
    }
    const size = types.sizeOf(id)
    if (size > 0 && size * 8 < type.bits && type.name !== 'fd' && type.bits > 32) {
      return { wrong: `${is}, which has ${size * 8} bits: the others may be anything`, certain: false }
    }
    return null
  }
  if (found.kind === 'int' || found.kind === 'enum') {
    // 64-bit integers may carry addresses (system call wrappers, unsigned long arguments).
    const size = types.sizeOf(id)
    return { wrong: `${is}, no pointer`, certain: size < 8 }
  }
  if (type.targets.length === 0 || found.kind !== 'pointer') return null
  if (type.name === 'string') {
    const target = types.resolve(found.to)
    if (target.kind === 'struct' || target.kind === 'union') return { wrong: `${is}, a struct`, certain: true }
    return null
  }
  const target = structOf(types, id)
  if (target === undefined) {
    const to = types.resolve(found.to)
    return to.kind === 'void' || to.kind === 'int' ? null : { wrong: is, certain: false }
  }
  if (target.name === '' || beginsWith(types, target.id, type.targets)) return null
  return { wrong: is, certain: target.kind !== 'forward' }
}

/** True for one of `names` and for structs that begin with one, as struct tcp_sock does with struct sock. */
function beginsWith(types: TypeTable, id: number, names: readonly string[]): boolean {
  for (let depth = 0; depth < 8; depth++) {
    const type = types.resolve(id)
    if (type.kind !== 'struct' && type.kind !== 'union' && type.kind !== 'forward') return false
    if (names.includes(type.name)) return true
    if (type.kind === 'forward') return false
    const first = types.struct(type.id).members[0]
    if (first === undefined || first.bit_offset !== 0) return false
    id = first.type
  }
  return false
}

/** From C text, as tracepoint formats have it: `unsigned int`, `const char *`, `umode_t`, `struct file *`. */
export function inferFromText(text: string, size: number, signed: boolean): ArgumentType | undefined {
  const bare = text.replace(/\b(const|volatile|__user)\b/g, ' ').replace(/\s+/g, ' ').trim()
  if (bare.startsWith('__data_loc')) return argumentType(/\bchar ?\[/.test(bare) ? 'data_loc' : 'const_buf')
  if (/^(unsigned |signed )?char ?\*$/.test(bare)) return argumentType('string')
  if (/^(unsigned |signed )?char ?\[\d*\]$/.test(bare)) return argumentType('string')
  if (bare.includes('[')) return argumentType('const_buf')
  const pointer = /^struct (\w+) ?\*$/.exec(bare)
  if (pointer !== null) return typeOfStruct(pointer[1]!) ?? argumentType('uint64')
  if (bare.includes('*')) return argumentType('uint64')
  return typeOfInteger(size, signed)
}

const WIDTHS: Readonly<Record<string, readonly [number, boolean]>> = {
  int: [4, true],
  'unsigned int': [4, false],
  unsigned: [4, false],
  long: [8, true],
  'unsigned long': [8, false],
  size_t: [8, false],
  ssize_t: [8, true],
  loff_t: [8, true],
  off_t: [8, true],
  umode_t: [2, false],
  pid_t: [4, true],
  uid_t: [4, false],
  gid_t: [4, false],
  u32: [4, false],
  __u32: [4, false],
  u64: [8, false],
  __u64: [8, false],
}

/** Fields of system call tracepoints all have 8 bytes whatever the argument's type: go by its name. */
export function inferSyscallText(text: string): ArgumentType | undefined {
  const bare = text.replace(/\b(const|volatile|__user)\b/g, ' ').replace(/\s+/g, ' ').trim()
  if (/^struct sockaddr ?\*$/.test(bare)) return argumentType('sockaddr')
  if (/\*$/.test(bare) && !/char ?\*$/.test(bare)) return argumentType('uint64')
  const width = WIDTHS[bare]
  return width === undefined ? inferFromText(text, 8, false) : typeOfInteger(width[0], width[1])
}
