// A hook while it is being compiled: its arguments in the policy's order, and filters, sets and actions as they come.
import type { ExpressionStep, HookAction, HookFilter, RegisterWrite } from '../../ffi/wire.gen.ts'
import type { ArgumentType } from './argument_type.ts'
import { type Path, quote, type Report } from './error.ts'
import type { SetPlan, WorkloadPlan } from './plan_type.ts'
import type { ProbePlace } from './register_write.ts'
import type { Argument, PolicyList } from './type.ts'

/** One argument of a hook. Filters name it by its place in HookDraft.slots until the order of reading is known. */
export interface ArgumentSlot {
  readonly argument: Argument
  readonly list: 'args' | 'data' | 'return' | 'hidden'
  /** Place in that list of the policy. */
  readonly position: number
  readonly path: Path
  /** Null while only the kernel's types can tell (`auto`, `resolve`). */
  readonly type: ArgumentType | null
}

/** What all hooks of one policy share. */
export interface PolicyContext {
  readonly report: Report
  readonly lists: readonly PolicyList[]
  readonly workloads: WorkloadPlan[]
  /** Null without a kernel to ask: then every namespace has an inode number. */
  readonly host_namespaces: Readonly<Record<string, number>> | null
  /** Ids of a list of system calls; a text says why the list cannot be used so. */
  readonly listIds: (list: PolicyList) => readonly bigint[] | string
}

export type HookKind = 'kprobe' | 'fentry' | 'tracepoint' | 'raw_tracepoint' | 'uprobe' | 'usdt' | 'lsm'

export interface HookDraft {
  readonly context: PolicyContext
  readonly kind: HookKind
  readonly path: Path
  readonly slots: readonly ArgumentSlot[]
  readonly filters: HookFilter[]
  readonly sets: SetPlan[]
  readonly actions: HookAction[]
  /** argUrl, argFqdn by index of `actions`. */
  readonly outbound: Record<number, string>
  readonly expression: ExpressionStep[]
  /** What Override writes to registers, by the actions' `argument` (first) and `argument_name` (how many). */
  readonly registers: RegisterWrite[]
  /** Of uprobes. */
  readonly place: ProbePlace | null
}

export function newDraft(
  context: PolicyContext,
  kind: HookKind,
  path: Path,
  slots: readonly ArgumentSlot[],
  place: ProbePlace | null = null,
): HookDraft {
  const empty = { filters: [], sets: [], actions: [], outbound: {}, expression: [], registers: [] }
  return { context, kind, path, slots, place, ...empty }
}

/** The number of a set with these values, counted from 1; equal sets are kept once per hook. */
export function addSet(draft: HookDraft, set: SetPlan): number {
  const key = setKey(set)
  const at = draft.sets.findIndex((each) => setKey(each) === key)
  return at >= 0 ? at + 1 : draft.sets.push(set)
}

function setKey({ map, values }: SetPlan): string {
  return map + JSON.stringify(values, (_, value) => typeof value === 'bigint' ? `${value}` : value)
}

/** Place in `slots` of what `index` means in a filter or action; -1 after reporting. */
export function findSlot(draft: HookDraft, list: ArgumentSlot['list'], index: number, path: Path): number {
  const own = draft.slots.map((slot, place) => ({ slot, place })).filter(({ slot }) => slot.list === list)
  const exact = own.find(({ slot }) => slot.argument.index === index)
  // Tracepoints: `index` may be that of the field, as in args, or the position in args (Tetragon's own examples do both).
  // Of data it is the position.
  const found = list === 'data'
    ? own[index] ?? exact
    : exact ?? (draft.kind === 'tracepoint' || draft.kind === 'raw_tracepoint' ? own[index] : undefined)
  if (found !== undefined) return found.place
  const name = { args: 'args', data: 'data', return: 'returnArg', hidden: 'args' }[list]
  const known = own.map(({ slot }) => slot.argument.index).join(', ')
  draft.context.report.error(
    path,
    `No argument with index ${index} in ${name}${known === '' ? ', which is empty' : `, which has ${known}`}`,
  )
  return -1
}

/** The same for positions, which `args:` of a filter counts from 0. */
export function findPosition(draft: HookDraft, list: ArgumentSlot['list'], position: number, path: Path): number {
  const place = draft.slots.findIndex((slot) => slot.list === list && slot.position === position)
  if (place >= 0) return place
  const count = draft.slots.filter((slot) => slot.list === list).length
  draft.context.report.error(path, `No argument at position ${position}: the hook has ${count} in ${quote(list)}`)
  return -1
}

export const EMPTY_FILTER: HookFilter = {
  kind: 0,
  operator: 0,
  flags: 0,
  selector: 0,
  argument: 0,
  argument_new: 0,
  set: 0,
  value_count: 0,
  values: [],
}
