// Arguments of a hook into hook_argument: where each value is, how it is walked to, and as which type it is read.
import {
  ARGUMENT_FLAG,
  ARGUMENT_SOURCE,
  ARGUMENT_TYPE,
  BUFFER_BYTES_MAX,
  type HookArgument,
} from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { type ArgumentType, argumentType } from './argument_type.ts'
import type { ArgumentSlot } from './draft.ts'
import { quote, type Report } from './error.ts'
import type { PlanFacts, TypeTable } from './facts_type.ts'
import { contradiction, inferType } from './infer.ts'
import { findRegister, registerNames } from './register.ts'
import { resolvePath } from './resolve.ts'

/** What a hook's parameters are, as far as anybody knows. */
export interface HookValues {
  readonly facts: PlanFacts
  readonly types: TypeTable | null
  /** BTF types of the parameters; null where there is no prototype. */
  readonly parameters: readonly number[] | null
  /** What the parameters are called; absent where nobody knows. */
  readonly names?: readonly string[]
  /** How many parameters there can be when there is no prototype. */
  readonly parameters_max: number
  /** BTF type of the return value. */
  readonly returns: number | null
  /** Pointers lead into user memory: system calls, user functions. */
  readonly user: boolean
  /** Types by another source than BTF: system call tables. */
  readonly infer?: (index: number) => ArgumentType | undefined
  /** For messages: `tcp_connect`. */
  readonly name: string
  readonly registers: boolean
}

export interface ReadArgument {
  readonly slot: ArgumentSlot
  readonly type: ArgumentType
  readonly wire: HookArgument
}

/** Read through a pointer whose size nothing tells: enough for a DNS answer or the head of a request. */
const POINTED_BYTES = 512

export const EMPTY_ARGUMENT: HookArgument = {
  type: 0,
  source: ARGUMENT_SOURCE.PARAMETER,
  flags: 0,
  index: 0,
  offset: 0,
  size: 0,
  max_bytes: 0,
  size_argument: 0,
  step_count: 0,
  steps: [],
}

/** Undefined after reporting. */
export function planArgument(slot: ArgumentSlot, values: HookValues, report: Report): ReadArgument | undefined {
  const { argument } = slot
  const base: HookArgument = { ...EMPTY_ARGUMENT, flags: listFlags(slot), index: argument.index }
  if (argument.type === 'nop') return finish(slot, argumentType('nop')!, base)
  if (argument.source === 'pt_regs') return planRegister(slot, base, values, report)
  const source = argument.source === 'current_task'
    ? ARGUMENT_SOURCE.TASK
    : slot.list === 'return'
    ? ARGUMENT_SOURCE.RETURN
    : ARGUMENT_SOURCE.PARAMETER
  const wire = { ...base, source }
  const kernel_type = source === ARGUMENT_SOURCE.PARAMETER
    ? parameterType(slot, values, report)
    : source === ARGUMENT_SOURCE.RETURN
    ? values.returns
    : null
  if (kernel_type === undefined) return undefined
  if (argument.resolve !== '') return planResolve(slot, wire, kernel_type, values, report)
  const type = declaredType(slot, kernel_type, values, report)
  if (type === undefined) return undefined
  const user = values.user && type.pointer && source !== ARGUMENT_SOURCE.TASK ? ARGUMENT_FLAG.USER : 0
  const size_argument = type.wire === ARGUMENT_TYPE.SOCKADDR_UN ? lengthOf(slot, values) : 0
  return finish(slot, type, { ...wire, flags: wire.flags | user, size: type.bits / 8, size_argument })
}

/** The parameter, counted from 1, that says how long the address before it is; 0: none does. */
function lengthOf({ argument }: ArgumentSlot, { names }: HookValues): number {
  return /len/.test(names?.[argument.index + 1] ?? '') ? argument.index + 2 : 0
}

