// Every flag of the agent: one table from which parsing, environment names, config keys and --help follow.

import { CONTAINER_FLAGS } from './flags_container.ts'
import { EXPORT_FLAGS } from './flags_export.ts'
import { GRPC_FLAGS } from './flags_grpc.ts'
import { METRICS_FLAGS } from './flags_metrics.ts'
import { NATS_FLAGS } from './flags_nats.ts'

export type FlagType = 'text' | 'boolean' | 'integer' | 'bytes' | 'duration' | 'list' | 'path'

export interface Flag {
  readonly name: string
  readonly type: FlagType
  /** As a user would write it; '' means unset. */
  readonly fallback: string
  /** What the value looks like in --help and in errors. */
  readonly form: string
  readonly help: string
  readonly minimum?: number
  readonly maximum?: number
  readonly choices?: readonly string[]
  /** May be given more than once; values add up. */
  readonly repeat?: boolean
  /** Other spellings, most of them Tetragon's. */
  readonly aliases?: readonly string[]
}

export const ANCESTOR_KINDS = ['base', 'kprobe', 'tracepoint', 'uprobe', 'lsm', 'usdt', 'loader'] as const
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const MIB = 1 << 20

export const FLAGS = [
  { group: 'General' },
  { name: 'config', type: 'path', fallback: '', form: 'FILE', help: 'YAML file whose keys are flag names' },
  {
    name: 'policies',
    type: 'list',
    fallback: '/etc/thump/policies',
    form: 'DIR',
    help: 'directory of policy files, followed while running; "none" for no directory',
    repeat: true,
    aliases: ['tracing-policy-dir'],
  },
  {
    name: 'log-level',
    type: 'text',
    fallback: 'info',
    form: LOG_LEVELS.join('|'),
    choices: LOG_LEVELS,
    help: 'least level of the log on stderr',
  },
  {
    name: 'log-format',
    type: 'text',
    fallback: 'auto',
    form: 'auto|pretty|json',
    choices: ['auto', 'pretty', 'json'],
    help: 'form of the log on stderr; auto: pretty on a terminal',
  },
  {
    name: 'btf',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: 'BTF of the kernel, where /sys/kernel/btf is missing',
  },
  { name: 'procfs', type: 'path', fallback: '/proc', form: 'DIR', help: 'where the host procfs is mounted' },
  { name: 'cluster-name', type: 'text', fallback: '', form: 'NAME', help: 'cluster_name of every event' },
  {
    name: 'keep-sensors-on-exit',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'leave the hooks of policies pinned when the agent stops',
  },
  {
    name: 'protect-agent',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'refuse what others try on the agent: signals, ptrace, its BPF objects and pins; needs BPF LSM',
  },
  {
    name: 'policy-key',
    type: 'path',
    fallback: '',
    form: 'FILE',
    help: 'Ed25519 public key (PEM): accept only policies that it signed, NAME.yaml by NAME.yaml.sig',
  },
  {
    name: 'never-kill',
    type: 'list',
    fallback: '',
    form: 'PATH',
    help: 'programs that no policy kills; what it refuses them stays refused',
    repeat: true,
  },
  {
    name: 'allow-match-all',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'let policies that enforce without any filter start in enforce mode',
  },

  { group: 'Server' },
  {
    name: 'listen',
    type: 'text',
    fallback: '127.0.0.1:8467',
    form: 'HOST:PORT|unix:PATH|none',
    help: 'where HTTP is served',
    aliases: ['server-address'],
  },
  ...GRPC_FLAGS,
  {
    name: 'token-file',
    type: 'path',
    fallback: '/run/thump/token',
    form: 'FILE',
    help: 'bearer token for changes; written (0600) if missing or empty',
  },
  {
    name: 'read-token',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'ask for the token for reading, too, on loopback and the Unix socket',
  },
  {
    name: 'event-queue-size',
    type: 'integer',
    fallback: '10000',
    form: 'EVENTS',
    minimum: 1,
    maximum: 1_000_000,
    help: 'events that wait for one slow subscriber before they are counted as lost',
  },

  { group: 'Metrics' },
  ...METRICS_FLAGS,

  { group: 'Processes' },
  {
    name: 'enable-process-cred',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'credentials and capabilities in process',
  },
  { name: 'enable-process-ns', type: 'boolean', fallback: 'false', form: 'true|false', help: 'namespaces in process' },
  {
    name: 'enable-ancestors',
    type: 'list',
    fallback: '',
    form: 'KIND,...',
    choices: ANCESTOR_KINDS,
    help: `ancestors in events of these kinds: ${ANCESTOR_KINDS.join(', ')}`,
  },
  {
    name: 'enable-process-environment-variables',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'environment in process_exec',
  },
  {
    name: 'filter-environment-variables',
    type: 'list',
    fallback: '',
    form: 'NAME,...',
    help: 'only these variables',
  },
  {
    name: 'username-metadata',
    type: 'text',
    fallback: 'disabled',
    form: 'disabled|unix',
    choices: ['disabled', 'unix'],
    help: 'user names from /etc/passwd',
  },
  {
    name: 'expose-stack-addresses',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'addresses in stack traces',
  },
  {
    name: 'allow-outbound',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'GetUrl and DnsLookup of policies really ask; without it they are named in events only',
  },
  {
    name: 'argument-bytes',
    type: 'bytes',
    fallback: '1M',
    form: 'BYTES',
    minimum: 4096,
    maximum: 8 * MIB,
    help: 'argument vector (and environment) kept per exec; what is longer is cut and flagged truncArgs',
  },
  {
    name: 'process-cache-size',
    type: 'integer',
    fallback: '65536',
    form: 'PROCESSES',
    minimum: 1024,
    maximum: 4_194_304,
    help: 'processes that the agent remembers',
  },
  {
    name: 'process-map-entries',
    type: 'integer',
    fallback: '0',
    form: 'PROCESSES',
    minimum: 0,
    maximum: 4_194_304,
    help: 'processes that the kernel side remembers; 0: from pid_max and memory',
    aliases: ['execve-map-entries'],
  },

  { group: 'Containers' },
  ...CONTAINER_FLAGS,

  { group: 'Buffers' },
  {
    name: 'rb-size',
    type: 'bytes',
    fallback: '4M',
    form: 'BYTES',
    minimum: 4096,
    maximum: 256 * MIB,
    help: 'telemetry ring, per CPU; the sum is rounded up to a power of two',
  },
  {
    name: 'rb-size-total',
    type: 'bytes',
    fallback: '0',
    form: 'BYTES',
    minimum: 0,
    maximum: 1024 * MIB,
    help: 'telemetry ring, whole; overrides --rb-size unless 0',
  },
  {
    name: 'rb-reserved-size',
    type: 'bytes',
    fallback: '4M',
    form: 'BYTES',
    minimum: 65536,
    maximum: 256 * MIB,
    help: 'ring for process lifecycle and enforcement, rounded up to a power of two',
  },
  {
    name: 'cgroup-rate',
    type: 'text',
    fallback: '',
    form: 'N,INTERVAL',
    help: 'most processes that one cgroup may start per interval before it is throttled, e.g. 1000,1s',
  },

  { group: 'Output' },
  { name: 'stdout', type: 'boolean', fallback: 'true', form: 'true|false', help: 'write events to stdout' },
  {
    name: 'stdout-queue-size',
    type: 'bytes',
    fallback: '32M',
    form: 'BYTES',
    minimum: 65536,
    maximum: 1024 * MIB,
    help: 'output that waits for a slow reader of stdout before events are counted as lost',
  },
  {
    name: 'tetragon-only',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'leave out what Tetragon does not have',
  },
  ...EXPORT_FLAGS,
  ...NATS_FLAGS,
] as const satisfies readonly (Flag | { readonly group: string })[]

