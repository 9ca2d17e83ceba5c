// Redaction of arguments and environment, before a process enters the cache: later events, filters and logs see its result only.

import { isObject } from './json.ts'
import { nearest } from '../nearest.ts'
import { parseObjects, snakeCase } from './parse.ts'
import { compileRegex } from './regex.ts'
import { redactArguments, REDACTED, redactVariable } from './secret.ts'
import { FilterError } from './type.ts'

export interface Variable {
  readonly Key: string
  readonly Value: string
}

export interface Redactor {
  /** `text` is the joined arguments. */
  arguments(binary: string, text: string): string
  environment<T extends Variable>(binary: string, variables: readonly T[]): T[]
}

interface Rule {
  /** Empty: every program. */
  readonly binaries: readonly RegExp[]
  readonly patterns: readonly RegExp[]
}

export interface RedactorOptions {
  /** `--redaction-filters`: `{"binary_regex":["..."],"redact":["--key[= ](\\S+)"]}`, one after another. */
  readonly filters: string
  /** Patterns for common secrets as well (default on). */
  readonly builtin: boolean
}

/** Throws FilterError. */
export function createRedactor(options: RedactorOptions): Redactor {
  const rules = parseRules(options.filters)
  const builtin = options.builtin
  return {
    arguments(binary, text) {
      if (text === '') return text
      let out = builtin ? redactArguments(binary, text) : text
      for (const rule of rules) if (fits(rule, binary)) out = apply(rule, out)
      return out
    },
    environment(binary, variables) {
      const fitting = rules.filter((rule) => fits(rule, binary))
      return variables.map((variable) => {
        const Value = builtin ? redactVariable(variable.Key, variable.Value) : variable.Value
        let pair = `${variable.Key}=${Value}`
        for (const rule of fitting) pair = apply(rule, pair)
        const equals = pair.indexOf('=')
        // A rule may have hidden the name, too: then it has no "=" of its own any more.
        if (equals < 0) return { ...variable, Key: pair, Value: '' }
        return { ...variable, Key: pair.slice(0, equals), Value: pair.slice(equals + 1) }
      })
    },
  }
}

function fits(rule: Rule, binary: string): boolean {
  return rule.binaries.length === 0 || rule.binaries.some((regex) => regex.test(binary))
}

function parseRules(text: string): Rule[] {
  const what = 'redaction filters'
  return parseObjects(text, what).map((object) => {
    const rule = { binaries: [] as RegExp[], patterns: [] as RegExp[] }
    for (const [key, value] of Object.entries(object)) {
      switch (snakeCase(key)) {
        case 'binary_regex':
          rule.binaries = patterns(value, key, '')
          break
        case 'redact':
          rule.patterns = patterns(value, key, 'dg')
          break
        case 'match': // Tetragon's deprecated filter list: selects what binary_regex selects now
          rule.binaries.push(...oldMatch(value))
          break
        default: {
          const closest = nearest(snakeCase(key), ['binary_regex', 'redact'])
          throw new FilterError(`Cannot use ${what}: unknown field "${key}", closest is "${closest}"`)
        }
      }
    }
    if (rule.patterns.length === 0) throw new FilterError(`Cannot use ${what}: "redact" has no pattern`)
    return rule
  })
}

function oldMatch(value: unknown): RegExp[] {
  if (!Array.isArray(value)) throw new FilterError('Cannot use redaction filters: "match" is not a list')
  return value.flatMap((item: unknown) => {
    const list = isObject(item) ? item['binary_regex'] ?? item['binaryRegex'] : undefined
    return patterns(list, 'match', '')
  })
}

function patterns(value: unknown, what: string, flags: string): RegExp[] {
  if (!Array.isArray(value)) throw new FilterError(`Cannot use redaction filters: "${what}" is not a list of patterns`)
  return value.map((item) => {
    try {
      return compileRegex(String(item), flags)
    } catch (cause) {
      throw new FilterError(`Cannot use redaction filters: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      })
    }
  })
}

/** Replaces the span of every capture group; nested and repeated groups count once, by their outermost span. */
function apply(rule: Rule, text: string): string {
  let out = text
  for (const pattern of rule.patterns) {
    const spans: [number, number][] = []
    for (const match of out.matchAll(pattern)) {
      for (const span of match.indices?.slice(1) ?? []) if (span && span[1] > span[0]) spans.push(span)
    }
    if (spans.length > 0) out = replaceSpans(out, spans)
  }
  return out
}

function replaceSpans(text: string, spans: [number, number][]): string {
  spans.sort((a, b) => a[0] - b[0] || b[1] - a[1])
  let out = ''
  let at = 0
  for (const [from, to] of spans) {
    if (from < at) continue // inside one that is already replaced
    out += text.slice(at, from) + REDACTED
    at = to
  }
  return out + text.slice(at)
}
