// Which way a function is hooked: the cheapest one that this kernel allows and that does the job, and why.
import type { SyscallTarget } from '../kernel/syscall.ts'
import { hookOfFunction } from './effect.ts'
import type { KernelFunction, PlanFacts, TypeTable } from './facts_type.ts'

export interface FunctionTarget {
  readonly symbol: string
  readonly syscall: SyscallTarget | undefined
  readonly types: TypeTable | null
  /** Null where BTF does not have it. */
  readonly prototype: KernelFunction | null
  /** Module whose BTF has it; '' for the kernel itself. */
  readonly module: string
}

export interface FunctionNeeds {
  /** An Override action: the hook must be able to refuse. */
  readonly override: boolean
  /** A Sigkill action: refuse as well where that is possible. */
  readonly kill: boolean
  readonly registers: boolean
  /** The event tells the result, which an LSM program does not see. */
  readonly returns: boolean
  readonly method: 'fmod-ret' | 'override-return' | undefined
  /** Written in `fentries`, not in `kprobes`. */
  readonly as_fentry: boolean
  /** `disable-kprobe-multi` is set. */
  readonly no_multi: boolean
}

export type FunctionAttach =
  | {
    readonly kind: 'fentry' | 'fmod_ret' | 'kprobe' | 'kprobe.multi' | 'kprobe_override' | 'sys_enter'
    readonly reason: string
  }
  | { readonly kind: 'lsm'; readonly hook: string; readonly reason: string }

/** Arguments that a trampoline passes in registers on x86-64; more of them need 6.7 and later. */
const TRAMPOLINE_PARAMETERS_MAX = 6

/** A text: why none works. */
export function chooseAttach(target: FunctionTarget, needs: FunctionNeeds, facts: PlanFacts): FunctionAttach | string {
  if (needs.override || needs.kill) {
    const refusing = chooseRefusing(target, needs, facts)
    if (typeof refusing !== 'string') return refusing
    if (needs.override) return refusing
  }
  return chooseObserving(target, needs, facts)
}

/** The same, for who only watches. */
export function chooseObserving(
  target: FunctionTarget,
  needs: FunctionNeeds,
  facts: PlanFacts,
): FunctionAttach | string {
  const { attach } = facts
  if (needs.registers) {
    if (attach.kprobe.works) return { kind: 'kprobe', reason: 'source pt_regs needs a kprobe' }
    return `source pt_regs needs a kprobe: ${attach.kprobe.reason}`
  }
  const why_not = whyNotTrampoline(target, facts)
  if (why_not === '') {
    return chooseUnskipped(needs, facts) ?? { kind: 'fentry', reason: 'fentry is the cheapest way to a function' }
  }
  if (attach.kprobe.works && facts.traceable(target.symbol) !== false) {
    return { kind: 'kprobe', reason: `no fentry: ${why_not}` }
  }
  const no_kprobe = attach.kprobe.works ? `${target.symbol} cannot be traced` : attach.kprobe.reason
  if (target.syscall !== undefined && attach.raw_tp.works) {
    return {
      kind: 'sys_enter',
      reason: `no fentry: ${why_not}; no kprobe: ${no_kprobe}; system calls can be seen in raw_tp/sys_enter`,
    }
  }
  return `fentry: ${why_not}; kprobe: ${no_kprobe}`
}

/** Where the kernel preempts programs of trampolines, and so skips some runs, kprobes miss none: nothing preempts them. */
function chooseUnskipped(needs: FunctionNeeds, facts: PlanFacts): FunctionAttach | undefined {
  const { attach, preempts } = facts
  const { returns, as_fentry, no_multi } = needs
  if (!preempts || as_fentry) return undefined
  const reason = 'this kernel preempts fentry programs, and skips some runs then'
  if (returns) return seesResults(needs, facts) ? { kind: 'kprobe.multi', reason } : undefined
  if (attach.kprobe_multi.works && !no_multi) return { kind: 'kprobe.multi', reason }
  return attach.kprobe.works ? { kind: 'kprobe', reason } : undefined
}

/**
 * Whether kretprobe.multi is what sees results best: where the kernel preempts, from 6.14 on. Before, it holds few calls at a
 * time, which long ones use up.
 */
function seesResults({ no_multi }: FunctionNeeds, { attach, preempts, version: [major, minor] }: PlanFacts): boolean {
  return preempts && attach.kprobe_multi.works && !no_multi && (major > 6 || (major === 6 && minor >= 14))
}

/** '' where fentry works. */
function whyNotTrampoline(target: FunctionTarget, facts: PlanFacts): string {
  const { symbol, prototype, types } = target
  if (!facts.attach.fentry.works) return facts.attach.fentry.reason
  if (target.module !== '' && !facts.module_trampolines.works) return facts.module_trampolines.reason
  if (prototype === null || types === null) return `${symbol} is not in BTF`
  if (facts.traceable(symbol) === false) return `${symbol} cannot be traced`
  if (facts.full_trampolines.has(symbol)) return whyFull(symbol)
  if (prototype.variadic) return `${symbol} takes a variable number of arguments`
  if (prototype.parameters.length > TRAMPOLINE_PARAMETERS_MAX) {
    return `${symbol} has ${prototype.parameters.length} parameters, at most ${TRAMPOLINE_PARAMETERS_MAX} fit registers`
  }
  const unknown = prototype.parameters.find(({ type }) => {
    const pointer = types.resolve(type)
    return pointer.kind === 'pointer' && types.resolve(pointer.to).kind === 'forward'
  })
  if (unknown !== undefined) return `BTF has no struct for parameter ${unknown.name || '0'} of ${symbol}`
  const value = passedByValue(target)
  return value === '' ? '' : `${symbol} passes a ${value} by value`
}

