// Random policies that are valid where fentry, LSM or kprobes are: for loading many different ones.
import { policyYaml } from '../kernel/policy.ts'

type Random = () => number

interface Argument {
  readonly index: number
  readonly type: string
}

interface Target {
  readonly section: 'kprobes' | 'lsmhooks' | 'tracepoints'
  readonly lines: readonly string[]
  readonly arguments: readonly Argument[]
  readonly result?: string
}

function call(name: string, syscall: boolean, types: readonly string[], result: string): Target {
  return {
    section: 'kprobes',
    lines: [`call: ${name}`, `syscall: ${syscall}`],
    arguments: types.map((type, index) => ({ index, type })).filter(({ type }) => type !== ''),
    result,
  }
}

function lsm(hook: string, types: readonly string[]): Target {
  return { section: 'lsmhooks', lines: [`hook: ${hook}`], arguments: types.map((type, index) => ({ index, type })) }
}

const TARGETS: readonly Target[] = [
  call('sys_lseek', true, ['int', 'long', 'int'], 'long'),
  call('sys_openat', true, ['int', 'string', 'int'], 'int'),
  call('sys_write', true, ['int', 'char_buf', 'size_t'], 'long'),
  call('sys_dup', true, ['int'], 'int'),
  call('sys_mkdirat', true, ['int', 'string', 'int'], 'int'),
  call('sys_kill', true, ['int', 'int'], 'int'),
  call('security_file_open', false, ['file'], 'int'),
  call('security_file_permission', false, ['file', 'int'], 'int'),
  call('security_path_truncate', false, ['path'], 'int'),
  call('security_bprm_check', false, ['linux_binprm'], 'int'),
  call('tcp_connect', false, ['sock'], 'int'),
  call('tcp_close', false, ['sock'], ''),
  call('fd_install', false, ['int', 'file'], ''),
  call('commit_creds', false, ['cred'], 'int'),
  lsm('file_open', ['file']),
  lsm('bprm_check_security', ['linux_binprm']),
  {
    section: 'tracepoints',
    lines: ['subsystem: sched', 'event: sched_process_exec', 'raw: true'],
    arguments: [],
  },
  {
    section: 'tracepoints',
    lines: ['subsystem: syscalls', 'event: sys_enter_lseek'],
    arguments: [{ index: 5, type: 'uint64' }, { index: 7, type: 'uint64' }],
  },
]

const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'size_t', 'uint64'])
const STRINGS: ReadonlySet<string> = new Set(['string', 'file', 'path', 'linux_binprm'])

/** Same seed, same policies. */
export function randomPolicy(name: string, random: Random): string {
  const target = pick(TARGETS, random)
  const args = target.arguments.filter(() => random() < 0.8)
  const lines = [...target.lines]
  if (random() < 0.3) lines.push('message: "one of many"')
  const returns = target.result !== undefined && target.result !== '' && random() < 0.4
  if (target.section === 'kprobes') lines.push(`return: ${returns}`)
  if (returns) lines.push(`returnArg: {index: 0, type: ${target.result}}`)
  if (args.length > 0) lines.push('args:', ...args.map(({ index, type }) => `- {index: ${index}, type: ${type}}`))
  const count = below(4, random)
  if (count > 0) lines.push('selectors:')
  for (let i = 0; i < count; i++) lines.push(...selector(args, returns, random))
  const [first, ...rest] = lines
  return policyYaml(name, [`${target.section}:`, `- ${first}`, ...rest.map((line) => `  ${line}`)].join('\n'))
}

function selector(args: readonly Argument[], returns: boolean, random: Random): string[] {
  const parts: string[][] = []
  const filters = args.filter(() => random() < 0.6).flatMap((argument) => argumentFilter(argument, random))
  if (filters.length > 0) parts.push(['matchArgs:', ...filters])
  if (random() < 0.3) {
    const operator = pick(['In', 'NotIn', 'Prefix', 'NotPrefix', 'Postfix', 'NotPostfix'], random)
    const follow = operator.endsWith('In') && random() < 0.5 ? ', followChildren: true' : ''
    const path = operator.endsWith('In') ? '/usr/bin/curl' : operator.endsWith('Prefix') ? '/usr/' : 'curl'
    parts.push(['matchBinaries:', `- {operator: ${operator}, values: [${path}]${follow}}`])
  }
  if (random() < 0.2) {
    parts.push([
      'matchPIDs:',
      `- {operator: ${pick(['In', 'NotIn'], random)}, followForks: ${random() < 0.5}, values: [1]}`,
    ])
  }
  if (random() < 0.2) {
    const set = pick(['Effective', 'Permitted', 'Inheritable'], random)
    parts.push([
      'matchCapabilities:',
      `- {type: ${set}, operator: ${pick(['In', 'NotIn'], random)}, values: [CAP_SYS_ADMIN]}`,
    ])
  }
  if (random() < 0.2) {
    const kind = pick(['Mnt', 'Pid', 'Net', 'Uts'], random)
    parts.push([
      'matchNamespaces:',
      `- {namespace: ${kind}, operator: ${pick(['In', 'NotIn'], random)}, values: [host_ns]}`,
    ])
  }
  if (returns && random() < 0.4) parts.push(['matchReturnArgs:', '- {operator: LT, values: ["0"]}'])
  if (parts.length === 0 || random() < 0.5) {
    parts.push([
      'matchActions:',
      `- ${pick(['{action: Post}', '{action: NoPost}', '{action: Post, rateLimit: 5s}'], random)}`,
    ])
  }
  return parts.flat().map((line, i) => i === 0 ? `- ${line}` : `  ${line}`)
}

function argumentFilter({ index, type }: Argument, random: Random): string[] {
  if (NUMBERS.has(type)) {
    const operator = pick(['Equal', 'NotEqual', 'GT', 'LT', 'Mask', 'InMap', 'NotInMap'], random)
    const values = operator.includes('Map') ? ['1', '5:9', '70'] : operator.includes('qual') ? numbers(random) : ['64']
    return [`- {index: ${index}, operator: ${operator}, values: [${values.map((value) => `"${value}"`).join(', ')}]}`]
  }
  if (STRINGS.has(type)) {
    const operator = pick(['Equal', 'NotEqual', 'Prefix', 'NotPrefix', 'Postfix', 'NotPostfix', 'SubString'], random)
    const count = 1 + below(5, random)
    const values = Array.from({ length: count }, (_, i) => `/some/${'deep/'.repeat(below(6, random))}${i}`)
    return [`- {index: ${index}, operator: ${operator}, values: [${values.join(', ')}]}`]
  }
  if (type === 'sock') {
    return [pick([
      `- {index: ${index}, operator: DAddr, values: [10.0.0.0/8, "2001:db8::/32"]}`,
      `- {index: ${index}, operator: NotDAddr, values: [127.0.0.1]}`,
      `- {index: ${index}, operator: DPort, values: ["443", "8000:8100"]}`,
      `- {index: ${index}, operator: SPortPriv}`,
      `- {index: ${index}, operator: Protocol, values: [IPPROTO_TCP]}`,
      `- {index: ${index}, operator: Family, values: [AF_INET]}`,
    ], random)]
  }
  return []
}

function numbers(random: Random): string[] {
  return Array.from({ length: 1 + below(12, random) }, () => String(below(2000, random)))
}

function below(count: number, random: Random): number {
  return Math.floor(random() * count)
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[below(values.length, random)]!
}
