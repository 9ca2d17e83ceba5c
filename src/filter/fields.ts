// Field filters: which members of an event leave the agent.

import { eventKind, isObject, type Json, type JsonObject } from './json.ts'
import { eventName, parseObjects, snakeCase } from './parse.ts'
import { EVENT_KIND, FilterError } from './type.ts'
import { nearest } from '../nearest.ts'

export interface FieldFilter {
  /** EventType names it applies to; empty: all. */
  readonly event_set: readonly string[]
  readonly invert_event_set: boolean
  /** Paths below the event, in snake_case. */
  readonly fields: readonly string[]
  readonly action: 'INCLUDE' | 'EXCLUDE'
}

const PATHS_MAX = 512

/** Objects of `--field-filters`; unknown members are refused by name. */
export function parseFieldFilters(text: string, what: string): FieldFilter[] {
  return parseObjects(text, what).map((object) => {
    const out = {
      event_set: [] as string[],
      invert_event_set: false,
      fields: [] as string[],
      action: 'INCLUDE' as FieldFilter['action'],
    }
    for (const [key, value] of Object.entries(object)) {
      switch (snakeCase(key)) {
        case 'event_set':
          if (!Array.isArray(value)) throw new FilterError(`Cannot use ${what}: event_set is not a list`)
          out.event_set = value.map((item) => eventName(item, what))
          break
        case 'invert_event_set':
          if (typeof value !== 'boolean') throw new FilterError(`Cannot use ${what}: ${key} is not true or false`)
          out.invert_event_set = value
          break
        case 'fields':
          out.fields = paths(value, what)
          break
        case 'action':
          out.action = action(value, what)
          break
        default: {
          const closest = nearest(snakeCase(key), ['event_set', 'invert_event_set', 'fields', 'action'])
          throw new FilterError(`Cannot use ${what}: unknown field "${key}", closest is "${closest}"`)
        }
      }
    }
    return out
  })
}

/** `process.exec_id,parent.binary`: a FieldMask in JSON, or a list of paths. */
function paths(value: Json | undefined, what: string): string[] {
  const listed = typeof value === 'string' ? value.split(',') : isObject(value) ? value['paths'] : value
  if (!Array.isArray(listed)) throw new FilterError(`Cannot use ${what}: fields is not a list of paths`)
  if (listed.length > PATHS_MAX) {
    throw new FilterError(`Cannot use ${what}: ${listed.length} paths, at most ${PATHS_MAX}`)
  }
  return listed.map((path) => {
    const name = String(path).trim()
    if (!/^\w+(\.\w+)*$/.test(name)) {
      throw new FilterError(`Cannot use ${what}: "${name}" is not a path such as process.binary`)
    }
    // Members such as Key and ProgType begin with a capital letter in the protocol itself.
    return name.split('.').map((part) => (/^[a-z]/.test(part) ? snakeCase(part) : part)).join('.')
  })
}

function action(value: unknown, what: string): FieldFilter['action'] {
  if (value === 'INCLUDE' || value === 0) return 'INCLUDE'
  if (value === 'EXCLUDE' || value === 1) return 'EXCLUDE'
  throw new FilterError(`Cannot use ${what}: action ${JSON.stringify(value)}, want INCLUDE or EXCLUDE`)
}

/** A path tree; a node without children is a whole member. */
interface Mask {
  readonly [name: string]: Mask
}

type FieldMasks = { readonly include: Mask | undefined; readonly exclude: Mask | undefined }

/**
 * Event as it may leave: of all filters for its kind the INCLUDE paths are united, then the EXCLUDE paths removed.
 * Only members of the event itself; `node_name`, `time` and what stands beside the event remain. Order is kept.
 */
export function compileFieldFilters(filters: readonly FieldFilter[]): (document: JsonObject) => JsonObject {
  const by_kind = new Map<string, FieldMasks>()
  for (const kind of new Set(Object.values(EVENT_KIND))) {
    const fitting = filters.filter((filter) => applies(filter, kind))
    by_kind.set(kind, { include: mask(fitting, 'INCLUDE'), exclude: mask(fitting, 'EXCLUDE') })
  }
  return (document) => {
    const kind = eventKind(document)
    const masks = kind === undefined ? undefined : by_kind.get(kind)
    if (kind === undefined || !masks || (!masks.include && !masks.exclude)) return document
    let event = document[kind]
    if (masks.include) event = keep(event, masks.include)
    if (masks.exclude) event = drop(event, masks.exclude)
    return { ...document, [kind]: event ?? {} }
  }
}

function applies(filter: FieldFilter, kind: string): boolean {
  if (filter.event_set.length === 0) return true
  return filter.event_set.some((name) => EVENT_KIND[name] === kind) !== filter.invert_event_set
}

function mask(filters: readonly FieldFilter[], action: FieldFilter['action']): Mask | undefined {
  const paths = filters.filter((filter) => filter.action === action).flatMap((filter) => filter.fields)
  if (!filters.some((filter) => filter.action === action)) return undefined
  return tree(paths.map((path) => path.split('.')))
}

function tree(paths: readonly (readonly string[])[]): Mask {
  const out: Record<string, Mask> = {}
  for (const name of new Set(paths.map((path) => path[0] ?? ''))) {
    const below = paths.filter((path) => path[0] === name).map((path) => path.slice(1))
    out[name] = below.some((path) => path.length === 0) ? {} : tree(below)
  }
  return out
}

function isWhole(mask: Mask): boolean {
  return Object.keys(mask).length === 0
}

function keep(value: Json | undefined, mask: Mask): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => keep(item, mask) ?? {})
  if (!isObject(value)) return value
  const out: Record<string, Json> = {}
  for (const [key, member] of Object.entries(value)) {
    const below = Object.hasOwn(mask, key) ? mask[key] : undefined
    if (!below || member === undefined) continue
    const kept = isWhole(below) ? member : keep(member, below)
    if (kept !== undefined) out[key] = kept
  }
  return out
}

function drop(value: Json | undefined, mask: Mask): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => drop(item, mask) ?? {})
  if (!isObject(value)) return value
  const out: Record<string, Json> = {}
  for (const [key, member] of Object.entries(value)) {
    const below = Object.hasOwn(mask, key) ? mask[key] : undefined
    if (member === undefined || (below && isWhole(below))) continue
    const left = below ? drop(member, below) : member
    if (left !== undefined) out[key] = left
  }
  return out
}
