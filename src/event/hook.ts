// A hook's record to the body of its event: process_kprobe, process_tracepoint, process_uprobe, process_usdt, process_lsm,
// process_loader.
import {
  ACTION_KIND,
  ARGUMENT_FLAG,
  ARGUMENT_SOURCE,
  ARGUMENT_TYPE,
  decodeHookEvent,
  HOOK_EVENT_FLAG,
  HOOK_EVENT_SIZE,
  HOOK_VALUE_SIZE,
  type HookConfig,
  type HookEvent,
} from '../../ffi/wire.gen.ts'
import { companionValues } from './companion.ts'
import { actionName } from './hook_name.ts'
import { dnsJson } from './dns.ts'
import { capturedBytes, type TakeChunks, tracepointJson, valueJson } from './hook_value.ts'
import { imaHash } from './ima.ts'
import { loaderBody } from './loader.ts'
import { quote } from './text.ts'
import { tlsJson } from './tls.ts'
import type { EventType } from './type.ts'

/** What user space knows of a hook: the part of its plan that events show. */
export interface HookShow {
  readonly event: EventType
  /** `namespace/name`, or the name alone. */
  readonly policy: string
  readonly policy_name: string
  readonly config: HookConfig
  /** By function index; system calls by raw_tp: by place in `numbers`. */
  readonly names: readonly string[]
  /** System call numbers of `names`; empty where the record has an index. */
  readonly numbers: readonly number[]
  /** By function index, uprobes only: members that say where without a symbol; '' where there is nothing to say. */
  readonly places: readonly string[]
  readonly labels: readonly string[]
  readonly message: string
  readonly tags: readonly string[]
  readonly path: string
  readonly provider: string
  readonly verdict: 'prevents' | 'refuses' | 'terminates' | 'observes'
  /** Stands in for another hook: an address in the record is that of its socket's peer. */
  readonly companion: boolean
}

export interface StackReader {
  /** JSON array of StackTraceEntry, '' if the stack cannot be read. `below_lsm`: without the frame of an LSM hook on top. */
  kernel(id: number, below_lsm: boolean): string
  user(id: number, pid: number): string
}

export interface HookBody {
  readonly head: HookEvent
  readonly before: string
  readonly after: string
  readonly extra: string
}

/** Undefined where the record is shorter than it says. */
export function hookBody(
  view: DataView,
  at: number,
  size: number,
  show: HookShow,
  takeChunks: TakeChunks,
  stacks: StackReader,
): HookBody | undefined {
  const head = decodeHookEvent(view, at)
  if (show.event === 'process_loader') {
    const before = loaderBody(view, at + HOOK_EVENT_SIZE, at + size)
    return before === undefined ? undefined : { head, before, after: '', extra: '' }
  }
  const record = show.companion ? companionValues(view, at + HOOK_EVENT_SIZE, at + size) : undefined
  const values = record === undefined
    ? readValues(view, at + HOOK_EVENT_SIZE, at + size, head.value_count, show, takeChunks)
    : readValues(record, 0, record.byteLength, head.value_count, show, takeChunks)
  if (values === undefined) return undefined
  const fields = { head, show, values, name: functionName(head, show) }
  const extra = thumpMembers(head, show) + values.parsed
  switch (show.event) {
    case 'process_tracepoint':
      return { head, before: tracepointBody(fields), after: '', extra }
    case 'process_uprobe':
      return { head, before: uprobeBody(fields), after: uprobeTail(fields), extra }
    case 'process_usdt':
      return { head, before: usdtBody(fields), after: action(head.action), extra }
    case 'process_lsm':
      return { head, before: lsmBody(fields), after: values.hash, extra }
    default: {
      const data = list('data', values.data)
      return { head, before: kprobeBody(fields, stacks), after: data, extra }
    }
  }
}

