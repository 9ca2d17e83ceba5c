// usdts into hook plans.
import {
  ACTION_KIND,
  ARGUMENT_FLAG,
  ARGUMENT_SOURCE,
  ARGUMENT_TYPE,
  type HookArgument,
  RESOLVE_STEPS_MAX,
} from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { EMPTY_ARGUMENT, finish, planArgument, planResolve, type ReadArgument } from './argument_plan.ts'
import { argumentType, typeOfInteger } from './argument_type.ts'
import { assemble, type Attachment } from './assemble.ts'
import { type ArgumentSlot, newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts, StaticArgument, StaticProbe } from './facts_type.ts'
import type { HookPlan } from './plan_type.ts'
import { findRegister } from './register.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import type { UsdtHook } from './type.ts'
import { openBinary, type UserLook } from './user_plan.ts'

/** The Set action writes a word. */
const SET_BYTES = 4

/** All places of one provider:name are hooked; those that pass their arguments alike share a program. */
export function planUsdt(
  hook: UsdtHook,
  context: PolicyContext,
  facts: PlanFacts,
  look: UserLook,
  path: Path,
): HookPlan[] {
  const { report } = context
  const binary = openBinary(hook.path, 'usdt', context, facts, path)
  if (binary === undefined) return []
  const probes = binary.probes(hook.provider, hook.name)
  if (probes.length === 0) {
    const names = binary.probeNames()
    const name = `${hook.provider}:${hook.name}`
    const close = names.length === 0 ? 'it has no static probes' : `closest is ${quote(nearest(name, names))}`
    report.error([...path, 'name'], `No static probe ${quote(name)} in ${hook.path}, ${close}`)
    return []
  }
  const layouts = new Map<string, StaticProbe[]>()
  for (const probe of probes) {
    const key = JSON.stringify(probe.arguments, (_, value) => typeof value === 'bigint' ? `${value}` : value)
    layouts.set(key, [...layouts.get(key) ?? [], probe])
  }
  return [...layouts.values()].flatMap((same) => {
    const before = report.errors.length
    const slots = slotsOf(hook, 'usdt', path, report)
    const read = slots.flatMap((slot) => staticArgument(slot, same[0]!, hook, context, facts) ?? [])
    if (report.errors.length > before) return []
    const draft = newDraft(context, 'usdt', path, read.map((argument) => argument.slot))
    addSelectors(draft, hook.selectors)
    checkSet(hook, same[0]!, context, path)
    if (report.errors.length > before) return []
    const sites = same.map(({ offset, semaphore }) => ({
      offset,
      ...(semaphore === 0n ? {} : { ref_ctr_offset: semaphore }),
    }))
    const sets = draft.actions.some(({ kind }) => kind === ACTION_KIND.SET)
    const how: Attachment = {
      family: 'uprobe',
      reason: `${sites.length === 1 ? 'one place' : `${sites.length} places`} of this static probe`,
      programs: [{
        program: sets ? 'hook_uprobe_set' : 'hook_uprobe',
        attach: { kind: 'uprobe', path: hook.path, sites },
        half: 'entry',
      }],
      names: sites.map(() => hook.name),
      flags: 0,
    }
    return [assemble(draft, read, how, {
      ...look,
      event: 'process_usdt',
      message: hook.message,
      tags: hook.tags,
      selectors: hook.selectors,
      path: hook.path,
      provider: hook.provider,
    })]
  })
}

function staticArgument(
  slot: ArgumentSlot,
  probe: StaticProbe,
  hook: UsdtHook,
  context: PolicyContext,
  facts: PlanFacts,
): ReadArgument | undefined {
  const { report } = context
  const { argument, path } = slot
  if (slot.list === 'hidden') {
    return planArgument(slot, {
      facts,
      types: facts.types,
      parameters: null,
      parameters_max: 0,
      returns: null,
      user: true,
      name: hook.name,
      registers: true,
    }, report)
  }
  const found = probe.arguments[argument.index]
  if (found === undefined) {
    report.error(
      [...path, 'index'],
      `No argument ${argument.index} in static probe ${hook.provider}:${hook.name}, which has ${probe.arguments.length}`,
    )
    return undefined
  }
  if (found.kind === 'unknown') {
    report.error([...path, 'index'], `Cannot read argument ${argument.index}: the note says ${quote(found.text)}`)
    return undefined
  }
  if (argument.resolve !== '') return resolved(slot, found, hook, context, facts)
  const type = argument.type === 'auto' ? typeOfInteger(found.size, found.signed) : argumentType(argument.type)
  const wire = staticWire(found, argument.index, facts.architecture)
  if (type === undefined || wire === undefined) {
    report.error([...path, 'index'], `Cannot read argument ${argument.index}: ${found.size} bytes in ${found.kind}`)
    return undefined
  }
  if (argument.sizeArgIndex > 0 || type.wire === ARGUMENT_TYPE.CHAR_IOVEC) {
    report.error(path, `${type.name} counted by another argument, which static probes do not do; want string`)
    return undefined
  }
  const user = type.pointer ? ARGUMENT_FLAG.USER : 0
  return finish(slot, type, { ...wire, flags: wire.flags | user })
}

