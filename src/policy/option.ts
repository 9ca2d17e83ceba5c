// The `options` part of the language.
import { choice, list, object, type Reader } from './reader.ts'
import { type Path, quote, type Report } from './error.ts'

export interface PolicyOption {
  readonly name: string
  readonly value: string
}

const BOOLEAN = /^(1|0|t|f|true|false)$/i

const OPTIONS = {
  'disable-kprobe-multi': { pattern: BOOLEAN, want: 'true or false' },
  'disable-uprobe-multi': { pattern: BOOLEAN, want: 'true or false' },
  'override-method': { pattern: /^(fmod-ret|override-return)$/, want: 'fmod-ret or override-return' },
  'policy-mode': { pattern: /^(enforce|monitor)$/, want: 'enforce or monitor' },
  'sleepable-preload-size': { pattern: /^\d{1,6}$/, want: 'a number of entries' },
} as const

const value: Reader<string> = {
  fallback: undefined,
  read(value, path, report) {
    if (typeof value === 'string') return value
    report.error(path, `Invalid value ${quote(value)}, want text (quote it)`)
    return ''
  },
}

const option: Reader<PolicyOption> = {
  fallback: undefined,
  read(given, path: Path, report: Report) {
    const before = report.errors.length
    const found = object<PolicyOption>({
      name: choice(Object.keys(OPTIONS)),
      value,
    }).read(given, path, report)
    if (report.errors.length > before) return found
    const rule = Object.hasOwn(OPTIONS, found.name) ? OPTIONS[found.name as keyof typeof OPTIONS] : undefined
    if (rule !== undefined && !rule.pattern.test(found.value)) {
      report.error([...path, 'value'], `Invalid value ${quote(found.value)} of ${found.name}, want ${rule.want}`)
    }
    return found
  },
}

export const options: Reader<readonly PolicyOption[]> = list(option, { max: 32 })

/** The last of that name; undefined if it is not set. */
export function optionValue(all: readonly PolicyOption[], name: keyof typeof OPTIONS): string | undefined {
  return all.findLast((each) => each.name === name)?.value
}

export function optionFlag(
  all: readonly PolicyOption[],
  name: 'disable-kprobe-multi' | 'disable-uprobe-multi',
): boolean {
  return /^(1|t|true)$/i.test(optionValue(all, name) ?? '')
}
