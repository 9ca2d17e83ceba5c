// matchActions and matchReturnActions into hook_action, with what each hook kind allows.
import { ACTION_FLAG, ACTION_KIND, type HookAction, RATE_SCOPE, REGISTER_WRITES_MAX } from '../../ffi/wire.gen.ts'
import { parseRateLimit } from './action.ts'
import { type ArgumentSlot, findSlot, type HookDraft } from './draft.ts'
import type { Path } from './error.ts'
import { type ProbePlace, registerWrites } from './register_write.ts'
import type { Action, Selector } from './type.ts'

export const ENFORCING: ReadonlySet<string> = new Set(['Sigkill', 'Signal', 'Override', 'NotifyEnforcer', 'Set'])

export function selectorEnforces({ matchActions, matchReturnActions }: Selector): boolean {
  return [...matchActions, ...matchReturnActions].some(({ action }) => ENFORCING.has(action))
}

/** Hook kinds that have the action; others have it everywhere. */
const ONLY_IN: Readonly<Record<string, readonly HookDraft['kind'][]>> = {
  Override: ['kprobe', 'lsm', 'uprobe'],
  Set: ['usdt'],
  TrackSock: ['kprobe', 'fentry', 'lsm'],
  UntrackSock: ['kprobe', 'fentry', 'lsm'],
  FollowFD: ['kprobe', 'lsm'],
  UnfollowFD: ['kprobe', 'lsm'],
  CopyFD: ['kprobe'],
  GetUrl: ['kprobe', 'fentry', 'tracepoint', 'raw_tracepoint', 'lsm'],
  DnsLookup: ['kprobe', 'fentry', 'tracepoint', 'raw_tracepoint', 'lsm'],
}

const WIRE_KIND = new Map(Object.entries(ACTION_KIND).map(([name, value]) => [name, value]))
const SCOPES = { thread: RATE_SCOPE.THREAD, process: RATE_SCOPE.PROCESS, global: RATE_SCOPE.GLOBAL }

export function addActions(
  draft: HookDraft,
  actions: readonly Action[],
  selector: number,
  path: Path,
  at_return: boolean,
): void {
  const { report } = draft.context
  const overrides = actions.filter((each) => each.action === 'Override').length
  if (overrides > 1) report.error(path, `${overrides} Override actions in one selector, at most 1`)
  const names = actions.map((each) => each.action)
  if (names.includes('Post') && names.includes('NoPost')) report.error(path, 'Both Post and NoPost in one selector')
  actions.forEach((action, i) => addAction(draft, action, selector, [...path, i], at_return))
}

function addAction(draft: HookDraft, action: Action, selector: number, path: Path, at_return: boolean): void {
  const { report } = draft.context
  const name = action.action
  const only = ONLY_IN[name]
  if (only !== undefined && !only.includes(draft.kind)) {
    report.error(
      [...path, 'action'],
      `Action ${name} does not work in ${article(draft.kind)}, only in ${only.join(', ')}`,
    )
    return
  }
  if (draft.kind === 'fentry' && ENFORCING.has(name)) {
    report.error([...path, 'action'], `Action ${name} does not work in fentries, use kprobes`)
    return
  }
  if (at_return && (name === 'Override' || name === 'NotifyEnforcer')) {
    report.error([...path, 'action'], `Action ${name} in matchReturnActions: the function has already returned`)
    return
  }
  if (action.kernelStackTrace || action.userStackTrace) {
    if (draft.kind === 'lsm') report.error(path, 'Stack traces of LSM hooks: their events have no place for them')
    else if (name !== 'Post') report.error(path, `Stack traces with action ${name}, only Post has them`)
  }
  if (action.imaHash && draft.kind !== 'lsm') report.error([...path, 'imaHash'], 'imaHash works in lsmhooks only')
  const place = argumentOf(draft, action, path)
  if (place === undefined) return
  const index = draft.actions.push(
    {
      kind: WIRE_KIND.get(name.toUpperCase()) ?? 0,
      flags: (at_return ? ACTION_FLAG.AT_RETURN : 0) | (action.kernelStackTrace ? ACTION_FLAG.KERNEL_STACK : 0) |
        (action.userStackTrace ? ACTION_FLAG.USER_STACK : 0) | (action.imaHash ? ACTION_FLAG.IMA_HASH : 0),
      selector,
      error: action.argError,
      signal: action.argSig,
      argument: place.argument,
      argument_name: place.argument_name,
      rate_scope: SCOPES[action.rateLimitScope],
      rate_interval_ns: action.rateLimit === '' ? 0n : parseRateLimit(action.rateLimit) ?? 0n,
      value: BigInt.asUintN(64, BigInt(action.argValue)),
    } satisfies HookAction,
  ) - 1
  if (name === 'GetUrl') draft.outbound[index] = action.argUrl
  if (name === 'DnsLookup') draft.outbound[index] = action.argFqdn
}

