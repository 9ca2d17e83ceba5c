// tcp_connect cannot refuse (the process dies, the SYN still leaves): its filters are put on security_socket_connect too.
import {
  ACTION_FLAG,
  ACTION_KIND,
  ARGUMENT_SOURCE,
  ARGUMENT_TYPE,
  FILTER_KIND,
  FILTER_OPERATOR,
  HOOK_FLAG,
  type HookFilter,
} from '../../ffi/wire.gen.ts'
import { EMPTY_ARGUMENT } from './argument_plan.ts'
import type { FunctionTarget } from './attach.ts'
import { EMPTY_FILTER } from './draft.ts'
import type { PlanFacts } from './facts_type.ts'
import type { HookPlan, ProgramPlan } from './plan_type.ts'

/** What can be asked of the address that connect() was given, in place of the socket that is connected later. */
const ADDRESS_OPERATORS: Readonly<Record<number, number>> = {
  [FILTER_OPERATOR.DESTINATION_ADDRESS]: FILTER_OPERATOR.SOURCE_ADDRESS,
  [FILTER_OPERATOR.DESTINATION_PORT]: FILTER_OPERATOR.SOURCE_PORT,
  [FILTER_OPERATOR.FAMILY]: FILTER_OPERATOR.FAMILY,
}
/** What a struct socket tells as well as the sock that tcp_connect gets. */
const SOCKET_OPERATORS: ReadonlySet<number> = new Set([FILTER_OPERATOR.PROTOCOL])

const SOCKET = 0
const ADDRESS = 1
const IPPROTO_TCP = 6n
const AF_INET = 2n
const AF_INET6 = 10n

/** A text: why nothing can refuse in its place. */
export function companionOf(plan: HookPlan, { types }: FunctionTarget, facts: PlanFacts): HookPlan | string {
  const symbol = 'security_socket_connect'
  const prototype = facts.types?.findFunction(symbol)
  const lsm = facts.attach.lsm.works && facts.types?.findFunction('bpf_lsm_socket_connect') !== undefined
  if (types === null || prototype === undefined || !(facts.attach.fmod_ret.works || lsm)) {
    return `fmod_ret: ${facts.attach.fmod_ret.reason || 'no BTF'}; LSM: ${facts.attach.lsm.reason || 'no BTF'}`
  }
  const filters: HookFilter[] = []
  for (const filter of plan.config.filters) {
    const found = translate(filter, plan)
    if (typeof found === 'string') return found
    filters.push(found)
  }
  // tcp_connect sees TCP over IPv4 and IPv6 only; so does each selector here.
  for (let selector = 0; selector < Math.max(1, plan.config.selector_count); selector++) {
    const base = { ...EMPTY_FILTER, kind: FILTER_KIND.ARGUMENT, selector }
    filters.push({
      ...base,
      operator: FILTER_OPERATOR.PROTOCOL,
      argument: SOCKET,
      value_count: 1,
      values: [IPPROTO_TCP],
    })
    filters.push({
      ...base,
      operator: FILTER_OPERATOR.FAMILY,
      argument: ADDRESS,
      value_count: 2,
      values: [AF_INET, AF_INET6],
    })
  }
  const process = filters.filter((filter) => filter.kind !== FILTER_KIND.ARGUMENT)
  const others = filters.filter((filter) => filter.kind === FILTER_KIND.ARGUMENT).sort((a, b) =>
    a.argument - b.argument
  )
  const program: ProgramPlan = facts.attach.fmod_ret.works
    ? { program: 'hook_fmod_ret', attach: { kind: 'fmod_ret', function: symbol }, half: 'entry' }
    : { program: 'hook_lsm', attach: { kind: 'lsm', hook: 'socket_connect' }, half: 'entry' }
  const argument = { ...EMPTY_ARGUMENT, source: ARGUMENT_SOURCE.PARAMETER }
  return {
    ...plan,
    family: facts.attach.fmod_ret.works ? 'trampoline' : 'lsm',
    reason: 'tcp_connect cannot refuse: the destination is judged where connect() still can be',
    programs: [program],
    config: {
      ...plan.config,
      flags: (plan.config.flags & (HOOK_FLAG.RESERVED_RING | HOOK_FLAG.FOLLOWS_FD)) | HOOK_FLAG.CAN_REFUSE |
        HOOK_FLAG.COMPANION,
      argument_count: 2,
      filter_count: filters.length,
      result_index: prototype.parameters.length,
      arguments: [
        { ...argument, type: ARGUMENT_TYPE.SOCKET, index: 0 },
        { ...argument, type: ARGUMENT_TYPE.SOCKADDR, index: 1 },
      ],
      positions: [0, 1],
      filters: [...process, ...others],
      actions: plan.config.actions.map((action) =>
        action.kind === ACTION_KIND.SIGKILL
          ? { ...action, flags: action.flags | ACTION_FLAG.REFUSE, error: EPERM }
          : action
      ),
    },
    arguments: [{ label: '', type: 'socket' }, { label: '', type: 'sockaddr' }],
    verdict: 'prevents',
    companion: true,
  }
}

/** What a refused connect() returns. */
const EPERM = -1

function translate(filter: HookFilter, plan: HookPlan): HookFilter | string {
  if (filter.kind !== FILTER_KIND.ARGUMENT) {
    return filter.kind === FILTER_KIND.RETURN ? 'matchReturnArgs cannot be judged there' : filter
  }
  if (plan.config.arguments[filter.argument]?.type !== ARGUMENT_TYPE.SOCK) return 'a filter is not on the sock'
  if (SOCKET_OPERATORS.has(filter.operator)) return { ...filter, argument: SOCKET }
  const operator = ADDRESS_OPERATORS[filter.operator]
  if (operator === undefined) return 'a filter is on what only the connected socket knows'
  return { ...filter, operator, argument: ADDRESS }
}
