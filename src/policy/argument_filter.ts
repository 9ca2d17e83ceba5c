// matchArgs, matchData and matchReturnArgs into filters and sets.
import { FILTER_FLAG, FILTER_KIND, FILTER_OPERATOR, type HookFilter } from '../../ffi/wire.gen.ts'
import type { ArgumentType } from './argument_type.ts'
import { addSet, type ArgumentSlot, EMPTY_FILTER, findPosition, findSlot, type HookDraft } from './draft.ts'
import { type Path, quote } from './error.ts'
import { compileExpression } from './expression.ts'
import { mapFilter, numberFilter, parseEach, rangeFilter } from './number_filter.ts'
import { findOperator, type Operator, OPERATOR_NAMES } from './operator.ts'
import { textSet } from './text_set.ts'
import type { ArgumentMatch } from './type.ts'
import {
  parseCapabilities,
  parseCidr,
  parseConstant,
  type Parsed,
  parseFileType,
  parseInteger,
  parsePort,
  parseRange,
  parseSize,
} from './value.ts'

/** Adds the filters of one match; reports what is wrong with it. */
export function addArgumentMatch(
  draft: HookDraft,
  match: ArgumentMatch,
  list: ArgumentSlot['list'],
  selector: number,
  path: Path,
): void {
  const { report } = draft.context
  const operator = findOperator(match.operator)
  if (operator === undefined) return
  if (operator.values === 'expression') return addExpression(draft, match, selector, path)
  const place = match.args.length > 0
    ? findPosition(draft, list, match.args[0]!, [...path, 'args', 0])
    : findSlot(draft, list, match.index, [...path, 'index'])
  if (place < 0) return
  const slot = draft.slots[place]!
  const { type } = slot
  if (type !== null && !operator.shapes.includes(type.shape)) {
    report.error([...path, 'operator'], `Operator ${operator.name} does not fit type ${type.name}${alternatives(type)}`)
    return
  }
  const base: HookFilter = {
    ...EMPTY_FILTER,
    kind: list === 'return' || slot.argument.returnCopy ? FILTER_KIND.RETURN : FILTER_KIND.ARGUMENT,
    operator: operator.wire,
    flags: operator.negate ? FILTER_FLAG.NEGATE : 0,
    selector,
    argument: place,
  }
  if (operator.wire === FILTER_OPERATOR.CAPABILITIES_GAINED) return addGained(draft, base, match, list, path)
  if (operator.values === 'none') {
    if (match.values.length > 0) report.error([...path, 'values'], `Values given to ${operator.name}, which takes none`)
    // Privileged ports are those below 1024.
    else draft.filters.push({ ...base, value_count: 2, values: [0n, 1023n] })
    return
  }
  if (match.values.length === 0) {
    const what = operator.negate ? 'excludes nothing' : 'can never match'
    const message = `Empty values of ${operator.name}: it ${what}, want at least 1`
    if (operator.negate) report.warn(path, message)
    else report.error(path, message)
    return
  }
  // Without a kernel a type may not be known yet; its values are then checked when planning.
  if (
    type === null &&
    (operator.values === 'equal' || operator.values === 'number' || operator.values === 'range' ||
      operator.values === 'map')
  ) return
  const filter = withValues(draft, base, operator, type, match.values, [...path, 'values'])
  if (filter !== undefined) draft.filters.push(filter)
}

function alternatives(type: ArgumentType): string {
  const fitting = OPERATOR_NAMES.filter((name) => name !== 'CelExpr' && findOperator(name)!.shapes.includes(type.shape))
  return fitting.length === 0 ? ', which has no operators' : `, want one of ${fitting.join(', ')}`
}

