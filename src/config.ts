// Config: every bound and default of the agent, between flags/environment/file and the parts that use them.
import { parseDocument } from 'yaml'
import { type ContainerConfig, readContainers } from './config_container.ts'
import { type GrpcConfig, readGrpc } from './config_grpc.ts'
import { type MetricsConfig, readMetrics } from './config_metrics.ts'
import { type NatsConfig, readNats } from './config_nats.ts'
import {
  type CgroupRate,
  type Listen,
  parseBytes,
  parseCgroupRate,
  parseDuration,
  parseHeaders,
  parseInteger,
  parseListen,
  parseUrl,
} from './config_value.ts'
import { type Flag, FLAG_LIST } from './flags.ts'
import { TETRAGON_FLAGS } from './flags_tetragon.ts'
import { nearest } from './nearest.ts'

export { BOUNDS } from './config_bounds.ts'

export interface Config {
  readonly policies: readonly string[]
  readonly log_level: string
  readonly log_format: string
  readonly btf: string
  readonly procfs: string
  readonly cluster_name: string
  readonly node_name: string
  readonly keep_sensors_on_exit: boolean
  readonly protect_agent: boolean
  readonly policy_key: string
  readonly never_kill: readonly string[]
  readonly allow_match_all: boolean
  readonly listen: Listen
  readonly grpc: GrpcConfig
  readonly token_file: string
  readonly read_token: boolean
  readonly event_queue_size: number
  readonly process_credentials: boolean
  readonly process_namespaces: boolean
  readonly ancestors: readonly string[]
  readonly environment_variables: boolean
  readonly environment_variable_names: readonly string[]
  readonly user_names: boolean
  readonly stack_addresses: boolean
  readonly allow_outbound: boolean
  readonly argument_bytes: number
  readonly process_cache_size: number
  /** 0: from pid_max and memory. */
  readonly process_map_entries: number
  readonly ring_bytes_per_cpu: number
  /** 0: from ring_bytes_per_cpu. */
  readonly ring_bytes: number
  readonly reserved_ring_bytes: number
  readonly cgroup_rate: CgroupRate | null
  readonly containers: ContainerConfig
  readonly metrics: MetricsConfig
  readonly stdout: boolean
  readonly stdout_queue_bytes: number
  readonly tetragon_only: boolean
  readonly export_file: string
  readonly export_file_bytes: number
  readonly export_file_interval_ms: number
  readonly export_file_backups: number
  readonly export_file_compress: boolean
  readonly export_file_mode: number
  readonly otlp_endpoint: string
  readonly otlp_headers: Readonly<Record<string, string>>
  readonly webhook_url: string
  readonly webhook_headers: Readonly<Record<string, string>>
  readonly webhook_format: 'ndjson' | 'json'
  readonly nats: NatsConfig
  readonly export_rate_limit: number
  readonly export_allowlist: string
  readonly export_denylist: string
  readonly field_filters: string
  readonly redaction_filters: string
  readonly redact_secrets: boolean
  /** Flags of Tetragon that were given and mean nothing here. */
  readonly without_effect: readonly string[]
}

/** A mistake in flags, environment or config file: exit status 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export interface ConfigSources {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly hostname: string
  /** Throws what the file system throws. */
  readonly readText: (path: string) => string
  readonly exists: (path: string) => boolean
}

type Raw = Map<string, { readonly values: readonly string[]; readonly source: string }>

/** Throws UsageError at the first mistake; the message names flag (or variable, or key), value and wanted form. */
export function parseConfig(sources: ConfigSources): Config {
  const flags = rawFlags(sources.argv)
  const env = rawEnvironment(sources.env)
  const path = flags.get('config')?.values.at(-1) ?? env.get('config')?.values.at(-1) ?? ''
  const file: Raw = path === '' ? new Map() : rawFile(path, sources.readText)
  const raw: Raw = new Map([...file, ...env, ...flags])
  return build(raw, sources)
}

/** True where `--help` or `-h` stands among the arguments. */
export function wantsHelp(argv: readonly string[]): boolean {
  return argv.includes('--help') || argv.includes('-h')
}

function rawFlags(argv: readonly string[]): Raw {
  const raw: Raw = new Map()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    if (!word.startsWith('--')) throw new UsageError(`Unexpected argument "${word}", flags begin with --`)
    const equals = word.indexOf('=')
    const given = equals < 0 ? word.slice(2) : word.slice(2, equals)
    const flag = findFlag(given, `flag --${given}`, '--')
    let value: string
    if (equals >= 0) value = word.slice(equals + 1)
    else if (flag.type === 'boolean') value = isBoolean(argv[i + 1]) ? argv[++i]! : 'true'
    else if (i + 1 < argv.length) value = argv[++i]!
    else throw new UsageError(`Flag --${given} needs a value: ${flag.form}`)
    const before = flag.repeat ? raw.get(flag.name)?.values ?? [] : []
    raw.set(flag.name, { values: [...before, value], source: `flag --${given}` })
  }
  return raw
}