function listFlags({ list, argument }: ArgumentSlot): number {
  return (list === 'data' ? ARGUMENT_FLAG.DATA : 0) | (list === 'hidden' ? ARGUMENT_FLAG.HIDDEN : 0) |
    (list === 'return' ? ARGUMENT_FLAG.AT_RETURN : 0) |
    (argument.returnCopy ? ARGUMENT_FLAG.AT_RETURN | ARGUMENT_FLAG.RETURN_COPY : 0)
}

/** BTF type of the parameter, null if it is not known, undefined after reporting that there is no such parameter. */
function parameterType(
  { argument, path }: ArgumentSlot,
  values: HookValues,
  report: Report,
): number | null | undefined {
  const { parameters, parameters_max, name } = values
  const count = parameters?.length ?? parameters_max
  if (argument.index < count) return parameters?.[argument.index] ?? null
  const has = count === 0
    ? 'has no parameters'
    : count === 1
    ? 'has only parameter 0'
    : `has parameters 0 to ${count - 1}`
  report.error([...path, 'index'], `No parameter ${argument.index}: ${name} ${has}`)
  return undefined
}

function declaredType(
  { argument, path, list }: ArgumentSlot,
  kernel_type: number | null,
  values: HookValues,
  report: Report,
): ArgumentType | undefined {
  const { types, name } = values
  const what = list === 'return' ? `Return value of ${name}` : `Parameter ${argument.index} of ${name}`
  if (argument.type === 'auto') {
    const found = (list === 'return' ? undefined : values.infer?.(argument.index)) ??
      (kernel_type === null || types === null ? undefined : inferType(types, kernel_type))
    if (found !== undefined) return found
    const is = kernel_type === null || types === null
      ? 'has a type that is not known here'
      : `is ${quote(types.typeName(kernel_type))}`
    report.error(path, `${what} ${is}: say its "type"`)
    return undefined
  }
  const type = argumentType(argument.type)!
  if (kernel_type === null || types === null) return type
  const verdict = contradiction(types, kernel_type, type)
  if (verdict === null) return type
  const message = `${what} ${verdict.wrong}, type says ${quote(type.name)}`
  if (!verdict.certain) report.warn([...path, 'type'], message)
  else {
    const fitting = inferType(types, kernel_type)
    report.error([...path, 'type'], fitting === undefined ? message : `${message}, want ${quote(fitting.name)}`)
    return undefined
  }
  return type
}

export function planResolve(
  slot: ArgumentSlot,
  wire: HookArgument,
  kernel_type: number | null,
  values: HookValues,
  report: Report,
): ReadArgument | undefined {
  const { argument, path } = slot
  const root = rootOf(slot, kernel_type, values, report)
  if (root === undefined) return undefined
  const found = resolvePath(root.types, root.type, argument.resolve)
  if (typeof found === 'string') {
    report.error([...path, 'resolve'], `Cannot resolve ${quote(argument.resolve)}: ${found}`)
    return undefined
  }
  // What BTF says wins over the declared type, which only decides where BTF tells nothing.
  const declared = argument.type === 'auto' ? undefined : argumentType(argument.type)
  const inferred = inferType(root.types, found.type)
  const buffer = declared?.name === 'char_buf' && root.types.resolve(found.type).kind !== 'int'
  const type = buffer ? declared : refine(inferred, declared) ?? declared
  if (type === undefined) {
    const is = quote(root.types.typeName(found.type))
    report.error([...path, 'resolve'], `Cannot show ${quote(argument.resolve)}: no type reads ${is}`)
    return undefined
  }
  if (inferred === undefined && !buffer) {
    const verdict = contradiction(root.types, found.type, type)
    if (verdict?.certain) {
      report.error([...path, 'type'], `${quote(argument.resolve)} ${verdict.wrong}, type says ${quote(type.name)}`)
      return undefined
    }
  }
  const user = values.user && wire.source !== ARGUMENT_SOURCE.TASK ? ARGUMENT_FLAG.USER : 0
  return finish(slot, type, {
    ...wire,
    flags: wire.flags | user | (found.load ? ARGUMENT_FLAG.LOAD : 0),
    size: buffer && root.types.resolve(found.type).kind === 'pointer' ? POINTED_BYTES : root.types.sizeOf(found.type),
    step_count: found.steps.length,
    steps: found.steps,
  })
}

