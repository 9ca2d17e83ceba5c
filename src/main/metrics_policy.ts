// Metrics of policies, from what the registry shows of them.
import { isObject, type JsonObject, listAt, numberAt, textAt } from '../filter/json.ts'
import type { MetricFamily, MetricSample } from '../http/metrics.ts'

const STATES = ['enabled', 'disabled', 'load_error', 'error', 'loading', 'unloading', 'skipped', 'partially_enabled']

/** What a selector did, with the name that Tetragon has for it. */
const ACTIONS: Readonly<Record<string, string>> = { posted: 'post', kills: 'signal', overrides: 'override' }

export function policyFamilies(list: readonly unknown[]): MetricFamily[] {
  const policies = list.filter(isObject)
  const each = (name: string) => policies.map((policy) => ({ labels: labels(policy), value: numberAt(policy, name) }))
  return [
    gauge('tracingpolicy_loaded', 'Policies by state', states(policies)),
    gauge(
      'tracingpolicy_kernel_memory_bytes',
      'Memory of programs and maps',
      each('kernel_memory_bytes').filter((sample) => sample.value > 0),
    ),
    counter('policy_hits_total', 'Calls that reached a hook of a policy', each('hits')),
    counter('policy_kills_total', 'Processes killed', each('kills')),
    counter('policy_overrides_total', 'Operations refused', each('overrides')),
    counter('policy_suppressed_total', 'Events held back by a rate limit of the policy', each('suppressed')),
    counter('policy_lost_total', 'Events that could not be sent, runs left out included', each('lost')),
    counter('tracingpolicy_selector_actions_total', 'Actions by selector', policies.flatMap(selectorActions)),
    counter(
      'overhead_program_runs_total',
      'Runs of programs, where kernel.bpf_stats_enabled is set',
      runs(policies, 'run_count', 1),
    ),
    counter(
      'overhead_program_seconds_total',
      'Time in programs, where kernel.bpf_stats_enabled is set',
      runs(policies, 'run_time_ns', 1e9),
    ),
    counter(
      'missed_prog_probes_total',
      'Runs that were left out because of recursion',
      runs(policies, 'recursion_misses', 1),
    ),
  ]
}

function states(policies: readonly JsonObject[]): MetricSample[] {
  const counts = new Map(STATES.map((state) => [state, 0]))
  for (const policy of policies) {
    const state = textAt(policy, 'state')
    if (counts.has(state)) counts.set(state, counts.get(state)! + 1)
  }
  return [...counts].map(([state, value]) => ({ labels: { state }, value }))
}

function labels(policy: JsonObject): Record<string, string> {
  return { policy: textAt(policy, 'name'), policy_namespace: textAt(policy, 'namespace') }
}

function selectorActions(policy: JsonObject): MetricSample[] {
  return hooks(policy).flatMap((hook, hook_index) =>
    listAt(hook, 'selectors').filter(isObject).flatMap((selector, selector_index) =>
      Object.entries(ACTIONS).map(([name, action]) => ({
        labels: {
          ...labels(policy),
          action,
          hook: hookName(hook),
          hook_index: String(hook_index),
          selector_index: String(selector_index),
          selector_label: textAt(selector, 'label'),
        },
        value: numberAt(selector, name),
      }))
    )
  )
}

/** Programs tell only where the kernel counts: a family without samples is left out. */
function runs(policies: readonly JsonObject[], name: string, unit: number): MetricSample[] {
  return policies.flatMap((policy) =>
    hooks(policy).flatMap((hook) =>
      listAt(hook, 'programs').filter(isObject).filter((program) => program[name] !== undefined).map((program) => ({
        labels: {
          ...labels(policy),
          attach: hookName(hook),
          section: textAt(program, 'name'),
          sensor: textAt(hook, 'event').replace('process_', ''),
        },
        value: numberAt(program, name) / unit,
      }))
    )
  )
}

function hooks(policy: JsonObject): JsonObject[] {
  return listAt(policy, 'hooks').filter(isObject)
}

function hookName(hook: JsonObject): string {
  const names = listAt(hook, 'names').map(String)
  return names.length > 1 ? `${names[0]} and ${names.length - 1} more` : names[0] ?? ''
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'counter', help, samples }
}
