// The selectors of one hook into filters and actions, and what is wrong with them as a whole.
import { FILTER_FLAG, FILTER_KIND, FILTER_OPERATOR, type HookFilter } from '../../ffi/wire.gen.ts'
import { addActions, selectorEnforces } from './action_plan.ts'
import { addArgumentMatch } from './argument_filter.ts'
import type { HookDraft } from './draft.ts'
import { EXPRESSION_STEPS_MAX } from './expression.ts'
import type { Path } from './error.ts'
import { addProcessFilters } from './process_filter.ts'
import { CREDENTIAL_NAMES, type Selector } from './type.ts'

/** HOOK_FILTERS_MAX and HOOK_ACTIONS_MAX of bpf/config.h. */
const FILTERS_MAX = 96
const ACTIONS_MAX = 48

export function addSelectors(draft: HookDraft, selectors: readonly Selector[]): void {
  const enforces = selectors.some(selectorEnforces)
  selectors.forEach((selector, number) =>
    addSelector(draft, selector, number, [...draft.path, 'selectors', number], enforces)
  )
  const { report } = draft.context
  if (draft.filters.length > FILTERS_MAX) {
    report.error([...draft.path, 'selectors'], `${draft.filters.length} filters in this hook, at most ${FILTERS_MAX}`)
  }
  if (draft.actions.length > ACTIONS_MAX) {
    report.error([...draft.path, 'selectors'], `${draft.actions.length} actions in this hook, at most ${ACTIONS_MAX}`)
  }
  if (draft.expression.length > EXPRESSION_STEPS_MAX) {
    const message = `${draft.expression.length} steps in the expressions of this hook, at most ${EXPRESSION_STEPS_MAX}`
    report.error([...draft.path, 'selectors'], message)
  }
}

function addSelector(draft: HookDraft, selector: Selector, number: number, path: Path, enforces: boolean): void {
  const { report } = draft.context
  const first = draft.filters.length
  addProcessFilters(draft, selector, number, path, enforces)
  selector.matchArgs.forEach((match, i) => addArgumentMatch(draft, match, 'args', number, [...path, 'matchArgs', i]))
  selector.matchData.forEach((match, i) => addArgumentMatch(draft, match, 'data', number, [...path, 'matchData', i]))
  addCredentials(draft, selector, number, path)
  const has_return = draft.slots.some((slot) => slot.list === 'return')
  if (selector.matchReturnArgs.length > 0 && !has_return) {
    report.error([...path, 'matchReturnArgs'], 'matchReturnArgs without return value: set return and returnArg')
  } else {
    selector.matchReturnArgs.forEach((match, i) =>
      addArgumentMatch(draft, match, 'return', number, [...path, 'matchReturnArgs', i])
    )
  }
  if (selector.matchReturnActions.length > 0 && !has_return) {
    report.error([...path, 'matchReturnActions'], 'matchReturnActions without return value: set return and returnArg')
  }
  addActions(draft, selector.matchActions, number, [...path, 'matchActions'], false)
  if (has_return) addActions(draft, selector.matchReturnActions, number, [...path, 'matchReturnActions'], true)
  findContradictions(draft, draft.filters.slice(first), path)
}

/** matchCurrentCred: the slots of the credentials were put behind the others as `hidden`, one per name in use. */
function addCredentials(draft: HookDraft, selector: Selector, number: number, path: Path): void {
  selector.matchCurrentCred.forEach((match, i) => {
    for (const name of CREDENTIAL_NAMES) {
      const wanted = match[name]
      if (wanted === null) continue
      const place = draft.slots.findIndex((slot) => slot.list === 'hidden' && slot.argument.label === name)
      if (place < 0) continue
      const position = draft.slots[place]!.position
      const at = [...path, 'matchCurrentCred', i, name]
      addArgumentMatch(draft, { ...wanted, index: 0, args: [position] }, 'hidden', number, at)
    }
  })
}

/** Numbers that pass all filters so far of one argument. */
interface Window {
  min: bigint
  max: bigint
  values: readonly bigint[] | null
}

/** A selector whose filters exclude each other would silently never match. */
function findContradictions(draft: HookDraft, filters: readonly HookFilter[], path: Path): void {
  const windows = new Map<number, Window>()
  for (const filter of filters) {
    if (filter.kind !== FILTER_KIND.ARGUMENT && filter.kind !== FILTER_KIND.RETURN) continue
    const type = draft.slots[filter.argument]?.type
    if (type === null || type === undefined || type.shape !== 'integer') continue
    const window = windows.get(filter.argument) ??
      { min: type.signed ? -(1n << 63n) : 0n, max: type.signed ? (1n << 63n) - 1n : (1n << 64n) - 1n, values: null }
    narrow(window, filter, type.signed)
    windows.set(filter.argument, window)
  }
  for (const [place, { min, max, values }] of windows) {
    const left = values?.filter((value) => value >= min && value <= max)
    if (min <= max && left?.length !== 0) continue
    const { list, argument } = draft.slots[place]!
    draft.context.report.error(
      path,
      `Selector can never match: its filters on ${list} index ${argument.index} exclude each other`,
    )
  }
}

function narrow(window: Window, filter: HookFilter, signed: boolean): void {
  const values = filter.values.map((value) => signed ? BigInt.asIntN(64, value) : value)
  const least = values.reduce((a, b) => (b < a ? b : a), values[0] ?? 0n)
  const most = values.reduce((a, b) => (b > a ? b : a), values[0] ?? 0n)
  const negate = (filter.flags & FILTER_FLAG.NEGATE) !== 0
  switch (filter.operator) {
    case FILTER_OPERATOR.EQUAL:
      if (negate) {
        if (window.values !== null) window.values = window.values.filter((value) => !values.includes(value))
      } else window.values = window.values?.filter((value) => values.includes(value)) ?? values
      break
    case FILTER_OPERATOR.GREATER:
      if (least + 1n > window.min) window.min = least + 1n
      break
    case FILTER_OPERATOR.LESS:
      if (most - 1n < window.max) window.max = most - 1n
      break
    case FILTER_OPERATOR.RANGE:
      if (negate) break
      if (least > window.min) window.min = least
      if (most < window.max) window.max = most
      break
  }
}
