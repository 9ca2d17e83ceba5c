import { describe, expect, test } from 'bun:test'
import type { EventMeta, ProcessReference } from '../../src/event/type.ts'
import { compileFilter } from '../../src/filter/match.ts'
import { compileQuery } from '../../src/filter/query.ts'
import { FilterError } from '../../src/filter/type.ts'
import { parentOf, viewOfMeta } from '../../src/filter/view_meta.ts'
import { viewOfDocument } from '../../src/filter/view.ts'

const DOCUMENT = {
  process_kprobe: {
    process: {
      exec_id: 'x',
      pid: 42,
      binary: '/usr/bin/curl',
      docker: 'abc123',
      pod: { namespace: 'default', name: 'xwing-1', container: { name: 'main' } },
    },
    policy_name: 'net',
  },
}
const HOST = { process_exec: { process: { exec_id: 'y', pid: 7, binary: '/bin/sh' } } }

const CASES: readonly [yes: string, no: string][] = [
  ['types=process_exec,PROCESS_KPROBE', 'types=process_exec'],
  ['policies=file,net', 'policies=n'],
  ['policies=/^n/', 'policies=/^x/'],
  ['namespaces=default', 'namespaces='],
  ['namespaces=/^def/&pods=/xwing-\\d{1,2}/', 'namespaces=kube-system'],
  ['pods=xwing-1', 'pods=xwing'],
  ['containers=main', 'containers=side'],
  ['containers=abc123', 'containers=abc'],
  ['containers=/^abc/', 'containers=/^x/'],
  ['binaries=/usr/bin/,/opt', 'binaries=/usr/sbin'],
  ['pids=1,42', 'pids=1&pids=2'],
  ['host=false', 'host=true'],
  ['allow={"pod_regex":["xwing"]}', 'allow={"pid":[1]}'],
  ['deny={"pid":[1]}', 'deny={"pid":[42]}'],
  ['types=process_kprobe&pids=42', 'types=process_kprobe&pids=41'],
  ['', 'pids=1'],
]

describe('compileQuery()', () => {
  for (const [yes, no] of CASES) {
    test(`selects by "${yes}" and not by "${no}"`, () => {
      const view = viewOfDocument(DOCUMENT)!
      expect(compileQuery(new URLSearchParams(yes))(view)).toBe(true)
      expect(compileQuery(new URLSearchParams(no))(view)).toBe(false)
    })
  }

  test('tells host processes from those in containers', () => {
    expect(compileQuery(new URLSearchParams('host=true'))(viewOfDocument(HOST)!)).toBe(true)
    expect(compileQuery(new URLSearchParams('host'))(viewOfDocument(HOST)!)).toBe(true)
    expect(compileQuery(new URLSearchParams('namespaces='))(viewOfDocument(HOST)!)).toBe(true)
  })

  test('lets what was lost pass, unless kinds are asked for', () => {
    const loss = viewOfDocument({ loss: { count: '1' } })!
    for (const query of ['host=true', 'pids=1&binaries=/bin', '']) {
      expect([query, compileQuery(new URLSearchParams(query))(loss)]).toEqual([query, true])
    }
    expect(compileQuery(new URLSearchParams('types=process_exec'))(loss)).toBe(false)
    expect(compileQuery(new URLSearchParams('types=loss'))(loss)).toBe(true)
  })

  test('leaves parameters of others alone', () => {
    expect(compileQuery(new URLSearchParams('since=a-1&pids=42'), ['since'])(viewOfDocument(DOCUMENT)!)).toBe(true)
  })

  for (
    const query of [
      'type=x',
      'pids=x',
      'pids=99999999999',
      'pods=/(/',
      'pods=/(?=a)/',
      'types=proces_exec',
      'host=maybe',
      'allow={"a":1}',
      'since=1',
    ]
  ) {
    test(`refuses ${query}`, () => expect(() => compileQuery(new URLSearchParams(query))).toThrow(FilterError))
  }

  test('names the nearest parameter', () => {
    expect(() => compileQuery(new URLSearchParams('binary=x'))).toThrow('closest is "binaries"')
  })
})

describe('viewOfMeta()', () => {
  const process = (pid: number, parent: ProcessReference | undefined): ProcessReference => ({
    key: pid,
    pid,
    image: {
      binary: `/bin/p${pid}`,
      arguments: '-a',
      cwd: '/',
      uid: 0,
      auid: 0,
      docker: '',
      cgroup_id: 1,
      pod: undefined,
      capabilities: { permitted: 1n << 21n, effective: 3n, inheritable: 0n },
      environment: undefined,
    },
    flags: '',
    in_init_tree: true,
    parent,
    exec_id: `id${pid}`,
    parent_exec_id: parent?.exec_id ?? '',
  })
  const chain = process(4, process(3, process(2, process(1, undefined))))
  const meta: EventMeta = { type: 'process_exec', ktime_ns: 0, seq: 1, process: chain, policy: 'space/net' }
  const view = viewOfMeta('{"process_exec":{"process":{"pid":4}}}', meta)

  test('gives filters what the JSON would give them', () => {
    const yes = [
      { binary_regex: ['p4$'] },
      { parent_binary_regex: ['p3$'] },
      { ancestor_binary_regex: ['p1$'] },
      { policy_names: ['net'] },
      { in_init_tree: true },
      {
        capabilities: {
          permitted: { exactly: ['CAP_SYS_ADMIN'] },
          effective: { all: ['CAP_CHOWN', 'DAC_OVERRIDE'] },
          inheritable: { none: ['CAP_BPF'] },
        },
      },
      { cel_expression: ['process_exec.process.pid == 4'] },
      { namespace: [''] },
    ]
    for (const filter of yes) expect([filter, compileFilter(filter)(view)]).toEqual([filter, true])
    for (
      const filter of [{ ancestor_binary_regex: ['p3$'] }, { policy_names: ['space/net'] }, { namespace: ['space'] }]
    ) {
      expect([filter, compileFilter(filter)(view)]).toEqual([filter, false])
    }
    expect(compileQuery(new URLSearchParams('policies=space/net'))(view)).toBe(true)
  })

  test('lets pid_set climb the cache', () => {
    expect(compileFilter({ pid_set: [1] }, { parentOf })(view)).toBe(true)
    expect(compileFilter({ pid_set: [9] }, { parentOf })(view)).toBe(false)
  })
})
