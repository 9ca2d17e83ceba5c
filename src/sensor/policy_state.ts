// What the API shows of a loaded policy: state, hooks and their counters.
import type { BpfMap } from '../../ffi/map.ts'
import type { BpfObject } from '../../ffi/object.ts'
import { decodeHookCounters, type HookCounters } from '../../ffi/wire.gen.ts'
import { possibleCpus } from '../../ffi/system.ts'
import type { HookPlan, Plan, ProgramPlan } from '../policy/plan_type.ts'
import type { LoadedHook, Sensor } from './load.ts'
import type { LoadedPolicy } from './registry.ts'

/** Names as Tetragon's TracingPolicyState. */
export function policyState({ plan, source, sensor, mode, enabled, loaded_at, not_kept }: LoadedPolicy): unknown {
  const hooks = sensor.hooks.map((hook) => hookState(sensor, hook))
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
    lost: total('lost') + total('merge_lost'),
    kills: total('kills'),
    overrides: total('overrides'),
    kernel_memory_bytes: sensor.hooks.reduce((sum, hook) => sum + hook.kernel_memory_bytes, 0),
    cost: hooks.reduce((sum, hook) => addRuns(sum, hook.programs), { run_count: 0, run_time_ns: 0 }),
    not_kept,
    warnings: plan.warnings,
    errors: [],
    hooks,
  }
}

/** The weakest of its enforcing hooks: what terminates somewhere does not prevent. */
export function verdictOf({ hooks }: Plan): HookPlan['verdict'] {
  if (hooks.some(({ verdict }) => verdict === 'terminates')) return 'terminates'
  return hooks.some(({ verdict }) => verdict === 'prevents') ? 'prevents' : 'observes'
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

interface Runs {
  readonly run_count: number
  readonly run_time_ns: number
}

/** Both stay 0 unless the kernel counts (kernel.bpf_stats_enabled). */
function runsOf(object: BpfObject, name: string) {
  const { run_count, run_time_ns, recursion_misses } = object.program(name).info()
  return {
    run_count: Number(run_count),
    run_time_ns: Number(run_time_ns),
    recursion_misses: Number(recursion_misses),
  }
}

function addRuns(sum: Runs, programs: readonly Runs[]): Runs {
  return programs.reduce((total, { run_count, run_time_ns }) => ({
    run_count: total.run_count + run_count,
    run_time_ns: total.run_time_ns + run_time_ns,
  }), sum)
}

function sumCounters(map: BpfMap, index: number): HookCounters {
  const value = map.lookup(index)
  const sum: Record<string, number> = {}
  for (let cpu = 0; value !== undefined && cpu < possibleCpus(); cpu++) {
    for (const [name, count] of Object.entries(decodeHookCounters(map.perCpu(value, cpu), 0))) {
      sum[name] = (sum[name] ?? 0) + Number(count)
    }
  }
  const of = (name: keyof HookCounters) => sum[name] ?? 0
  return {
    hits: of('hits'),
    posted: of('posted'),
    suppressed: of('suppressed'),
    lost: of('lost'),
    kills: of('kills'),
    overrides: of('overrides'),
    merge_lost: of('merge_lost'),
    spared: of('spared'),
  }
}
