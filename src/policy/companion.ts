// tcp_connect cannot refuse (the process dies, the SYN still leaves): its filters are put where connect() and, for fast
// open, sendmsg() are decided. What is refused there never gets to tcp_connect, so the companion's event is shown as its.
import {
  ACTION_FLAG,
  ACTION_KIND,
  ARGUMENT_FLAG,
  ARGUMENT_SOURCE,
  ARGUMENT_TYPE,
  FILTER_FLAG,
  FILTER_KIND,
  FILTER_OPERATOR,
  HOOK_FLAG,
  type HookArgument,
  type HookFilter,
} from '../../ffi/wire.gen.ts'
import { EMPTY_ARGUMENT } from './argument_plan.ts'
import type { FunctionTarget } from './attach.ts'
import { EMPTY_FILTER } from './draft.ts'
import { INLINE_MAX } from './number_filter.ts'
import type { PlanFacts, TypeTable } from './facts_type.ts'
import type { HookPlan, ProgramPlan } from './plan_type.ts'

/** What can be asked of the address that connect() was given, in place of the socket that is connected later. */
const ADDRESS_OPERATORS: Readonly<Record<number, number>> = {
  [FILTER_OPERATOR.DESTINATION_ADDRESS]: FILTER_OPERATOR.SOURCE_ADDRESS,
  [FILTER_OPERATOR.DESTINATION_PORT]: FILTER_OPERATOR.SOURCE_PORT,
  [FILTER_OPERATOR.FAMILY]: FILTER_OPERATOR.FAMILY,
}

/** The program asks flags first, because a send without them is none of its business; then the rest in this order. */
const FLAGS = 0
const SOCKET = 1
const ADDRESS = 2
const MSG_FASTOPEN = 0x2000_0000n
const IPPROTO_TCP = 6n
const IPPROTO_MPTCP = 262n
const AF_INET = 2n
const AF_INET6 = 10n

interface Place {
  /** LSM hook; the function is this behind `security_`. */
  readonly hook: string
  readonly reason: string
  readonly flags: HookArgument
  readonly address: HookArgument
  /** Bits of `flags` of which one must be set. */
  readonly mask: bigint
}

/** A text: why nothing can refuse in its place. */
export function companionsOf(plan: HookPlan, target: FunctionTarget, facts: PlanFacts): HookPlan[] | string {
  if (target.types === null) return 'no BTF'
  const translated: HookFilter[] = []
  for (const filter of plan.config.filters) {
    const found = translate(filter, plan)
    if (typeof found === 'string') return found
    translated.push(found)
  }
  const companions: HookPlan[] = []
  for (const place of placesOf(target.types)) {
    const found = companionAt(place, plan, translated, facts)
    if (typeof found === 'string') return found
    companions.push(found)
  }
  return companions
}

const PARAMETER: HookArgument = { ...EMPTY_ARGUMENT, source: ARGUMENT_SOURCE.PARAMETER, flags: ARGUMENT_FLAG.HIDDEN }

function placesOf(types: TypeTable): Place[] {
  const connect: Place = {
    hook: 'socket_connect',
    reason: 'tcp_connect cannot refuse: the destination is judged where connect() still can be',
    flags: { ...PARAMETER, type: ARGUMENT_TYPE.NOP },
    address: { ...PARAMETER, type: ARGUMENT_TYPE.SOCKADDR, index: 1 },
    mask: 0n,
  }
  const message = types.findStruct('msghdr')
  const name = message && types.findMember(message.id, 'msg_name')
  const flags = message && types.findMember(message.id, 'msg_flags')
  if (name === undefined || flags === undefined) return [connect]
  return [connect, {
    hook: 'socket_sendmsg',
    reason: 'the same for a connection that the first sendmsg() opens (MSG_FASTOPEN)',
    flags: {
      ...PARAMETER,
      type: ARGUMENT_TYPE.UINT32,
      flags: ARGUMENT_FLAG.HIDDEN | ARGUMENT_FLAG.LOAD,
      index: 1,
      size: 4,
      step_count: 1,
      steps: [{ offset: flags.bit_offset / 8, deref: 0 }],
    },
    address: {
      ...PARAMETER,
      type: ARGUMENT_TYPE.SOCKADDR,
      index: 1,
      step_count: 1,
      steps: [{ offset: name.bit_offset / 8, deref: 1 }],
    },
    mask: MSG_FASTOPEN,
  }]
}

