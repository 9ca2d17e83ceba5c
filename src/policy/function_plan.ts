// kprobes and fentries into hook plans.
import { ACTION_FLAG, ACTION_KIND, ARGUMENT_FLAG, FILTER_KIND, HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { COMPAT_BIT } from '../kernel/syscall.ts'
import { planArgument, type ReadArgument } from './argument_plan.ts'
import { assemble, type Attachment, type HookLook } from './assemble.ts'
import {
  chooseAttach,
  chooseObserving,
  type FunctionAttach,
  type FunctionNeeds,
  type FunctionTarget,
} from './attach.ts'
import { companionOf } from './companion.ts'
import { type HookDraft, newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import { inferSyscallText } from './infer.ts'
import type { Attach, HookPlan, ProgramPlan } from './plan_type.ts'
import { optionFlag, optionValue } from './option.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import { findTargets } from './target.ts'
import type { FunctionHook, PolicySpec } from './type.ts'

/** Programs of one hook when the kernel cannot attach one program to many functions. */
const SINGLE_PROGRAMS_MAX = 128
const SYSCALL_PARAMETERS_MAX = 6
/** Parameters that kprobes find in registers. */
const KPROBE_PARAMETERS_MAX = 6

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
  const needs = needsOf(hook, look.spec)
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
      report.error([...path, 'call'], `Cannot attach ${kind} ${quote(target.symbol)}: ${how}`)
      return []
    }
    return planOne(hook, kind, target, how, context, facts, look, path)
  })
}

