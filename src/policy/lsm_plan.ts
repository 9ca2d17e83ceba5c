// lsmhooks into hook plans.
import { ACTION_KIND, HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { planArgument } from './argument_plan.ts'
import { assemble, type HookLook } from './assemble.ts'
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
  const before = report.errors.length
  const read = slotsOf(hook, 'lsm', path, report).flatMap((slot) =>
    planArgument(slot, {
      facts,
      types,
      parameters: prototype?.parameters.map((parameter) => parameter.type) ?? null,
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
  return [assemble(draft, read, {
    family: 'lsm',
    reason: 'an LSM hook sees the operation where the kernel decides about it',
    programs: [{ program: 'hook_lsm', attach: { kind: 'lsm', hook: hook.hook }, half: 'entry' }],
    names: [hook.hook],
    flags: refuses ? HOOK_FLAG.CAN_REFUSE : 0,
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