/** Parsers of captured bytes, asked for by an argument's label; what they find stands in `thump` under the label. */
const PARSERS: Readonly<Record<string, (bytes: Uint8Array) => string | undefined>> = { dns: dnsJson, tls: tlsJson }

interface Values {
  /** In the order of the policy. */
  readonly args: readonly string[]
  readonly data: readonly string[]
  readonly result: string
  /** Member `ima_hash`, led by a comma. */
  readonly hash: string
  /** Members of `thump`, each led by a comma. */
  readonly parsed: string
}

interface Fields {
  readonly head: HookEvent
  readonly show: HookShow
  readonly values: Values
  readonly name: string
}

function readValues(
  view: DataView,
  from: number,
  end: number,
  count: number,
  show: HookShow,
  takeChunks: TakeChunks,
): Values | undefined {
  const args: string[] = []
  const data: string[] = []
  let result = ''
  let parsed = ''
  let hash = ''
  let at = from
  for (let i = 0; i < count; i++) {
    if (at + HOOK_VALUE_SIZE > end) return undefined
    const index = view.getUint8(at + 1)
    const size = view.getUint32(at + 4, true)
    const value = { type: view.getUint8(at), flags: view.getUint16(at + 2, true), at: at + HOOK_VALUE_SIZE, size }
    if (value.at + size > end) return undefined
    at = value.at + (size + 7 & ~7)
    if (value.type === ARGUMENT_TYPE.IMA_HASH) {
      const found = imaHash(view, value.at, size)
      if (found !== '') hash = ',"ima_hash":"' + found + '"'
      continue
    }
    const argument = show.config.arguments[index]
    if (argument === undefined || (argument.flags & ARGUMENT_FLAG.HIDDEN) !== 0) continue
    const whole = valueJson(view, value, takeChunks)
    if (whole === '') continue
    const body = show.event === 'process_tracepoint' ? tracepointJson(whole) : whole
    const label = show.labels[index] ?? ''
    const parse = PARSERS[label]
    if (parse !== undefined) {
      const found = parse(capturedBytes(view, value))
      if (found !== undefined) parsed += ',"' + label + '":' + found
    }
    const json = label === '' || !labelled(show.event, body) ? body + '}' : body + ',"label":' + quote(label) + '}'
    const position = show.config.positions[index] ?? index
    if (argument.source === ARGUMENT_SOURCE.RETURN) result = json
    else if ((argument.flags & ARGUMENT_FLAG.DATA) !== 0) data[position] = json
    else args[position] = json
  }
  return {
    args: args.filter((json) => json !== undefined),
    data: data.filter((json) => json !== undefined),
    result,
    hash,
    parsed,
  }
}

/** Tetragon never labels arguments of tracepoints, nor socket addresses. */
function labelled(event: EventType, body: string): boolean {
  return event !== 'process_tracepoint' && !body.startsWith('{"sockaddr')
}

function functionName(head: HookEvent, show: HookShow): string {
  if (show.numbers.length === 0) return show.names[head.function] ?? show.names[0] ?? ''
  return show.names[show.numbers.indexOf(head.function)] ?? show.names[0] ?? ''
}

function kprobeBody({ head, show, values, name }: Fields, stacks: StackReader): string {
  // Where BPF LSM refuses for the function, that called the hook; not where the policy is on the hook itself.
  const below_lsm = !name.startsWith('bpf_lsm_')
  const kernel = (head.flags & HOOK_EVENT_FLAG.KERNEL_STACK) === 0 ? '' : stacks.kernel(head.kernel_stack, below_lsm)
  const user = (head.flags & HOOK_EVENT_FLAG.USER_STACK) === 0 ? '' : stacks.user(head.user_stack, head.pid)
  return ',"function_name":' + quote(name) + list('args', values.args) +
    (values.result === '' ? '' : ',"return":' + values.result) + action(head.action) +
    (kernel === '' ? '' : ',"kernel_stack_trace":' + kernel) + policy(show) +
    ',"return_action":"' + actionName(head.return_action === 0 ? 1 : head.return_action) + '"' + message(show) +
    tags(show) +
    (user === '' ? '' : ',"user_stack_trace":' + user)
}

