import { describe, expect, test } from 'bun:test'
import { EVENT_TYPE, EXEC_FLAG } from '../../ffi/wire.gen.ts'
import { UserNames } from '../../src/process/username.ts'
import {
  chunkRecord,
  execRecord,
  existing,
  exitRecord,
  forkRecord,
  HOST,
  lineOf,
  strings,
  testTracker,
} from './record.ts'

const KERNEL_ID = btoa('guest:1:0')

describe('what /proc had', () => {
  test('comes out by ppid, with <kernel> first and without kernel threads, parents known whatever the order', () => {
    const tracker = testTracker()
    const found = [
      existing(1, 0),
      existing(2, 0, { kernel_thread: true, binary: '[kthreadd]' }),
      existing(500, 900),
      existing(
        900,
        1,
      ),
    ]
    const lines = tracker.addExisting(found).map(({ line }) => JSON.parse(line).process_exec)
    expect(lines.map(({ process }) => process.pid)).toEqual([0, 1, 500, 900])
    expect(lines[0].process).toEqual({
      exec_id: KERNEL_ID,
      pid: 0,
      uid: 0,
      binary: '<kernel>',
      flags: 'procFS',
      start_time: '2026-11-22T14:28:00.000000001Z',
      auid: 0,
      parent_exec_id: KERNEL_ID,
      tid: 0,
      in_init_tree: false,
    })
    expect(lines[1]).toEqual({
      process: {
        exec_id: btoa('guest:10000000:1'),
        pid: 1,
        uid: 0,
        cwd: '/',
        binary: '/bin/p1',
        arguments: 'a "b c"',
        flags: 'procFS rootcwd',
        start_time: '2026-11-22T14:28:00.010Z',
        auid: 4294967295,
        parent_exec_id: KERNEL_ID,
        tid: 1,
        in_init_tree: false,
      },
      parent: lines[0].process,
    })
    expect(lines[2].parent).toEqual(lines[3].process)
    expect(tracker.cache.get(2)?.image.binary).toBe('[kthreadd]')
  })

  test('survives a circle of parents', () => {
    const tracker = testTracker()
    expect(tracker.addExisting([existing(5, 6), existing(6, 5)])).toHaveLength(3)
  })
})

