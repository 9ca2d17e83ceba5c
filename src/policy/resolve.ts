// `resolve` paths: names of members through BTF to the steps by which a hook program walks there.
import type { ResolveStep } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { quote } from './error.ts'
import type { KernelType, TypeTable } from './facts_type.ts'

/** RESOLVE_STEPS_MAX of bpf/config.h. */
const STEPS_MAX = 10

export interface Resolved {
  readonly steps: readonly ResolveStep[]
  /** Type of what the path ends at; a struct when `steps` give its address. */
  readonly type: number
  /** What the steps give is the address of a scalar, which must be loaded. */
  readonly load: boolean
}

/** `root` is the struct that the walk begins in: its address is the value before the first step. Text: what is wrong. */
export function resolvePath(types: TypeTable, root: number, path: string): Resolved | string {
  const steps: ResolveStep[] = []
  let offset = 0
  let type = root
  const follow = () => {
    steps.push({ offset, deref: 1 })
    offset = 0
  }
  for (const [depth, part] of path.split('.').entries()) {
    const match = /^(\w+)((?:\[\d+\])*)$/.exec(part)
    if (match === null) return `cannot read ${quote(part)}`
    let at = types.resolve(type)
    if (at.kind === 'pointer') {
      if (depth > 0) follow()
      at = types.resolve(at.to)
    }
    if (at.kind !== 'struct' && at.kind !== 'union') {
      return `${quote(types.typeName(type))} has no members, so no ${quote(part)}`
    }
    const member = types.findMember(at.id, match[1]!)
    if (member === undefined) {
      return `${at.kind} ${at.name} has no member ${quote(match[1])}${closest(types, at.id, match[1]!)}`
    }
    if (member.bit_size > 0 || member.bit_offset % 8 !== 0) {
      return `${quote(match[1])} is a bitfield, which cannot be read`
    }
    offset += member.bit_offset / 8
    type = member.type
    for (const [, index] of match[2]!.matchAll(/\[(\d+)\]/g)) {
      const list = types.resolve(type)
      const element = list.kind === 'array' ? list.element : list.kind === 'pointer' ? list.to : undefined
      if (element === undefined) return `${quote(match[1])} is ${quote(types.typeName(type))}, no array`
      if (list.kind === 'array' && list.length > 0 && Number(index) >= list.length) {
        return `index ${index} of ${quote(match[1])}, which has ${list.length} elements`
      }
      if (list.kind === 'pointer') follow()
      offset += Number(index) * types.sizeOf(element)
      type = element
    }
    if (offset > 0x7fffffff) return `${quote(part)} is ${offset} bytes away`
  }
  const end = types.resolve(type)
  if (end.kind === 'pointer') follow()
  else if (offset > 0) steps.push({ offset, deref: 0 })
  if (steps.length > STEPS_MAX) return `${steps.length} dereferences, at most ${STEPS_MAX}`
  return { steps, type, load: end.kind === 'int' || end.kind === 'enum' }
}

function closest(types: TypeTable, id: number, name: string): string {
  const names = memberNames(types, id, 0)
  return names.length === 0 ? '' : `, nearest is ${quote(nearest(name.slice(0, 64), names))}`
}

function memberNames(types: TypeTable, id: number, depth: number): string[] {
  return types.struct(id).members.flatMap((member) => {
    if (member.name !== '') return [member.name]
    const inner = types.resolve(member.type)
    return depth < 4 && (inner.kind === 'struct' || inner.kind === 'union')
      ? memberNames(types, inner.id, depth + 1)
      : []
  })
}

/** The struct that a type leads to: itself, or what it points to. */
export function structOf(
  types: TypeTable,
  type: number,
): Extract<KernelType, { name: string; size: number }> | undefined {
  let found = types.resolve(type)
  if (found.kind === 'pointer') found = types.resolve(found.to)
  return found.kind === 'struct' || found.kind === 'union' || found.kind === 'forward' ? found : undefined
}
