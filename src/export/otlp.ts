// Events as OpenTelemetry logs: OTLP over HTTP with JSON (opentelemetry.io/docs/specs/otlp).

import { BatchExporter, type BatchOptions, checkAnswer } from './batch.ts'

export interface OtlpOptions {
  /** Where logs go, as https://collector:4318/v1/logs; `/v1/logs` is added to a URL without a path. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Attributes of the resource, as service.name, host.name, k8s.cluster.name. */
  readonly resource: Readonly<Record<string, string>>
  readonly scope_version: string
  readonly compress: boolean
  readonly timeout_ms: number
  readonly batch: Omit<BatchOptions, 'name'>
}

interface AnyValue {
  readonly stringValue?: string
  readonly intValue?: string
  readonly boolValue?: boolean
}

interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

export interface LogRecord {
  readonly timeUnixNano: string
  readonly observedTimeUnixNano: string
  readonly severityNumber: number
  readonly severityText: string
  readonly eventName: string
  readonly body: AnyValue
  readonly attributes: readonly KeyValue[]
}

export function createOtlp(options: OtlpOptions): BatchExporter {
  const url = new URL(options.url)
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/v1/logs'
  const resource = { attributes: Object.entries(options.resource).map(([key, value]) => text(key, value)) }
  const scope = { name: 'thump', version: options.scope_version }
  return new BatchExporter({ ...options.batch, name: 'otlp' }, async (lines, signal) => {
    const logRecords = lines.map(({ line, time_ms }) => logRecord(line, time_ms))
    const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords }] }] })
    const headers = new Headers({ 'Content-Type': 'application/json', ...options.headers })
    if (options.compress) headers.set('Content-Encoding', 'gzip')
    await checkAnswer(
      await fetch(url, {
        method: 'POST',
        headers,
        body: options.compress ? Bun.gzipSync(Buffer.from(body)) : body,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeout_ms)]),
      }),
    )
  })
}

// SeverityNumber of the log data model.
const INFO = { severityNumber: 9, severityText: 'INFO' }
const WARN = { severityNumber: 13, severityText: 'WARN' }
const ERROR = { severityNumber: 17, severityText: 'ERROR' }

const ENFORCING: ReadonlySet<string> = new Set([
  'KPROBE_ACTION_SIGKILL',
  'KPROBE_ACTION_OVERRIDE',
  'KPROBE_ACTION_SIGNAL',
  'KPROBE_ACTION_NOTIFYENFORCER',
])

/** The body is the line itself, so that nothing is lost; attributes follow the semantic conventions for process and k8s. */
export function logRecord(line: string, time_ms: number): LogRecord {
  const attributes: KeyValue[] = []
  const observed = `${Math.round(time_ms)}000000`
  const event = parse(line)
  const kind = Object.keys(event).find((key) => isRecord(event[key]) && key !== 'thump' && key !== 'node_labels') ??
    'unknown'
  const inner = isRecord(event[kind]) ? event[kind] : {}
  // Loader events have their time there.
  const thump = isRecord(event['thump']) ? event['thump'] : {}
  const process = isRecord(inner['process']) ? inner['process'] : {}
  const pod = isRecord(process['pod']) ? process['pod'] : {}
  const add = (key: string, value: unknown) => {
    if (typeof value === 'string' && value !== '') attributes.push(text(key, value))
    else if (typeof value === 'number') attributes.push({ key, value: { intValue: String(value) } })
  }
  add('host.name', event['node_name'])
  add('process.pid', process['pid'])
  add('process.executable.path', process['binary'])
  add('process.command_args', process['arguments'])
  add('process.user.id', process['uid'])
  add('container.id', process['docker'])
  add('k8s.namespace.name', pod['namespace'])
  add('k8s.pod.name', pod['name'])
  add('thump.exec_id', process['exec_id'])
  add('thump.policy', inner['policy_name'])
  add('thump.function', inner['function_name'])
  add('thump.action', inner['action'])
  const enforced = typeof inner['action'] === 'string' && ENFORCING.has(inner['action'])
  const severity = enforced ? ERROR : kind === 'loss' || kind === 'rate_limit_info' ? WARN : INFO
  return {
    timeUnixNano: unixNanoseconds(event['time'] ?? thump['time']) ?? observed,
    observedTimeUnixNano: observed,
    ...severity,
    eventName: kind,
    body: { stringValue: line },
    attributes,
  }
}

function text(key: string, value: string): KeyValue {
  return { key, value: { stringValue: value } }
}

function parse(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line) // our own lines: a mistake here is a bug
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unixNanoseconds(time: unknown): string | undefined {
  const match = typeof time === 'string' ? /^(.*T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(time) : null
  if (!match) return undefined
  const seconds = Date.parse(`${match[1]}Z`) / 1000
  return Number.isFinite(seconds) ? `${seconds}${(match[2] ?? '').padEnd(9, '0')}` : undefined
}
