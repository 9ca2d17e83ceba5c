import { describe, expect, test } from 'bun:test'
import type { JsonObject } from '../../src/filter/json.ts'
import { compileFilter, compileLists } from '../../src/filter/match.ts'
import { parseFilters } from '../../src/filter/parse.ts'
import { FilterError } from '../../src/filter/type.ts'
import { viewOfDocument } from '../../src/filter/view.ts'

const POD = {
  namespace: 'default',
  name: 'xwing-1',
  container: { id: 'containerd://0123', name: 'main' },
  pod_labels: { app: 'xwing', tier: 'front', weight: '7' },
}

const PROCESS = {
  exec_id: 'AAA=',
  pid: 42,
  uid: 0,
  binary: '/usr/bin/curl',
  arguments: '-s http://cilium.io',
  docker: '0123456789abcdef0123456789abcde',
  parent_exec_id: 'BBB=',
  in_init_tree: true,
  pod: POD,
  cap: { permitted: ['CAP_SYS_ADMIN', 'CAP_BPF'], effective: ['CAP_NET_RAW'] },
}

const PARENT = { exec_id: 'BBB=', pid: 41, binary: '/bin/bash', arguments: '-c run me' }

const EXEC: JsonObject = {
  process_exec: {
    process: PROCESS,
    parent: PARENT,
    ancestors: [{ exec_id: 'CCC=', pid: 7, binary: '/usr/sbin/sshd' }],
  },
  node_name: 'n1',
  time: '2026-01-01T00:00:00Z',
}

const KPROBE: JsonObject = {
  process_kprobe: {
    process: { ...PROCESS, pod: undefined, cap: undefined, in_init_tree: false },
    parent: PARENT,
    function_name: 'tcp_connect',
    policy_name: 'net',
    args: [{ sock_arg: { saddr: '10.0.0.1', daddr: '8.8.8.8', dport: 80, cookie: '18446612690784526336' } }, {
      size_arg: '12',
    }],
    action: 'KPROBE_ACTION_SIGKILL',
  },
}

const LOSS: JsonObject = { loss: { count: '3' }, node_name: 'n1' }

const PROBE: JsonObject = {
  process_exec: { process: { ...PROCESS, pod: { ...POD, container: { name: 'main', maybe_exec_probe: true } } } },
}

function passes(filter: string, event: JsonObject): boolean {
  const view = viewOfDocument(event)
  if (!view) throw new Error('no event')
  return compileLists({ allow: parseFilters(filter, 'test'), deny: [] })(view)
}