describe('exec', () => {
  test('of a relative path is joined to the working directory; one in / has no name twice', () => {
    const tracker = testTracker()
    const binary = (filename: string, cwd: string, flags = 0): string => {
      const line = lineOf(tracker, execRecord({ filename, cwd, flags: EXEC_FLAG.EXECVE | flags }))
      return (line as { process_exec: { process: { binary: string } } }).process_exec.process.binary
    }
    expect(binary('./true', '/usr/bin')).toBe('/usr/bin/true')
    expect(binary('../bin/../bin/true', '/usr/lib')).toBe('/usr/bin/true')
    expect(binary('r//t', '/tmp')).toBe('/tmp/r/t')
    expect(binary('/a//b/../c', '/tmp')).toBe('/a//b/../c')
    expect(binary('x', '/', EXEC_FLAG.ROOT_CWD)).toBe('/x')
    expect(binary('', '/tmp')).toBeUndefined()
  })

  test('of a parent that was missed comes out, says so, and names the parent as far as the kernel knows it', () => {
    const tracker = testTracker()
    const line = lineOf(tracker, execRecord({ parent_exec_id: 999, parent_pid: 77, parent_ktime_ns: 5_000_000_001n }))
    expect(line).toMatchObject({
      process_exec: { process: { parent_exec_id: btoa('guest:5000000001:77') } },
      thump: { parent_unknown: true },
    })
    expect(line).not.toHaveProperty('process_exec.parent')
    const nothing = lineOf(tracker, execRecord({ exec_id: 2, parent_pid: 77 }))
    expect(nothing).not.toHaveProperty('process_exec.process.parent_exec_id')
    expect(tracker.cache.counters.missed_parent).toBe(2)
  })

  test('whose parent only user space knows finds it by pid', () => {
    const tracker = testTracker()
    tracker.addExisting([existing(1, 0), existing(77, 1)])
    const line = lineOf(tracker, execRecord({ parent_exec_id: 0, parent_pid: 77 }))
    expect(line).toMatchObject({ process_exec: { parent: { pid: 77 } } })
    expect(line).not.toHaveProperty('thump.parent_unknown')
  })

  test('with 6 MB of arguments in chunks arrives whole', () => {
    const tracker = testTracker()
    const bytes = strings(Array.from({ length: 60_000 }, (_, i) => 'é'.repeat(50) + i))
    const chunks = Math.ceil(bytes.length / 16384)
    for (let i = 0; i < chunks; i++) {
      expect(lineOf(tracker, chunkRecord(1, i, bytes.subarray(i * 16384, (i + 1) * 16384)))).toBeUndefined()
    }
    const line = lineOf(
      tracker,
      execRecord({ args_chunks: chunks, args_size: bytes.length, flags: EXEC_FLAG.EXECVE | EXEC_FLAG.DATA_ARGS }),
    )
    const { process } = (line as { process_exec: { process: { arguments: string; flags: string } } }).process_exec
    expect(process.arguments).toBe(bytes.toString().slice(0, -1).replaceAll('\0', ' '))
    expect(process.flags).toBe('execve dataArgs')
    expect(line).not.toHaveProperty('thump.truncated')
    expect(tracker.chunks.bytes).toBe(0)
  })

  test('with a chunk missing, or cut by the kernel, is flagged', () => {
    const tracker = testTracker({ environment: true })
    const first = chunkRecord(7, 0, strings(['a', 'b']))
    tracker.onRecord(first, 0, first.byteLength)
    expect(lineOf(tracker, execRecord({ exec_id: 7, args_chunks: 2, args_size: 8, args_total: 8 }))).toMatchObject({
      process_exec: { process: { arguments: 'a b', flags: 'execve truncArgs clone' } },
      thump: { truncated: ['arguments'] },
    })
    expect(lineOf(tracker, execRecord({ exec_id: 8, args: ['x'], args_total: 5000, envs: ['A=1'], envs_total: 99 })))
      .toMatchObject({
        process_exec: { process: { arguments: 'x', environment_variables: [{ Key: 'A', Value: '1' }] } },
        thump: { truncated: ['arguments', 'environment'] },
      })
    expect(lineOf(tracker, execRecord({ exec_id: 9, envs_chunks: 1, envs_size: 9, envs_total: 9 }))).toMatchObject({
      thump: { truncated: ['environment'] },
    })
  })

  test('of another than the leading thread tells which', () => {
    const line = lineOf(testTracker(), execRecord({ pid: 100, old_tid: 105 }))
    expect(line).toMatchObject({ process_exec: { process: { pid: 100, tid: 100 } }, thump: { exec_tid: 105 } })
  })

  test('with texts that need escaping parses back', () => {
    const args = ['"', '\\', '\n', '\u0001', 'é\u2028', 'a "b" c']
    const fields = { filename: '/tmp/"x"', cwd: '/tmp/\\', args }
    expect(lineOf(testTracker(), execRecord(fields))).toMatchObject({
      process_exec: {
        process: { binary: '/tmp/"x"', cwd: '/tmp/\\', arguments: '" \\ \n \u0001 é\u2028 "a "b" c"' },
      },
    })
  })

  test('is redacted before anything is kept', () => {
    const redactor = {
      arguments: (binary: string, text: string) => text.replace('secret', `*****${binary.length}`),
      environment: <T>(_: string, variables: readonly T[]) =>
        variables.map((variable) => ({ ...variable, Value: '*' })),
    }
    const tracker = testTracker({ redactor, environment: true })
    const line = lineOf(tracker, execRecord({ args: ['--key', 'secret'], envs: ['K=v'] }))
    expect(line).toMatchObject({
      process_exec: {
        process: { arguments: '--key *****9', environment_variables: [{ Key: 'K', Value: '*' }] },
      },
    })
    expect(tracker.cache.get(1)?.image.arguments).toBe('--key *****9')
  })

  test("names the user beside Tetragon's fields, for processes of the host only", () => {
    const tracker = testTracker({ user_names: new UserNames('/etc/passwd') })
    expect(lineOf(tracker, execRecord({}))).toMatchObject({ thump: { user: 'root' } })
    const inside = execRecord({ exec_id: 2, namespaces: { ...HOST, user: 1 } })
    expect(lineOf(tracker, inside)).not.toHaveProperty('thump.user')
  })

  test('longer than its record says is counted, not read', () => {
    const tracker = testTracker()
    const record = execRecord({ args: ['abc'] })
    expect(tracker.onRecord(record, 0, record.byteLength - 1)).toBeUndefined()
    for (const field of [188, 192, 196, 200, 204]) {
      const broken = execRecord({ args: ['abc'] })
      broken.setUint32(field, 0xffff_ffff, true)
      expect(tracker.onRecord(broken, 0, broken.byteLength)).toBeUndefined()
    }
    expect(tracker.records.short).toBe(6)
    expect(tracker.cache.size).toBe(0)
  })

  test('reads a record anywhere in a larger view', () => {
    const record = execRecord({ filename: '/bin/é', args: ['x y'] })
    const ring = new ArrayBuffer(8192)
    Buffer.from(ring).set(Buffer.from(record.buffer), 4096 + 24)
    const event = testTracker().onRecord(new DataView(ring, 4096), 24, record.byteLength)
    expect(JSON.parse(event!.line).process_exec.process).toMatchObject({ binary: '/bin/é', arguments: ' "x y"' })
  })
})