function tracepointBody({ head, show, values, name }: Fields): string {
  const slash = name.indexOf('/')
  return ',"subsys":' + quote(name.slice(0, slash)) + ',"event":' + quote(name.slice(slash + 1)) +
    list('args', values.args) + policy(show) + action(head.action) + message(show) + tags(show)
}

function uprobeBody({ show, values, name }: Fields): string {
  const args = values.result === '' ? values.args : [...values.args, values.result]
  return ',"path":' + quote(show.path) + (name === '' ? '' : ',"symbol":' + quote(name)) + policy(show) +
    message(show) +
    list('args', args) + tags(show)
}

function uprobeTail({ head, show, values }: Fields): string {
  return (show.places[head.function] ?? '') + action(head.action) + list('data', values.data)
}

function usdtBody({ show, values, name }: Fields): string {
  return ',"path":' + quote(show.path) + ',"provider":' + quote(show.provider) + ',"name":' + quote(name) +
    policy(show) +
    message(show) + list('args', values.args) + tags(show)
}

function lsmBody({ head, show, values, name }: Fields): string {
  return ',"function_name":' + quote(name) + policy(show) + message(show) + list('args', values.args) +
    action(head.action) +
    tags(show)
}

function list(name: string, values: readonly string[]): string {
  return values.length === 0 ? '' : ',"' + name + '":[' + values.join(',') + ']'
}

function action(number: number): string {
  return ',"action":"' + actionName(number) + '"'
}

function policy({ policy_name }: HookShow): string {
  return ',"policy_name":' + quote(policy_name)
}

/** Already in Tetragon's escaped form. */
function message({ message }: HookShow): string {
  return message === '' ? '' : ',"message":' + quote(message)
}

function tags({ tags }: HookShow): string {
  return tags.length === 0 ? '' : ',"tags":[' + tags.map(quote).join(',') + ']'
}

/** What the enforcers do with it: known where there is one at each call that the hook sees. */
function notified({ actions }: HookEvent, { config, verdict }: HookShow): string {
  if (verdict !== 'prevents') return 'notified'
  const refuses = config.actions.some(({ kind, error }, i) =>
    kind === ACTION_KIND.NOTIFYENFORCER && error !== 0 && (actions >>> i & 1) !== 0
  )
  return refuses ? 'prevented' : 'terminated'
}

/** Where no test has shown that a refusal leaves nothing done. */
const REFUSED: Readonly<Record<string, string>> = { refuses: ',"verdict":"refused"' }

function thumpMembers(head: HookEvent, show: HookShow): string {
  let extra = ''
  const { flags } = head
  if ((flags & HOOK_EVENT_FLAG.PREVENTED) !== 0) extra += REFUSED[show.verdict] ?? ',"verdict":"prevented"'
  else if ((flags & HOOK_EVENT_FLAG.KILLED) !== 0) extra += ',"verdict":"terminated"'
  else if ((flags & HOOK_EVENT_FLAG.MONITORED) !== 0) extra += ',"verdict":"monitored","would":"' + show.verdict + '"'
  else if (head.action === ACTION_KIND.NOTIFYENFORCER) extra += ',"verdict":"' + notified(head, show) + '"'
  if ((flags & HOOK_EVENT_FLAG.SPARED) !== 0) {
    extra += (flags & HOOK_EVENT_FLAG.BUDGET) === 0 ? ',"spared":"protected"' : ',"spared":"budget"'
  }
  if ((flags & HOOK_EVENT_FLAG.ACTION_FAILED) !== 0) extra += ',"action_failed":true'
  if (head.suppressed > 0) extra += ',"suppressed":' + head.suppressed
  return extra
}