// Field, filter that matches, filter that does not, event.
const FIELDS: readonly [yes: string, no: string, event?: JsonObject][] = [
  ['{"event_set":["PROCESS_EXEC"]}', '{"event_set":["PROCESS_EXIT","PROCESS_KPROBE"]}'],
  ['{"event_set":[1]}', '{"event_set":[5]}'],
  ['{"event_set":["LOSS"]}', '{"event_set":["PROCESS_EXEC"]}', LOSS],
  ['{"binary_regex":["nothing","curl$"]}', '{"binary_regex":["^curl"]}'],
  ['{"binaryRegex":["(?i)CURL"]}', '{"binaryRegex":["CURL"]}'],
  ['{"parent_binary_regex":["bash"]}', '{"parent_binary_regex":["curl"]}'],
  ['{"ancestor_binary_regex":["sshd"]}', '{"ancestor_binary_regex":["bash"]}'],
  ['{"arguments_regex":["^-s .*cilium\\\\.io$"]}', '{"arguments_regex":["wget"]}'],
  ['{"parent_arguments_regex":["run me"]}', '{"parent_arguments_regex":["run you"]}'],
  ['{"namespace":["kube-system","default"]}', '{"namespace":["kube-system"]}'],
  ['{"namespace":[""]}', '{"namespace":["default"]}', KPROBE],
  ['{"namespace":["default"]}', '{"namespace":[""]}'],
  ['{"namespace_regex":["^def"]}', '{"namespace_regex":["^kube"]}'],
  ['{"pod_regex":["xwing-\\\\d"]}', '{"pod_regex":["tie"]}'],
  ['{"container_name_regex":["^main$"]}', '{"container_name_regex":["side"]}'],
  ['{"container_id":["^0123"]}', '{"container_id":["^9"]}'],
  ['{"labels":["app=xwing,tier in (front, back)"]}', '{"labels":["app=tie","!tier"]}'],
  ['{"labels":["k8s:app==xwing,weight>6,color!=red,color notin (a,b)"]}', '{"labels":["app=xwing,weight<7"]}'],
  ['{"health_check":false}', '{"health_check":true}'],
  ['{"healthCheck":true}', '{"healthCheck":false}', PROBE],
  ['{"pid":[1,42]}', '{"pid":[41]}'],
  ['{"pid_set":[7]}', '{"pid_set":[8]}'],
  ['{"pid_set":[41]}', '{"pidSet":["8"]}'],
  ['{"policy_names":["net"]}', '{"policy_names":["file"]}', KPROBE],
  [
    '{"capabilities":{"permitted":{"any":["CAP_BPF","CAP_CHOWN"]}}}',
    '{"capabilities":{"permitted":{"any":["CAP_CHOWN"]}}}',
  ],
  [
    '{"capabilities":{"permitted":{"all":["CAP_BPF","CAP_SYS_ADMIN"]},"effective":{"exactly":["CAP_NET_RAW"]}}}',
    '{"capabilities":{"permitted":{"all":["CAP_BPF","CAP_CHOWN"]}}}',
  ],
  [
    '{"capabilities":{"permitted":{"none":["CAP_DAC_OVERRIDE"]}}}',
    '{"capabilities":{"effective":{"none":["CAP_NET_RAW"]}}}',
  ],
  [
    '{"capabilities":{"inheritable":{"none":["CAP_BPF"]}}}',
    '{"capabilities":{"permitted":{"exactly":["CAP_BPF"]},"inheritable":{"none":["CAP_BPF"]}}}',
  ],
  ['{"in_init_tree":true}', '{"in_init_tree":false}'],
  ['{"inInitTree":false}', '{"inInitTree":true}', KPROBE],
  [
    '{"cel_expression":["process_exec.process.binary.endsWith(\'curl\')"]}',
    '{"cel_expression":["process_exec.process.binary == \'/bin/sh\'", "process_exit.process.pid == 42u"]}',
  ],
  [
    '{"cel_expression":["cidr(\'8.0.0.0/8\').containsIP(process_kprobe.args[0].sock_arg.daddr)"]}',
    '{"cel_expression":["ip(process_kprobe.args[0].sock_arg.daddr).isLoopback()"]}',
    KPROBE,
  ],
  ['{"binary_regex":["curl"],"pid":[42]}', '{"binary_regex":["curl"],"pid":[43]}'],
  ['{"pid":[1]} {"pid":[42]}', '{"pid":[1]}\n{"pid":[2]}'],
  ['', '{"pid":[2]}'],
  ['{}', '{"pid":[2]}'],
]

