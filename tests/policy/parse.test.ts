import { describe, expect, test } from 'bun:test'
import { parsePolicies } from '../../src/policy/parse.ts'

const HEAD = 'apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: t}\n'

/** Messages of the spec, without positions. */
function messages(spec: string): string[] {
  return parsePolicies('t', `${HEAD}spec:\n${spec}\n`).errors.map((error) => error.message)
}

/** One filter on an argument of some type. */
function filter(type: string, match: string): string[] {
  return messages(
    `  kprobes: [{call: f, syscall: false, args: [{index: 0, type: ${type}}], selectors: [{matchArgs: [{index: 0, ${match}}]}]}]`,
  )
}

describe('matchArgs', () => {
  const INTEGERS = ['int', 'sint8', 'uint8', 'int16', 'uint16', 'uint32', 'int64', 'uint64', 'ulong', 'long', 'size_t']
  const TEXTS = [
    'string',
    'char_buf',
    'char_iovec',
    'file',
    'path',
    'dentry',
    'fd',
    'linux_binprm',
    'filename',
    'kiocb',
    'net_device',
  ]
  const NETS = ['sock', 'socket', 'skb']
  const table: readonly (readonly [operator: string, values: string, types: readonly string[]])[] = [
    ['Equal', '["1"]', [...INTEGERS, ...TEXTS, 'sockaddr_un', 'cap_effective']],
    ['NotEqual', '["1"]', [...INTEGERS, ...TEXTS, 'sockaddr_un']],
    ['GT', '["1"]', INTEGERS],
    ['LessThan', '["1"]', INTEGERS],
    ['Mask', '["0x1"]', [...INTEGERS, 'kernel_cap_t']],
    ['InRange', '["1:2"]', INTEGERS],
    ['NotInRange', '["1:2"]', INTEGERS],
    ['InMap', '["1", "3:5"]', INTEGERS],
    ['NotInMap', '["1"]', INTEGERS],
    ['Prefix', '["/a"]', [...TEXTS, 'sockaddr_un']],
    ['NotPrefix', '["/a"]', TEXTS],
    ['Postfix', '["/a"]', TEXTS],
    ['NotPostfix', '["/a"]', TEXTS],
    ['SubString', '["/a"]', TEXTS],
    ['SubStringIgnCase', '["/a"]', TEXTS],
    ['SAddr', '["10.0.0.0/8"]', [...NETS, 'sockaddr']],
    ['NotSAddr', '["::1"]', [...NETS, 'sockaddr']],
    ['DAddr', '["10.0.0.1"]', NETS],
    ['NotDAddr', '["10.0.0.1"]', NETS],
    ['SPort', '["80"]', [...NETS, 'sockaddr']],
    ['NotSPort', '["80:90"]', [...NETS, 'sockaddr']],
    ['DPort', '["80"]', NETS],
    ['NotDPort', '["80"]', NETS],
    ['SPortPriv', '[]', [...NETS, 'sockaddr']],
    ['NotSportPriv', '[]', [...NETS, 'sockaddr']],
    ['DPortPriv', '[]', NETS],
    ['NotDPortPriv', '[]', NETS],
    ['Protocol', '[IPPROTO_TCP]', NETS],
    ['Family', '[AF_INET, "10"]', [...NETS, 'sockaddr', 'sockaddr_un']],
    ['State', '[TCP_ESTABLISHED]', ['sock', 'socket']],
    ['FileType', '[reg, dir]', ['file', 'path', 'fd']],
    ['NotFileType', '[fifo]', ['file', 'path']],
  ]
  const ALL = ['int', 'string', 'file', 'sock', 'skb', 'sockaddr', 'sockaddr_un', 'cred', 'cap_effective', 'bpf_map']
  for (const [operator, values, types] of table) {
    test(`${operator} takes what it can be asked of, and nothing else`, () => {
      const match = `operator: ${operator}, values: ${values}`
      for (const type of types) expect([type, filter(type, match)]).toEqual([type, []])
      for (const type of ALL) {
        if (!types.includes(type)) {
          expect([type, filter(type, match).join().includes('does not fit') || filter(type, match).length === 0])
            .toEqual([type, true])
        }
      }
      expect(filter('cred', match).join()).toContain('does not fit type cred')
    })
  }

  test('capability sets are compared with masks and with names', () => {
    const match = 'operator: Mask, values: ["CAP_SYS_ADMIN,CAP_NET_RAW", CAP_BPF]'
    for (const type of ['cap_effective', 'kernel_cap_t']) expect(filter(type, match)).toEqual([])
    expect(filter('cap_permitted', 'operator: Equal, values: [CAP_NONE]').join()).toContain('want a number such as')
  })

  test('takes spellings in other case', () => {
    for (const operator of ['equal', 'eq', 'gt', 'GreaterThan', 'notprefix', 'neq']) {
      expect(filter(operator.includes('prefix') ? 'string' : 'int', `operator: ${operator}, values: ["1"]`)).toEqual([])
    }
  })

  const wrong: readonly (readonly [string, string, string])[] = [
    ['int', 'operator: Equal, values: ["2147483648"]', 'want -2147483648 to 2147483647'],
    ['uint8', 'operator: Equal, values: ["-1"]', 'want 0 to 255'],
    ['int', 'operator: InRange, values: ["5"]', 'want min:max'],
    ['int', 'operator: InRange, values: ["5:4"]', 'nothing is between'],
    ['sock', 'operator: DPort, values: ["70000"]', 'want a port'],
    ['sock', 'operator: DAddr, values: ["10.0.0.0/33"]', 'want 0 to 32'],
    ['sock', 'operator: DPortPriv, values: ["1"]', 'takes none'],
    ['sock', 'operator: State, values: [TCP_NONE]', 'want a name such as TCP_ESTABLISHED'],
    ['file', 'operator: FileType, values: [door]', 'want one of'],
    ['file', 'operator: Postfix, values: [""]', 'would match everything'],
    ['file', `operator: Prefix, values: ["${'x'.repeat(253)}"]`, 'has 253 bytes, at most 252'],
    ['int', 'operator: Equal, values: []', 'can never match'],
    ['int', 'operator: CelExpr, values: ["arg0 =="]', 'ends too early'],
    ['int', 'operator: CelExpr, values: ["arg1 == 1"]', 'the hook has 1 args'],
    ['int', 'operator: CelExpr, values: ["arg0 + 1"]', 'want bool'],
    ['int', 'operator: CelExpr, values: []', 'exactly 1 expression'],
    ['cap_effective', 'operator: CapabilitiesGained', 'args: [old, new]'],
  ]
  for (const [type, match, want] of wrong) {
    test(`refuses ${type} {${match.slice(0, 60)}}`, () => expect(filter(type, match).join()).toContain(want))
  }

  test('a value over a limit is refused with the limit, never cut', () => {
    const many = (count: number, make: (i: number) => string) =>
      `[${Array.from({ length: count }, (_, i) => `"${make(i)}"`).join(',')}]`
    expect(filter('int', `operator: InMap, values: ${many(100_000, String)}`)).toEqual([])
    expect(filter('int', `operator: InMap, values: ${many(100_001, String)}`).join()).toContain('at most 100000')
    expect(filter('string', `operator: SubString, values: ${many(101, (i) => `n${i}`)}`).join()).toContain(
      'at most 100',
    )
    expect(filter('int', `operator: GT, values: ${many(9, String)}`).join()).toContain('at most 8')
  }, 60_000)
})

