// A plan for people: per hook how it is attached and why, what it reads, what the kernel filters, which maps it needs.
import {
  ACTION_FLAG,
  ACTION_KIND,
  ARGUMENT_FLAG,
  ARGUMENT_SOURCE,
  FILTER_FLAG,
  FILTER_KIND,
  FILTER_OPERATOR,
  type HookAction,
  type HookFilter,
} from '../../ffi/wire.gen.ts'
import { type Attach, type HookPlan, type Plan, policyKey, type SetPlan } from './plan_type.ts'
import { NAMESPACE_NAMES } from './selector.ts'

/** Bytes of a map's entry: key, value and what the kernel adds; from bpf/config.h and the kernel's hash and trie nodes. */
const ENTRY_BYTES: Readonly<Record<SetPlan['map'], number>> = {
  strings: 24 + 8 + 64,
  prefixes: 260 + 8 + 40,
  postfixes: 260 + 8 + 40,
  needles: 8 + 136 + 64,
  addresses: 24 + 8 + 40,
  values: 16 + 8 + 64,
  ranges: 16 + 8 + 40,
}

const VALUES_SHOWN = 4

/** What the verifier and the kernel made of a hook. */
export interface HookInKernel {
  readonly load_ms: number
  /** Programs, and maps that only this hook has. */
  readonly kernel_memory_bytes: number
  readonly programs: readonly {
    readonly name: string
    /** 0 where the kernel does not tell (before 5.16). */
    readonly verified_insns: number
    readonly jited_bytes: number
  }[]
}

/** `in_kernel`: by place in plan.hooks, null where the plan is not loaded. */
export function describePlan(plan: Plan, in_kernel: readonly HookInKernel[] | null): string {
  const name = policyKey(plan)
  const lines = [
    `policy ${name}: ${plan.hooks.length} hooks, mode ${plan.mode}${plan.enforcing ? '' : ' (nothing to enforce)'}`,
  ]
  if (plan.kill_budget > 0) lines.push(`  at most ${plan.kill_budget} kills a minute, then ${plan.on_budget}`)
  if (plan.workloads.length > 0) lines.push(`  ${plan.workloads.length} workload filters`)
  plan.hooks.forEach((hook, i) => {
    lines.push(...describeHook(hook))
    const found = in_kernel?.[i]
    if (found !== undefined) lines.push(...describeInKernel(found))
  })
  for (const warning of plan.warnings) lines.push(`  warning: ${warning}`)
  return lines.join('\n') + '\n'
}

function describeHook(hook: HookPlan): string[] {
  const { config } = hook
  const lines = [`  ${hook.event} ${shortList(hook.names)}${hook.companion ? ' (companion)' : ''}: ${hook.verdict}`]
  for (const { program, attach, half } of hook.programs) {
    lines.push(`    attach  ${attachText(attach)}  (${program}, ${half})`)
  }
  lines.push(`    why     ${hook.reason}`)
  config.arguments.forEach((argument, i) => {
    const shown = hook.arguments[i]
    const label = shown === undefined || shown.label === '' ? '' : ` "${shown.label}"`
    const steps = argument.steps.map((step) => `+${step.offset}${step.deref === 1 ? '*' : ''}`).join(' ')
    const late = (argument.flags & ARGUMENT_FLAG.AT_RETURN) !== 0 ? ', at return' : ''
    const from = sourceText(argument.source, argument.index, argument.offset)
    lines.push(`    reads   ${shown?.type ?? '?'}${label} from ${from}${steps === '' ? '' : ` ${steps}`}${late}`)
  })
  for (const filter of config.filters) lines.push(`    filter  ${filter.selector}: ${filterText(filter, hook)}`)
  for (const action of config.actions) lines.push(`    action  ${action.selector}: ${actionText(action, hook)}`)
  hook.sets.forEach((set, i) => {
    const bytes = set.values.length * ENTRY_BYTES[set.map]
    lines.push(`    set ${i + 1}   ${set.map}: ${set.values.length} entries, about ${bytes} bytes`)
  })
  return lines
}

function describeInKernel({ load_ms, kernel_memory_bytes, programs }: HookInKernel): string[] {
  const each = programs.map(({ name, verified_insns, jited_bytes }) => {
    const verified = verified_insns === 0
      ? 'instructions verified: not told'
      : `${verified_insns} instructions verified`
    return `    loaded  ${name}: ${verified}, ${jited_bytes} bytes of machine code`
  })
  return [
    ...each,
    `    memory  ${kernel_memory_bytes} bytes of its own in the kernel, loaded in ${load_ms.toFixed(1)} ms`,
  ]
}

