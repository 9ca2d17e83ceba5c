// enforcers into hook plans: programs on the named calls that do what NotifyEnforcer left for the thread.
import { HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { EMPTY_CONFIG } from './assemble.ts'
import { chooseAttach, type FunctionTarget } from './attach.ts'
import { type PolicyContext } from './draft.ts'
import { isProven } from './effect.ts'
import { type Path, quote } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import { optionValue } from './option.ts'
import type { HookPlan, ProgramPlan } from './plan_type.ts'
import { findTargets } from './target.ts'
import type { FunctionHook, PolicySpec } from './type.ts'

/** Calls of one policy, each with a program of its own. */
const ENFORCED_MAX = 1024

const NO_HOOK: Omit<FunctionHook, 'call' | 'syscall'> = {
  return: false,
  returnArg: null,
  returnArgAction: '',
  data: [],
  ignore: { callNotFound: false },
  message: '',
  tags: [],
  args: [],
  selectors: [],
}

export function planEnforcers(spec: PolicySpec, context: PolicyContext, facts: PlanFacts): HookPlan[] {
  const method = optionValue(spec.options, 'override-method')
  const needs = {
    override: true,
    kill: false,
    registers: false,
    returns: false,
    method: method === 'fmod-ret' || method === 'override-return' ? method : undefined,
    as_fentry: false,
    no_multi: true,
  } as const
  const found = new Map<string, { target: FunctionTarget; path: Path }>()
  spec.enforcers.forEach((enforcer, i) =>
    enforcer.calls.forEach((call, n) => {
      const path: Path = ['spec', 'enforcers', i, 'calls', n]
      const hook: FunctionHook = { ...NO_HOOK, call, syscall: !call.startsWith('security_') }
      for (const target of findTargets(hook, 'kprobe', spec.lists, facts, path, context.report)) {
        if (!found.has(target.symbol)) found.set(target.symbol, { target, path })
      }
    })
  )
  if (found.size > ENFORCED_MAX) {
    context.report.error(['spec', 'enforcers'], `${found.size} enforced functions, at most ${ENFORCED_MAX}`)
    return []
  }
  return [...found.values()].flatMap(({ target, path }) => {
    const how = chooseAttach(target, needs, facts)
    if (typeof how === 'string' || (how.kind !== 'fmod_ret' && how.kind !== 'kprobe_override' && how.kind !== 'lsm')) {
      context.report.error(
        path,
        `Cannot enforce ${quote(target.symbol)}: ${typeof how === 'string' ? how : how.reason}`,
      )
      return []
    }
    const program: ProgramPlan = how.kind === 'fmod_ret'
      ? { program: 'hook_enforcer_fmod_ret', attach: { kind: 'fmod_ret', function: target.symbol }, half: 'entry' }
      : how.kind === 'lsm'
      ? { program: 'hook_enforcer_lsm', attach: { kind: 'lsm', hook: how.hook }, half: 'entry' }
      : { program: 'hook_enforcer_kprobe', attach: { kind: 'kprobe', functions: [target.symbol] }, half: 'entry' }
    return [{
      family: 'enforcer',
      event: 'process_kprobe',
      reason: how.reason,
      programs: [program],
      config: { ...EMPTY_CONFIG, flags: HOOK_FLAG.CAN_REFUSE | (target.syscall === undefined ? 0 : HOOK_FLAG.SYSCALL) },
      sets: [],
      names: [target.symbol],
      arguments: [],
      message: '',
      tags: [],
      outbound: {},
      verdict: isProven(program.attach) ? 'prevents' : 'refuses',
      selector_labels: [],
      companion: false,
      digests: [],
    }]
  })
}
