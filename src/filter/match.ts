// Filter lists compiled to one predicate each, evaluated on events on their way out.

import { type CelProgram, compileCel } from './cel.ts'
import { CelError } from './cel_parse.ts'
import type { Scope } from './cel_value.ts'
import { compileLabelSelector } from './labels.ts'
import { PidSet } from './pid_set.ts'
import { compileRegex } from './regex.ts'
import { type CapabilitySetFilter, EVENT_KIND, type Filter, FilterError, type FilterLists } from './type.ts'
import type { EventView, ProcessView } from './view.ts'

export type Predicate = (event: EventView) => boolean

export interface MatchOptions {
  /** Parent of a process where the source knows it; lets pid_set find the descendants of processes older than the filter. */
  readonly parentOf?: (process: ProcessView) => ProcessView | undefined
}

const EVENT_KINDS: ReadonlySet<string> = new Set(Object.values(EVENT_KIND))

/** True for events that the lists let pass. Throws FilterError for a pattern or expression that cannot be used. */
export function compileLists(lists: FilterLists, options: MatchOptions = {}): Predicate {
  const allow = compileAny(lists.allow, options)
  const deny = compileAny(lists.deny, options)
  if (!deny) return allow ?? (() => true)
  // Both are always evaluated: a pid_set learns from every event.
  if (!allow) return (event) => !deny(event)
  return (event) => {
    const denied = deny(event)
    return allow(event) && !denied
  }
}

function compileAny(filters: readonly Filter[], options: MatchOptions): Predicate | undefined {
  if (filters.length === 0) return undefined
  const tests = filters.map((filter) => compileFilter(filter, options))
  const [only] = tests
  if (only && tests.length === 1) return only
  const learns = filters.some((filter) => (filter.pid_set?.length ?? 0) > 0)
  if (!learns) return (event) => tests.some((test) => test(event))
  return (event) => tests.map((test) => test(event)).includes(true)
}

/** All fields of one filter; the cheapest come first, pid_set before all because it learns. */
export function compileFilter(filter: Filter, options: MatchOptions = {}): Predicate {
  const tests: Predicate[] = []
  const add = (given: readonly unknown[] | undefined, test: () => Predicate) => {
    if (given && given.length > 0) tests.push(test())
  }
  add(filter.pid_set, () => {
    const set = new PidSet(filter.pid_set ?? [], options.parentOf)
    return (event) => set.has(event)
  })
  add(filter.event_set, () => {
    const kinds = new Set(filter.event_set?.map((name) => EVENT_KIND[name]))
    return (event) => kinds.has(event.kind)
  })
  add(filter.pid, () => {
    const pids = new Set(filter.pid)
    return (event) => event.process?.pid !== undefined && pids.has(event.process.pid)
  })
  add(filter.policy_names, () => {
    const names = new Set(filter.policy_names)
    return (event) => event.policy_name !== undefined && names.has(event.policy_name)
  })
  add(filter.namespace, () => {
    const names = new Set(filter.namespace)
    return (event) => event.process !== undefined && names.has(event.process.pod?.namespace ?? '')
  })
  if (filter.in_init_tree !== undefined) {
    const wanted = filter.in_init_tree
    tests.push((event) => event.process !== undefined && (event.process.in_init_tree ?? false) === wanted)
  }
  if (filter.health_check !== undefined) {
    const wanted = filter.health_check
    tests.push((event) => event.process !== undefined && (isProbe(event.process) || isProbe(event.parent)) === wanted)
  }
  add(filter.container_id, () => regexes(filter.container_id, (event) => event.process?.docker))
  add(filter.namespace_regex, () => regexes(filter.namespace_regex, (event) => event.process?.pod?.namespace))
  add(filter.pod_regex, () => regexes(filter.pod_regex, (event) => event.process?.pod?.name))
  add(
    filter.container_name_regex,
    () => regexes(filter.container_name_regex, (event) => event.process?.pod?.container?.name),
  )
  add(filter.binary_regex, () => regexes(filter.binary_regex, (event) => event.process && (event.process.binary ?? '')))
  add(
    filter.parent_binary_regex,
    () => regexes(filter.parent_binary_regex, (event) => event.parent && (event.parent.binary ?? '')),
  )
  add(
    filter.arguments_regex,
    () => regexes(filter.arguments_regex, (event) => event.process && (event.process.arguments ?? '')),
  )
  add(
    filter.parent_arguments_regex,
    () => regexes(filter.parent_arguments_regex, (event) => event.parent && (event.parent.arguments ?? '')),
  )
  add(filter.ancestor_binary_regex, () => ancestorTest(filter.ancestor_binary_regex ?? []))
  add(filter.labels, () => {
    const selectors = (filter.labels ?? []).map((text) => guard('labels', () => compileLabelSelector(text)))
    return (event) => {
      const pod = event.process?.pod
      return pod !== undefined && selectors.some((selector) => selector(pod.pod_labels ?? {}))
    }
  })
  for (const list of ['permitted', 'effective', 'inheritable'] as const) {
    const wanted = filter.capabilities?.[list]
    if (wanted) tests.push(capabilityTest(wanted, (event) => event.process?.cap && (event.process.cap[list] ?? [])))
  }
  add(filter.cel_expression, () => celTest(filter.cel_expression ?? []))
  const [only] = tests
  if (only && tests.length === 1) return only
  return (event) => tests.every((test) => test(event))
}

function regexes(patterns: readonly string[] | undefined, value: (event: EventView) => string | undefined): Predicate {
  const compiled = (patterns ?? []).map((pattern) => guard('pattern', () => compileRegex(pattern)))
  return (event) => {
    const text = value(event)
    return text !== undefined && compiled.some((regex) => regex.test(text))
  }
}

function ancestorTest(patterns: readonly string[]): Predicate {
  const compiled = patterns.map((pattern) => guard('ancestor_binary_regex', () => compileRegex(pattern)))
  return (event) =>
    (event.ancestors ?? []).some((ancestor) => compiled.some((regex) => regex.test(ancestor.binary ?? '')))
}

function isProbe(process: ProcessView | undefined): boolean {
  return process?.pod?.container?.maybe_exec_probe === true
}

function capabilityTest(
  wanted: CapabilitySetFilter,
  value: (event: EventView) => readonly string[] | undefined,
): Predicate {
  const sets = { any: wanted.any, all: wanted.all, exactly: wanted.exactly, none: wanted.none }
  return (event) => {
    const has = value(event)
    if (!has) return false
    if (sets.any && !sets.any.some((name) => has.includes(name))) return false
    if (sets.all && !sets.all.every((name) => has.includes(name))) return false
    if (sets.none && sets.none.some((name) => has.includes(name))) return false
    if (!sets.exactly) return true
    return new Set(sets.exactly).size === has.length && sets.exactly.every((name) => has.includes(name))
  }
}

/** Expressions are ORed; one is evaluated only for events of a kind it names, and an error in it is no match. */
function celTest(expressions: readonly string[]): Predicate {
  const programs: CelProgram[] = expressions.map((text) => guard('cel_expression', () => compileCel(text, EVENT_KINDS)))
  return (event) => {
    for (const program of programs) {
      if (!program.variables.has(event.kind)) continue
      try {
        // JSON values are CEL values; members that are left out are read as absent.
        if (program.evaluate(event.document() as unknown as Scope) === true) return true
      } catch (error) {
        if (!(error instanceof CelError)) throw error // no value: no match, as in cel-go
      }
    }
    return false
  }
}

function guard<T>(field: string, compile: () => T): T {
  try {
    return compile()
  } catch (cause) {
    throw new FilterError(`Cannot use filter ${field}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
