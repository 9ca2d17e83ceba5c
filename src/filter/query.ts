// Filters as query parameters and client flags have them, as one predicate over events.

import { nearest } from '../nearest.ts'
import { compileLists, type MatchOptions, type Predicate } from './match.ts'
import { parseFilters } from './parse.ts'
import { compileRegex } from './regex.ts'
import { EVENT_KIND, FilterError } from './type.ts'
import type { EventView } from './view.ts'

/** Parameters that select events, with what they mean; the client's flags have the same names. */
export const QUERY_HELP: Readonly<Record<string, string>> = {
  types: 'kinds of events: process_exec, process_exit, process_kprobe, loss, ...',
  policies: 'names of policies, exact or /regex/',
  namespaces: 'Kubernetes namespaces, exact or /regex/; empty for none',
  pods: 'names of pods, exact or /regex/',
  containers: 'names or ids of containers, exact or /regex/',
  binaries: 'beginnings of the path of the binary',
  pids: 'process ids',
  host: 'true: only outside of containers; false: only inside',
  allow: 'filters with the fields of an export allow list (JSON objects)',
  deny: 'the same, to leave events out',
}

/**
 * Values of one parameter are ORed, parameters ANDed. Losses pass whatever is asked for, as nobody can know whether they were
 * about that, unless `types` says which kinds are wanted. Throws FilterError, naming the nearest parameter for an
 * unknown one.
 */
export function compileQuery(
  query: URLSearchParams,
  others: readonly string[] = [],
  options: MatchOptions = {},
): Predicate {
  const tests: Predicate[] = []
  for (const name of new Set(query.keys())) {
    if (others.includes(name)) continue
    const build = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
    if (!build) {
      const known = [...Object.keys(PARAMETERS), ...others]
      throw new FilterError(
        `Unknown parameter "${name}", closest is "${nearest(name, known)}", known are ${known.join(', ')}`,
      )
    }
    tests.push(build(query.getAll(name), options))
  }
  const [only] = tests
  const always = query.has('types') ? '' : 'loss'
  if (only && tests.length === 1) return (event) => event.kind === always || only(event)
  return (event) => {
    if (event.kind === always) return true
    for (const test of tests) if (!test(event)) return false
    return true
  }
}

type Build = (values: readonly string[], options: MatchOptions) => Predicate

const PARAMETERS: Readonly<Record<string, Build>> = {
  // First what learns from every event, then what is cheap.
  allow: (values, options) =>
    compileLists({ allow: values.flatMap((value) => parseFilters(value, 'allow')), deny: [] }, options),
  deny: (values, options) =>
    compileLists({ allow: [], deny: values.flatMap((value) => parseFilters(value, 'deny')) }, options),
  types: (values) => {
    const kinds = new Set(split(values).map(kindName))
    return (event) => kinds.has(event.kind)
  },
  pids: (values) => {
    const pids = new Set(split(values).map(pidOf))
    return (event) => event.process?.pid !== undefined && pids.has(event.process.pid)
  },
  host: (values) => {
    const value = values.at(-1)
    if (value !== undefined && !['true', 'false', ''].includes(value)) {
      throw new FilterError(`Invalid value "${value}" for host, want true or false`)
    }
    const wanted = value !== 'false'
    return ({ process }) => process !== undefined && (!process.docker && !process.pod) === wanted
  },
  policies: (values) => {
    const match = texts(values)
    return ({ policy_name, policy }) =>
      (policy_name !== undefined && match(policy_name)) ||
      (policy !== undefined && policy !== policy_name && match(policy))
  },
  namespaces: (values) => {
    const match = texts(values)
    return ({ process }) => process !== undefined && match(process.pod?.namespace ?? '')
  },
  pods: (values) => ofProcess(values, (event) => event.process?.pod?.name),
  containers: (values) => {
    const match = texts(values)
    return ({ process }) => {
      const name = process?.pod?.container?.name
      return (name !== undefined && match(name)) || (!!process?.docker && match(process.docker))
    }
  },
  binaries: (values) => {
    const beginnings = split(values)
    return ({ process }) => {
      const binary = process?.binary
      return binary !== undefined && beginnings.some((beginning) => binary.startsWith(beginning))
    }
  },
}

function ofProcess(values: readonly string[], pick: (event: EventView) => string | undefined): Predicate {
  const match = texts(values)
  return (event) => {
    const text = pick(event)
    return text !== undefined && match(text)
  }
}

/** Each value a list of exact texts, or one `/regex/` (in which commas are its own). */
function texts(values: readonly string[]): (text: string) => boolean {
  const exact = new Set<string>()
  const patterns: RegExp[] = []
  for (const value of values) {
    if (value.length > 2 && value.startsWith('/') && value.endsWith('/')) patterns.push(pattern(value.slice(1, -1)))
    else if (value === '') exact.add('')
    else for (const text of value.split(',')) exact.add(text)
  }
  return (text) => exact.has(text) || patterns.some((each) => each.test(text))
}

function pattern(source: string): RegExp {
  try {
    return compileRegex(source)
  } catch (cause) {
    throw new FilterError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function split(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '')
}

const KINDS = Object.values(EVENT_KIND)

function kindName(value: string): string {
  const name = value.toLowerCase()
  if (!KINDS.includes(name)) {
    throw new FilterError(`Unknown event type "${value}", closest is "${nearest(name, KINDS)}"`)
  }
  return name
}

function pidOf(value: string): number {
  const pid = Number(value)
  if (!/^\d{1,10}$/.test(value) || pid > 0xffffffff) throw new FilterError(`Invalid process id "${value}"`)
  return pid
}
