// tracepoints, classic and raw, into hook plans.
import { ARGUMENT_FLAG, ARGUMENT_SOURCE, ARGUMENT_TYPE, type HookArgument } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { EMPTY_ARGUMENT, finish, planArgument, type ReadArgument } from './argument_plan.ts'
import { type ArgumentType, argumentType } from './argument_type.ts'
import { assemble, type HookLook } from './assemble.ts'
import { type ArgumentSlot, newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts, TracepointField } from './facts_type.ts'
import { inferFromText, inferSyscallText } from './infer.ts'
import type { HookPlan } from './plan_type.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import type { TracepointHook } from './type.ts'

/** Arguments of a raw tracepoint, as bpf_raw_tracepoint_args has them. */
const RAW_ARGUMENTS_MAX = 12
/** Elements of an array field that become arguments of their own. */
const ARRAY_ELEMENTS_MAX = 8

type TracepointLook = Omit<HookLook, 'message' | 'tags' | 'selectors' | 'event'>

export function planTracepoint(
  hook: TracepointHook,
  context: PolicyContext,
  facts: PlanFacts,
  look: TracepointLook,
  path: Path,
): HookPlan[] {
  return hook.raw ? planRaw(hook, context, facts, look, path) : planClassic(hook, context, facts, look, path)
}

function planClassic(
  hook: TracepointHook,
  context: PolicyContext,
  facts: PlanFacts,
  look: TracepointLook,
  path: Path,
): HookPlan[] {
  const { report } = context
  const name = `${hook.subsystem}/${hook.event}`
  const fields = facts.tracepoint(hook.subsystem, hook.event)
  if (fields === null) {
    const close = nearest(
      name,
      facts.tracepointNames().length > 0 ? facts.tracepointNames() : ['sched/sched_process_exec'],
    )
    report.error(
      [...path, 'event'],
      `Cannot attach tracepoint ${quote(name)}: not in this kernel, closest is ${quote(close)}`,
    )
    return []
  }
  if (fields === undefined) {
    report.error(
      path,
      `Cannot attach tracepoint ${quote(name)}: its format cannot be read (tracefs is not mounted, or needs root)`,
    )
    return []
  }
  if (!facts.attach.tracepoint.works) {
    const reason = facts.attach.tracepoint.reason
    report.error([...path, 'event'], `Cannot attach tracepoint ${quote(name)}: ${reason}; \`raw: true\` may do`)
    return []
  }
  const before = report.errors.length
  const read = slotsOf(hook, 'tracepoint', path, report).flatMap((slot) => {
    if (slot.list === 'data' || slot.list === 'hidden') return taskArgument(slot, facts, name, report)
    return fieldArguments(slot, fields, name, hook.subsystem === 'syscalls', report)
  })
  if (report.errors.length > before) return []
  const draft = newDraft(context, 'tracepoint', path, read.map((argument) => argument.slot))
  addSelectors(draft, hook.selectors)
  if (report.errors.length > before) return []
  const attach = { kind: 'tracepoint', subsystem: hook.subsystem, event: hook.event } as const
  return [assemble(draft, read, {
    family: 'tracepoint',
    reason: 'the classic tracepoint has the fields that the policy numbers',
    programs: [{ program: 'hook_tracepoint', attach, half: 'entry' }],
    names: [name],
    flags: 0,
  }, { ...look, event: 'process_tracepoint', message: hook.message, tags: hook.tags, selectors: hook.selectors })]
}

function taskArgument(
  slot: ArgumentSlot,
  facts: PlanFacts,
  name: string,
  report: PolicyContext['report'],
): ReadArgument[] {
  const found = planArgument(slot, {
    facts,
    types: facts.types,
    parameters: null,
    parameters_max: 0,
    returns: null,
    user: false,
    name,
    registers: false,
  }, report)
  return found === undefined ? [] : [found]
}

