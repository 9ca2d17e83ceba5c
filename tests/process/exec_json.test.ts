import { expect, test } from 'bun:test'
import { EXEC_FLAG } from '../../ffi/wire.gen.ts'
import { ascii, JsonBytes } from '../../src/event/bytes.ts'
import { execRecord, exitRecord, testTracker } from './record.ts'

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

test('JSON from bytes is that from strings, whatever the record holds', () => {
  const fast = testTracker()
  // An option that brings nothing here sends every record the general way.
  const general = testTracker({ environment: true })
  const choose = chooser(7)
  for (let i = 0; i < 3000; i++) {
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
      args: Array.from({ length: choose([0, 1, 2, 5]) }, () => choose(WORDS)),
      flags: EXEC_FLAG.EXECVE | root | choose([0, EXEC_FLAG.CLONE, EXEC_FLAG.IN_INIT_TREE, EXEC_FLAG.ERROR_CWD]),
      auid: choose([0, 1000, 0xffff_ffff]),
    })
    const made = fast.onRecord(record, 0, record.byteLength)!
    const expected = general.onRecord(record, 0, record.byteLength)!
    expect(made.line).toBe(expected.line)
    const hook = { key: i + 2, pid: 100 + (i % 50), tid: 7, ktime_ns: 5n }
    expect(fast.hookLine('process_kprobe', hook, 'p', '').line).toBe(
      general.hookLine('process_kprobe', hook, 'p', '').line,
    )
    if (i % 3 === 0) {
      const exit = exitRecord({ exec_id: i + 2, pid: 100 + (i % 50) })
      expect(fast.onRecord(exit, 0, exit.byteLength)!.line).toBe(general.onRecord(exit, 0, exit.byteLength)!.line)
    }
  }
}, 60_000)

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
  for (const text of ['', 'a', 'ab', 'abc', 'guest:23838663057:191', '\xff\xfe\xfd']) {
    out.at = 0
    const bytes = ascii(text)
    out.base64(bytes, bytes.length)
    expect(out.text(0)).toBe(btoa(text))
  }
})