/** What the function takes or gives that does not fit a register, '' if all does. */
function passedByValue({ prototype, types }: FunctionTarget): string {
  if (prototype === null || types === null) return ''
  const kinds = [...prototype.parameters.map(({ type }) => type), prototype.returns].map((type) =>
    types.resolve(type).kind
  )
  return kinds.find((kind) => kind === 'struct' || kind === 'union' || kind === 'float') ?? ''
}

/** Why no program of a trampoline, which LSM hooks have as well, can refuse at this function; '' where one can. */
export function whyNotRefusing(target: FunctionTarget, { version: [major, minor] }: PlanFacts): string {
  const value = passedByValue(target)
  if (value === '' || major > 6 || (major === 6 && minor >= 1)) return ''
  return `${target.symbol} passes a ${value} by value, which programs that refuse take since 6.1`
}

function whyFull(symbol: string): string {
  return `the kernel takes no further program in the trampoline of ${symbol}`
}

function chooseRefusing(
  target: FunctionTarget,
  needs: FunctionNeeds,
  facts: PlanFacts,
): FunctionAttach | string {
  const { method, override, returns } = needs
  const { symbol, syscall, prototype } = target
  const { attach } = facts
  const why_not = whyNotRefusing(target, facts)
  if (why_not !== '') return why_not
  const security = symbol.startsWith('security_')
  const action = override ? 'Override' : 'Sigkill'
  if (!security && syscall === undefined) {
    if (attach.kprobe_override.works && override) {
      return { kind: 'kprobe_override', reason: 'bpf_override_return, if the kernel lists it for error injection' }
    }
    return `Override of ${symbol}: only system calls and security_ functions can be refused here; ${attach.kprobe_override.reason}`
  }
  const kernel_modify = security ? attach.fmod_ret : attach.syscall_fmod_ret
  const modify = facts.full_trampolines.has(symbol) ? { works: false, reason: whyFull(symbol) } : kernel_modify
  const in_btf = prototype !== null && returnsInt(target)
  const kprobe: FunctionAttach | undefined = attach.kprobe_override.works && override
    ? { kind: 'kprobe_override', reason: 'bpf_override_return' }
    : undefined
  if (method === 'override-return' && kprobe !== undefined) return kprobe
  // The kernel skips fmod_ret programs while another task of the CPU is in the middle of them, LSM programs never.
  const by_lsm = security && method !== 'fmod-ret' && attach.lsm.works && (!returns || seesResults(needs, facts))
  const hook = by_lsm ? lsmHookOf(target, facts) : undefined
  if (hook !== undefined) {
    const result = returns ? '; kretprobe.multi sees the result' : ''
    return { kind: 'lsm', hook, reason: `${action}: the BPF LSM hook ${hook} decides, and is never skipped${result}` }
  }
  if (modify.works && in_btf) {
    return {
      kind: 'fmod_ret',
      reason: security
        ? `${action}: fmod_ret decides before any security module does`
        : `${action}: the kernel allows fmod_ret on system calls`,
    }
  }
  if (kprobe !== undefined) return kprobe
  const no_modify = modify.works ? `${symbol} is not in BTF or does not return an int` : modify.reason
  const options = security
    ? 'CONFIG_BPF_LSM or trampolines'
    : 'CONFIG_FUNCTION_ERROR_INJECTION or CONFIG_BPF_KPROBE_OVERRIDE'
  return `${action} needs ${options}: fmod_ret: ${no_modify}; kprobe override: ${attach.kprobe_override.reason}`
}

/** The hook that this security_ function asks, if it is given the same arguments. */
function lsmHookOf({ symbol, types, prototype }: FunctionTarget, facts: PlanFacts): string | undefined {
  const name = hookOfFunction(symbol)
  const hook = facts.types?.findFunction(`bpf_lsm_${name}`)
  if (hook === undefined || prototype === null || types === null || types !== facts.types) return undefined
  const shape = ({ parameters }: KernelFunction) =>
    parameters.map(({ type }) => types.typeName(type).replaceAll('const ', '')).join()
  return shape(hook) === shape(prototype) ? name : undefined
}

function returnsInt({ types, prototype }: FunctionTarget): boolean {
  if (types === null || prototype === null) return false
  const type = types.resolve(prototype.returns)
  return type.kind === 'int' && type.size >= 4
}

export interface ManyAttach {
  readonly kind: 'kprobe.multi' | 'kprobe' | 'sys_enter' | 'each'
  readonly reason: string
}

export function chooseMany(group: readonly FunctionTarget[], facts: PlanFacts, no_multi: boolean): ManyAttach | string {
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

/** Programs of one hook when the kernel cannot attach one program to many functions. */
export const SINGLE_PROGRAMS_MAX = 128
