// TracingPolicy and facts about a kernel into a Plan: pure, the same bytes for the same input.
import { ACTION_KIND, FILTER_KIND, HOOK_FLAG } from '../../ffi/wire.gen.ts'
import { ENFORCING } from './action_plan.ts'
import { syscallIds } from './check.ts'
import type { PolicyContext } from './draft.ts'
import { claimed, effectWarnings, skipWarnings, withEnforcers } from './effect.ts'
import { planEnforcers } from './enforcer_plan.ts'
import { type LocatedMistake, type Mistake, type Path, Report } from './error.ts'
import type { PlanFacts } from './facts_type.ts'
import { planFunctionHook } from './function_plan.ts'
import { planLoader } from './loader_plan.ts'
import { planLsmHook } from './lsm_plan.ts'
import { optionValue } from './option.ts'
import { parsePolicies, sorted } from './parse.ts'
import type { HookPlan, Plan, WorkloadPlan } from './plan_type.ts'
import { planTracepoint } from './tracepoint_plan.ts'
import type { PolicySpec, Selector, TracingPolicy } from './type.ts'
import { planUsdt } from './usdt_plan.ts'
import { planUprobe } from './user_plan.ts'

export interface PlanResult {
  /** Null if there are errors. */
  readonly plan: Plan | null
  readonly errors: readonly Mistake[]
  readonly warnings: readonly Mistake[]
}

/** Of a policy without mistakes of its own (parsePolicies). */
export function planPolicy(policy: TracingPolicy, facts: PlanFacts): PlanResult {
  const { spec } = policy
  const report = new Report()
  const workloads: WorkloadPlan[] = []
  const scope = scopeOf(policy)
  if (scope !== null) workloads.push(scope)
  const context: PolicyContext = {
    report,
    lists: spec.lists,
    workloads,
    host_namespaces: facts.host_namespaces,
    listIds: (list) => syscallIds(list, facts.architecture),
  }
  const look = { cgroup_filter: scope === null ? 0 : 1, follows_fd: followsDescriptors(spec), spec }
  const at = (key: string, i: number): Path => ['spec', key, i]
  const hooks: HookPlan[] = [
    ...spec.kprobes.flatMap((hook, i) => planFunctionHook(hook, 'kprobe', context, facts, look, at('kprobes', i))),
    ...spec.fentries.flatMap((hook, i) => planFunctionHook(hook, 'fentry', context, facts, look, at('fentries', i))),
    ...spec.tracepoints.flatMap((hook, i) => planTracepoint(hook, context, facts, look, at('tracepoints', i))),
    ...spec.lsmhooks.flatMap((hook, i) => planLsmHook(hook, context, facts, look, at('lsmhooks', i))),
    ...spec.uprobes.flatMap((hook, i) => planUprobe(hook, context, facts, look, at('uprobes', i))),
    ...spec.usdts.flatMap((hook, i) => planUsdt(hook, context, facts, look, at('usdts', i))),
    ...planEnforcers(spec, context, facts),
    ...(spec.loader ? planLoader(scope, facts, report) : []),
  ]
  if (report.errors.length > 0) return { plan: null, errors: report.errors, warnings: report.warnings }
  const matches_all = hooks.some(enforcesOnAll)
  if (matches_all) {
    report.warn(
      ['spec'],
      'An enforcing action without any filter: loads in monitor mode unless --allow-match-all is given',
    )
  }
  for (const warning of [...effectWarnings(hooks), ...skipWarnings(hooks, facts)]) report.warn(['spec'], warning)
  const plan: Plan = {
    name: policy.name,
    namespace: policy.namespace,
    mode: optionValue(spec.options, 'policy-mode') === 'monitor' ? 'monitor' : 'enforce',
    enforcing: hasEnforcement(spec),
    kill_budget: spec.killBudget,
    on_budget: spec.onBudget,
    matches_all,
    workloads,
    node_selector: spec.nodeSelector,
    hooks: withEnforcers(hooks.map((hook) => claimed(hook, facts))).map((hook) =>
      runsAlone(hook, facts) ? withoutPreemption(hook) : hook
    ),
    warnings: report.warnings.map((warning) => warning.message),
  }
  return { plan, errors: [], warnings: report.warnings }
}

export interface FilePlans {
  /** Of all documents, in order; empty if there are errors. */
  readonly plans: readonly Plan[]
  readonly policies: readonly TracingPolicy[]
  readonly errors: readonly LocatedMistake[]
  readonly warnings: readonly LocatedMistake[]
}

