// What hooks did and could not do, as rows of the ledger; between counters of the kernel per hook and LossLedger.
import type { BpfMap } from '../../ffi/map.ts'
import type { BpfObject } from '../../ffi/object.ts'
import { possibleCpus } from '../../ffi/system.ts'
import { decodeHookCounters, type HookCounters } from '../../ffi/wire.gen.ts'
import { policyKey } from '../policy/plan_type.ts'
import type { RingCount } from './counters.ts'
import type { LoadedHook, Sensor } from './load.ts'
import type { LoadedPolicy } from './registry.ts'

export interface Runs {
  readonly run_count: number
  readonly run_time_ns: number
  /** Runs that the kernel left out: it was in the middle of the same program (kprobes: of any probe) on that CPU. */
  readonly recursion_misses: number
}

/** Run count and time stay 0 unless the kernel counts (kernel.bpf_stats_enabled), misses before 5.12. */
export function runsOf(object: BpfObject, name: string): Runs {
  const { run_count, run_time_ns, recursion_misses } = object.program(name).info()
  return {
    run_count: Number(run_count),
    run_time_ns: Number(run_time_ns),
    recursion_misses: Number(recursion_misses),
  }
}

export function sumCounters(map: BpfMap, index: number): HookCounters {
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
    scratch_lost: of('scratch_lost'),
  }
}

/** One row per policy: calls that reached its hooks, and those that left no trace. What a full ring lost is the ring's row. */
export function hookCounts(policies: readonly LoadedPolicy[]): RingCount[] {
  return policies.map(({ plan, sensor }) => {
    const name = policyKey(plan)
    return policyCount(name, sensor.hooks.map((hook) => hookCount(sensor, hook)))
  })
}

export interface HookCount {
  readonly hits: number
  readonly merge_lost: number
  readonly scratch_lost: number
  readonly recursion_misses: number
}

/** Pure. */
export function policyCount(policy: string, hooks: readonly HookCount[]): RingCount {
  const sum = (name: keyof HookCount) => hooks.reduce((total, hook) => total + hook[name], 0)
  const [recursion, scratch, unmerged] = [sum('recursion_misses'), sum('scratch_lost'), sum('merge_lost')]
  const hits = sum('hits')
  return {
    ring: 'hooks',
    type: 'hook',
    policy,
    attempted: hits + recursion + scratch,
    submitted: hits - unmerged,
    lost: { recursion, scratch, unmerged },
  }
}

function hookCount(sensor: Sensor, hook: LoadedHook): HookCount {
  const { hits, merge_lost, scratch_lost } = sumCounters(hook.counters, 0)
  const misses = hook.programs.map(({ name }) => runsOf(sensor.countedObject(hook, name), name).recursion_misses)
  return { hits, merge_lost, scratch_lost, recursion_misses: misses.reduce((sum, count) => sum + count, 0) }
}
