// Plain JSON values and safe ways into them, for code that meets events as parsed lines.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value at `path` (keys and indices), undefined as soon as a step is missing. */
export function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  let here: Json | undefined = value
  for (const step of path) {
    if (typeof step === 'number') here = Array.isArray(here) ? (here[step] as Json | undefined) : undefined
    else here = isObject(here) && Object.hasOwn(here, step) ? here[step] : undefined
    if (here === undefined) return undefined
  }
  return here
}

/** Text at `path`; numbers and booleans in their decimal form; '' where nothing is. */
export function textAt(value: Json | undefined, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path)
  if (typeof found === 'string') return found
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : ''
}

/** Number at `path`, also from a decimal string (64-bit values are strings in protobuf JSON); 0 where nothing is. */
export function numberAt(value: Json | undefined, ...path: readonly (string | number)[]): number {
  const found = at(value, ...path)
  if (typeof found === 'number') return found
  if (typeof found === 'string') return Number(found) || 0
  return 0
}

export function objectAt(value: Json | undefined, ...path: readonly (string | number)[]): JsonObject | undefined {
  const found = at(value, ...path)
  return isObject(found) ? found : undefined
}

export function listAt(value: Json | undefined, ...path: readonly (string | number)[]): readonly Json[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found as readonly Json[] : []
}

/** One event from a JSON line; undefined where the line is no JSON object. */
export function parseLine(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined // the caller counts lines that are no events
  }
}

/** The member of an event line that holds the event: `process_exec` and so on; undefined for anything else. */
export function eventKind(event: JsonObject): string | undefined {
  for (const key in event) {
    if (ENVELOPE.has(key)) continue
    if (isObject(event[key])) return key
  }
  return undefined
}

/** Members of a line beside the event. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'node_name',
  'time',
  'aggregation_info',
  'cluster_name',
  'node_labels',
  'thump',
])
