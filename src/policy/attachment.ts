// Programs, halves and flags of function hooks, once it is known how they are attached.
import { ACTION_FLAG, ACTION_KIND, ARGUMENT_FLAG, FILTER_KIND, HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { COMPAT_BIT, type SyscallTarget } from '../kernel/syscall.ts'
import type { ReadArgument } from './argument_plan.ts'
import type { Attachment } from './assemble.ts'
import type { FunctionAttach, FunctionTarget, ManyAttach } from './attach.ts'
import type { HookDraft } from './draft.ts'
import type { Attach, ProgramPlan } from './plan_type.ts'
import type { FunctionHook } from './type.ts'

/** Programs and flags for one function. */
export function attachmentOf(
  hook: FunctionHook,
  target: FunctionTarget,
  how: FunctionAttach,
  draft: HookDraft,
  read: readonly ReadArgument[],
): Attachment {
  const { symbol, syscall, module, prototype } = target
  const syscall_flag = syscallFlags(syscall === undefined ? [] : [syscall])
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
    ...(syscall === undefined ? {} : { syscall_id: syscallId(syscall) }),
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
        programs: halves('hook_lsm', { kind: 'lsm', hook: how.hook }, 'hook_lsm_return', {
          kind: 'kretprobe.multi',
          functions: [symbol],
        }, wants_return),
        flags: flags | HOOK_FLAG.CAN_REFUSE,
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
    case 'kprobe.multi':
      return { ...common, family: 'kprobe', programs: multiHalves([symbol], wants_return), flags }
    case 'sys_enter':
      return {
        ...common,
        family: 'syscall',
        programs: halves('hook_sys_enter', { kind: 'sys_enter' }, 'hook_sys_exit', { kind: 'sys_exit' }, wants_return),
        flags,
      }
  }
}

/** As the kernel's half has it: 32-bit calls have other numbers, and parameters in other registers. */
function syscallId({ abi, number }: SyscallTarget): number {
  return abi === 'i386' ? number + COMPAT_BIT : number
}

function syscallFlags(syscalls: readonly SyscallTarget[]): number {
  if (syscalls.length === 0) return 0
  return HOOK_FLAG.SYSCALL | (syscalls.some(({ abi }) => abi === 'i386') ? HOOK_FLAG.COMPAT : 0)
}

function halves(entry: string, on_entry: Attach, exit: string, on_exit: Attach, both: boolean): ProgramPlan[] {
  const first: ProgramPlan = { program: entry, attach: on_entry, half: 'entry' }
  return both ? [first, { program: exit, attach: on_exit, half: 'return' }] : [first]
}

function multiHalves(functions: readonly string[], both: boolean): ProgramPlan[] {
  const exit: Attach = { kind: 'kretprobe.multi', functions }
  return halves('hook_kprobe_multi', { kind: 'kprobe.multi', functions }, 'hook_kretprobe_multi', exit, both)
}

function hasReturn(hook: FunctionHook, read: readonly ReadArgument[]): boolean {
  return hook.return || read.some((argument) => argument.slot.argument.returnCopy)
}

/**
 * These change nothing of what their pointers lead to, and their caller still holds it when they return. Not vfs_*: a dentry
 * has its file afterwards or has it no more, a buffer is filled, and writing takes the setuid bit away.
 */
const HELD = /^security_/

/** Their pt_regs are those of another program, or of another point in it, when they return. */
const NEW_REGISTERS: ReadonlySet<string> = new Set(['execve', 'execveat', 'rt_sigreturn'])

/** House rule: arguments are read behind the function only where they cannot have changed by then. */
function canReadAtExit(target: FunctionTarget, draft: HookDraft, read: readonly ReadArgument[]): boolean {
  if (target.syscall !== undefined && NEW_REGISTERS.has(target.syscall.name)) return false
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
export function manyAttachment(
  hook: FunctionHook,
  group: readonly FunctionTarget[],
  how: ManyAttach,
  read: readonly ReadArgument[],
): Attachment {
  const functions = group.map((target) => target.symbol)
  const wants_return = hasReturn(hook, read)
  const syscalls = group.flatMap(({ syscall }) => syscall ?? [])
  const flags = syscallFlags(syscalls) | (wants_return ? HOOK_FLAG.RETURN : 0)
  if (how.kind === 'sys_enter') {
    return {
      family: 'syscall',
      reason: how.reason,
      programs: halves('hook_sys_enter', { kind: 'sys_enter' }, 'hook_sys_exit', { kind: 'sys_exit' }, wants_return),
      names: functions,
      flags,
      syscall_numbers: syscalls.map((syscall) => BigInt(syscallId(syscall))),
    }
  }
  const multi = how.kind === 'kprobe.multi'
  return {
    family: 'kprobe',
    reason: how.reason,
    programs: multi ? multiHalves(functions, wants_return) : halves(
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