describe('compileLists()', () => {
  for (const [yes, no, event] of FIELDS) {
    test(`lets pass what ${yes || 'an empty list'} selects and stops what ${no} does not`, () => {
      expect(passes(yes, event ?? EXEC)).toBe(true)
      expect(passes(no, event ?? EXEC)).toBe(false)
    })
  }

  test('stops events without a process for filters about processes', () => {
    for (
      const filter of [
        '{"pid":[1]}',
        '{"binary_regex":[""]}',
        '{"in_init_tree":false}',
        '{"namespace":[""]}',
        '{"health_check":false}',
      ]
    ) {
      expect([filter, passes(filter, LOSS)]).toEqual([filter, false])
    }
  })

  test('lets deny win over allow', () => {
    const lists = { allow: parseFilters('{"binary_regex":["curl"]}', 'a'), deny: parseFilters('{"pid":[42]}', 'd') }
    expect(compileLists(lists)(viewOfDocument(EXEC)!)).toBe(false)
    expect(compileLists({ ...lists, deny: [] })(viewOfDocument(EXEC)!)).toBe(true)
    expect(compileLists({ allow: [], deny: lists.deny })(viewOfDocument(LOSS)!)).toBe(true)
  })

  test('follows descendants of pid_set over generations, also of events that other fields stop', () => {
    const matches = compileFilter({ pid_set: [10], event_set: ['PROCESS_EXIT'] })
    const event = (kind: string, exec_id: string, pid: number, parent_exec_id: string) =>
      viewOfDocument({ [kind]: { process: { exec_id, pid, parent_exec_id } } })!
    expect(matches(event('process_exec', 'a', 10, 'z'))).toBe(false)
    expect(matches(event('process_exec', 'b', 11, 'a'))).toBe(false)
    expect(matches(event('process_exec', 'c', 12, 'b'))).toBe(false)
    expect(matches(event('process_exit', 'c', 12, 'b'))).toBe(true)
    expect(matches(event('process_exit', 'd', 13, 'x'))).toBe(false)
  })

  test('finds descendants of pid_set through the cache', () => {
    const parents = new Map([['c', { exec_id: 'b', pid: 11 }], ['b', { exec_id: 'a', pid: 10 }]])
    const matches = compileFilter({ pid_set: [10] }, { parentOf: (process) => parents.get(process.exec_id ?? '') })
    expect(matches(viewOfDocument({ process_exit: { process: { exec_id: 'c', pid: 12, parent_exec_id: 'b' } } })!))
      .toBe(true)
    expect(matches(viewOfDocument({ process_exit: { process: { exec_id: 'q', pid: 12, parent_exec_id: 'r' } } })!))
      .toBe(false)
  })
})

describe('parseFilters()', () => {
  const REFUSED: readonly [text: string, message: string][] = [
    ['{"binary_regexp":["a"]}', 'Cannot use list: unknown field "binary_regexp", closest is "binary_regex"'],
    ['{"evenSet":["a"]}', 'Cannot use list: unknown field "evenSet", closest is "event_set"'],
    ['{"event_set":["PROCES_EXEC"]}', 'unknown event type "PROCES_EXEC", closest is "PROCESS_EXEC"'],
    ['{"capabilities":{"permited":{}}}', 'unknown field "permited", closest is "permitted"'],
    ['{"capabilities":{"permitted":{"some":[]}}}', 'unknown field "some"'],
    ['{"capabilities":{"permitted":{"any":["CAP_SYS_ADMN"]}}}', 'closest is "CAP_SYS_ADMIN"'],
    ['{"pid":["x"]}', '"x" is not a process id'],
    ['{"pid":[-1]}', '-1 is not a process id'],
    ['{"namespace":"default"}', '"default" is not a list'],
    ['{"in_init_tree":"yes"}', '"yes" is not true or false'],
    ['{"pid":[1]} [2]', 'want a JSON object at character 13'],
    ['{"pid":[1]', 'want a JSON object at character 1'],
    ['{"pid":[1,]}', 'Cannot read list'],
    ['{"binary_regex":["a"],"binaryRegex":["b"]}', 'given twice'],
  ]
  for (const [text, message] of REFUSED) {
    test(`refuses ${text}`, () => {
      expect(() => parseFilters(text, 'list')).toThrow(FilterError)
      expect(() => parseFilters(text, 'list')).toThrow(message)
    })
  }

  for (
    const text of [
      '{"binary_regex":["a(?=b)"]}',
      '{"labels":["a in b"]}',
      '{"labels":["!a=b"]}',
      '{"cel_expression":["nope.x"]}',
    ]
  ) {
    test(`leaves it to compileFilter() to refuse ${text}`, () => {
      expect(() => parseFilters(text, 'x').map((filter) => compileFilter(filter))).toThrow(FilterError)
    })
  }
})