/** What the address in an argument leads to: its type is what the policy calls it, out of btfPath. */
function resolved(
  slot: ArgumentSlot,
  found: Exclude<StaticArgument, { kind: 'unknown' }>,
  hook: UsdtHook,
  context: PolicyContext,
  facts: PlanFacts,
): ReadArgument | undefined {
  const { report } = context
  const { argument, path } = slot
  const wire = staticWire({ ...found, signed: false }, argument.index, facts.architecture)
  if (found.kind === 'constant' || wire === undefined) {
    report.error([...path, 'resolve'], `Argument ${argument.index} is no address: ${found.size} bytes in ${found.kind}`)
    return undefined
  }
  const types = hook.btfPath === '' ? null : facts.fileTypes(hook.btfPath) ?? null
  if (types === null && argument.btfTypeModule === '') {
    const why = hook.btfPath === '' ? 'a static probe tells no types, say btfPath' : `no BTF in ${quote(hook.btfPath)}`
    report.error([...path, 'resolve'], `Cannot resolve ${quote(argument.resolve)}: ${why}`)
    return undefined
  }
  const values = { facts, types, parameters: null, parameters_max: 0, returns: null, user: true, registers: true }
  const read = planResolve(slot, wire, null, { ...values, name: hook.name }, report)
  if (read === undefined || found.kind === 'register') return read
  // The first step is how far from the register the argument itself stands.
  const steps = [...wire.steps, ...read.wire.steps]
  if (steps.length <= RESOLVE_STEPS_MAX) return { ...read, wire: { ...read.wire, steps, step_count: steps.length } }
  report.error(
    [...path, 'resolve'],
    `Cannot resolve ${quote(argument.resolve)}: more than ${RESOLVE_STEPS_MAX - 1} steps`,
  )
  return undefined
}

function staticWire(
  found: Exclude<StaticArgument, { kind: 'unknown' }>,
  index: number,
  architecture: string,
): HookArgument | undefined {
  const flags = found.signed ? ARGUMENT_FLAG.SIGNED : 0
  const base: HookArgument = { ...EMPTY_ARGUMENT, index, flags, size: found.size }
  if (found.kind === 'constant') {
    const value = BigInt.asUintN(64, found.value)
    const step = { offset: Number(value & 0xffffffffn), deref: Number(value >> 32n) }
    return { ...base, source: ARGUMENT_SOURCE.CONSTANT, step_count: 1, steps: [step] }
  }
  const register = findRegister(found.register, architecture)
  if (register === undefined) return undefined
  if (found.kind === 'register') return { ...base, source: ARGUMENT_SOURCE.REGISTER, offset: register.offset }
  let scaled = 0
  if (found.index !== undefined) {
    const second = findRegister(found.index.register, architecture)
    if (second === undefined) return undefined
    scaled = found.index.scale << 16 | second.offset
  }
  const step = { offset: found.displacement >>> 0, deref: scaled }
  return { ...base, source: ARGUMENT_SOURCE.MEMORY, offset: register.offset, step_count: 1, steps: [step] }
}

function checkSet(hook: UsdtHook, probe: StaticProbe, { report }: PolicyContext, path: Path): void {
  hook.selectors.forEach((selector, s) =>
    selector.matchActions.forEach((action, a) => {
      if (action.action !== 'Set') return
      const found = probe.arguments[action.argIndex]
      if (found?.kind === 'memory' && found.size === SET_BYTES) return
      const at = [...path, 'selectors', s, 'matchActions', a, 'argIndex']
      report.error(
        at,
        `Set writes ${SET_BYTES} bytes of memory: argument ${action.argIndex} is ${
          found === undefined ? 'not there' : `in ${found.kind}`
        }`,
      )
    })
  )
}
