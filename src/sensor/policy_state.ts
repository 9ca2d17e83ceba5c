// What the API shows of a loaded policy: state, hooks and their counters.
import type { HookCounters } from '../../ffi/wire.gen.ts'
import type { HookPlan, Plan, ProgramPlan } from '../policy/plan_type.ts'
import { type Runs, runsOf, sumCounters } from './hook_counts.ts'
import type { LoadedHook, Sensor } from './load.ts'
import type { LoadedPolicy } from './registry.ts'

/** Names as Tetragon's TracingPolicyState. */
export function policyState({ plan, source, sensor, mode, enabled, loaded_at, not_kept }: LoadedPolicy): unknown {
  const hooks = sensor.hooks.map((hook) => hookState(sensor, hook))
  const cost = hooks.reduce((sum, hook) => addRuns(sum, hook.programs), NO_RUNS)
  const total = (name: keyof HookCounters) => hooks.reduce((sum, hook) => sum + hook.counters[name], 0)
  return {
    name: plan.name,
    namespace: plan.namespace,
    state: enabled ? 'enabled' : 'disabled',
    mode: plan.enforcing ? mode : 'monitor_only',
    verdict: verdictOf(plan),
    source,
    loaded_at,
    load_ms: Math.round(sensor.load_ms),
    hits: total('hits'),
    posted: total('posted'),
    suppressed: total('suppressed'),
    lost: total('lost') + total('merge_lost') + total('scratch_lost') + cost.recursion_misses,
    recursion_misses: cost.recursion_misses,
    kills: total('kills'),
    overrides: total('overrides'),
    kernel_memory_bytes: sensor.hooks.reduce((sum, hook) => sum + hook.kernel_memory_bytes, 0),
    cost: { run_count: cost.run_count, run_time_ns: cost.run_time_ns },
    not_kept,
    warnings: plan.warnings,
    errors: [],
    hooks,
  }
}

/** The weakest of its enforcing hooks: what terminates somewhere does not prevent. */
export function verdictOf({ hooks }: Plan): HookPlan['verdict'] {
  const weakest = (['terminates', 'refuses', 'prevents'] as const).find((verdict) =>
    hooks.some((hook) => hook.verdict === verdict)
  )
  return weakest ?? 'observes'
}

function hookState(sensor: Sensor, hook: LoadedHook) {
  const { plan, hook_id, load_ms, programs, counters } = hook
  const counted = (name: string) => runsOf(sensor.countedObject(hook, name), name)
  return {
    id: hook_id,
    names: plan.names,
    event: plan.event,
    attach: plan.programs.map(({ attach }: ProgramPlan) => attach.kind),
    reason: plan.reason,
    verdict: plan.verdict,
    load_ms: Math.round(load_ms),
    programs: programs.map((program) => ({ ...program, ...counted(program.name) })),
    counters: sumCounters(counters, 0),
    selectors: plan.selector_labels.map((label, i) => ({ label, ...sumCounters(counters, i + 1) })),
  }
}

const NO_RUNS: Runs = { run_count: 0, run_time_ns: 0, recursion_misses: 0 }

function addRuns(sum: Runs, programs: readonly Runs[]): Runs {
  return programs.reduce((total, each) => ({
    run_count: total.run_count + each.run_count,
    run_time_ns: total.run_time_ns + each.run_time_ns,
    recursion_misses: total.recursion_misses + each.recursion_misses,
  }), sum)
}