describe('spec', () => {
  const table: readonly (readonly [name: string, spec: string, want: string])[] = [
    ['returnArg is needed', '  kprobes: [{call: f, syscall: false, return: true}]', 'Missing "returnArg"'],
    [
      'a signal is bounded',
      '  kprobes: [{call: f, syscall: false, selectors: [{matchActions: [{action: Signal, argSig: 65}]}]}]',
      'want 1 to 64',
    ],
    [
      'rate limits have units',
      '  kprobes: [{call: f, syscall: false, selectors: [{matchActions: [{action: Post, rateLimit: 5d}]}]}]',
      'Invalid rateLimit',
    ],
    [
      'stack traces come with Post',
      '  kprobes: [{call: f, syscall: false, selectors: [{matchActions: [{action: Sigkill, kernelStackTrace: true}]}]}]',
      'Stack traces with action Sigkill, only Post has them',
    ],
    [
      'LSM events have no stack',
      '  lsmhooks: [{hook: file_open, selectors: [{matchActions: [{action: Post, userStackTrace: true}]}]}]',
      'Stack traces of LSM hooks',
    ],
    [
      'data says where it is from',
      '  kprobes: [{call: f, syscall: false, data: [{index: 0, type: int, resolve: pid}]}]',
      'Missing "source" in data',
    ],
    ['enforcers are one', '  enforcers: [{calls: [sys_dup]}, {calls: [sys_dup]}]', 'Too many enforcers: 2, at most 1'],
    ['enforced calls are known', '  enforcers: [{calls: [vfs_write]}]', 'enforcers take system calls'],
    [
      'a list of generated names has no values',
      '  lists: [{name: l, type: generated_syscalls, values: [a]}]',
      'generates them',
    ],
    [
      'a pattern is a regular expression',
      '  lists: [{name: l, type: generated_ftrace, pattern: "("}]',
      'Invalid pattern',
    ],
    ['macros exist', '  kprobes: [{call: f, syscall: false, selectors: [{macros: [m]}]}]', 'Unknown macro "m"'],
    [
      'macros do not repeat a filter',
      '  selectorsMacros: {m: {matchPIDs: [{operator: In, values: [1]}]}}\n  kprobes: [{call: f, syscall: false, selectors: [{macros: [m], matchPIDs: [{operator: In, values: [2]}]}]}]',
      'has matchPIDs, and so has the selector',
    ],
    [
      'pids are numbers',
      '  kprobes: [{call: f, syscall: false, selectors: [{matchPIDs: [{operator: In, values: ["1"]}]}]}]',
      'want an integer',
    ],
    [
      'followChildren fits In only',
      '  kprobes: [{call: f, syscall: false, selectors: [{matchBinaries: [{operator: Prefix, values: [/a], followChildren: true}]}]}]',
      'works with In and NotIn only',
    ],
    [
      'Override needs a hook that can',
      '  tracepoints: [{subsystem: a, event: b, selectors: [{matchActions: [{action: Override, argError: -1}]}]}]',
      'does not work in tracepoints',
    ],
    [
      'fentries do not enforce',
      '  fentries: [{call: f, syscall: false, selectors: [{matchActions: [{action: Sigkill}]}]}]',
      'use kprobes',
    ],
    [
      'uprobes have one kind of place',
      '  uprobes: [{path: /a, symbols: [x], offsets: [1]}]',
      'want exactly one of them',
    ],
    [
      'arguments are at most 16',
      `  kprobes: [{call: f, syscall: false, args: [${Array(17).fill('{index: 0, type: int}').join()}]}]`,
      'at most 16',
    ],
    [
      'selectors are at most 16',
      `  kprobes: [{call: f, syscall: false, selectors: [${Array(17).fill('{}').join()}]}]`,
      'at most 16',
    ],
    ['hostSelector has one label', '  hostSelector: {matchLabels: {a: b}}', 'Label "a" in hostSelector'],
    ['a unit has a suffix', '  hostSelector: {matchLabels: {unit: sshd}}', 'Invalid unit "sshd", want a name such as'],
    ['a unit is short', `  hostSelector: {matchLabels: {unit: ${'x'.repeat(60)}.service}}`, 'at most 63 bytes'],
    [
      'units are named',
      '  hostSelector: {matchExpressions: [{key: unit, operator: Exists}]}',
      'Operator Exists in hostSelector: want In or NotIn',
    ],
    [
      'units of a list are looked at',
      '  hostSelector: {matchExpressions: [{key: unit, operator: In, values: [a.service, b]}]}',
      'Invalid unit "b"',
    ],
    [
      'a message has two bytes',
      '  kprobes: [{call: f, syscall: false, message: a}]',
      'Invalid message "a", want at least',
    ],
    [
      'a tag has two bytes',
      '  kprobes: [{call: f, syscall: false, tags: [ab, "c"]}]',
      'Invalid tags[1] "c", want at least',
    ],
    [
      'tags are at most 16',
      `  kprobes: [{call: f, syscall: false, tags: [${Array(17).fill('ab').join()}]}]`,
      'at most 16',
    ],
    ['onBudget needs a budget', '  onBudget: monitor', 'without killBudget'],
  ]
  test('long messages and tags lose their end, with a warning, and no half of a character stays', () => {
    const hook = `{call: f, syscall: false, message: ${'é'.repeat(128)}é, tags: [${'a'.repeat(127)}é, ${
      'b'.repeat(128)
    }]}`
    const { policies, warnings, errors } = parsePolicies('t', `${HEAD}spec:\n  kprobes: [${hook}]\n`)
    expect(errors).toEqual([])
    expect(policies[0]?.policy.spec.kprobes[0]?.message).toBe('é'.repeat(128))
    expect(policies[0]?.policy.spec.kprobes[0]?.tags).toEqual(['a'.repeat(127), 'b'.repeat(128)])
    expect(warnings.map((warning) => warning.message)).toEqual([
      'The message has 258 bytes: events show the first 256',
      'The tags[0] has 129 bytes: events show the first 128',
    ])
  })
  test('an index of returnArg and maxData of a number mean nothing, and are said so', () => {
    const hook =
      '{call: f, syscall: false, args: [{type: int, maxData: true}], return: true, returnArg: {index: 1, type: int}}'
    const { errors, warnings } = parsePolicies('t', `${HEAD}spec:\n  kprobes: [${hook}]\n`)
    expect(errors).toEqual([])
    expect(warnings.map(({ message }) => message)).toEqual([
      'maxData with type int, works with char_buf, char_iovec and iov_iter only',
      'Index 1 of returnArg means nothing: there is one return value',
    ])
  })
  test('a rate limit of 0 is none, and names of capabilities may be in lower case', () => {
    const selector =
      `{matchCapabilities: [{operator: In, values: [cap_sys_admin]}], matchActions: [{action: Post, rateLimit: "0"}]}`
    expect(messages(`  kprobes: [{call: f, syscall: false, selectors: [${selector}]}]`)).toEqual([])
  })
  for (const [name, spec, want] of table) test(name, () => expect(messages(spec).join('\n')).toContain(want))

  test('takes several hook kinds and the older language in one policy', () => {
    expect(messages(`  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchCurrentCred: [{uid: {operator: Equal, values: ["0"]}}]
      matchActions: [{action: FollowFD, argFd: 0, argName: 1}]
  - call: sys_close
    args: [{index: 0, type: int}]
    returnArgAction: Post
    returnArg: {index: 0, type: int}
    selectors: [{matchActions: [{action: UnfollowFD, argFd: 0, argName: 0}]}]
  tracepoints: [{subsystem: sched, event: sched_process_exec}]
  lsmhooks: [{hook: file_open}]
  uprobes: [{path: /bin/bash, symbols: [main]}]`)).toEqual([])
  })

  test('understands null for absent, and the yes and no of YAML 1.1', () => {
    expect(messages('  podSelector: null\n  kprobes: [{call: f, syscall: no, return: off, args: null}]')).toEqual([])
  })
})

