// The `lists` part of the language.
import { compileRegex, RegexError } from '../filter/regex.ts'
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
    else {
      const compiled = patternOf(found.pattern)
      if (typeof compiled === 'string') {
        const want = 'want a regular expression (RE2) over function names'
        report.error([...path, 'pattern'], `Invalid pattern "${found.pattern}", ${want}: ${compiled}`)
      }
    }
  } else if (found.pattern !== '') {
    report.error([...path, 'pattern'], `Pattern in list "${found.name}", only type generated_ftrace has one`)
  }
}

/** Groups that one pattern may leave out; each doubles the ways through it. */
const OPTIONAL_GROUPS_MAX = 4

/** Go's regular expressions (RE2), or what is wrong. Repeated groups are refused: here they take exponential time. */
export function patternOf(pattern: string): RegExp | string {
  if (/\)[*+{]/.test(pattern)) return 'a group is repeated'
  if ((pattern.match(/\)\?/g) ?? []).length > OPTIONAL_GROUPS_MAX) {
    return `more than ${OPTIONAL_GROUPS_MAX} groups may be left out`
  }
  try {
    return compileRegex(pattern)
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    return error.message.replace(`Cannot compile regular expression "${pattern}"`, '').replace(/^:? /, '')
  }
}

export const policyLists: Reader<readonly PolicyList[]> = list(policyList, { max: 64 })
