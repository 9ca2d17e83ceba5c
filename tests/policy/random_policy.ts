// Random policies that are valid where fentry, LSM or kprobes are: for loading many different ones.
import { policyYaml } from '../kernel/policy.ts'

type Random = () => number

interface Argument {
  readonly index: number
  readonly type: string
  /** Further keys, as YAML. */
  readonly more?: string
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
  call('security_socket_connect', false, ['socket', 'sockaddr', 'int'], 'int'),
  call('security_mmap_file', false, ['file', 'uint32', 'uint32'], 'int'),
  call('security_capset', false, ['', 'cred', 'cap_effective', 'cap_inheritable', 'cap_permitted'], 'int'),
  call('create_user_ns', false, ['cred'], 'int'),
  call('bpf_check', false, ['', 'bpf_attr'], 'int'),
  call('tcp_sendmsg', false, ['sock', '', 'size_t'], 'int'),
  call('udp_sendmsg', false, ['sock', '', 'size_t'], 'int'),
  {
    ...call('sys_read', true, ['int', '', 'size_t'], 'long'),
    arguments: [{ index: 0, type: 'int' }, { index: 2, type: 'size_t' }, {
      index: 1,
      type: 'char_buf',
      more: ', sizeArgIndex: 3',
    }],
  },
  {
    ...call('sys_writev', true, [], 'long'),
    arguments: [{ index: 0, type: 'int' }, { index: 1, type: 'char_iovec', more: ', sizeArgIndex: 3' }],
  },
  {
    ...call('security_inode_mkdir', false, [], 'int'),
    arguments: [{ index: 1, type: 'dentry' }],
  },
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

const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'size_t', 'uint32', 'uint64'])
const STRINGS: ReadonlySet<string> = new Set(['string', 'char_buf', 'file', 'path', 'linux_binprm'])
const FILES: ReadonlySet<string> = new Set(['file', 'path', 'linux_binprm'])
const CAPABILITIES: ReadonlySet<string> = new Set(['cap_effective', 'cap_inheritable', 'cap_permitted'])

/** Same seed, same policies. */
export function randomPolicy(name: string, random: Random): string {
  const target = pick(TARGETS, random)
  const args = target.arguments.filter(() => random() < 0.8)
  const lines = [...target.lines]
  if (random() < 0.3) lines.push('message: "one of many"')
  const returns = target.result !== undefined && target.result !== '' && random() < 0.4
  if (target.section === 'kprobes') lines.push(`return: ${returns}`)
  if (returns) lines.push(`returnArg: {index: 0, type: ${target.result}}`)
  if (args.length > 0) {
    lines.push('args:', ...args.map(({ index, type, more = '' }) => `- {index: ${index}, type: ${type}${more}}`))
  }
  if (random() < 0.2) {
    lines.push('data:', `- {type: int, source: current_task, resolve: ${pick(['pid', 'tgid'], random)}}`)
  }
  const count = below(4, random)
  if (count > 0) lines.push('selectors:')
  for (let i = 0; i < count; i++) lines.push(...selector(target, args, returns, random))
  const [first, ...rest] = lines
  // Nothing is to be killed or refused where they are loaded.
  const options = 'options:\n- {name: policy-mode, value: monitor}'
  return policyYaml(name, [options, `${target.section}:`, `- ${first}`, ...rest.map((line) => `  ${line}`)].join('\n'))
}

