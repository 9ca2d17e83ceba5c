// The `lists` part of the language.
import type { Path, Report } from './error.ts'
import { choice, flag, list, object, optional, type Reader, text } from './reader.ts'
import { VALUES_MAX } from './selector.ts'
import type { PolicyList } from './type.ts'

const fields: Reader<PolicyList> = object<PolicyList>({
  name: text({ min: 1, max: 128, pattern: /^[\w.-]+$/, want: 'letters, digits, dot, dash and underscore' }),
  type: optional(choice(['', 'syscalls', 'generated_syscalls', 'generated_ftrace'] as const), ''),
  values: list(text({ min: 1, max: 512 }), { max: VALUES_MAX }),
  pattern: optional(text({ max: 1024 }), ''),
  validated: flag,
})

const policyList: Reader<PolicyList> = {
  fallback: undefined,
  read(value, path, report) {
    const before = report.errors.length
    const found = fields.read(value, path, report)
    if (report.errors.length === before) check(found, path, report)
    return found
  },
}

function check(found: PolicyList, path: Path, report: Report): void {
  const generated = found.type.startsWith('generated_')
  if (generated && found.values.length > 0) {
    report.error([...path, 'values'], `Values in list "${found.name}", whose type ${found.type} generates them`)
  }
  if (!generated && found.values.length === 0) {
    report.error(path, `List "${found.name}" is empty, want at least 1 value`)
  }
  if (found.type === 'generated_ftrace') {
    if (found.pattern === '') report.error(path, `Missing "pattern" of list "${found.name}"`)
    else if (patternOf(found.pattern) === undefined) {
      report.error(
        [...path, 'pattern'],
        `Invalid pattern "${found.pattern}", want a regular expression over function names`,
      )
    }
  } else if (found.pattern !== '') {
    report.error([...path, 'pattern'], `Pattern in list "${found.name}", only type generated_ftrace has one`)
  }
}

/** Groups that one pattern may leave out; each doubles the ways through it. */
const OPTIONAL_GROUPS_MAX = 4

/** Repeated groups are refused: they take exponential time on some names. `(?i)` in front is Go's word for any case. */
export function patternOf(pattern: string): RegExp | undefined {
  const any_case = pattern.startsWith('(?i)')
  const bare = any_case ? pattern.slice(4) : pattern
  if (/\)[*+{]/.test(bare) || (bare.match(/\)\?/g) ?? []).length > OPTIONAL_GROUPS_MAX) return undefined
  try {
    return new RegExp(bare, any_case ? 'i' : '')
  } catch {
    return undefined // the caller reports it with its position
  }
}

export const policyLists: Reader<readonly PolicyList[]> = list(policyList, { max: 64 })
