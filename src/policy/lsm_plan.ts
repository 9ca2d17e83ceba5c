// lsmhooks into hook plans.
import { ACTION_FLAG, ACTION_KIND, HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { planArgument } from './argument_plan.ts'
import { assemble, type HookLook } from './assemble.ts'
import { whyNotRefusing } from './attach.ts'
import { type HookDraft, newDraft, type PolicyContext } from './draft.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import type { HookPlan } from './plan_type.ts'
import { addSelectors } from './selector_plan.ts'
import { slotsOf } from './slot.ts'
import type { LsmHook } from './type.ts'

const PREFIX = 'bpf_lsm_'

export function planLsmHook(
  hook: LsmHook,
  context: PolicyContext,
  facts: PlanFacts,
  look: Omit<HookLook, 'message' | 'tags' | 'selectors' | 'event'>,
  path: Path,
): HookPlan[] {
  const { report } = context
  const { types } = facts
  const prototype = types?.findFunction(PREFIX + hook.hook)
  if (types !== null && prototype === undefined) {
    const hooks: string[] = []
    for (const name of types.functionNames()) if (name.startsWith(PREFIX)) hooks.push(name.slice(PREFIX.length))
    const close = hooks.length === 0
      ? 'this kernel has none (CONFIG_BPF_LSM)'
      : `closest is ${quote(nearest(hook.hook, hooks.sort()))}`
    report.error([...path, 'hook'], `Cannot attach LSM hook ${quote(hook.hook)}: not in kernel BTF, ${close}`)
    return []
  }
  if (!facts.attach.lsm.works) {
    report.error([...path, 'hook'], `Cannot attach LSM hook ${quote(hook.hook)}: ${facts.attach.lsm.reason}`)
    return []
  }
  const target = { symbol: hook.hook, syscall: undefined, types, prototype: prototype ?? null, module: '' }
  const why_not = whyNotRefusing(target, facts)
  if (why_not !== '') {
    report.error([...path, 'hook'], `Cannot attach LSM hook ${quote(hook.hook)}: ${why_not}`)
    return []
  }
  const before = report.errors.length
  const read = slotsOf(hook, 'lsm', path, report).flatMap((slot) =>
    planArgument(slot, {
      facts,
      types,
      parameters: prototype?.parameters.map((parameter) => parameter.type) ?? null,
      names: prototype?.parameters.map((parameter) => parameter.name) ?? [],
      parameters_max: 6,
      returns: null,
      user: false,
      name: hook.hook,
      registers: false,
    }, report) ?? []
  )
  if (report.errors.length > before) return []
  const draft = newDraft(context, 'lsm', path, read.map((argument) => argument.slot))
  addSelectors(draft, hook.selectors)
  if (report.errors.length > before) return []
  const returns = prototype === undefined || types === null ? undefined : types.resolve(prototype.returns)
  const refuses = returns === undefined || returns.kind === 'int'
  const overrides = hook.selectors.some((selector) =>
    selector.matchActions.some((action) => action.action === 'Override')
  )
  if (overrides && !refuses) {
    report.error([...path, 'hook'], `Override on LSM hook ${quote(hook.hook)}, which returns nothing`)
    return []
  }
  refuseByEperm(draft, path)
  const hash = hashProgram(draft, hook.hook, facts)
  if (report.errors.length > before) return []
  const reason = 'an LSM hook sees the operation where the kernel decides about it'
  return [assemble(draft, read, {
    family: 'lsm',
    reason: hash === null ? reason : `${reason}; a second, sleepable program reads the file for its hash`,
    programs: [
      { program: 'hook_lsm', attach: { kind: 'lsm', hook: hook.hook }, half: 'entry' },
      ...(hash === null ? [] : [{ program: hash, attach: { kind: 'lsm', hook: hook.hook }, half: 'return' } as const]),
    ],
    names: [hook.hook],
    flags: (refuses ? HOOK_FLAG.CAN_REFUSE : 0) | (hash === null ? 0 : HOOK_FLAG.HASHES),
    result_index: prototype?.parameters.length ?? 0,
  }, { ...look, event: 'process_lsm', message: hook.message, tags: hook.tags, selectors: hook.selectors })]
}

/** As Tetragon: whatever argError says, an LSM hook refuses with EPERM (seen on 6.12 with -13 and -111). */
function refuseByEperm(draft: HookDraft, path: Path): void {
  draft.actions.forEach((action, i) => {
    if (action.kind !== ACTION_KIND.OVERRIDE || action.error === EPERM) return
    draft.context.report.warn(
      path,
      `Override of an LSM hook returns -1 (EPERM) as in Tetragon, not argError ${action.error}`,
    )
    draft.actions[i] = { ...action, error: EPERM }
  })
}

const EPERM = -1

/** Hooks that may sleep and have the file, by the program that finds it in the first parameter. */
const HASHED: Readonly<Record<string, string>> = {
  bprm_check_security: 'hook_lsm_hash_bprm',
  bprm_committed_creds: 'hook_lsm_hash_bprm',
  bprm_committing_creds: 'hook_lsm_hash_bprm',
  bprm_creds_from_file: 'hook_lsm_hash_bprm',
  file_ioctl: 'hook_lsm_hash_file',
  file_lock: 'hook_lsm_hash_file',
  file_open: 'hook_lsm_hash_file',
  file_post_open: 'hook_lsm_hash_file',
  file_receive: 'hook_lsm_hash_file',
  mmap_file: 'hook_lsm_hash_file',
}

/** Null: nothing asks for hashes, or the hook has no file (with a warning). */
function hashProgram(draft: HookDraft, hook: string, facts: PlanFacts): string | null {
  if (!draft.actions.some(({ flags }) => (flags & ACTION_FLAG.IMA_HASH) !== 0)) return null
  const { report } = draft.context
  const program = HASHED[hook]
  if (program === undefined) {
    report.warn(
      draft.path,
      `imaHash in LSM hook ${quote(hook)}: its events have no hash, which works in ${Object.keys(HASHED).join(', ')}`,
    )
    return null
  }
  const lacks = (name: string) => facts.types !== null && facts.types.findFunction(name) === undefined
  if (lacks('bpf_ima_file_hash')) {
    report.error(draft.path, `imaHash needs bpf_ima_file_hash, which kernels from 5.18 on have, not ${facts.release}`)
  } else if (lacks('ima_file_hash')) {
    report.error(draft.path, 'imaHash: this kernel has no IMA (CONFIG_IMA)')
  }
  return program
}
