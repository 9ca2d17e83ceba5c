// One line a person can read for each event, between the event's JSON and the terminal. Same text as `tetra getevents -o compact`.

import { at, eventKind, type JsonObject, listAt, numberAt, objectAt, textAt } from '../filter/json.ts'
import { detailLine, stackLines } from './compact_extra.ts'
import { kprobeParts, type Parts } from './compact_kprobe.ts'
import { maybeQuote, PLAIN, type Style } from './compact_style.ts'
import { tracepointParts } from './compact_tracepoint.ts'

export interface CompactOptions {
  readonly style?: Style
  /** Prefix each line with the event's time: UTC, nine digits. */
  readonly timestamps?: boolean
  /** Stack traces below the line (default true). */
  readonly stack_traces?: boolean
  /** The file's hash below LSM events that carry one (default true). */
  readonly ima_hash?: boolean
  /** Policy, action, arguments and message of policy events in a second line. */
  readonly details?: boolean
}

/** Column at whose end the capability trailer stops. */
const TRAILER_COLUMN = 120
const CAPABILITY_TRAILER = '🛑 CAP_SYS_ADMIN'

/** Lines for one event, without the last newline. Never throws: an event of unknown kind gets a line with its name. */
export function formatCompact(event: JsonObject, options: CompactOptions = {}): string {
  const style = options.style ?? PLAIN
  const kind = eventKind(event)
  let line = kind === undefined
    ? `❓ unknown ${maybeQuote(JSON.stringify(event)).slice(0, 200)}`
    : body(event, kind, style)
  const inner = kind === undefined ? undefined : objectAt(event, kind)
  if (listAt(inner, 'process', 'cap', 'effective').includes('CAP_SYS_ADMIN')) line = withTrailer(line, style)
  // Loader events have their time in `thump`.
  if (options.timestamps) line = `${timestamp(textAt(event, 'time') || textAt(event, 'thump', 'time'))} ${line}`
  if (options.stack_traces ?? true) line += stackLines(inner, style)
  if ((options.ima_hash ?? true) && textAt(inner, 'ima_hash') !== '') line += imaLine(inner)
  if (options.details) line += detailLine(inner)
  return line
}

function body(event: JsonObject, kind: string, style: Style): string {
  const inner = objectAt(event, kind) ?? {}
  switch (kind) {
    case 'process_exec':
      return assemble(event, inner, { symbol: '🚀', name: 'process', details: [commandLine(inner, style)] }, style)
    case 'process_exit': {
      const end = textAt(inner, 'signal') || String(numberAt(inner, 'status'))
      const details = [commandLine(inner, style), style.red(end)]
      return assemble(event, inner, { symbol: '💥', name: 'exit', details }, style)
    }
    case 'process_kprobe':
      return assemble(event, inner, kprobeParts(textAt(inner, 'function_name'), listAt(inner, 'args'), style), style)
    case 'process_tracepoint':
      return assemble(event, inner, tracepointParts(inner), style)
    case 'process_uprobe': {
      const details = [maybeQuote(textAt(inner, 'path')), maybeQuote(textAt(inner, 'symbol'))]
      return assemble(event, inner, { symbol: '🕵️', name: 'uprobe', details }, style)
    }
    case 'process_usdt': {
      const details = ['path', 'provider', 'name'].map((key) => maybeQuote(textAt(inner, key)))
      return assemble(event, inner, { symbol: '🕵️', name: 'usdt', details }, style)
    }
    case 'process_lsm': {
      const details = [maybeQuote(textAt(inner, 'function_name'))]
      return assemble(event, inner, { symbol: '🔒', name: 'LSM', details }, style)
    }
    case 'process_loader': {
      const id = textAt(inner, 'buildid')
      const path = style.yellow(maybeQuote(textAt(inner, 'path')))
      const details = id === '' ? [path] : [Buffer.from(id, 'base64').toString('hex'), path]
      return assemble(event, inner, { symbol: '🧬', name: 'loader', details }, style)
    }
    case 'process_throttle': {
      const state = textAt(inner, 'type') === 'THROTTLE_STOP' ? 'STOP ' : 'START'
      return `${style.red('🧬 throttle')} ${state} ${maybeQuote(textAt(inner, 'cgroup').replaceAll('\0', ''))}`
    }
    case 'rate_limit_info':
      return `${style.red('⏳ ratelimit')} ${textAt(inner, 'number_of_dropped_process_events')} events not exported`
    case 'loss':
      return `${style.red('🕳️ loss   ')} ${lossText(inner)}`
    case 'test':
      return 'TEST EVENT'
    default:
      return objectAt(inner, 'process')
        ? assemble(event, inner, { symbol: '❓', name: kind, details: [] }, style)
        : `❓ ${style.blue(maybeQuote(kind).padEnd(7))} ${maybeQuote(JSON.stringify(inner)).slice(0, 200)}`
  }
}

function assemble(event: JsonObject, inner: JsonObject, parts: Parts, style: Style): string {
  const head = style.blue(`${parts.symbol} ${parts.name.padEnd(7)}`)
  return [head, source(event, inner, style), binary(inner, style), ...parts.details].join(' ')
}

/** Pod or node. */
function source(event: JsonObject, inner: JsonObject, style: Style): string {
  const pod = objectAt(inner, 'process', 'pod')
  const name = pod ? `${textAt(pod, 'namespace')}/${textAt(pod, 'name')}` : textAt(event, 'node_name')
  return style.green(maybeQuote(name))
}

function binary(inner: JsonObject, style: Style): string {
  return style.magenta(maybeQuote(textAt(inner, 'process', 'binary')))
}

function commandLine(inner: JsonObject, style: Style): string {
  return style.cyan(maybeQuote(textAt(inner, 'process', 'arguments')))
}

/** `ring events_telemetry, policy net, ring_full: 12 events from A to B`, of whatever a loss event names. */
function lossText(loss: JsonObject): string {
  const words = Object.entries(loss).filter(([, value]) => typeof value === 'string' || typeof value === 'number')
  return words.map(([key, value]) => `${key}=${maybeQuote(String(value))}`).join(' ')
}

/** Ends the trailer at column 120, counting what is visible. */
function withTrailer(line: string, style: Style): string {
  // deno-lint-ignore no-control-regex -- colour codes begin with ESC
  const visible = line.replaceAll(/\u001b\[\d+m/g, '')
  const width = Math.max(0, TRAILER_COLUMN - Buffer.byteLength(visible))
  const padding = ' '.repeat(Math.max(0, width - [...CAPABILITY_TRAILER].length))
  return `${line} ${padding}${style.magenta(CAPABILITY_TRAILER)}`
}

function timestamp(time: string): string {
  const match = /^(.*T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(time)
  return match ? `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}Z` : time
}

function imaLine(inner: JsonObject | undefined): string {
  const argument = listAt(inner, 'args').find((arg) => at(arg, 'linux_binprm_arg') || at(arg, 'file_arg'))
  const path = textAt(argument, 'linux_binprm_arg', 'path') || textAt(argument, 'file_arg', 'path')
  return `\n   ${maybeQuote(path)} ${textAt(inner, 'ima_hash')}`
}