/** The whole way from text: one mistake anywhere in the file leaves no plan. */
export function planText(file: string, yaml: string, facts: PlanFacts): FilePlans {
  const parsed = parsePolicies(file, yaml)
  const errors = [...parsed.errors]
  const warnings = [...parsed.warnings]
  const plans: Plan[] = []
  for (const { policy, document } of parsed.policies) {
    const result = planPolicy(policy, facts)
    for (const mistake of result.errors) errors.push(document.locate(mistake))
    for (const mistake of result.warnings) warnings.push(document.locate(mistake))
    if (result.plan !== null) plans.push(result.plan)
  }
  return {
    plans: errors.length === 0 ? plans : [],
    policies: parsed.policies.map(({ policy }) => policy),
    errors: sorted(errors),
    warnings: sorted(warnings),
  }
}

/** As JSON with two spaces; 64-bit numbers as decimal text. */
export function planJson(plan: unknown): string {
  return JSON.stringify(plan, (_, value) => typeof value === 'bigint' ? value.toString() : value, 2)
}

/** Families whose objects name the kfuncs (bpf/alone.h), where global functions may run in between: 6.15. */
function runsAlone({ family }: HookPlan, { types, version: [major, minor] }: PlanFacts): boolean {
  return (family === 'trampoline' || family === 'lsm') && (major > 6 || (major === 6 && minor >= 15)) &&
    types?.findFunction('bpf_preempt_disable') !== undefined
}

function withoutPreemption(hook: HookPlan): HookPlan {
  return { ...hook, config: { ...hook.config, flags: hook.config.flags | HOOK_FLAG.NO_PREEMPTION } }
}

/** Null: the policy is for everything. A namespaced policy is for pods of its namespace. */
function scopeOf({ spec, kind, namespace }: TracingPolicy): WorkloadPlan | null {
  const { podSelector, containerSelector, hostSelector } = spec
  const namespaced = kind === 'TracingPolicyNamespaced'
  if (!namespaced && podSelector === null && containerSelector === null && hostSelector === null) return null
  const everything = [podSelector, containerSelector, hostSelector].every((selector) =>
    selector !== null && Object.keys(selector.matchLabels).length + selector.matchExpressions.length === 0
  )
  if (everything && !namespaced) return null
  if (!namespaced) return { podSelector, containerSelector, hostSelector }
  const labels = { ...podSelector?.matchLabels, 'k8s:io.kubernetes.pod.namespace': namespace }
  return {
    podSelector: { matchLabels: labels, matchExpressions: podSelector?.matchExpressions ?? [] },
    containerSelector,
    hostSelector: null,
  }
}

function allSelectors(spec: PolicySpec): Selector[] {
  const hooks = [spec.kprobes, spec.fentries, spec.tracepoints, spec.uprobes, spec.usdts, spec.lsmhooks]
  return hooks.flatMap((kind) => kind.flatMap((hook: { readonly selectors: readonly Selector[] }) => hook.selectors))
}

function followsDescriptors(spec: PolicySpec): boolean {
  return allSelectors(spec).some((selector) => selector.matchActions.some((action) => action.action === 'FollowFD'))
}

function hasEnforcement(spec: PolicySpec): boolean {
  return allSelectors(spec).some((selector) =>
    [...selector.matchActions, ...selector.matchReturnActions].some((action) => ENFORCING.has(action.action))
  )
}

const LIBRARY = /\.so(\.[\d.]+)?$/

/** Some selector with an enforcing action has no filter at all. A function of one program is a filter by itself. */
function enforcesOnAll({ config, verdict, family, path = '' }: HookPlan): boolean {
  if (verdict === 'observes' || family === 'enforcer' || config.cgroup_filter !== 0) return false
  if (family === 'uprobe' && !LIBRARY.test(path)) return false
  const filtered = new Set(
    config.filters.filter((filter) => filter.kind !== FILTER_KIND.NONE).map((filter) => filter.selector),
  )
  return config.actions.some(({ kind, selector }) => ENFORCING_WIRE.has(kind) && !filtered.has(selector))
}

const ENFORCING_WIRE: ReadonlySet<number> = new Set([ACTION_KIND.SIGKILL, ACTION_KIND.OVERRIDE, ACTION_KIND.SIGNAL])
