import { expect, test } from 'bun:test'
import { EXEC_FLAG, GAINED } from '../../ffi/wire.gen.ts'
import { ascii, JsonBytes } from '../../src/event/bytes.ts'
import type { EventLine } from '../../src/event/type.ts'
import type { TrackerOptions } from '../../src/process/tracker.ts'
import { chunkRecord, execRecord, exitRecord, HOST, ROOT, strings, testTracker } from './record.ts'

const WORDS = [
  '',
  'a',
  'two words',
  '"',
  'quo"ted',
  'back\\slash',
  'tab\t',
  'é',
  ' ',
  '--flag=value',
  '😀',
  '\x7f',
  "it's",
]
const PATHS = ['/bin/true', './rel', 'bin/x', '/tmp/a b', '/tmp/"q"', '/é', '']
const CWDS = ['/tmp', '/', '/tmp/sp ace', '/tmp/\u0001', '/ü']

/** Deterministic choice, so that a failure can be repeated. */
function chooser(seed: number): <T>(from: readonly T[]) => T {
  return (from) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return from[(seed >> 8) % from.length]!
  }
}

const CONTAINER = '/system.slice/docker-' + 'c0ffee42'.repeat(8) + '.scope'
const SOME = { ...ROOT, permitted: 3n, effective: 1n, inheritable: 2n ** 40n, euid: 1000, securebits: 5 }
const REDACTOR = {
  arguments: (_: string, text: string) => text.replaceAll('--flag=value', '--flag=*****'),
  environment: <T>(_: string, variables: readonly T[]) => [...variables],
}

for (
  const [name, options] of Object.entries<Partial<TrackerOptions>>({
    'no option': {},
    'credentials and namespaces': { process_cred: true, process_ns: true },
    'redaction': { redactor: REDACTOR },
    'labels and a cluster': { cluster_name: 'c', node_labels: { zone: 'a' } },
    'a node that is not ASCII': { node_name: 'nöde' },
    'Tetragon only': { tetragon_only: true, process_cred: true },
  })
) {
  test(`JSON from bytes is that from strings, whatever the record holds: ${name}`, () => {
    const fast = testTracker(options)
    // An option that brings nothing here sends every record the general way.
    const general = testTracker({ ...options, environment: true })
    const choose = chooser(7)
    for (let i = 0; i < 2000; i++) {
      const cwd = choose(CWDS)
      const root = cwd === '/' ? EXEC_FLAG.ROOT_CWD : 0
      const record = execRecord({
        exec_id: i + 2,
        pid: 100 + (i % 50),
        ktime_ns: BigInt(choose([1, 999, 1_000_000_007, 5_000_000_000_123, 2 ** 53 - 1])) + BigInt(i),
        parent_exec_id: choose([0, i + 1]),
        parent_pid: choose([0, 100 + ((i - 1) % 50)]),
        filename: choose(PATHS),
        cwd,
        cgroup: choose(['/', '/ü', CONTAINER]),
        cgroup_id: choose([1, 2]),
        args: Array.from({ length: choose([0, 1, 2, 5]) }, () => choose(WORDS)),
        flags: EXEC_FLAG.EXECVE | root | choose([0, EXEC_FLAG.CLONE, EXEC_FLAG.IN_INIT_TREE, EXEC_FLAG.ERROR_CWD]),
        auid: choose([0, 1000, 0xffff_ffff]),
        credentials: choose([ROOT, SOME]),
        namespaces: choose([HOST, { ...HOST, net: 7, mnt: 8, pid: 9 }]),
        gained: choose([0, 0, GAINED.SETUID]),
        inode: choose([0, 0, 0, 77]),
      })
      const made = fast.onRecord(record, 0, record.byteLength)!
      const expected = general.onRecord(record, 0, record.byteLength)!
      expect(made.line).toBe(expected.line)
      expect(texts(made)).toEqual(texts(expected))
      const hook = { key: i + 2, pid: 100 + (i % 50), tid: 7, ktime_ns: 5n }
      expect(fast.hookLine('process_kprobe', hook, 'p', '').line).toBe(
        general.hookLine('process_kprobe', hook, 'p', '').line,
      )
      if (i % 3 === 0) {
        const code = choose([0, 3 << 8, 9, 11 | 0x80, 40])
        const exit = exitRecord({ exec_id: i + 2, pid: 100 + (i % 50), code, ktime_ns: BigInt(choose([5_000, 7])) })
        expect(fast.onRecord(exit, 0, exit.byteLength)!.line).toBe(general.onRecord(exit, 0, exit.byteLength)!.line)
      }
    }
  }, 60_000)
}

/** What filters see. */
function texts({ meta }: EventLine) {
  const { binary, arguments: joined, cwd, docker, uid, auid } = meta.process!.image
  return { binary, joined, cwd, docker, uid, auid }
}

test('a parent with a megabyte of arguments stands in the lines of its children', () => {
  const tracker = testTracker()
  const long = 'x'.repeat(200_000)
  const bytes = strings(Array.from({ length: 5 }, () => long))
  const chunk = chunkRecord(7, 0, bytes)
  tracker.onRecord(chunk, 0, chunk.byteLength)
  const parent = execRecord({ exec_id: 7, pid: 7, parent_pid: 0, args_chunks: 1, args_size: bytes.length })
  const child = execRecord({ exec_id: 8, pid: 8, parent_pid: 7, parent_exec_id: 7 })
  const exit = exitRecord({ exec_id: 8, pid: 8 })
  for (const record of [parent, child, exit]) {
    const line = JSON.parse(tracker.onRecord(record, 0, record.byteLength)!.line)
    const { process, parent } = line.process_exec ?? line.process_exit
    const shown = process.pid === 7 ? process : parent
    expect(shown.arguments).toBe(Array.from({ length: 5 }, () => long).join(' '))
    expect(line.thump.truncated).toBeUndefined()
  }
})

test('the longest record without chunks fits', () => {
  const path = '/' + 'p'.repeat(4095)
  const args = Array.from({ length: 2048 }, () => ' ')
  const record = execRecord({ ktime_ns: 1_000_000_001n, filename: path, cwd: path, args, parent_pid: 0 })
  const tracker = testTracker()
  const { process } = JSON.parse(tracker.onRecord(record, 0, record.byteLength)!.line).process_exec
  expect(process.binary).toBe(path)
  expect(process.arguments).toBe(' " "'.repeat(2048))
})

test('JsonBytes writes numbers and base64 as the runtime does', () => {
  const out = new JsonBytes()
  for (const number of [0, 9, 10, 4294967295, 2 ** 53 - 1]) {
    out.at = 0
    out.number(number, 1)
    expect(out.text(0)).toBe(String(number))
  }
  out.at = 0
  out.number(42, 9)
  expect(out.text(0)).toBe('000000042')
  for (const number of [0, 42, 999_999_999, 123_004_500]) {
    out.at = 0
    out.nine(number)
    expect(out.text(0)).toBe(String(number).padStart(9, '0'))
  }
  for (const text of ['', 'a', 'ab', 'abc', 'guest:23838663057:191', '\xff\xfe\xfd']) {
    out.at = 0
    const bytes = ascii(text)
    out.base64(bytes, bytes.length)
    expect(out.text(0)).toBe(btoa(text))
  }
})