function withValues(
  draft: HookDraft,
  base: HookFilter,
  operator: Operator,
  type: ArgumentType | null,
  values: readonly string[],
  path: Path,
): HookFilter | undefined {
  const each = <T>(parse: (text: string) => Parsed<T>): T[] | undefined =>
    parseEach(draft, values, path, operator.name, parse)
  const number = (text: string) =>
    type!.shape === 'mask' ? parseCapabilities(text) : parseInteger(text, type!.bits, type!.signed)
  switch (operator.values) {
    case 'equal':
      if (type!.shape !== 'integer' && type!.shape !== 'mask') {
        return textSet(draft, base, values, path, operator.name, type)
      }
      return numberFilter(draft, base, each(type!.name === 'size_t' ? parseSize : number), path)
    case 'number':
      return numberFilter(draft, base, each(number), path)
    case 'range':
      return rangeFilter(draft, base, each((text) => parseRange(text, type!.bits, type!.signed, false)), type!.signed)
    case 'map':
      return mapFilter(draft, base, type!, values, path)
    case 'text':
      return textSet(draft, base, values, path, operator.name, type)
    case 'address': {
      const found = each(parseCidr)
      return found &&
        { ...base, flags: base.flags | FILTER_FLAG.SET, set: addSet(draft, { map: 'addresses', values: found }) }
    }
    case 'port':
      return rangeFilter(draft, base, each(parsePort), false)
    case 'protocol':
    case 'family':
    case 'state': {
      const kind = operator.values
      return rangeFilter(draft, base, each((text) => parseConstant(text, kind)), false)
    }
    case 'file_type':
      return numberFilter(draft, base, each(parseFileType), path)
    case 'none':
    case 'expression':
      return undefined
  }
}

/** `args: [old, new]`. */
function addGained(
  draft: HookDraft,
  base: HookFilter,
  match: ArgumentMatch,
  list: ArgumentSlot['list'],
  path: Path,
): void {
  const { report } = draft.context
  if (match.args.length !== 2) {
    report.error(path, `CapabilitiesGained needs args: [old, new], two positions; ${match.args.length} given`)
    return
  }
  if (match.values.length > 0) report.error([...path, 'values'], 'Values given to CapabilitiesGained, which takes none')
  const place = findPosition(draft, list, match.args[1]!, [...path, 'args', 1])
  if (place < 0) return
  const { type } = draft.slots[place]!
  if (type !== null && type.shape !== 'mask') {
    report.error(
      [...path, 'args', 1],
      `Operator CapabilitiesGained does not fit type ${type.name}, want a capability set`,
    )
  } else draft.filters.push({ ...base, argument_new: place })
}

function addExpression(draft: HookDraft, match: ArgumentMatch, selector: number, path: Path): void {
  const { report } = draft.context
  if (draft.kind !== 'kprobe' && draft.kind !== 'fentry' && draft.kind !== 'uprobe') {
    report.error([...path, 'operator'], 'Operator CelExpr works in kprobes, fentries and uprobes only')
    return
  }
  if (match.values.length !== 1) {
    report.error(path, `CelExpr takes exactly 1 expression, ${match.values.length} given`)
    return
  }
  const args = draft.slots.filter((slot) => slot.list === 'args')
  const steps = compileExpression(match.values[0]!, args.map((slot) => slot.type))
  if (typeof steps === 'string') {
    report.error([...path, 'values', 0], `Cannot compile expression ${quote(match.values[0])}: ${steps}`)
    return
  }
  const first = draft.expression.length
  // Steps name arguments by position; from here on it is the place among all slots.
  draft.expression.push(...steps)
  draft.filters.push({
    ...EMPTY_FILTER,
    kind: FILTER_KIND.ARGUMENT,
    operator: FILTER_OPERATOR.EXPRESSION,
    selector,
    argument: Math.max(
      0,
      ...steps.filter((step) => step.operator === EXPRESSION_ARGUMENT).map((step) => Number(step.value)),
    ),
    value_count: 2,
    values: [BigInt(first), BigInt(steps.length)],
  })
}

/** EXPRESSION_OPERATOR_ARGUMENT. */
const EXPRESSION_ARGUMENT = 2
