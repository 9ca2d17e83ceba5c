// Puts the pieces of one hook together: arguments in order of reading, filters behind one another as the kernel wants them.
import {
  ACTION_FLAG,
  ACTION_KIND,
  ARGUMENT_FLAG,
  ARGUMENT_TYPE,
  BUFFER_INLINE_BYTES,
  EXPRESSION_OPERATOR,
  FILTER_KIND,
  FILTER_OPERATOR,
  HOOK_FLAG,
  type HookAction,
  type HookConfig,
  type HookFilter,
} from '../../ffi/wire.gen.ts'
import type { ReadArgument } from './argument_plan.ts'
import type { HookDraft } from './draft.ts'
import { isProven, verdictOf } from './effect.ts'
import type { ArgumentShow, HookFamily, HookPlan, ProgramPlan } from './plan_type.ts'
import { registerMask } from './register_write.ts'
import type { Selector } from './type.ts'

export interface Attachment {
  readonly family: HookFamily
  readonly reason: string
  readonly programs: readonly ProgramPlan[]
  readonly names: readonly string[]
  /** HOOK_FLAG bits that come with the way of attaching. */
  readonly flags: number
  /** Parameters of the prototype: where fexit finds the result. */
  readonly result_index?: number
  readonly syscall_id?: number
  readonly syscall_numbers?: readonly bigint[]
}

export interface HookLook {
  readonly event: HookPlan['event']
  readonly message: string
  readonly tags: readonly string[]
  readonly selectors: readonly Selector[]
  readonly cgroup_filter: number
  readonly follows_fd: boolean
  readonly path?: string
  readonly provider?: string
  readonly digests?: readonly string[]
}

const ENFORCING_KINDS: ReadonlySet<number> = new Set([
  ACTION_KIND.SIGKILL,
  ACTION_KIND.SIGNAL,
  ACTION_KIND.OVERRIDE,
  ACTION_KIND.NOTIFYENFORCER,
  ACTION_KIND.SET,
])
/** What Sigkill returns where it can refuse. */
const EPERM = -1

export function assemble(draft: HookDraft, read: readonly ReadArgument[], how: Attachment, look: HookLook): HookPlan {
  const order = readingOrder(read)
  const place = new Map(order.map((argument, i) => [draft.slots.indexOf(argument.slot), i]))
  const at = (slot: number): number => place.get(slot) ?? 0
  const can_refuse = (how.flags & HOOK_FLAG.CAN_REFUSE) !== 0
  const sets = [...draft.sets]
  let syscall_set = 0
  if (how.syscall_numbers !== undefined) syscall_set = sets.push({ map: 'values', values: how.syscall_numbers })
  const expression = draft.expression.map((step) =>
    step.operator === EXPRESSION_OPERATOR.ARGUMENT ? { ...step, value: BigInt(at(Number(step.value))) } : step
  )
  const filters = draft.filters.map((filter) => moved(filter, at, expression)).sort(byStage)
  const actions = draft.actions.map((action) => finishAction(action, at, can_refuse))
  const enforcing = draft.actions.some((action) => ENFORCING_KINDS.has(action.kind))
  const writes = draft.registers.length > 0
  const config: HookConfig = {
    ...EMPTY_CONFIG,
    flags: how.flags | (enforcing ? HOOK_FLAG.RESERVED_RING : 0) | (look.follows_fd ? HOOK_FLAG.FOLLOWS_FD : 0) |
      (writes ? HOOK_FLAG.WRITES_REGISTERS : 0) | (order.some(isLarge) ? HOOK_FLAG.LARGE : 0),
    argument_count: order.length,
    filter_count: filters.length,
    action_count: actions.length,
    selector_count: look.selectors.length,
    expression_count: expression.length,
    cgroup_filter: look.cgroup_filter,
    syscall_id: how.syscall_id ?? 0,
    syscall_set,
    result_index: how.result_index ?? 0,
    arguments: order.map((argument) => argument.wire),
    positions: order.map((argument) => draft.slots.indexOf(argument.slot)),
    filters,
    actions,
    expression,
    register_mask: registerMask(draft.registers),
    registers: draft.registers,
  }
  return {
    family: how.family,
    event: look.event,
    reason: how.reason,
    programs: how.programs,
    config,
    sets,
    names: how.names,
    arguments: order.map(show),
    message: look.message,
    tags: look.tags,
    outbound: draft.outbound,
    ...(look.path === undefined ? {} : { path: look.path }),
    ...(look.provider === undefined ? {} : { provider: look.provider }),
    verdict: verdictOf(
      draft.actions,
      can_refuse || writes,
      // Without its first instruction a function has done nothing.
      writes || how.programs.some(({ attach }) => isProven(attach)),
    ),
    selector_labels: look.selectors.map((selector) => selector.label),
    companion: false,
    digests: look.digests ?? [],
  }
}