describe('exit', () => {
  test('of an unknown process comes out marked, with pid and time', () => {
    const tracker = testTracker()
    expect(lineOf(tracker, exitRecord({ exec_id: 0, pid: 4242, code: 9 }))).toEqual({
      process_exit: {
        process: { pid: 4242, flags: 'unknown', start_time: '2026-11-22T14:28:02Z', tid: 4242 },
        signal: 'SIGKILL',
        time: '2026-11-22T14:28:02Z',
      },
      node_name: 'guest',
      time: '2026-11-22T14:28:02Z',
      thump: { seq: '1', boot: 'b00t', process_unknown: true },
    })
    expect(tracker.cache.counters.missed_process).toBe(1)
  })

  test('tells of core dumps and of signals without a name', () => {
    const tracker = testTracker()
    lineOf(tracker, execRecord({}))
    expect(lineOf(tracker, exitRecord({ code: 11 | 0x80 }))).toMatchObject({
      process_exit: { signal: 'SIGSEGV' },
      thump: { core_dumped: true },
    })
    expect(lineOf(tracker, exitRecord({ code: 34 }))).toMatchObject({ thump: { signal: 34 } })
  })

  test('of a fork of an unknown parent is no unknown process', () => {
    const tracker = testTracker()
    lineOf(tracker, forkRecord({ exec_id: 5, pid: 50, parent_pid: 49, flags: EXEC_FLAG.IN_INIT_TREE }))
    expect(lineOf(tracker, exitRecord({ exec_id: 5, pid: 50 }))).toMatchObject({
      process_exit: { process: { pid: 50, flags: 'execve inInitTree', in_init_tree: true } },
      thump: { parent_unknown: true },
    })
  })

  test('in a time beyond 2^53 ns keeps every digit', () => {
    const tracker = testTracker()
    const ktime_ns = 2n ** 53n + 1n
    lineOf(tracker, execRecord({ ktime_ns }))
    const line = lineOf(tracker, exitRecord({ ktime_ns: ktime_ns + 2n }))
    expect(line).toMatchObject({ process_exit: { process: { exec_id: btoa(`guest:${ktime_ns}:100`) } } })
    expect((line as { time: string }).time).toEndWith('.254740995Z')
  })
})