function shortList(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`
}

function attachText(attach: Attach): string {
  switch (attach.kind) {
    case 'fentry':
    case 'fexit':
    case 'fmod_ret':
      return `${attach.kind}/${attach.module === undefined ? '' : `${attach.module}:`}${attach.function}`
    case 'lsm':
      return `lsm/${attach.hook}`
    case 'tracepoint':
      return `tracepoint/${attach.subsystem}/${attach.event}`
    case 'raw_tp':
      return `raw_tp/${attach.event}`
    case 'sys_enter':
    case 'sys_exit':
      return `raw_tp/${attach.kind}`
    case 'uprobe':
    case 'uretprobe':
      return `${attach.kind}/${attach.path}:${
        shortList(attach.sites.map((site) => site.symbol ?? `0x${(site.offset ?? 0n).toString(16)}`))
      }`
    default:
      return `${attach.kind}/${shortList(attach.functions)}`
  }
}

function sourceText(source: number, index: number, offset: number): string {
  switch (source) {
    case ARGUMENT_SOURCE.RETURN:
      return 'the return value'
    case ARGUMENT_SOURCE.TASK:
      return 'the current task'
    case ARGUMENT_SOURCE.REGISTER:
      return `register at ${offset}`
    case ARGUMENT_SOURCE.FIELD:
      return `record at ${offset}`
    case ARGUMENT_SOURCE.CONSTANT:
      return 'a constant'
    case ARGUMENT_SOURCE.MEMORY:
      return `memory at register ${offset}`
    default:
      return `parameter ${index}`
  }
}

function filterText(filter: HookFilter, hook: HookPlan): string {
  const not = (filter.flags & FILTER_FLAG.NEGATE) !== 0 ? 'not ' : ''
  const follow = (filter.flags & FILTER_FLAG.FOLLOW) !== 0 ? ' or a descendant of it' : ''
  return `${subject(filter, hook)} ${not}${nameOf(FILTER_OPERATOR, filter.operator)} ${values(filter, hook)}${follow}`
    .replace(/ {2,}/g, ' ').trimEnd()
}

function subject(filter: HookFilter, hook: HookPlan): string {
  switch (filter.kind) {
    case FILTER_KIND.ARGUMENT:
    case FILTER_KIND.RETURN: {
      const argument = hook.config.arguments[filter.argument]
      if (filter.kind === FILTER_KIND.RETURN) return 'result'
      return `${hook.arguments[filter.argument]?.type ?? 'argument'} ${argument?.index ?? filter.argument}`
    }
    case FILTER_KIND.NAMESPACE:
      return `${NAMESPACE_NAMES[filter.argument]} namespace`
    default:
      return nameOf(FILTER_KIND, filter.kind)
  }
}

function values(filter: HookFilter, hook: HookPlan): string {
  const set = hook.sets[filter.set - 1]
  if (set === undefined || filter.kind === FILTER_KIND.CGROUP) {
    return filter.values.slice(0, filter.value_count).join(' ')
  }
  const shown = set.values.slice(0, VALUES_SHOWN).map((value) =>
    typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'bigint'
      ? `${value}`
      : 'bits' in value
      ? addressText(value)
      : `${value.min}:${value.max}`
  )
  const more = set.values.length - shown.length
  return `${shown.join(' ')}${more > 0 ? ` and ${more} more` : ''} (set ${filter.set})`
}

function addressText({ bytes, bits }: { readonly bytes: readonly number[]; readonly bits: number }): string {
  if (bits >= 96 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255) {
    return `${bytes.slice(12).join('.')}/${bits - 96}`
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) + bytes[i * 2 + 1]!).toString(16))
  return `${groups.join(':')}/${bits}`
}

function actionText(action: HookAction, hook: HookPlan): string {
  const parts = [nameOf(ACTION_KIND, action.kind)]
  if (action.kind === ACTION_KIND.OVERRIDE || action.kind === ACTION_KIND.NOTIFYENFORCER) {
    parts.push(`error ${action.error}`)
  }
  if (action.signal > 0) parts.push(`signal ${action.signal}`)
  if ((action.flags & ACTION_FLAG.REFUSE) !== 0) parts.push('and refuse the operation')
  if ((action.flags & ACTION_FLAG.AT_RETURN) !== 0) parts.push('at return')
  if (action.rate_interval_ns > 0n) parts.push(`once in ${action.rate_interval_ns / 1_000_000_000n} s`)
  const outbound = hook.outbound[hook.config.actions.indexOf(action)]
  if (outbound !== undefined) parts.push(outbound)
  return parts.join(' ')
}

function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  const found = Object.entries(table).find(([, each]) => each === value)
  return found === undefined || value === 0 ? '' : found[0].toLowerCase().replaceAll('_', ' ')
}