describe('parsePolicies()', () => {
  test('reads several documents and skips empty ones', () => {
    const second = `${HEAD.replace('{name: t}', '{name: u}')}spec: {}\n`
    const { policies, errors } = parsePolicies('t', `# comment\n---\n${HEAD}spec: {}\n---\n---\n${second}`)
    expect(errors).toEqual([])
    expect(policies.map(({ policy }) => policy.name)).toEqual(['t', 'u'])
  })

  test('refuses two policies with one name', () => {
    const text = `${HEAD}spec: {}\n---\n${HEAD}spec: {}\n`
    expect(parsePolicies('t', text).errors.map(({ line, message }) => [line, message])).toEqual([[
      8,
      'Policy "t" is already on line 3 of this file',
    ]])
  })

  test('gives line and column of the value, the caret below it', () => {
    const { errors } = parsePolicies('net.yaml', `${HEAD}spec:\n  kprobes:\n  - call: f\n    syscall: maybe\n`)
    expect(errors).toEqual([{
      file: 'net.yaml',
      line: 7,
      column: 14,
      message: 'Invalid syscall "maybe": is text, want true or false',
      caret: '   7 |     syscall: maybe\n     |              ^',
    }])
  })

  test('finds what an alias or a merge brings where it is written', () => {
    const policy = (spec: string) =>
      `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: x}\nspec:\n${spec}`
    const places = (spec: string) =>
      parsePolicies('p.yaml', policy(spec)).errors.map((error) => [error.line, error.column])
    expect(places('  kprobes: *nowhere\n')).toEqual([[5, 12]])
    const hook = '  kprobes:\n  - &a\n    call: sys_dup\n    args: [{index: 0, type: bad}]\n'
    expect(places(`${hook}  - <<: *a\n    call: sys_dup2\n`)).toEqual([[8, 29]])
    expect(places(`${hook}  - <<: [{return: no}, *a]\n    call: sys_dup2\n`)).toEqual([[8, 29]])
  })

  test('refuses a namespaced policy without namespace, and what it cannot have', () => {
    const text = HEAD.replace('TracingPolicy', 'TracingPolicyNamespaced') +
      'spec: {hostSelector: {}, uprobes: [{path: /a, symbols: [b]}]}\n'
    const found = parsePolicies('t', text).errors.map((error) => error.message).join('\n')
    for (const want of ['Missing "namespace"', 'hostSelector', 'uprobes']) expect(found).toContain(want)
  })

  test('an empty file is no policy', () => {
    expect(parsePolicies('t', '# nothing\n').errors.length).toBe(1)
    expect(parsePolicies('t', '').errors.length).toBe(1)
  })
})