function companionAt(
  place: Place,
  plan: HookPlan,
  translated: readonly HookFilter[],
  facts: PlanFacts,
): HookPlan | string {
  const symbol = `security_${place.hook}`
  const prototype = facts.types?.findFunction(symbol)
  const { fmod_ret, lsm } = facts.attach
  const by_lsm = lsm.works && facts.types?.findFunction(`bpf_lsm_${place.hook}`) !== undefined
  if (prototype === undefined || !(fmod_ret.works || by_lsm)) {
    return `fmod_ret: ${fmod_ret.reason || 'no BTF'}; LSM: ${lsm.reason || 'no BTF'}`
  }
  const filters = [...translated, ...ownFilters(place, Math.max(1, plan.config.selector_count))]
  const process = filters.filter((filter) => filter.kind !== FILTER_KIND.ARGUMENT)
  const others = filters.filter((filter) => filter.kind === FILTER_KIND.ARGUMENT).sort((a, b) =>
    a.argument - b.argument
  )
  const program: ProgramPlan = by_lsm
    ? { program: 'hook_lsm', attach: { kind: 'lsm', hook: place.hook }, half: 'entry' }
    : { program: 'hook_fmod_ret', attach: { kind: 'fmod_ret', function: symbol }, half: 'entry' }
  const sock = plan.config.arguments.findIndex(({ type, flags }) =>
    type === ARGUMENT_TYPE.SOCK && (flags & ARGUMENT_FLAG.HIDDEN) === 0
  )
  const socket: HookArgument = { ...PARAMETER, type: ARGUMENT_TYPE.SOCKET, flags: sock < 0 ? ARGUMENT_FLAG.HIDDEN : 0 }
  return {
    ...plan,
    family: by_lsm ? 'lsm' : 'trampoline',
    reason: place.reason,
    programs: [program],
    config: {
      ...plan.config,
      flags: (plan.config.flags & (HOOK_FLAG.RESERVED_RING | HOOK_FLAG.FOLLOWS_FD)) | HOOK_FLAG.CAN_REFUSE |
        HOOK_FLAG.COMPANION,
      argument_count: 3,
      filter_count: filters.length,
      result_index: prototype.parameters.length,
      arguments: [place.flags, socket, place.address],
      positions: [0, plan.config.positions[sock] ?? 0, 0],
      filters: [...process, ...others],
      actions: plan.config.actions.map((action) =>
        action.kind === ACTION_KIND.SIGKILL
          ? { ...action, flags: action.flags | ACTION_FLAG.REFUSE, error: EPERM }
          : { ...action, argument: SOCKET }
      ),
    },
    arguments: [
      { label: '', type: 'uint32' },
      { label: plan.arguments[sock]?.label ?? '', type: 'socket' },
      { label: '', type: 'sockaddr' },
    ],
    verdict: 'prevents',
    companion: true,
  }
}

/** tcp_connect sees TCP, by itself or below MPTCP, over IPv4 and IPv6 only; so does each selector here. */
function ownFilters(place: Place, selectors: number): HookFilter[] {
  return Array.from({ length: selectors }, (_, selector) => {
    const base = { ...EMPTY_FILTER, kind: FILTER_KIND.ARGUMENT, selector }
    const flags = { ...base, operator: FILTER_OPERATOR.MASK, argument: FLAGS, value_count: 1, values: [place.mask] }
    return [
      ...(place.mask === 0n ? [] : [flags]),
      {
        ...base,
        operator: FILTER_OPERATOR.PROTOCOL,
        argument: SOCKET,
        ...oneOf(IPPROTO_TCP, IPPROTO_MPTCP),
      },
      { ...base, operator: FILTER_OPERATOR.FAMILY, argument: ADDRESS, ...oneOf(AF_INET, AF_INET6) },
    ]
  }).flat()
}

/** What a refused connect() returns. */
const EPERM = -1

function translate(filter: HookFilter, plan: HookPlan): HookFilter | string {
  if (filter.kind !== FILTER_KIND.ARGUMENT) {
    return filter.kind === FILTER_KIND.RETURN ? 'matchReturnArgs cannot be judged there' : filter
  }
  if (plan.config.arguments[filter.argument]?.type !== ARGUMENT_TYPE.SOCK) return 'a filter is not on the sock'
  if (filter.operator === FILTER_OPERATOR.PROTOCOL) return withMptcp({ ...filter, argument: SOCKET })
  const operator = ADDRESS_OPERATORS[filter.operator]
  if (operator === undefined) return 'a filter is on what only the connected socket knows'
  return { ...filter, operator, argument: ADDRESS }
}

/** Below an MPTCP socket TCP connects, which tcp_connect sees as such. */
function withMptcp(filter: HookFilter): HookFilter | string {
  const values = filter.values.slice(0, filter.value_count)
  const has_tcp = values.some((min, i) => i % 2 === 0 && min <= IPPROTO_TCP && IPPROTO_TCP <= values[i + 1]!)
  if ((filter.flags & FILTER_FLAG.SET) !== 0 || (has_tcp && values.length === INLINE_MAX)) {
    return 'a filter has so many protocols that MPTCP cannot be added'
  }
  const all = has_tcp ? [...values, IPPROTO_MPTCP, IPPROTO_MPTCP] : values
  return { ...filter, values: all, value_count: all.length }
}

/** As ranges. */
function oneOf(...numbers: readonly bigint[]): Pick<HookFilter, 'values' | 'value_count'> {
  const values = numbers.flatMap((number) => [number, number])
  return { values, value_count: values.length }
}