function selector(target: Target, args: readonly Argument[], returns: boolean, random: Random): string[] {
  const parts: string[][] = []
  const filters = args.filter(() => random() < 0.6).flatMap((argument) => argumentFilter(argument, random))
  const number = args.findIndex(({ type }) => type === 'int' || type === 'long')
  if (number >= 0 && target.section === 'kprobes' && random() < 0.15) {
    filters.push(`- {operator: CelExpr, values: ["arg${number} > 3 && !(arg${number} == 77) || arg${number} + 2 < 1"]}`)
  }
  if (filters.length > 0) parts.push(['matchArgs:', ...filters])
  if (random() < 0.3) {
    const operator = pick(['In', 'NotIn', 'Prefix', 'NotPrefix', 'Postfix', 'NotPostfix'], random)
    const follow = operator.endsWith('In') && random() < 0.5 ? ', followChildren: true' : ''
    const path = operator.endsWith('In') ? '/usr/bin/curl' : operator.endsWith('Prefix') ? '/usr/' : 'curl'
    const whose = random() < 0.3 ? 'matchParentBinaries:' : 'matchBinaries:'
    parts.push([whose, `- {operator: ${operator}, values: [${path}]${follow}}`])
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
  if (random() < 0.1) parts.push(['matchCurrentCred:', '- uid: {operator: Equal, values: ["0", "7"]}'])
  if (random() < 0.1) parts.push(['matchNamespaceChanges:', '- {operator: In, values: [Uts, Mnt]}'])
  if (random() < 0.1) {
    parts.push(['matchCapabilityChanges:', '- {type: Effective, operator: In, values: [CAP_SYS_ADMIN]}'])
  }
  if (returns && random() < 0.4) parts.push(['matchReturnArgs:', '- {operator: LT, values: ["0"]}'])
  if (parts.length === 0 || random() < 0.5) {
    parts.push(['matchActions:', `- {${pick(actionsOf(target), random)}}`])
  }
  return parts.flat().map((line, i) => i === 0 ? `- ${line}` : `  ${line}`)
}

/** What may be done to a call of `target`. */
function actionsOf({ lines, section }: Target): readonly string[] {
  const [first = ''] = lines
  const refusable = section === 'lsmhooks' || first.startsWith('call: security_')
  return [
    ...[
      'action: Post',
      'action: NoPost',
      'action: Post, rateLimit: 5s',
      'action: Post, rateLimit: 1m, rateLimitScope: global',
    ],
    ...(section === 'lsmhooks' ? [] : ['action: Post, kernelStackTrace: true, userStackTrace: true']),
    ...(section === 'tracepoints' ? [] : ['action: Sigkill', 'action: Signal, argSig: 10']),
    ...(refusable ? ['action: Override, argError: -1'] : []),
  ]
}

function argumentFilter({ index, type }: Argument, random: Random): string[] {
  if (NUMBERS.has(type)) {
    const operator = pick(['Equal', 'NotEqual', 'GT', 'LT', 'Mask', 'InMap', 'NotInMap'], random)
    const values = operator.includes('Map') ? ['1', '5:9', '70'] : operator.includes('qual') ? numbers(random) : ['64']
    return [`- {index: ${index}, operator: ${operator}, values: [${values.map((value) => `"${value}"`).join(', ')}]}`]
  }
  if (FILES.has(type) && random() < 0.2) {
    return [`- {index: ${index}, operator: ${pick(['FileType', 'NotFileType'], random)}, values: [reg, dir, lnk]}`]
  }
  if (CAPABILITIES.has(type)) return [`- {index: ${index}, operator: NotEqual, values: ["0"]}`]
  if (type === 'sockaddr') {
    return [pick([
      `- {index: ${index}, operator: SAddr, values: [10.0.0.0/8, "2001:db8::/32"]}`,
      `- {index: ${index}, operator: NotSAddr, values: [127.0.0.1]}`,
      `- {index: ${index}, operator: SPort, values: ["443", "8000:8100"]}`,
      `- {index: ${index}, operator: Family, values: [AF_INET, AF_UNIX]}`,
    ], random)]
  }
  if (STRINGS.has(type)) {
    const operator = pick([
      'Equal',
      'NotEqual',
      'Prefix',
      'NotPrefix',
      'Postfix',
      'NotPostfix',
      'SubString',
      'SubStringIgnCase',
    ], random)
    const count = 1 + below(5, random)
    const values = Array.from({ length: count }, (_, i) => `/some/${'deep/'.repeat(below(6, random))}${i}`)
    return [`- {index: ${index}, operator: ${operator}, values: [${values.join(', ')}]}`]
  }
  if (type === 'sock' || type === 'socket') {
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
