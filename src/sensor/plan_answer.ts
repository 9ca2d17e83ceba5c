// What `policy plan` gets from an agent: the plan, the same for people, and what the kernel made of it where it is loaded.
import { planJson } from '../policy/plan.ts'
import { describePlan, type HookInKernel } from '../policy/plan_show.ts'
import type { Plan } from '../policy/plan_type.ts'
import type { LoadedPolicy } from './registry.ts'

/** `loaded` is the policy of that name, if there is one: its figures are shown if it is the very same plan. */
export function planAnswer(plan: Plan, loaded: LoadedPolicy | undefined): Record<string, unknown> {
  const json = planJson(plan)
  const is_same = loaded !== undefined && planJson(loaded.plan) === json
  const in_kernel = is_same ? loaded.sensor.hooks.map(hookInKernel) : null
  return { ...JSON.parse(json) as Record<string, unknown>, loaded: in_kernel, text: describePlan(plan, in_kernel) }
}

function hookInKernel({ load_ms, programs, kernel_memory_bytes }: HookInKernel): HookInKernel {
  return {
    load_ms,
    kernel_memory_bytes,
    programs: programs.map(({ name, verified_insns, jited_bytes }) => ({ name, verified_insns, jited_bytes })),
  }
}