export const EMPTY_CONFIG: HookConfig = {
  hook_id: 0,
  policy_slot: 0,
  flags: 0,
  argument_count: 0,
  filter_count: 0,
  action_count: 0,
  selector_count: 0,
  expression_count: 0,
  cgroup_filter: 0,
  syscall_id: 0,
  syscall_set: 0,
  result_index: 0,
  parameter_mask: 0,
  register_mask: 0,
  arguments: [],
  positions: [],
  filters: [],
  actions: [],
  expression: [],
  registers: [],
}

function isLarge({ wire }: ReadArgument): boolean {
  return wire.max_bytes > BUFFER_INLINE_BYTES
}

/** Cheap ones first, so that their filters decide before anything dear is read; those of the return half last. */
function readingOrder(read: readonly ReadArgument[]): ReadArgument[] {
  const late = (argument: ReadArgument) => (argument.wire.flags & ARGUMENT_FLAG.AT_RETURN) !== 0 ? 1 : 0
  return read
    .map((argument, i) => ({ argument, i }))
    .filter(({ argument }) => argument.wire.type !== ARGUMENT_TYPE.NOP)
    .sort((a, b) => late(a.argument) - late(b.argument) || a.argument.type.cost - b.argument.type.cost || a.i - b.i)
    .map(({ argument }) => argument)
}

/** Filters of arguments name them by place in `slots` until here; other kinds use the field for something else. */
function moved(filter: HookFilter, at: (slot: number) => number, expression: HookConfig['expression']): HookFilter {
  if (filter.kind !== FILTER_KIND.ARGUMENT && filter.kind !== FILTER_KIND.RETURN) return filter
  if (filter.operator === FILTER_OPERATOR.EXPRESSION) {
    const [first = 0n, count = 0n] = filter.values
    const used = expression.slice(Number(first), Number(first + count)).filter((step) =>
      step.operator === EXPRESSION_OPERATOR.ARGUMENT
    )
    // Evaluated once the last of its arguments has been read.
    return { ...filter, argument: Math.max(0, ...used.map((step) => Number(step.value))) }
  }
  if (filter.operator !== FILTER_OPERATOR.CAPABILITIES_GAINED) return { ...filter, argument: at(filter.argument) }
  return { ...filter, argument: at(filter.argument), argument_new: at(filter.argument_new) }
}

/** Process filters, then arguments in order of reading, then what only the return half can decide. */
function byStage(a: HookFilter, b: HookFilter): number {
  return stage(a) - stage(b) || (stage(a) === 0 ? 0 : latest(a) - latest(b)) || a.selector - b.selector
}

function stage({ kind }: HookFilter): number {
  return kind === FILTER_KIND.RETURN ? 2 : kind === FILTER_KIND.ARGUMENT ? 1 : 0
}

function latest(filter: HookFilter): number {
  return Math.max(filter.argument, filter.operator === FILTER_OPERATOR.CAPABILITIES_GAINED ? filter.argument_new : 0)
}

const WITH_ARGUMENT: ReadonlySet<number> = new Set([
  ACTION_KIND.TRACKSOCK,
  ACTION_KIND.UNTRACKSOCK,
  ACTION_KIND.FOLLOWFD,
  ACTION_KIND.UNFOLLOWFD,
  ACTION_KIND.COPYFD,
  ACTION_KIND.SET,
])

function finishAction(action: HookAction, at: (slot: number) => number, can_refuse: boolean): HookAction {
  const entry = (action.flags & ACTION_FLAG.AT_RETURN) === 0
  const refuses = can_refuse && entry && action.kind === ACTION_KIND.SIGKILL
  const found = WITH_ARGUMENT.has(action.kind)
    ? { ...action, argument: at(action.argument), argument_name: at(action.argument_name) }
    : action
  return refuses ? { ...found, flags: found.flags | ACTION_FLAG.REFUSE, error: EPERM } : found
}

function show({ slot, type }: ReadArgument): ArgumentShow {
  return { label: slot.list === 'hidden' ? '' : slot.argument.label, type: type.name }
}
