// Filters on who does it: process ids, binaries, namespaces, capabilities, workloads.
import {
  CAPABILITY_SET,
  FILTER_FLAG,
  FILTER_KIND,
  FILTER_OPERATOR,
  type HookFilter,
  NAMESPACE_TYPE,
} from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { addSet, EMPTY_FILTER, type HookDraft } from './draft.ts'
import { type Path, quote } from './error.ts'
import { INLINE_MAX } from './number_filter.ts'
import { NAMESPACE_NAMES } from './selector.ts'
import { textSet } from './text_set.ts'
import type { BinaryMatch, CapabilityMatch, InOperator, NamespaceMatch, PidMatch, Selector } from './type.ts'
import { CAPABILITIES, capabilityNumber, parseInteger } from './value.ts'

const NAMESPACE_TYPES: Readonly<Record<string, number>> = {
  Uts: NAMESPACE_TYPE.UTS,
  Ipc: NAMESPACE_TYPE.IPC,
  Mnt: NAMESPACE_TYPE.MNT,
  Pid: NAMESPACE_TYPE.PID,
  PidForChildren: NAMESPACE_TYPE.PID_FOR_CHILDREN,
  Net: NAMESPACE_TYPE.NET,
  Time: NAMESPACE_TYPE.TIME,
  TimeForChildren: NAMESPACE_TYPE.TIME_FOR_CHILDREN,
  Cgroup: NAMESPACE_TYPE.CGROUP,
  User: NAMESPACE_TYPE.USER,
}

/** `enforces`: some selector of the hook does. */
export function addProcessFilters(
  draft: HookDraft,
  selector: Selector,
  number: number,
  path: Path,
  enforces: boolean,
): void {
  const at = (name: string, i: number): Path => [...path, name, i]
  addWorkload(draft, selector, number)
  selector.matchBinaries.forEach((each, i) =>
    addBinary(draft, each, number, at('matchBinaries', i), FILTER_KIND.BINARY, enforces)
  )
  selector.matchParentBinaries.forEach((each, i) =>
    addBinary(draft, each, number, at('matchParentBinaries', i), FILTER_KIND.PARENT_BINARY, enforces)
  )
  selector.matchPIDs.forEach((each, i) => addPid(draft, each, number, at('matchPIDs', i)))
  selector.matchNamespaces.forEach((each, i) => addNamespace(draft, each, number, at('matchNamespaces', i)))
  selector.matchCapabilities.forEach((each, i) =>
    addCapability(draft, each, number, at('matchCapabilities', i), FILTER_KIND.CAPABILITY)
  )
  selector.matchNamespaceChanges.forEach((each, i) => addChange(draft, each, number, at('matchNamespaceChanges', i)))
  selector.matchCapabilityChanges.forEach((each, i) =>
    addCapability(draft, each, number, at('matchCapabilityChanges', i), FILTER_KIND.CAPABILITY_CHANGE)
  )
}

function addWorkload(draft: HookDraft, { matchWorkloads }: Selector, number: number): void {
  if (matchWorkloads === null) return
  const { podSelector, containerSelector, hostSelector } = matchWorkloads
  if (podSelector === null && containerSelector === null && hostSelector === null) return
  const set = draft.context.workloads.push(matchWorkloads)
  draft.filters.push({ ...EMPTY_FILTER, kind: FILTER_KIND.CGROUP, selector: number, set })
}

function addBinary(
  draft: HookDraft,
  match: BinaryMatch,
  selector: number,
  path: Path,
  kind: number,
  enforces: boolean,
): void {
  const { report } = draft.context
  const name = match.operator.replace(/^Not/, '')
  if (match.followChildren && name !== 'In') {
    report.error(
      [...path, 'followChildren'],
      `followChildren with operator ${match.operator}, works with In and NotIn only`,
    )
    return
  }
  if (match.values.length === 0 && name === match.operator) {
    // What is ignored in one selector decides for those behind it, too.
    if (enforces) {
      const why = 'Tetragon ignores such a filter, and so would enforce on the wrong processes'
      report.error(path, `Empty values of ${name} in a hook that enforces: ${why}; want at least 1`)
    } else report.warn(path, `Empty values of ${name}: the filter is ignored, as in Tetragon, so every binary matches`)
    return
  }
  if (!notEmpty(draft, match, path)) return
  const operator = name === 'Prefix'
    ? FILTER_OPERATOR.PREFIXES
    : name === 'Postfix'
    ? FILTER_OPERATOR.POSTFIXES
    : FILTER_OPERATOR.STRINGS
  const flags = negation(match.operator) | (match.followChildren ? FILTER_FLAG.FOLLOW : 0)
  if (name !== 'Postfix') {
    match.values.forEach((value, i) => {
      if (!value.startsWith('/') && !value.startsWith('memfd:')) {
        report.warn([...path, 'values', i], `Binary ${quote(value)} is no absolute path: no process has such a binary`)
      }
    })
  }
  const base: HookFilter = { ...EMPTY_FILTER, kind, operator, flags, selector }
  const filter = textSet(draft, base, match.values, [...path, 'values'], match.operator, null)
  if (filter !== undefined) draft.filters.push({ ...filter, flags })
}

