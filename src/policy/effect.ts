// What a refusal does: hooks at which it is known that nothing happens, and what happens before a hook is asked.
import { ACTION_FLAG, ACTION_KIND, type HookAction } from '../../ffi/wire.gen.ts'
import type { PlanFacts } from './facts_type.ts'
import type { Attach, HookPlan } from './plan_type.ts'

export type Verdict = HookPlan['verdict']

/**
 * LSM hooks at which tests/kernel/effect.test.ts has tried the operation with and without a policy that refuses it, by
 * fmod_ret and by BPF LSM, and found that nothing had happened. That test fails for a row that it cannot show.
 */
export const PROVEN_HOOKS: ReadonlySet<string> = new Set([
  'bpf',
  'bprm_check_security',
  'bprm_creds_for_exec',
  'capable',
  'file_mprotect',
  'file_open',
  'file_permission',
  'file_truncate',
  'inode_create',
  'inode_link',
  'inode_mkdir',
  'inode_mknod',
  'inode_rename',
  'inode_rmdir',
  'inode_setattr',
  'inode_setxattr',
  'inode_symlink',
  'inode_unlink',
  'mmap_file',
  'move_mount',
  'path_chmod',
  'path_chown',
  'path_link',
  'path_mkdir',
  'path_mknod',
  'path_rename',
  'path_rmdir',
  'path_symlink',
  'path_truncate',
  'path_unlink',
  'ptrace_access_check',
  'sb_mount',
  'sb_umount',
  'socket_bind',
  'socket_connect',
  'socket_create',
  'socket_listen',
  'socket_sendmsg',
  'task_fix_setuid',
  'task_kill',
])

/** Where a security_ function is not named after its hook. */
const HOOK_NAMES: Readonly<Record<string, string>> = { bprm_check: 'bprm_check_security' }

/** LSM hook that `security_X` asks. */
export function hookOfFunction(symbol: string): string {
  const name = symbol.slice('security_'.length)
  return HOOK_NAMES[name] ?? name
}

/** Whether a refusal there is known to leave nothing done. fmod_ret on a system call runs in place of the call itself. */
export function isProven(attach: Attach): boolean {
  if (attach.kind === 'lsm') return PROVEN_HOOKS.has(attach.hook)
  if (attach.kind !== 'fmod_ret') return false
  if (!attach.function.startsWith('security_')) return true
  return PROVEN_HOOKS.has(hookOfFunction(attach.function))
}

/**
 * Kernels that preempt (by default since 7.0) skip a fmod_ret program that another task of the CPU is in the middle of
 * (tests/kernel/enforce_crowd.test.ts): some attempts of a crowd get through.
 */
function isSkipped({ programs }: HookPlan, { preempts }: PlanFacts): boolean {
  return preempts && programs.some(({ attach }) => attach.kind === 'fmod_ret')
}

/** Pure: the hook with no more than can be promised of it on that kernel. */
export function claimed(hook: HookPlan, facts: PlanFacts): HookPlan {
  return hook.verdict === 'prevents' && isSkipped(hook, facts) ? { ...hook, verdict: 'refuses' } : hook
}

export function skipWarnings(hooks: readonly HookPlan[], facts: PlanFacts): string[] {
  const names = hooks.filter((hook) => hook.verdict === 'prevents' && isSkipped(hook, facts)).flatMap((hook) =>
    hook.names
  )
  if (names.length === 0) return []
  return [
    `This kernel may skip what refuses at ${
      names.join(', ')
    } (fmod_ret) while many try at once; what is skipped is counted as lost`,
  ]
}

const SIGKILL = 9

export function verdictOf(actions: readonly HookAction[], can_refuse: boolean, proven: boolean): Verdict {
  const entry = actions.filter((action) => (action.flags & ACTION_FLAG.AT_RETURN) === 0)
  const kills = (action: HookAction) =>
    action.kind === ACTION_KIND.SIGKILL || (action.kind === ACTION_KIND.SIGNAL && action.signal === SIGKILL)
  const refuses = (action: HookAction) => action.kind === ACTION_KIND.OVERRIDE || action.kind === ACTION_KIND.SIGKILL
  if (can_refuse && entry.some(refuses)) return proven ? 'prevents' : 'refuses'
  return actions.some((action) => kills(action) || action.kind === ACTION_KIND.OVERRIDE) ? 'terminates' : 'observes'
}

/** A hook that notifies enforcers does what they do, if there is one at each call that it sees. */
export function withEnforcers(hooks: readonly HookPlan[]): HookPlan[] {
  const enforcers = hooks.filter(({ family }) => family === 'enforcer')
  const enforced = new Map(enforcers.flatMap(({ names, verdict }) => names.map((name) => [name, verdict])))
  return hooks.map((hook) => {
    const notifies = hook.config.actions.some(({ kind }) => kind === ACTION_KIND.NOTIFYENFORCER)
    if (!notifies || hook.verdict !== 'observes' || !hook.names.every((name) => enforced.has(name))) return { ...hook }
    return { ...hook, verdict: hook.names.every((name) => enforced.get(name) === 'prevents') ? 'prevents' : 'refuses' }
  })
}

/** Hooks that see a file's contents change, and not that it is truncated as it is opened. */
const AFTER_OPEN: ReadonlySet<string> = new Set(['file_permission'])
/** Hooks that are asked before a file is truncated. */
const BEFORE_TRUNCATION: ReadonlySet<string> = new Set(['file_open', 'path_truncate', 'inode_setattr'])
/** Functions that see a file only once it is open. */
const WRITERS: ReadonlySet<string> = new Set([
  'vfs_write',
  'vfs_writev',
  'fd_install',
  '__x64_sys_write',
  '__arm64_sys_write',
])

/** Warnings about effects that the plan's hooks come too late for. */
export function effectWarnings(hooks: readonly HookPlan[]): string[] {
  const enforcing = hooks.filter(({ verdict }) => verdict !== 'observes')
  const named = new Set(enforcing.flatMap(({ names }) => names.map(bareName)))
  const late = [...named].filter((name) => AFTER_OPEN.has(name) || WRITERS.has(name))
  const warnings = enforcing.filter(({ verdict }) => verdict === 'refuses').map(({ names }) =>
    `${names[0]} answers with an error; no test has compared what happens then, so it is not said to prevent`
  )
  if (late.length > 0 && ![...BEFORE_TRUNCATION].some((name) => named.has(name))) {
    warnings.push(
      `${late[0]} is not asked when a file is truncated as it is opened (a shell's ">"): ` +
        'only security_file_open or security_path_truncate can refuse that',
    )
  }
  return warnings
}

function bareName(name: string): string {
  return name.startsWith('security_') ? hookOfFunction(name) : name
}
