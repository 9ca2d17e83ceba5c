// Numbers, ranges and lists of filters: inline where they are few, else as sets of the values and ranges maps.
import { FILTER_FLAG, FILTER_OPERATOR, type HookFilter } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import type { ArgumentType } from './argument_type.ts'
import { addSet, type HookDraft } from './draft.ts'
import { type Path, quote } from './error.ts'
import { type Parsed, parseRange, type Range } from './value.ts'

/** FILTER_VALUES_MAX of bpf/config.h. */
export const INLINE_MAX = 8

/** All or nothing: undefined if one value is wrong. */
export function parseEach<T>(
  draft: HookDraft,
  values: readonly string[],
  path: Path,
  operator: string,
  parse: (text: string) => Parsed<T>,
): T[] | undefined {
  const found: T[] = []
  for (const [i, text] of values.entries()) {
    const parsed = parse(text)
    if ('value' in parsed) found.push(parsed.value)
    else draft.context.report.error([...path, i], `Invalid value ${quote(text)} of ${operator}, ${parsed.wrong}`)
  }
  return found.length === values.length ? found : undefined
}

export function numberFilter(
  draft: HookDraft,
  base: HookFilter,
  numbers: readonly bigint[] | undefined,
  path: Path,
): HookFilter | undefined {
  if (numbers === undefined) return undefined
  const values = [...new Set(numbers.map((value) => BigInt.asUintN(64, value)))]
  if (values.length <= INLINE_MAX) return { ...base, values, value_count: values.length }
  if (base.operator === FILTER_OPERATOR.EQUAL) {
    return {
      ...base,
      operator: FILTER_OPERATOR.VALUES,
      flags: base.flags | FILTER_FLAG.SET,
      set: addSet(draft, { map: 'values', values }),
    }
  }
  draft.context.report.error(path, `${values.length} different values, at most ${INLINE_MAX} with this operator`)
  return undefined
}

export function rangeFilter(
  draft: HookDraft,
  base: HookFilter,
  found: readonly Range[] | undefined,
  signed: boolean,
): HookFilter | undefined {
  if (found === undefined) return undefined
  const ranges = mergeRanges(found)
  if (ranges.length * 2 <= INLINE_MAX) {
    const values = ranges.flatMap(({ min, max }) => [BigInt.asUintN(64, min), BigInt.asUintN(64, max)])
    return { ...base, values, value_count: values.length }
  }
  const set = addSet(draft, { map: 'ranges', values: signed ? cutAtSign(ranges) : ranges })
  // The flag would send numbers to the map of values (bpf/selector_value.h); ports need it to tell a set from values.
  if (base.operator === FILTER_OPERATOR.RANGE) return { ...base, operator: FILTER_OPERATOR.RANGES, set }
  return { ...base, flags: base.flags | FILTER_FLAG.SET, set }
}

/** Sorted, overlapping and touching ones joined. */
function mergeRanges(ranges: readonly Range[]): Range[] {
  const merged: Range[] = []
  for (const range of [...ranges].sort((a, b) => (a.min < b.min ? -1 : a.min > b.min ? 1 : 0))) {
    const last = merged.at(-1)
    if (last === undefined || range.min > last.max + 1n) merged.push(range)
    else if (range.max > last.max) merged[merged.length - 1] = { min: last.min, max: range.max }
  }
  return merged
}

/** As 64 bit patterns: a range across zero becomes one below the sign and one above. */
function cutAtSign(ranges: readonly Range[]): Range[] {
  const pattern = (value: bigint) => BigInt.asUintN(64, value)
  return ranges.flatMap(({ min, max }) =>
    min < 0n && max >= 0n
      ? [{ min: 0n, max }, { min: pattern(min), max: pattern(-1n) }]
      : [{ min: pattern(min), max: pattern(max) }]
  )
}

/** InMap: numbers, ranges and lists of system calls. */
export function mapFilter(
  draft: HookDraft,
  base: HookFilter,
  type: ArgumentType,
  values: readonly string[],
  path: Path,
): HookFilter | undefined {
  const { report, lists, listIds } = draft.context
  const ranges: Range[] = []
  const before = report.errors.length
  values.forEach((text, i) => {
    if (!text.startsWith('list:')) {
      const found = parseRange(text, type.bits, type.signed, true)
      if ('value' in found) ranges.push(found.value)
      else report.error([...path, i], `Invalid value ${quote(text)}, ${found.wrong} or list:NAME`)
      return
    }
    const list = lists.find((each) => each.name === text.slice(5))
    if (list === undefined) {
      const names = lists.map((each) => each.name)
      const close = names.length === 0
        ? 'the policy has no lists'
        : `nearest is ${quote(nearest(text.slice(5), names))}`
      report.error([...path, i], `Unknown list ${quote(text)}, ${close}`)
      return
    }
    const ids = listIds(list)
    if (typeof ids === 'string') report.error([...path, i], `Cannot use list ${quote(list.name)} here: ${ids}`)
    else for (const id of ids) ranges.push({ min: id, max: id })
  })
  if (report.errors.length > before) return undefined
  if (ranges.every(({ min, max }) => min === max)) {
    const numbers = [...new Set(ranges.map(({ min }) => BigInt.asUintN(64, min)))]
    if (numbers.length <= INLINE_MAX) {
      return { ...base, operator: FILTER_OPERATOR.EQUAL, values: numbers, value_count: numbers.length }
    }
    return { ...base, flags: base.flags | FILTER_FLAG.SET, set: addSet(draft, { map: 'values', values: numbers }) }
  }
  return rangeFilter(draft, { ...base, operator: FILTER_OPERATOR.RANGE }, ranges, type.signed)
}