function needsOf(hook: FunctionHook, spec: PolicySpec): FunctionNeeds {
  const names = hook.selectors.flatMap((selector) => selector.matchActions.map((action) => action.action))
  const method = optionValue(spec.options, 'override-method')
  return {
    override: names.includes('Override'),
    kill: names.includes('Sigkill'),
    registers: hook.data.some((argument) => argument.source === 'pt_regs'),
    method: method === 'fmod-ret' || method === 'override-return' ? method : undefined,
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
  const companion = companionOf(plan, target, facts)
  if (typeof companion !== 'string') return [{ ...plan, verdict: 'prevents' }, companion]
  context.report.warn(
    path,
    `tcp_connect cannot refuse, and no other hook can in its place (${companion}): the connection may still be made`,
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
      parameters_max: syscall !== undefined ? SYSCALL_PARAMETERS_MAX : KPROBE_PARAMETERS_MAX,
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
function inferSyscall(name: string, index: number, facts: PlanFacts) {
  const fields = facts.tracepoint('syscalls', `sys_enter_${name}`)?.filter((field) => field.offset >= 16)
  const field = fields?.[index]
  return field === undefined ? undefined : inferSyscallText(field.type)
}

/** Programs and flags for one function. */
function attachmentOf(
  hook: FunctionHook,
  target: FunctionTarget,
  how: FunctionAttach,
  draft: HookDraft,
  read: readonly ReadArgument[],
): Attachment {
  const { symbol, syscall, module, prototype } = target
  const syscall_flag = syscall === undefined ? 0 : HOOK_FLAG.SYSCALL
  const track = hook.returnArgAction === 'TrackSock'
    ? HOOK_FLAG.RETURN_TRACKSOCK
    : hook.returnArgAction === 'UntrackSock'
    ? HOOK_FLAG.RETURN_UNTRACKSOCK
    : 0
  const wants_return = hasReturn(hook, read)
  const common = {
    reason: how.reason,
    names: [symbol],
    result_index: syscall === undefined ? prototype?.parameters.length ?? 0 : 1,
    ...(syscall === undefined ? {} : { syscall_id: syscall.number }),
  }
  const flags = syscall_flag | (wants_return ? HOOK_FLAG.RETURN | track : 0)
  const on = (kind: 'fentry' | 'fexit' | 'fmod_ret'): Attach => ({
    kind,
    function: symbol,
    ...(module === '' ? {} : { module }),
  })
  switch (how.kind) {
    case 'fentry':
      if (wants_return && canReadAtExit(target, draft, read)) {
        const reason = `${how.reason}; fexit alone has arguments and result in one program`
        const programs: ProgramPlan[] = [{ program: 'hook_fexit', attach: on('fexit'), half: 'both' }]
        return { ...common, family: 'trampoline', reason, programs, flags: flags | HOOK_FLAG.RETURN_ONLY }
      }
      return {
        ...common,
        family: 'trampoline',
        programs: halves('hook_fentry', on('fentry'), 'hook_fexit', on('fexit'), wants_return),
        flags,
      }
    case 'fmod_ret':
      return {
        ...common,
        family: 'trampoline',
        programs: halves('hook_fmod_ret', on('fmod_ret'), 'hook_fexit', on('fexit'), wants_return),
        flags: flags | HOOK_FLAG.CAN_REFUSE,
      }
    case 'lsm':
      return {
        ...common,
        family: 'lsm',
        programs: [{ program: 'hook_lsm', attach: { kind: 'lsm', hook: how.hook }, half: 'entry' }],
        flags: syscall_flag | HOOK_FLAG.CAN_REFUSE,
      }
    case 'kprobe':
    case 'kprobe_override': {
      const functions = [symbol]
      const programs = halves('hook_kprobe', { kind: 'kprobe', functions }, 'hook_kretprobe', {
        kind: 'kretprobe',
        functions,
      }, wants_return)
      return {
        ...common,
        family: 'kprobe',
        programs,
        flags: flags | (how.kind === 'kprobe' ? 0 : HOOK_FLAG.CAN_REFUSE),
      }
    }
    case 'sys_enter':
      return {
        ...common,
        family: 'syscall',
        programs: halves('hook_sys_enter', { kind: 'sys_enter' }, 'hook_sys_exit', { kind: 'sys_exit' }, wants_return),
        flags: flags | (syscall?.abi === 'i386' ? HOOK_FLAG.COMPAT : 0),
      }
  }
}

function halves(entry: string, on_entry: Attach, exit: string, on_exit: Attach, both: boolean): ProgramPlan[] {
  const first: ProgramPlan = { program: entry, attach: on_entry, half: 'entry' }
  return both ? [first, { program: exit, attach: on_exit, half: 'return' }] : [first]
}

/** `returnArg` alone does not ask for the return value: `return` does (Tetragon's security_bprm_check example). */
function hasReturn(hook: FunctionHook, read: readonly ReadArgument[]): boolean {
  return hook.return || read.some((argument) => argument.slot.argument.returnCopy)
}

/** Pointers that the caller of these functions still holds when they return. */
const HELD = /^(security_|vfs_)/

/** House rule: arguments are read behind the function only where they cannot have changed by then. */
function canReadAtExit(target: FunctionTarget, draft: HookDraft, read: readonly ReadArgument[]): boolean {
  const steady = read.every(({ type, wire }) => {
    if ((wire.flags & ARGUMENT_FLAG.AT_RETURN) !== 0 || type.name === 'nop') return true
    if (!type.pointer && wire.step_count === 0 && type.name !== 'fd') return true
    return target.syscall === undefined && HELD.test(target.symbol) && wire.step_count === 0 && type.name !== 'cred'
  })
  const CHANGES: readonly number[] = [
    FILTER_KIND.NAMESPACE,
    FILTER_KIND.NAMESPACE_CHANGE,
    FILTER_KIND.CAPABILITY,
    FILTER_KIND.CAPABILITY_CHANGE,
  ]
  const STACK = ACTION_FLAG.KERNEL_STACK | ACTION_FLAG.USER_STACK
  return steady && !draft.filters.some((filter) => CHANGES.includes(filter.kind)) &&
    draft.actions.every(({ kind, flags }) =>
      (kind === ACTION_KIND.POST || kind === ACTION_KIND.NOPOST || (flags & ACTION_FLAG.AT_RETURN) !== 0) &&
      (flags & STACK) === 0
    )
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
        const one = chooseAttach(target, needsOf(hook, look.spec), facts)
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

interface ManyAttach {
  readonly kind: 'kprobe.multi' | 'kprobe' | 'sys_enter' | 'each'
  readonly reason: string
}

function chooseMany(group: readonly FunctionTarget[], facts: PlanFacts, no_multi: boolean): ManyAttach | string {
  const { attach, version } = facts
  const count = `${group.length} functions`
  const why = no_multi ? 'disable-kprobe-multi is set' : attach.kprobe_multi.reason
  if (attach.kprobe_multi.works && !no_multi) {
    return { kind: 'kprobe.multi', reason: `kprobe.multi attaches ${count} in one call` }
  }
  if (group.every((target) => target.syscall !== undefined) && attach.raw_tp.works) {
    return {
      kind: 'sys_enter',
      reason: `no kprobe.multi: ${why}; one raw_tp/sys_enter filters ${group.length} system calls by number`,
    }
  }
  const cookies = version[0] > 5 || (version[0] === 5 && version[1] >= 15)
  if (attach.kprobe.works && cookies) {
    return { kind: 'kprobe', reason: `no kprobe.multi: ${why}; one kprobe for each of ${count}` }
  }
  if (group.length > SINGLE_PROGRAMS_MAX) {
    return `${count}, each with a program of its own here (${why}), at most ${SINGLE_PROGRAMS_MAX}`
  }
  return { kind: 'each', reason: why }
}

function manyAttachment(
  hook: FunctionHook,
  group: readonly FunctionTarget[],
  how: ManyAttach,
  read: readonly ReadArgument[],
): Attachment {
  const functions = group.map((target) => target.symbol)
  const wants_return = hasReturn(hook, read)
  const syscall = group[0]!.syscall !== undefined
  const flags = (syscall ? HOOK_FLAG.SYSCALL : 0) | (wants_return ? HOOK_FLAG.RETURN : 0)
  if (how.kind === 'sys_enter') {
    const numbers = group.map(({ syscall }) => BigInt(syscall!.number + (syscall!.abi === 'i386' ? COMPAT_BIT : 0)))
    const compat = group.some((target) => target.syscall?.abi === 'i386') ? HOOK_FLAG.COMPAT : 0
    return {
      family: 'syscall',
      reason: how.reason,
      programs: halves('hook_sys_enter', { kind: 'sys_enter' }, 'hook_sys_exit', { kind: 'sys_exit' }, wants_return),
      names: functions,
      flags: flags | compat,
      syscall_numbers: numbers,
    }
  }
  const multi = how.kind === 'kprobe.multi'
  return {
    family: 'kprobe',
    reason: how.reason,
    programs: multi
      ? halves('hook_kprobe_multi', { kind: 'kprobe.multi', functions }, 'hook_kretprobe_multi', {
        kind: 'kretprobe.multi',
        functions,
      }, wants_return)
      : halves(
        'hook_kprobe',
        { kind: 'kprobe', functions },
        'hook_kretprobe',
        { kind: 'kretprobe', functions },
        wants_return,
      ),
    names: functions,
    flags: flags | HOOK_FLAG.COOKIE,
  }
}