function addPid(draft: HookDraft, match: PidMatch, selector: number, path: Path): void {
  if (!notEmpty(draft, match, path)) return
  const values = [...new Set(match.values)].map(BigInt)
  const flags = negation(match.operator) | (match.followForks ? FILTER_FLAG.FOLLOW : 0) |
    (match.isNamespacePID ? FILTER_FLAG.NAMESPACE_PID : 0)
  const base: HookFilter = { ...EMPTY_FILTER, kind: FILTER_KIND.PID, operator: FILTER_OPERATOR.EQUAL, flags, selector }
  if (values.length <= INLINE_MAX) draft.filters.push({ ...base, values, value_count: values.length })
  else {
    const set = addSet(draft, { map: 'values', values })
    draft.filters.push({ ...base, operator: FILTER_OPERATOR.VALUES, flags: flags | FILTER_FLAG.SET, set })
  }
}

function addNamespace(draft: HookDraft, match: NamespaceMatch, selector: number, path: Path): void {
  const { report, host_namespaces } = draft.context
  if (!notEmpty(draft, match, path)) return
  const values: bigint[] = []
  const before = report.errors.length
  match.values.forEach((text, i) => {
    const at = [...path, 'values', i]
    if (text === 'host_ns') {
      const inode = host_namespaces === null ? 1 : host_namespaces[match.namespace] ?? 0
      if (inode === 0) report.error(at, `This kernel has no ${match.namespace} namespace`)
      else values.push(BigInt(inode))
      return
    }
    const found = parseInteger(text, 32, false)
    if ('value' in found) values.push(found.value)
    else {report.error(
        at,
        `Invalid value ${quote(text)} of matchNamespaces, want host_ns or an inode number such as 4026531836`,
      )}
  })
  if (report.errors.length > before) return
  const base: HookFilter = {
    ...EMPTY_FILTER,
    kind: FILTER_KIND.NAMESPACE,
    operator: FILTER_OPERATOR.EQUAL,
    flags: negation(match.operator),
    selector,
    argument: NAMESPACE_TYPES[match.namespace] ?? 0,
  }
  const unique = [...new Set(values)]
  if (unique.length <= INLINE_MAX) draft.filters.push({ ...base, values: unique, value_count: unique.length })
  else {
    const set = addSet(draft, { map: 'values', values: unique })
    draft.filters.push({ ...base, operator: FILTER_OPERATOR.VALUES, flags: base.flags | FILTER_FLAG.SET, set })
  }
}

/** A change of any listed namespace; NotIn: of any that is not listed. */
function addChange(
  draft: HookDraft,
  match: { readonly operator: InOperator; readonly values: readonly string[] },
  selector: number,
  path: Path,
): void {
  if (!notEmpty(draft, match, path)) return
  let mask = 0n
  match.values.forEach((text, i) => {
    const name = NAMESPACE_NAMES.find((each) => each.toLowerCase() === text.toLowerCase())
    if (name !== undefined) mask |= 1n << BigInt(NAMESPACE_TYPES[name]!)
    else {
      const close = nearest(text, NAMESPACE_NAMES)
      draft.context.report.error([...path, 'values', i], `Unknown namespace ${quote(text)}, nearest is ${quote(close)}`)
    }
  })
  const all = (1n << BigInt(NAMESPACE_NAMES.length)) - 1n
  if (match.operator === 'NotIn') mask = all & ~mask
  if (mask === 0n && match.operator === 'NotIn') {
    draft.context.report.error(path, 'matchNamespaceChanges NotIn lists every namespace: it can never match')
  }
  draft.filters.push({ ...EMPTY_FILTER, kind: FILTER_KIND.NAMESPACE_CHANGE, selector, value_count: 1, values: [mask] })
}

function addCapability(draft: HookDraft, match: CapabilityMatch, selector: number, path: Path, kind: number): void {
  if (!notEmpty(draft, match, path)) return
  let mask = 0n
  match.values.forEach((text, i) => {
    const number = capabilityNumber(text)
    if (number >= 0) mask |= 1n << BigInt(number)
    else {
      const close = `CAP_${nearest(text.replace(/^CAP_/i, '').toUpperCase(), CAPABILITIES)}`
      draft.context.report.error(
        [...path, 'values', i],
        `Unknown capability ${quote(text)}, nearest is ${quote(close)}`,
      )
    }
  })
  const set = {
    Effective: CAPABILITY_SET.EFFECTIVE,
    Inheritable: CAPABILITY_SET.INHERITABLE,
    Permitted: CAPABILITY_SET.PERMITTED,
  }
  draft.filters.push({
    ...EMPTY_FILTER,
    kind,
    flags: negation(match.operator) | (match.isNamespaceCapability ? FILTER_FLAG.USER_NAMESPACE : 0),
    selector,
    argument: set[match.type],
    value_count: 1,
    values: [mask],
  })
}

function negation(operator: string): number {
  return operator.startsWith('Not') ? FILTER_FLAG.NEGATE : 0
}

function notEmpty(draft: HookDraft, match: { operator: string; values: readonly unknown[] }, path: Path): boolean {
  if (match.values.length > 0) return true
  if (match.operator.startsWith('Not')) {
    draft.context.report.warn(path, `Empty values of ${match.operator}: it excludes nothing`)
  } else draft.context.report.error(path, `Empty values of ${match.operator}: it can never match, want at least 1`)
  return false
}