/** Places of the arguments that an action names; undefined after reporting. */
function argumentOf(
  draft: HookDraft,
  action: Action,
  path: Path,
): { argument: number; argument_name: number } | undefined {
  switch (action.action) {
    case 'TrackSock':
    case 'UntrackSock':
      return checked(draft, slotOf(draft, action.argSock, [...path, 'argSock']), ['sock', 'socket'], [
        ...path,
        'argSock',
      ])
    case 'FollowFD': {
      const fd = slotOf(draft, action.argFd, [...path, 'argFd'])
      const name = slotOf(draft, action.argName, [...path, 'argName'])
      return fd < 0 || name < 0 ? undefined : { argument: fd, argument_name: name }
    }
    case 'UnfollowFD':
    case 'CopyFD': {
      const fd = slotOf(draft, action.argFd, [...path, 'argFd'])
      const name = action.action === 'CopyFD' ? slotOf(draft, action.argName, [...path, 'argName']) : 0
      return fd < 0 || name < 0 ? undefined : { argument: fd, argument_name: name }
    }
    case 'Override':
      return draft.place === null ? { argument: 0, argument_name: 0 } : registersOf(draft, draft.place, action, path)
    case 'Set':
      return checked(draft, slotOf(draft, action.argIndex, [...path, 'argIndex']), [], [...path, 'argIndex'])
    default:
      return { argument: 0, argument_name: 0 }
  }
}

/** HookAction says which of the hook's writes are the action's. */
function registersOf(
  draft: HookDraft,
  place: ProbePlace,
  action: Action,
  path: Path,
): { argument: number; argument_name: number } | undefined {
  const { report } = draft.context
  const writes = registerWrites(action, place, path, report)
  if (writes === undefined) return undefined
  const first = draft.registers.length
  draft.registers.push(...writes)
  if (draft.registers.length <= REGISTER_WRITES_MAX) return { argument: first, argument_name: writes.length }
  const count = draft.registers.length
  report.error(path, `${count} registers written by the actions of this hook, at most ${REGISTER_WRITES_MAX}`)
  return undefined
}

function slotOf(draft: HookDraft, index: number, path: Path): number {
  return findSlot(draft, 'args', index, path)
}

function checked(
  draft: HookDraft,
  place: number,
  types: readonly string[],
  path: Path,
): { argument: number; argument_name: number } | undefined {
  if (place < 0) return undefined
  const { type } = draft.slots[place] as ArgumentSlot
  if (types.length > 0 && type !== null && !types.includes(type.name)) {
    draft.context.report.error(path, `Argument of this action has type ${type.name}, want ${types.join(' or ')}`)
    return undefined
  }
  return { argument: place, argument_name: 0 }
}

function article(kind: string): string {
  return kind === 'raw_tracepoint'
    ? 'raw tracepoints'
    : kind === 'lsm'
    ? 'lsmhooks'
    : `${kind}s`.replace('fentrys', 'fentries')
}
