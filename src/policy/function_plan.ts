// kprobes and fentries into hook plans.
import type { SyscallTarget } from '../kernel/syscall.ts'
import { planArgument, type ReadArgument } from './argument_plan.ts'
import { assemble, type HookLook } from './assemble.ts'
import {
  chooseAttach,
  chooseMany,
  chooseObserving,
  type FunctionAttach,
  type FunctionNeeds,
  type FunctionTarget,
  SINGLE_PROGRAMS_MAX,
  whyNotRefusing,
} from './attach.ts'
import { attachmentOf, manyAttachment } from './attachment.ts'
import { companionsOf } from './companion.ts'
import { type HookDraft, newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import { inferSyscallText } from './infer.ts'
import type { HookPlan } from './plan_type.ts'
import { optionFlag, optionValue } from './option.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import { findTargets } from './target.ts'
import type { FunctionHook, PolicySpec } from './type.ts'

/** Parameters of a system call, and those that kprobes find in registers. */
const PARAMETERS_MAX = 6

export interface FunctionLook extends Omit<HookLook, 'message' | 'tags' | 'selectors' | 'event'> {
  readonly spec: PolicySpec
}

export function planFunctionHook(
  hook: FunctionHook,
  kind: 'kprobe' | 'fentry',
  context: PolicyContext,
  facts: PlanFacts,
  look: FunctionLook,
  path: Path,
): HookPlan[] {
  const { report } = context
  const targets = findTargets(hook, kind, look.spec.lists, facts, path, report)
  if (targets.length === 0) return []
  const needs = needsOf(hook, kind, look.spec)
  if (targets.length > 1 && !needs.override && !needs.kill && kind === 'kprobe') {
    return planMany(hook, targets, context, facts, look, path)
  }
  if (targets.length > SINGLE_PROGRAMS_MAX) {
    report.error(
      [...path, 'call'],
      `${targets.length} functions, each with a program of its own here, at most ${SINGLE_PROGRAMS_MAX}`,
    )
    return []
  }
  return targets.flatMap((target) => {
    const how = kind === 'fentry' ? chooseObserving(target, needs, facts) : chooseAttach(target, needs, facts)
    if (typeof how === 'string') {
      const message = `Cannot attach ${kind} ${quote(target.symbol)}: ${how}`
      if (!hook.ignore.callNotFound || whyNotRefusing(target, facts) === '') report.error([...path, 'call'], message)
      else report.warn([...path, 'call'], `${message}: hook left out, as callNotFound says`)
      return []
    }
    return planOne(hook, kind, target, how, context, facts, look, path)
  })
}

function needsOf(hook: FunctionHook, kind: 'kprobe' | 'fentry', spec: PolicySpec): FunctionNeeds {
  const names = hook.selectors.flatMap((selector) => selector.matchActions.map((action) => action.action))
  const method = optionValue(spec.options, 'override-method')
  return {
    override: names.includes('Override'),
    kill: names.includes('Sigkill'),
    returns: hook.return || hook.args.some((argument) => argument.returnCopy),
    registers: hook.data.some((argument) => argument.source === 'pt_regs'),
    method: method === 'fmod-ret' || method === 'override-return' ? method : undefined,
    as_fentry: kind === 'fentry',
    no_multi: optionFlag(spec.options, 'disable-kprobe-multi'),
  }
}

function planOne(
  hook: FunctionHook,
  kind: 'kprobe' | 'fentry',
  target: FunctionTarget,
  how: FunctionAttach,
  context: PolicyContext,
  facts: PlanFacts,
  look: FunctionLook,
  path: Path,
): HookPlan[] {
  const built = buildDraft(hook, kind, target, how.kind, context, facts, path)
  if (built === undefined) return []
  const { draft, read } = built
  const attachment = attachmentOf(hook, target, how, draft, read)
  const plan = assemble(draft, read, attachment, { ...look, ...looksOf(hook) })
  if (target.symbol !== 'tcp_connect' || plan.verdict !== 'terminates') {
    if (plan.verdict === 'terminates') {
      context.report.warn(
        path,
        `${target.symbol} cannot refuse here: Sigkill ends the process, what it asked for may still happen`,
      )
    }
    return [plan]
  }
  const companions = companionsOf(plan, target, facts)
  if (typeof companions !== 'string') return [{ ...plan, verdict: 'prevents' }, ...companions]
  context.report.warn(
    path,
    `tcp_connect cannot refuse, and no other hook can in its place (${companions}): the connection may still be made`,
  )
  return [plan]
}

function looksOf(hook: FunctionHook): Pick<HookLook, 'event' | 'message' | 'tags' | 'selectors'> {
  return { event: 'process_kprobe', message: hook.message, tags: hook.tags, selectors: hook.selectors }
}

function buildDraft(
  hook: FunctionHook,
  kind: 'kprobe' | 'fentry',
  target: FunctionTarget,
  attach: FunctionAttach['kind'] | 'multi',
  context: PolicyContext,
  facts: PlanFacts,
  path: Path,
): { draft: HookDraft; read: ReadArgument[] } | undefined {
  const { syscall, prototype, types, symbol } = target
  const before = context.report.errors.length
  const slots = slotsOf(hook, kind, path, context.report)
  const read = slots.flatMap((slot) =>
    planArgument(slot, {
      facts,
      types,
      parameters: syscall !== undefined ? null : prototype?.parameters.map((parameter) => parameter.type) ?? null,
      names: (syscall === undefined ? prototype?.parameters : syscallFields(syscall.name, facts))?.map(({ name }) =>
        name
      ) ??
        [],
      parameters_max: syscall === undefined || hook.call.startsWith('list:')
        ? PARAMETERS_MAX
        : syscallParameters(syscall, facts),
      returns: syscall !== undefined ? null : prototype?.returns ?? null,
      user: syscall !== undefined,
      ...(syscall === undefined ? {} : { infer: (index: number) => inferSyscall(syscall.name, index, facts) }),
      name: symbol,
      registers: attach === 'kprobe' || attach === 'multi',
    }, context.report) ?? []
  )
  if (context.report.errors.length > before || read.length < slots.length) return undefined
  const draft = newDraft(context, kind, path, read.map((argument) => argument.slot))
  addSelectors(draft, hook.selectors)
  return context.report.errors.length > before ? undefined : { draft, read }
}

/** From the tracepoint of the system call: names and types of its arguments as its source has them. */
function syscallFields(name: string, facts: PlanFacts) {
  return facts.tracepoint('syscalls', `sys_enter_${name}`)?.filter((field) => field.offset >= 16)
}

/** Calls of another ABI may have halves of a number as two parameters. */
function syscallParameters({ name, abi }: SyscallTarget, facts: PlanFacts): number {
  const fields = abi === facts.architecture ? syscallFields(name, facts) : undefined
  return fields?.length ?? PARAMETERS_MAX
}

function inferSyscall(name: string, index: number, facts: PlanFacts) {
  const field = syscallFields(name, facts)?.[index]
  return field === undefined ? undefined : inferSyscallText(field.type)
}

/** One program on many functions. */
function planMany(
  hook: FunctionHook,
  targets: readonly FunctionTarget[],
  context: PolicyContext,
  facts: PlanFacts,
  look: FunctionLook,
  path: Path,
): HookPlan[] {
  const { report } = context
  const calls = targets.filter((target) => target.syscall !== undefined)
  const groups = [calls, targets.filter((target) => target.syscall === undefined)].filter((group) => group.length > 0)
  return groups.flatMap((group) => {
    const how = chooseMany(group, facts, optionFlag(look.spec.options, 'disable-kprobe-multi'))
    if (typeof how === 'string') {
      report.error([...path, 'call'], `Cannot attach ${quote(hook.call)}: ${how}`)
      return []
    }
    if (how.kind === 'each') {
      return group.flatMap((target) => {
        const one = chooseAttach(target, needsOf(hook, 'kprobe', look.spec), facts)
        if (typeof one !== 'string') return planOne(hook, 'kprobe', target, one, context, facts, look, path)
        report.error([...path, 'call'], `Cannot attach kprobe ${quote(target.symbol)}: ${one}`)
        return []
      })
    }
    // Prototypes differ: arguments are checked against the first, and warnings about it would mislead.
    const built = buildDraft(
      hook,
      'kprobe',
      { ...group[0]!, ...(group.length > 1 ? { prototype: null } : {}) },
      'multi',
      context,
      facts,
      path,
    )
    if (built === undefined) return []
    return [
      assemble(built.draft, built.read, manyAttachment(hook, group, how, built.read), { ...look, ...looksOf(hook) }),
    ]
  })
}