/** Types that BTF has no word for, but that read the same memory: capability for int, cap_effective for kernel_cap_t. */
function refine(inferred: ArgumentType | undefined, declared: ArgumentType | undefined): ArgumentType | undefined {
  if (inferred === undefined || declared === undefined) return inferred
  if (inferred.shape === 'mask' && declared.shape === 'mask') return declared
  const same = inferred.shape === 'integer' && inferred.bits === declared.bits
  return same && ['capability', 'bpf_cmd', 'fd', 'size_t'].includes(declared.name) ? declared : inferred
}

function rootOf(
  { argument, path }: ArgumentSlot,
  kernel_type: number | null,
  values: HookValues,
  report: Report,
): { types: TypeTable; type: number } | undefined {
  const types = argument.btfTypeModule === '' ? values.types : values.facts.moduleTypes(argument.btfTypeModule) ?? null
  if (types === null) {
    const from = argument.btfTypeModule === '' ? 'BTF' : `BTF of module ${argument.btfTypeModule}`
    report.error([...path, 'resolve'], `Cannot resolve ${quote(argument.resolve)}: there is no ${from}`)
    return undefined
  }
  const task = argument.source === 'current_task' ? 'task_struct' : ''
  const wanted = argument.btfType === '' ? task : argument.btfType
  if (wanted !== '') {
    const found = types.findStruct(wanted) ?? types.findUnion(wanted)
    if (found !== undefined) return { types, type: found.id }
    report.error([...path, 'btfType'], `No struct ${quote(wanted)} in BTF`)
    return undefined
  }
  if (kernel_type === null) {
    report.error(
      [...path, 'resolve'],
      `Cannot resolve ${quote(argument.resolve)}: the type of the argument is not known, say btfType`,
    )
    return undefined
  }
  return { types, type: kernel_type }
}

function planRegister(
  slot: ArgumentSlot,
  wire: HookArgument,
  values: HookValues,
  report: Report,
): ReadArgument | undefined {
  const { argument, path } = slot
  const { architecture } = values.facts
  const found = findRegister(argument.resolve, architecture)
  if (found === undefined) {
    const close = nearest(argument.resolve.slice(0, 16), registerNames(architecture))
    report.error([...path, 'resolve'], `Unknown register ${quote(argument.resolve)}, nearest is ${quote(close)}`)
    return undefined
  }
  if (!values.registers) {
    report.error([...path, 'source'], `Registers are not at hand in ${values.name}: it cannot be a kprobe here`)
    return undefined
  }
  const type = argument.type === 'auto' ? argumentType(`uint${found.size * 8}`)! : argumentType(argument.type)!
  return finish(slot, type, { ...wire, source: ARGUMENT_SOURCE.REGISTER, offset: found.offset, size: found.size })
}

export function finish(slot: ArgumentSlot, type: ArgumentType, wire: HookArgument): ReadArgument {
  const { argument } = slot
  const counted = type.wire === ARGUMENT_TYPE.CHAR_BUF || type.wire === ARGUMENT_TYPE.CHAR_IOVEC
  return {
    slot: { ...slot, type },
    type,
    wire: {
      ...wire,
      type: type.wire,
      max_bytes: argument.maxData && (counted || type.wire === ARGUMENT_TYPE.IOV_ITER) ? BUFFER_BYTES_MAX : 0,
      size_argument: wire.size_argument === 0 && counted ? argument.sizeArgIndex : wire.size_argument,
    },
  }
}
