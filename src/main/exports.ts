// From the configuration to the sinks: stdout, file, network, with the filters before them.
import type { Config } from '../config.ts'
import { BOUNDS } from '../config.ts'
import { BATCH_BOUNDS, NATS_BOUNDS, REQUEST_TIMEOUT_MS } from '../config_bounds.ts'
import { FileExporter } from '../export/file.ts'
import { ExportGate } from '../export/gate.ts'
import { createNats } from '../export/nats.ts'
import { createOtlp } from '../export/otlp.ts'
import { StdoutExporter } from '../export/stdout.ts'
import type { Exporter } from '../export/type.ts'
import { createWebhook } from '../export/webhook.ts'
import { compileFieldFilters, parseFieldFilters } from '../filter/fields.ts'
import { parseLine } from '../filter/json.ts'
import { compileLists } from '../filter/match.ts'
import { parseFilters } from '../filter/parse.ts'
import { RateLimit, rateLimitLine } from '../filter/rate.ts'
import { FilterError } from '../filter/type.ts'
import { parentOf, viewOfMeta } from '../filter/view_meta.ts'
import { UsageError } from '../config.ts'
import { thumpVersion } from '../version.ts'
import type { Log } from './log.ts'

export interface Exports {
  /** What the pipeline writes to: the gate, or the sinks themselves where nothing is filtered. */
  readonly sinks: readonly Exporter[]
  /** For counters: the gate and the sinks behind it. */
  readonly all: readonly Exporter[]
  readonly file: FileExporter | null
  /** Opens files anew, as after a rotation by somebody else. */
  reopen(): void
}

export interface ExportHooks {
  readonly boot: string
  readonly onStdoutClosed: () => void
  readonly lossLine: (sink: string, count: number, from_ms: number, to_ms: number) => string
}

/** Throws UsageError for a filter that cannot be used, and what the file system throws for the file. */
export async function createExports(config: Config, log: Log, hooks: ExportHooks): Promise<Exports> {
  const gate = createGate(config, { allow: config.export_allowlist, deny: config.export_denylist })
  const sinks: Exporter[] = []
  const lossLine = (sink: string) => {
    return config.tetragon_only
      ? {}
      : { lossLine: (n: number, from: number, to: number) => hooks.lossLine(sink, n, from, to) }
  }
  if (config.stdout) {
    const onClosed = (error: NodeJS.ErrnoException) => {
      log.warn({ error: error.code }, 'stdout is closed: events are no longer written there')
      hooks.onStdoutClosed()
    }
    const bounds = { chunk_bytes: BOUNDS.stdout_chunk_bytes, queue_bytes: config.stdout_queue_bytes }
    sinks.push(new StdoutExporter({ ...bounds, ...lossLine('stdout'), onClosed }))
  }
  const file = config.export_file === '' ? null : await openFile(config, log, lossLine('file'))
  if (file !== null) sinks.push(file)
  sinks.push(...networkSinks(config, log, lossLine))
  const reopen = () => file?.reopen()
  const { allowlist, denylist } = config.nats
  const nats = config.nats.servers.length === 0 ? [] : [natsSink(config, log, hooks.boot, lossLine('nats'))]
  const lists = { allow: allowlist, deny: denylist, prefix: 'nats' as const }
  const own = allowlist === '' && denylist === '' ? null : createGate(config, lists)
  const groups = [
    { gate, name: 'export', sinks: own === null ? [...sinks, ...nats] : sinks },
    { gate: own, name: 'nats_filter', sinks: own === null ? [] : nats },
  ]
  const gated = groups.filter(({ sinks }) => sinks.length > 0).map(({ gate, name, sinks }) => {
    return { first: gate === null ? sinks : [new ExportGate(gate, sinks, name)], sinks }
  })
  const first = gated.flatMap((group) => group.first)
  return { sinks: first, all: [...new Set([...first, ...gated.flatMap(({ sinks }) => sinks)])], file, reopen }
}

