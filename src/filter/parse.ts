// Text of a filter list to plain filters: JSON objects one after another, every mistake named.

import { nearest } from '../nearest.ts'
import { CAPABILITIES } from './capability.ts'
import { isObject, type JsonObject } from './json.ts'
import { EVENT_KIND, type Filter, FilterError } from './type.ts'

type FieldKind = 'texts' | 'numbers' | 'boolean' | 'events' | 'capabilities'

export const FILTER_FIELDS: Readonly<Record<keyof Filter, FieldKind>> = {
  binary_regex: 'texts',
  namespace: 'texts',
  health_check: 'boolean',
  pid: 'numbers',
  pid_set: 'numbers',
  event_set: 'events',
  pod_regex: 'texts',
  arguments_regex: 'texts',
  labels: 'texts',
  policy_names: 'texts',
  capabilities: 'capabilities',
  parent_binary_regex: 'texts',
  cel_expression: 'texts',
  parent_arguments_regex: 'texts',
  container_id: 'texts',
  in_init_tree: 'boolean',
  ancestor_binary_regex: 'texts',
  container_name_regex: 'texts',
  namespace_regex: 'texts',
}

/** Filters and values in one list that are accepted, so that evaluating one stays cheap. */
const FILTERS_MAX = 256
const VALUES_MAX = 4096

/** `what` names the source in errors, as `--export-allowlist`. */
export function parseFilters(text: string, what: string): Filter[] {
  const objects = parseObjects(text, what)
  if (objects.length > FILTERS_MAX) {
    throw new FilterError(`Cannot use ${what}: ${objects.length} filters, at most ${FILTERS_MAX}`)
  }
  return objects.map((object, index) => parseFilter(object, objects.length > 1 ? `${what} filter ${index + 1}` : what))
}

/** One filter from a parsed object; snake_case and camelCase names are the same. */
export function parseFilter(object: JsonObject, what: string): Filter {
  const filter: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(object)) {
    const name = snakeCase(key)
    if (!Object.hasOwn(FILTER_FIELDS, name)) {
      const closest = nearest(name, Object.keys(FILTER_FIELDS))
      throw new FilterError(`Cannot use ${what}: unknown field "${key}", closest is "${closest}"`)
    }
    if (name in filter) throw new FilterError(`Cannot use ${what}: field "${key}" is given twice`)
    if (value === null || value === undefined) continue
    filter[name] = fieldValue(FILTER_FIELDS[name as keyof Filter], value, `${what}: ${key}`)
  }
  return filter as Filter
}

function fieldValue(kind: FieldKind, value: unknown, what: string): unknown {
  switch (kind) {
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong(what, value, 'true or false')
      return value
    case 'texts':
      return list(value, what).map((item) => {
        if (typeof item !== 'string') throw wrong(what, item, 'a string')
        return item
      })
    case 'numbers':
      return list(value, what).map((item) => {
        const number = typeof item === 'string' && /^\d+$/.test(item) ? Number(item) : item
        if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 0xffffffff) {
          throw wrong(what, item, 'a process id')
        }
        return number
      })
    case 'events':
      return list(value, what).map((item) => eventName(item, what))
    case 'capabilities':
      return capabilities(value, what)
  }
}

/** The EventType by name, number or the event's key. */
export function eventName(value: unknown, what: string): string {
  if (typeof value === 'number' && EVENT_NUMBER[value] !== undefined) return EVENT_NUMBER[value]
  if (typeof value === 'string' && Object.hasOwn(EVENT_KIND, value.toUpperCase())) return value.toUpperCase()
  const closest = nearest(String(value).toUpperCase(), Object.keys(EVENT_KIND))
  throw new FilterError(`Cannot use ${what}: unknown event type ${JSON.stringify(value)}, closest is "${closest}"`)
}

const EVENT_NUMBER: Readonly<Record<number, string>> = {
  1: 'PROCESS_EXEC',
  5: 'PROCESS_EXIT',
  9: 'PROCESS_KPROBE',
  10: 'PROCESS_TRACEPOINT',
  11: 'PROCESS_LOADER',
  12: 'PROCESS_UPROBE',
  27: 'PROCESS_THROTTLE',
  28: 'PROCESS_LSM',
  29: 'PROCESS_USDT',
  40000: 'TEST',
  40001: 'RATE_LIMIT_INFO',
}

function capabilities(value: unknown, what: string): unknown {
  const out: Record<string, Record<string, string[]>> = {}
  for (const [list_name, set] of Object.entries(object(value, what))) {
    member(list_name, ['permitted', 'effective', 'inheritable'], what)
    const how: Record<string, string[]> = {}
    for (const [name, names] of Object.entries(object(set, `${what}.${list_name}`))) {
      member(name, ['any', 'all', 'exactly', 'none'], `${what}.${list_name}`)
      how[name] = list(names, what).map((item) => capabilityName(item, what))
    }
    out[list_name] = how
  }
  return out
}

function capabilityName(value: unknown, what: string): string {
  const text = String(value).toUpperCase()
  const name = text === 'CAP_DAC_OVERRIDE' ? 'DAC_OVERRIDE' : text // the protocol's own spelling of number 1
  if (CAPABILITIES.includes(name)) return name
  const closest = nearest(name, CAPABILITIES)
  throw new FilterError(`Cannot use ${what}: unknown capability ${JSON.stringify(value)}, closest is "${closest}"`)
}

function object(value: unknown, what: string): JsonObject {
  if (!isObject(value)) throw wrong(what, value, 'an object')
  return value
}

function member(name: string, known: readonly string[], what: string): void {
  if (known.includes(name)) return
  throw new FilterError(`Cannot use ${what}: unknown field "${name}", closest is "${nearest(name, known)}"`)
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(what, value, 'a list')
  if (value.length > VALUES_MAX) {
    throw new FilterError(`Cannot use ${what}: ${value.length} values, at most ${VALUES_MAX}`)
  }
  return value
}

function wrong(what: string, value: unknown, wanted: string): FilterError {
  return new FilterError(`Cannot use ${what}: ${JSON.stringify(value)} is not ${wanted}`)
}

export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** JSON objects separated by white space, commas or nothing. */
export function parseObjects(text: string, what: string): JsonObject[] {
  const objects: JsonObject[] = []
  let at = skipSpace(text, 0)
  while (at < text.length) {
    const end = objectEnd(text, at)
    if (end === undefined) throw new FilterError(`Cannot read ${what}: want a JSON object at character ${at + 1}`)
    let value: unknown
    try {
      value = JSON.parse(text.slice(at, end))
    } catch (cause) {
      throw new FilterError(`Cannot read ${what}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
    objects.push(object(value, what))
    at = skipSpace(text, end)
  }
  return objects
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && /[\s,]/.test(text[at] ?? '')) at++
  return at
}

/** Index after the object that begins at `at`; undefined where none begins or ends. */
function objectEnd(text: string, at: number): number | undefined {
  if (text[at] !== '{') return undefined
  let depth = 0
  let quoted = false
  for (let i = at; i < text.length; i++) {
    const char = text[i]
    if (quoted) {
      if (char === '\\') i++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return i + 1
  }
  return undefined
}