describe('hookLine()', () => {
  const origin = { key: 1, pid: 100, tid: 104, ktime_ns: 3_000_000_000n }

  test('puts the body between parent and ancestors, and the thread into the process', () => {
    const tracker = testTracker({ ancestors: new Set(['base', 'kprobe']) })
    tracker.addExisting([existing(1, 0), existing(70, 1)])
    lineOf(tracker, execRecord({ exec_id: 1000, parent_exec_id: 70, parent_pid: 70 }))
    const { line, meta } = tracker.hookLine(
      'process_kprobe',
      { ...origin, key: 1000 },
      'ns/policy',
      ',"function_name":"f","policy_name":"policy"',
      ',"data":[]',
      ',"verdict":"prevented"',
    )
    const event = JSON.parse(line)
    expect(Object.keys(event.process_kprobe)).toEqual([
      'process',
      'parent',
      'function_name',
      'policy_name',
      'ancestors',
      'data',
    ])
    expect(event.process_kprobe.process).toMatchObject({ pid: 100, tid: 104, refcnt: 1 })
    expect(event.process_kprobe.parent).toMatchObject({ pid: 70, tid: 70 })
    expect(event.process_kprobe.ancestors.map(({ pid }: { pid: number }) => pid)).toEqual([1])
    expect(event.thump.verdict).toBe('prevented')
    expect(meta).toMatchObject({ type: 'process_kprobe', policy: 'ns/policy', ktime_ns: 3e9, process: { pid: 100 } })
    const lsm = tracker.hookLine('process_lsm', { ...origin, key: 1000 }, 'p', '')
    expect(lsm.line).not.toContain('ancestors')
    const loader = JSON.parse(tracker.hookLine('process_loader', { ...origin, key: 1000 }, 'p', ',"path":"/a"').line)
    expect(loader.time).toBeUndefined()
    expect(loader.thump.time).toBe(event.time)
  })

  test('never lets an event of an unknown process vanish', () => {
    const { line, meta } = testTracker().hookLine('process_lsm', origin, 'p', ',"function_name":"f"')
    expect(JSON.parse(line)).toMatchObject({
      process_lsm: { process: { pid: 100, tid: 104, flags: 'unknown' }, function_name: 'f' },
      thump: { process_unknown: true },
    })
    expect(meta.process).toBeUndefined()
  })

  test('of an event that comes after the exit still has its process', () => {
    const tracker = testTracker()
    lineOf(tracker, execRecord({}))
    lineOf(tracker, exitRecord({}))
    expect(JSON.parse(tracker.hookLine('process_kprobe', origin, 'p', '').line)).toMatchObject({
      process_kprobe: { process: { binary: '/bin/true' } },
    })
  })
})

test('plainLine() writes lines about no process', () => {
  const { line, meta } = testTracker().plainLine('loss', '{"reason":"ring_full"}', 1_000_000_000n)
  expect(JSON.parse(line)).toMatchObject({ loss: { reason: 'ring_full' }, time: '2026-11-22T14:28:01Z' })
  expect(meta).toMatchObject({ type: 'loss', seq: 1, process: undefined, policy: undefined })
})

test('onRecord() gives nothing for other types and for noise, and never throws', () => {
  const tracker = testTracker()
  let state = 12345
  for (let round = 0; round < 20_000; round++) {
    const record = round % 2 === 0 ? execRecord({ args: ['a', 'b'] }) : chunkRecord(3, 0, Buffer.from('abc'))
    const bytes = Buffer.from(record.buffer)
    for (let i = 0; i < 4; i++) {
      state = (state * 1103515245 + 12345) % 2 ** 31
      bytes[24 + (state % (bytes.length - 24))] = state >> 16
    }
    const event = tracker.onRecord(record, 0, record.byteLength)
    if (event !== undefined) expect(() => JSON.parse(event.line)).not.toThrow()
  }
  const test_record = exitRecord({})
  test_record.setUint16(4, EVENT_TYPE.TEST, true)
  expect(lineOf(tracker, test_record)).toBeUndefined()
  expect(tracker.chunks.bytes).toBeLessThan(2 ** 20)
}, 60_000)