function rawEnvironment(env: ConfigSources['env']): Raw {
  const raw: Raw = new Map()
  for (const flag of FLAG_LIST) {
    for (const name of [flag.name, ...flag.aliases ?? []]) {
      const variable = environmentName(name)
      const value = env[variable]
      if (value === undefined) continue
      raw.set(flag.name, { values: flag.repeat ? value.split(',') : [value], source: `environment ${variable}` })
      break
    }
  }
  return raw
}

export function environmentName(flag: string): string {
  return `THUMP_${flag.replaceAll('-', '_').toUpperCase()}`
}

function rawFile(path: string, readText: ConfigSources['readText']): Raw {
  let text: string
  try {
    text = readText(path)
  } catch (error) {
    throw new UsageError(`Cannot read config file "${path}": ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
  const document = parseDocument(text)
  const mistake = document.errors[0]
  if (mistake !== undefined) throw new UsageError(`Config file "${path}": ${mistake.message.split('\n')[0]}`)
  const content: unknown = document.toJS()
  if (content === null || content === undefined) return new Map()
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new UsageError(`Config file "${path}" must be a mapping of flag names to values`)
  }
  const raw: Raw = new Map()
  for (const [key, value] of Object.entries(content)) {
    const source = `key "${key}" in ${path}`
    const flag = findFlag(key, source, '')
    if (flag.name === 'config') throw new UsageError(`Unexpected ${source}: a config file names no other`)
    raw.set(flag.name, { values: fileValues(flag, value, source), source })
  }
  return raw
}

function fileValues(flag: Flag, value: unknown, source: string): string[] {
  if (value === null) return [flag.fallback]
  if (Array.isArray(value) && flag.type === 'list') {
    return flag.repeat ? value.map(String) : [value.map(String).join(',')]
  }
  if (typeof value === 'object') {
    throw new UsageError(`Invalid value ${JSON.stringify(value)} for ${source}, want ${flag.form}`)
  }
  return [String(value)]
}

function findFlag(name: string, source: string, prefix: string): Flag {
  const found = FLAG_LIST.find((flag) => flag.name === name || flag.aliases?.includes(name))
  if (found !== undefined) return found
  const tetragon = Object.hasOwn(TETRAGON_FLAGS, name) ? TETRAGON_FLAGS[name] : undefined
  if (tetragon !== undefined) return { name, type: tetragon, fallback: '', form: 'VALUE', help: '' }
  const near = nearest(name, FLAG_LIST.flatMap((flag) => [flag.name, ...flag.aliases ?? []]))
  throw new UsageError(`Unknown ${source}, nearest is ${prefix}${near}`)
}

function isBoolean(word: string | undefined): boolean {
  return word === 'true' || word === 'false'
}

function build(raw: Raw, sources: ConfigSources): Config {
  const read = new Reader(raw)
  return {
    policies: policyDirectories(raw, sources),
    log_level: read.text('log-level'),
    log_format: read.text('log-format'),
    btf: read.text('btf'),
    procfs: read.text('procfs').replace(/(.)\/+$/, '$1'),
    cluster_name: read.text('cluster-name'),
    node_name: sources.env.HUBBLE_NODE_NAME || sources.env.NODE_NAME || sources.hostname,
    keep_sensors_on_exit: read.boolean('keep-sensors-on-exit'),
    protect_agent: read.boolean('protect-agent'),
    policy_key: read.text('policy-key'),
    never_kill: read.list('never-kill'),
    allow_match_all: read.boolean('allow-match-all'),
    listen: read.parsed('listen', parseListen),
    grpc: readGrpc(read, parseListen),
    token_file: read.text('token-file'),
    read_token: read.boolean('read-token'),
    event_queue_size: read.number('event-queue-size'),
    process_credentials: read.boolean('enable-process-cred'),
    process_namespaces: read.boolean('enable-process-ns'),
    ancestors: read.list('enable-ancestors'),
    environment_variables: read.boolean('enable-process-environment-variables'),
    environment_variable_names: read.list('filter-environment-variables'),
    user_names: read.text('username-metadata') === 'unix',
    stack_addresses: read.boolean('expose-stack-addresses'),
    allow_outbound: read.boolean('allow-outbound'),
    argument_bytes: read.number('argument-bytes'),
    process_cache_size: read.number('process-cache-size'),
    process_map_entries: read.number('process-map-entries'),
    ring_bytes_per_cpu: read.number('rb-size'),
    ring_bytes: read.number('rb-size-total'),
    reserved_ring_bytes: read.number('rb-reserved-size'),
    cgroup_rate: read.parsed('cgroup-rate', parseCgroupRate),
    containers: readContainers(read, parseUrl),
    metrics: readMetrics(read),
    stdout: read.boolean('stdout'),
    stdout_queue_bytes: read.number('stdout-queue-size'),
    tetragon_only: read.boolean('tetragon-only'),
    export_file: read.text('export-file'),
    export_file_bytes: read.number('export-file-max-size-mb') * 1_000_000,
    export_file_interval_ms: read.number('export-file-rotation-interval'),
    export_file_backups: read.number('export-file-max-backups'),
    export_file_compress: read.boolean('export-file-compress'),
    export_file_mode: read.parsed('export-file-perm', (text) => /^0?[0-7]{3}$/.test(text) ? parseInt(text, 8) : null),
    otlp_endpoint: read.parsed('otlp-endpoint', parseUrl),
    otlp_headers: read.parsed('otlp-headers', parseHeaders),
    webhook_url: read.parsed('webhook-url', parseUrl),
    webhook_headers: read.parsed('webhook-headers', parseHeaders),
    webhook_format: read.text('webhook-format') === 'json' ? 'json' : 'ndjson',
    nats: readNats(read),
    export_rate_limit: read.number('export-rate-limit'),
    export_allowlist: read.text('export-allowlist'),
    export_denylist: read.text('export-denylist'),
    field_filters: read.text('field-filters'),
    redaction_filters: read.text('redaction-filters'),
    redact_secrets: read.boolean('redact-secrets'),
    without_effect: [...raw.keys()].filter((name) => Object.hasOwn(TETRAGON_FLAGS, name)),
  }
}

/** The default directory counts only if it exists; one that was asked for must. */
function policyDirectories(raw: Raw, sources: ConfigSources): string[] {
  const given = raw.get('policies')
  const fallback = FLAG_LIST.find((flag) => flag.name === 'policies')!.fallback
  if (given === undefined) return sources.exists(fallback) ? [fallback] : []
  if (given.values.includes('none')) return []
  for (const directory of given.values) {
    if (!sources.exists(directory)) {
      throw new UsageError(`Invalid value "${directory}" for ${given.source}, want an existing directory or none`)
    }
  }
  return [...given.values]
}

/** Typed access to raw values by flag name; a wrong value throws with its source. */
class Reader {
  readonly #raw: Raw

  constructor(raw: Raw) {
    this.#raw = raw
  }

  text(name: string): string {
    const { flag, value } = this.#find(name)
    if (flag.choices !== undefined && !flag.choices.includes(value)) this.#refuse(name)
    return value
  }

  boolean(name: string): boolean {
    const { value } = this.#find(name)
    if (!isBoolean(value)) this.#refuse(name)
    return value === 'true'
  }

  list(name: string): string[] {
    const { flag, value } = this.#find(name)
    const words = value.split(',').map((word) => word.trim()).filter((word) => word !== '')
    if (flag.choices !== undefined && !words.every((word) => flag.choices!.includes(word))) this.#refuse(name)
    return words
  }

  /** Bytes, milliseconds or a plain count, by the flag's type. */
  number(name: string): number {
    const { flag, value } = this.#find(name)
    const parse = flag.type === 'bytes' ? parseBytes : flag.type === 'duration' ? parseDuration : parseInteger
    const number = parse(value)
    if (number === null || number < (flag.minimum ?? -Infinity) || number > (flag.maximum ?? Infinity)) {
      this.#refuse(name)
    }
    return number
  }

  /** `parse` gives null for a wrong value. An empty value of a flag without default is null as well. */
  parsed<T>(name: string, parse: (text: string) => T | null): T
  parsed<T>(name: 'cgroup-rate', parse: (text: string) => T | null): T | null
  parsed<T>(name: string, parse: (text: string) => T | null): T | null {
    const { flag, value } = this.#find(name)
    const parsed = parse(value)
    if (parsed !== null || (value === '' && flag.fallback === '')) return parsed
    return this.#refuse(name)
  }

  #find(name: string): { flag: Flag; value: string; source: string } {
    const flag = FLAG_LIST.find((candidate) => candidate.name === name)
    if (flag === undefined) throw new Error(`No flag "${name}"`)
    const given = this.#raw.get(name)
    return { flag, value: given?.values.at(-1) ?? flag.fallback, source: given?.source ?? `flag --${name}` }
  }

  #refuse(name: string): never {
    const { flag, value, source } = this.#find(name)
    const range = flag.minimum !== undefined ? ` from ${flag.minimum} to ${flag.maximum}` : ''
    throw new UsageError(`Invalid value "${value}" for ${source}, want ${flag.form}${range}`)
  }
}