function natsSink(config: Config, log: Log, boot: string, loss: LossLine): Exporter {
  const { servers, prefix, stream, credentials, ca, certificate, key } = config.nats
  const batch = { ...NATS_BOUNDS, ...loss, onTrouble: troubleLog(log, 'nats') }
  const files = { credentials, ca, certificate, key }
  const { node_name } = config
  return createNats({ servers, prefix, stream, ...files, node_name, boot, timeout_ms: REQUEST_TIMEOUT_MS, batch })
}

function troubleLog(log: Log, sink: string): (error: Error | null) => void {
  return (error) => {
    if (error === null) log.info({ sink }, 'sending works again')
    else log.error({ sink, error: error.message }, 'cannot send events')
  }
}

type LossLine = { lossLine?: (count: number, from_ms: number, to_ms: number) => string }

function networkSinks(config: Config, log: Log, lossLine: (sink: string) => LossLine): Exporter[] {
  const sinks: Exporter[] = []
  const batch = (sink: string) => ({
    ...BATCH_BOUNDS,
    ...lossLine(sink),
    onTrouble: troubleLog(log, sink),
  })
  const request = { compress: true, timeout_ms: REQUEST_TIMEOUT_MS }
  if (config.otlp_endpoint !== '') {
    const { version } = thumpVersion()
    const resource: Record<string, string> = { 'service.name': 'thump', 'service.version': version }
    if (config.node_name !== '') resource['host.name'] = config.node_name
    if (config.cluster_name !== '') resource['k8s.cluster.name'] = config.cluster_name
    const [url, headers] = [config.otlp_endpoint, config.otlp_headers]
    sinks.push(createOtlp({ url, headers, resource, scope_version: version, ...request, batch: batch('otlp') }))
  }
  if (config.webhook_url !== '') {
    const [url, headers, format] = [config.webhook_url, config.webhook_headers, config.webhook_format]
    sinks.push(createWebhook({ url, headers, format, ...request, compress: false, batch: batch('webhook') }))
  }
  return sinks
}

function openFile(
  config: Config,
  log: Log,
  loss: LossLine,
): Promise<FileExporter> {
  return FileExporter.open({
    path: config.export_file,
    bytes_max: config.export_file_bytes,
    age_ms_max: config.export_file_interval_ms,
    backups_max: config.export_file_backups,
    compress: config.export_file_compress,
    mode: config.export_file_mode,
    chunk_bytes: BOUNDS.stdout_chunk_bytes,
    queue_bytes: config.stdout_queue_bytes,
    ...loss,
    onTrouble: (error) => {
      if (error === null) log.info({ file: config.export_file }, 'writing to the file works again')
      else log.error({ file: config.export_file, error: error.message }, 'cannot write to the file')
    },
  })
}

interface Lists {
  readonly allow: string
  readonly deny: string
  /** Of the flags that they were given by. */
  readonly prefix?: 'nats'
}

function createGate(config: Config, lists: Lists): ConstructorParameters<typeof ExportGate>[0] | null {
  const { field_filters, export_rate_limit } = config
  const { prefix = 'export' } = lists
  if (lists.allow === '' && lists.deny === '' && field_filters === '' && export_rate_limit < 0) return null
  try {
    const allow = parseFilters(lists.allow, `${prefix}-allowlist`)
    const deny = parseFilters(lists.deny, `${prefix}-denylist`)
    const predicate = allow.length + deny.length === 0 ? null : compileLists({ allow, deny }, { parentOf })
    const fields = parseFieldFilters(field_filters, 'field-filters')
    const edit = fields.length === 0 ? null : compileFieldFilters(fields)
    return {
      match: predicate === null ? null : (line, meta) => predicate(viewOfMeta(line, meta)),
      rate: export_rate_limit < 0 ? null : new RateLimit(export_rate_limit, performance.now()),
      edit: edit === null ? null : (line) => {
        const document = parseLine(line)
        return document === undefined ? line : JSON.stringify(edit(document))
      },
      rateLine: (dropped) => rateLimitLine(dropped, config.node_name, config.cluster_name, new Date()),
    }
  } catch (error) {
    if (error instanceof FilterError) throw new UsageError(error.message, { cause: error })
    throw error
  }
}