/** One argument, or several for an array whose type is left open. */
function fieldArguments(
  slot: ArgumentSlot,
  fields: readonly TracepointField[],
  name: string,
  syscalls: boolean,
  report: PolicyContext['report'],
): ReadArgument[] {
  const { argument, path } = slot
  const field = fields[argument.index]
  if (field === undefined) {
    const known = fields.map((each, i) => `${i} ${each.name}`).join(', ')
    report.error([...path, 'index'], `No field ${argument.index} in tracepoint ${name}, which has ${known}`)
    return []
  }
  if (argument.resolve !== '') {
    report.error([...path, 'resolve'], 'resolve works in raw tracepoints only (raw: true)')
    return []
  }
  const auto = argument.type === 'auto'
  if (auto && argument.sizeArgIndex > 0) {
    if (!/^(const )?char ?\*$/.test(field.type)) {
      const what = `${quote(`${field.type} ${field.name}`)} of ${name}`
      report.error([...path, 'sizeArgIndex'], `sizeArgIndex with ${what}, works with char_buf and char_iovec only`)
      return []
    }
  } else if (auto) {
    const elements = arrayElements(field)
    if (elements !== undefined) {
      return elements.map((element) =>
        finish(slot, element.type, { ...fieldWire(field, element.type), ...element.wire })
      )
    }
  }
  const type = auto && argument.sizeArgIndex > 0
    ? argumentType('char_buf')
    : auto || textOfRecord(field, argument.type)
    ? inferField(field, syscalls)
    : argumentType(argument.type)
  if (type === undefined) {
    report.error(path, `Field ${argument.index} of ${name} is ${quote(field.type)}: say its "type"`)
    return []
  }
  const verdict = fieldMismatch(field, type)
  if (verdict !== '') {
    report.warn(
      [...path, 'type'],
      `Field ${argument.index} of ${name} is ${quote(`${field.type} ${field.name}`)}, ${verdict}`,
    )
  }
  const user = syscalls && type.pointer ? ARGUMENT_FLAG.USER : 0
  const wire = countedBy(slot, type, fieldWire(field, type), fields, name, report)
  return wire === undefined ? [] : [finish(slot, type, { ...wire, flags: wire.flags | user })]
}