export const FLAG_LIST: readonly Flag[] = FLAGS.filter((entry) => 'name' in entry)

/** `--help` of the agent. */
export function flagHelp(): string {
  const lines = ['Usage: thump agent [--FLAG VALUE | --FLAG=VALUE]...', '']
  lines.push('Each flag is also read from the environment (THUMP_NAME, dashes as underscores) and from the file given')
  lines.push('by --config (key: flag name). Precedence: flag, environment, file, default.')
  for (const entry of FLAGS) {
    if ('group' in entry) {
      lines.push('', `${entry.group}:`)
      continue
    }
    const flag: Flag = entry
    const fallback = flag.fallback === '' ? '' : ` (default ${flag.fallback})`
    const aliases = flag.aliases === undefined ? '' : ` [also --${flag.aliases.join(', --')}]`
    const head = `  --${flag.name} ${flag.form}`
    const separator = head.length >= 38 ? `\n${' '.repeat(40)}` : ' '.repeat(40 - head.length)
    lines.push(`${head}${separator}${flag.help}${fallback}${aliases}${flag.repeat ? '; may be repeated' : ''}`)
  }
  lines.push('', 'Exit status: 0 stopped by a signal, 2 usage, 3 missing privilege or kernel support, 1 anything else.')
  return lines.join('\n') + '\n'
}
