// Readers: each turns one value of the document into a typed one, reports what is wrong, and goes on with its default.
import { nearest } from '../nearest.ts'
import { type Path, quote, Report } from './error.ts'
import { parseInteger } from './value.ts'

export interface Reader<T> {
  /** What an absent key stands for. Undefined: the key is required. */
  readonly fallback: T | undefined
  read(value: unknown, path: Path, report: Report): T
}

/** Takes another default; `null` in the document counts as absent everywhere, as in Kubernetes. */
export function optional<T>(reader: Reader<T>, fallback: T): Reader<T> {
  return { fallback, read: (value, path, report) => reader.read(value, path, report) }
}

export interface TextRule {
  readonly min?: number
  readonly max?: number
  readonly pattern?: RegExp
  readonly want?: string
}

export function text(rule: TextRule = {}): Reader<string> {
  return {
    fallback: undefined,
    read(value, path, report) {
      if (typeof value !== 'string') {
        const hint = typeof value === 'number' || typeof value === 'boolean' ? ' (quote it)' : ''
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: is ${typeName(value)}, want text${hint}`)
        return ''
      }
      const length = value.length
      if (length < (rule.min ?? 0) || length > (rule.max ?? 4096)) {
        const range = `${rule.min ?? 0} to ${rule.max ?? 4096} characters`
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: ${length} characters, want ${range}`)
        return ''
      }
      if (rule.pattern !== undefined && !rule.pattern.test(value)) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}, want ${rule.want ?? rule.pattern.source}`)
      }
      return value
    },
  }
}

/** Words for whoever reads the events. Longer ones lose their end, as Tetragon has it: they change nothing of what is watched. */
export function words(bytesMax: number, mayBeEmpty: boolean): Reader<string> {
  const any = text({ max: 65_536 })
  return {
    fallback: undefined,
    read(value, path, report) {
      const whole = any.read(value, path, report)
      const bytes = Buffer.byteLength(whole)
      if (typeof value === 'string' && bytes < 2 && !(mayBeEmpty && bytes === 0)) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}, want at least 2 bytes`)
      }
      if (bytes <= bytesMax) return whole
      report.warn(path, `The ${nameOf(path)} has ${bytes} bytes: events show the first ${bytesMax}`)
      let shown = ''
      let left = bytesMax
      for (const character of whole) {
        left -= Buffer.byteLength(character)
        if (left < 0) break
        shown += character
      }
      return shown
    },
  }
}

const TRUE_WORDS: ReadonlySet<unknown> = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'])
const FALSE_WORDS: ReadonlySet<unknown> = new Set(['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'])