/** Text that stands in the record itself, whatever the policy calls it: an array, or a place that the field names. */
function textOfRecord(field: TracepointField, type: string): boolean {
  return type === 'string' && /^(__data_loc )?(unsigned |signed )?char ?\[/.test(field.type)
}

/** In steps[0]: the field that says how many bytes or vectors there are. */
function countedBy(
  { argument, path }: ArgumentSlot,
  type: ArgumentType,
  wire: HookArgument,
  fields: readonly TracepointField[],
  name: string,
  report: PolicyContext['report'],
): HookArgument | undefined {
  if (type.wire !== ARGUMENT_TYPE.CHAR_BUF && type.wire !== ARGUMENT_TYPE.CHAR_IOVEC) return wire
  if (argument.sizeArgIndex === 0) {
    report.warn(path, `${type.name} without sizeArgIndex: nothing says how long it is, so it shows nothing`)
    return { ...wire, size_argument: 1, steps: [{ offset: 0, deref: 0 }] }
  }
  const count = fields[argument.sizeArgIndex - 1]
  if (count !== undefined) {
    return { ...wire, size_argument: 1, steps: [{ offset: count.offset, deref: Math.min(count.size, 8) }] }
  }
  report.error(
    [...path, 'sizeArgIndex'],
    `No field ${argument.sizeArgIndex} in tracepoint ${name}, counted from 1: it has ${fields.length}`,
  )
  return undefined
}

/** What Tetragon infers by the field alone, so that events have the same keys. */
const PLAIN_INTEGER = /^(const )?(unsigned|(unsigned )?(char|short|int|long|long long)|u(8|16|32|64))$/

/** Fields of a system call have eight bytes each: names that Tetragon does not know say more than that. */
function inferField(field: TracepointField, syscalls: boolean): ArgumentType | undefined {
  if (syscalls && field.offset >= 16 && !PLAIN_INTEGER.test(field.type)) return inferSyscallText(field.type)
  return inferFromText(field.type, field.size, field.signed)
}

function fieldWire(field: TracepointField, type: ArgumentType): HookArgument {
  // What the policy calls int may be a long in the record: only the low bytes are looked at.
  const whole = type.pointer || type.wire === ARGUMENT_TYPE.NOP
  // Text of an array is read where it stands, which size 0 says.
  const array = type.wire === ARGUMENT_TYPE.STRING && field.type.includes('[')
  const size = array ? 0 : whole ? field.size : Math.min(field.size, type.bits / 8)
  return {
    ...EMPTY_ARGUMENT,
    source: ARGUMENT_SOURCE.FIELD,
    flags: field.signed && type.signed ? ARGUMENT_FLAG.SIGNED : 0,
    offset: field.offset,
    size,
  }
}

function arrayElements(
  field: TracepointField,
): { type: ArgumentType; wire: { offset: number; size: number } }[] | undefined {
  const match = /^(?:unsigned )?(?:long|u64|__u64) ?\[(\d+)\]$/.exec(field.type)
  const count = Number(match?.[1] ?? 0)
  if (count < 1 || count > ARRAY_ELEMENTS_MAX || field.size !== count * 8) return undefined
  const type = argumentType('uint64')!
  return Array.from({ length: count }, (_, i) => ({ type, wire: { offset: field.offset + i * 8, size: 8 } }))
}

/** '' where the declared type can read the field. */
function fieldMismatch(field: TracepointField, type: ArgumentType): string {
  if (type.wire === ARGUMENT_TYPE.DATA_LOC && !field.type.startsWith('__data_loc')) return 'no __data_loc text'
  if (type.name === 'string' && field.size < 8 && !/\[/.test(field.type)) return 'no text'
  return ''
}

function planRaw(
  hook: TracepointHook,
  context: PolicyContext,
  facts: PlanFacts,
  look: TracepointLook,
  path: Path,
): HookPlan[] {
  const { report } = context
  const name = `${hook.subsystem}/${hook.event}`
  const types = facts.types
  const typedef = types?.findTypedef(`btf_trace_${hook.event}`)
  if (types !== null && typedef === undefined) {
    const events = facts.tracepointNames().map((each) => each.replace(/^.*\//, ''))
    const close = nearest(hook.event, events.length > 0 ? events : ['sched_process_exec'])
    report.error(
      [...path, 'event'],
      `Cannot attach raw tracepoint ${quote(hook.event)}: not in kernel BTF, closest is ${quote(close)}`,
    )
    return []
  }
  if (!facts.attach.raw_tp.works) {
    report.error([...path, 'raw'], `Cannot attach raw tracepoint ${quote(hook.event)}: ${facts.attach.raw_tp.reason}`)
    return []
  }
  const before = report.errors.length
  // The first parameter is the tracepoint's private data, which programs do not get.
  const parameters = types === null || typedef === undefined ? null : prototypeOf(types, typedef)
  const read = slotsOf(hook, 'raw_tracepoint', path, report).flatMap((slot) =>
    planArgument(slot, {
      facts,
      types,
      parameters,
      parameters_max: RAW_ARGUMENTS_MAX,
      returns: null,
      user: false,
      name,
      registers: false,
    }, report) ?? []
  )
  if (report.errors.length > before) return []
  const draft = newDraft(context, 'raw_tracepoint', path, read.map((argument) => argument.slot))
  addSelectors(draft, hook.selectors)
  if (report.errors.length > before) return []
  return [assemble(draft, read, {
    family: 'tracepoint',
    reason: 'a raw tracepoint is the cheapest hook there is',
    programs: [{ program: 'hook_raw_tp', attach: { kind: 'raw_tp', event: hook.event }, half: 'entry' }],
    names: [name],
    flags: 0,
  }, { ...look, event: 'process_tracepoint', message: hook.message, tags: hook.tags, selectors: hook.selectors })]
}

function prototypeOf(types: NonNullable<PlanFacts['types']>, typedef: number): number[] | null {
  const pointer = types.resolve(typedef)
  if (pointer.kind !== 'pointer') return null
  const proto = types.resolve(pointer.to)
  return proto.kind === 'function'
    ? types.function(proto.id).parameters.slice(1).map((parameter) => parameter.type)
    : null
}