/** True, false, and the words that YAML 1.1 (and so Kubernetes' reader) takes for them. */
export const flag: Reader<boolean> = {
  fallback: false,
  read(value, path, report) {
    if (typeof value === 'boolean') return value
    if ((TRUE_WORDS.has(value) || FALSE_WORDS.has(value)) && !report.quoted(path)) return TRUE_WORDS.has(value)
    report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: is ${typeName(value)}, want true or false`)
    return false
  },
}

/** What YAML 1.1 takes for a number beyond what YAML 1.2 does: 0b101, 1_000, 0X1F, -0x1F; undefined for other text. */
function oldInteger(value: unknown, path: Path, report: Report): number | undefined {
  if (typeof value !== 'string' || !/^[+-]?\d/.test(value)) return undefined
  const found = parseInteger(value.replaceAll('_', ''), 64, true)
  return 'wrong' in found || report.quoted(path) ? undefined : Number(found.value)
}

export function integer(min: number, max: number): Reader<number> {
  return {
    fallback: undefined,
    read(given, path, report) {
      const value = oldInteger(given, path, report) ?? given
      if (typeof value !== 'number' || !Number.isInteger(value)) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: is ${typeName(value)}, want an integer`)
        return min
      }
      if (value < min || value > max) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}, want ${min} to ${max}`)
        return min
      }
      return value
    },
  }
}

/** 64 bit: numbers of the document that are exact, or text in decimal or 0x form. */
export const address: Reader<bigint> = {
  fallback: undefined,
  read(value, path, report) {
    const number = oldInteger(value, path, report) ?? value
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return BigInt(number)
    if (typeof value === 'string' && /^(0x[0-9a-f]{1,16}|\d{1,19})$/i.test(value)) return BigInt(value)
    report.error(path, `Invalid ${nameOf(path)} ${quote(value)}, want a number such as 4096 or 0x1000`)
    return 0n
  },
}

/** One of `values`; with `anyCase` also spelled in other case. */
export function choice<T extends string>(values: readonly T[], anyCase = false): Reader<T> {
  return {
    fallback: undefined,
    read(value, path, report) {
      const found = values.find((each) =>
        each === value || (anyCase && typeof value === 'string' && each.toLowerCase() === value.toLowerCase())
      )
      if (found !== undefined) return found
      const known = values.filter((each) => each !== '')
      const close = typeof value === 'string' && value !== ''
        ? `, nearest is ${quote(nearest(value.slice(0, 64), known))}`
        : ''
      report.error(path, `Invalid ${nameOf(path)} ${quote(value)}${close}, want one of ${known.join(', ')}`)
      return values[0]!
    },
  }
}

export interface ListRule {
  readonly min?: number
  readonly max: number
}

export function list<T>(reader: Reader<T>, { min = 0, max }: ListRule): Reader<readonly T[]> {
  return {
    fallback: [],
    read(value, path, report) {
      if (!Array.isArray(value)) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: is ${typeName(value)}, want a list`)
        return []
      }
      if (value.length > max) {
        report.error(path, `Too many ${nameOf(path)}: ${value.length}, at most ${max}`)
        return []
      }
      if (value.length < min) report.error(path, `Too few ${nameOf(path)}: ${value.length}, at least ${min}`)
      return value.map((item, i) => {
        if (item === null) {
          report.error([...path, i], `Empty item in ${nameOf(path)}`)
          return reader.fallback ?? reader.read('', [...path, i], SILENT)
        }
        return reader.read(item, [...path, i], report)
      })
    },
  }
}

export function record<T>(reader: Reader<T>, max: number): Reader<Readonly<Record<string, T>>> {
  return {
    fallback: {},
    read(value, path, report) {
      const found: Record<string, T> = Object.create(null)
      if (!isObject(value)) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: is ${typeName(value)}, want a map`)
        return found
      }
      const entries = Object.entries(value)
      if (entries.length > max) report.error(path, `Too many ${nameOf(path)}: ${entries.length}, at most ${max}`)
      else for (const [key, item] of entries) found[key] = reader.read(item, [...path, key], report)
      return found
    },
  }
}

/** A map with known keys; unknown ones are reported with the nearest known one. */
export function object<T extends object>(fields: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<T> {
  const names = Object.keys(fields)
  return {
    fallback: undefined,
    read(value, path, report) {
      const given: Record<string, unknown> = isObject(value) ? value : {}
      if (!isObject(value)) {
        report.error(path, `Invalid ${nameOf(path)} ${quote(value)}: is ${typeName(value)}, want a map`)
      } else {
        for (const key of Object.keys(given)) {
          if (Object.hasOwn(fields, key)) continue
          const close = nearest(key.slice(0, 64), names)
          report.errorAtKey([...path, key], `Unknown key ${quote(key)} in ${nameOf(path)}, nearest is ${quote(close)}`)
        }
      }
      const found: { [K in keyof T]?: T[K] } = {}
      for (const key in fields) {
        const reader = fields[key]
        const item = given[key]
        if (item !== undefined && item !== null) found[key] = reader.read(item, [...path, key], report)
        else if (reader.fallback !== undefined) found[key] = reader.fallback
        else {
          if (isObject(value)) report.error(path, `Missing ${quote(key)} in ${nameOf(path)}`)
          found[key] = reader.read(undefined, [...path, key], SILENT)
        }
      }
      return found as T
    },
  }
}

/** For reading a value that is known to be missing, to get one that fits the type. */
const SILENT = new Report()
SILENT.errorAtKey = SILENT.warn = SILENT.error = () => {}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The last key of a path, with the index when it is an item: `kprobes[0]`. */
export function nameOf(path: Path): string {
  const last = path.at(-1)
  if (typeof last !== 'number') return last ?? 'policy'
  return `${nameOf(path.slice(0, -1))}[${last}]`
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? 'text' : `a ${typeof value}`
}
