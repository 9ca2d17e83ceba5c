/** The small readers: arguments, environment, capabilities, containers, flags, users, ids and times. */
import { describe, expect, test } from 'bun:test'
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXEC_FLAG } from '../../ffi/wire.gen.ts'
import { environmentJson, joinArguments, splitEnvironment } from '../../src/process/arguments.ts'
import { capabilitiesJson, capabilityList, secureBitsList } from '../../src/process/capability.ts'
import { nanosecondsOf, secondsOf, WallClock } from '../../src/process/clock.ts'
import { dockerId } from '../../src/process/container.ts'
import { binaryPropertiesJson, NamespacePrinter } from '../../src/process/credential.ts'
import { ExecIds } from '../../src/process/exec_id.ts'
import { flagText } from '../../src/process/flag.ts'
import { Ktime } from '../../src/process/ktime.ts'
import { parsePasswd, UserNames } from '../../src/process/username.ts'
import { HOST, ROOT } from './record.ts'

describe('joinArguments()', () => {
  const cases: [string, string[], string][] = [
    ['none', [], ''],
    ['one', ['a'], 'a'],
    ['plain ones', ['a', 'b', 'c'], 'a b c'],
    ['a space in the first', ['a b', 'c'], ' "a b" c'],
    ['a space later', ['c', 'a b'], 'c "a b"'],
    ['quotes inside stay', ['say "hi there"'], ' "say "hi there""'],
    ['empty ones before anything vanish', ['', '', 'a'], 'a'],
    ['empty ones between leave a space', ['a', '', 'b'], 'a  b'],
    ['empty ones at the end leave a space', ['a', ''], 'a '],
    ['empty before one with a space', ['', 'a b', '', 'c'], ' "a b"  c'],
    ['only spaces', [' '], ' " "'],
    ['tabs and newlines are no spaces', ['a\tb', 'c\nd'], 'a\tb c\nd'],
  ]
  for (const [name, args, expected] of cases) {
    test(name, () => expect(joinArguments(args.map((arg) => arg + '\0').join(''), false)).toBe(expected))
  }
  test('loses empty ones at the end where there is no working directory behind them', () => {
    expect(joinArguments('a\0\0\0', true)).toBe('a')
    expect(joinArguments('\0\0', true)).toBe('')
  })
  test('takes a text that was cut inside an argument', () => {
    expect(joinArguments('a\0bc', false)).toBe('a bc')
    expect(joinArguments('a b\0bc', false)).toBe(' "a b" bc')
  })
})

describe('splitEnvironment()', () => {
  test('splits at the first equals sign', () => {
    expect(splitEnvironment('A=1\0B=x=y\0C=\0', undefined)).toEqual([
      { Key: 'A', Value: '1' },
      { Key: 'B', Value: 'x=y' },
      { Key: 'C', Value: '' },
    ])
  })
  test('calls what has none invalid', () => {
    expect(splitEnvironment('what\0', undefined)).toEqual([{ Key: 'invalid', Value: 'what' }])
  })
  test('keeps the names asked for', () => {
    expect(splitEnvironment('A=1\0B=2\0', new Set(['B']))).toEqual([{ Key: 'B', Value: '2' }])
  })
  test('prints without default values', () => {
    expect(environmentJson([{ Key: 'A', Value: '' }, { Key: '', Value: 'x"' }])).toBe('[{"Key":"A"},{"Value":"x\\""}]')
    expect(environmentJson([])).toBe('[]')
  })
})

describe('capabilities', () => {
  test('have names up to 40 and numbers beyond', () => {
    expect(capabilityList(0b11n)).toBe('["CAP_CHOWN","DAC_OVERRIDE"]')
    expect(capabilityList((1n << 40n) | (1n << 41n) | (1n << 63n))).toBe('["CAP_CHECKPOINT_RESTORE",41,63]')
    expect(capabilityList(0n)).toBe('')
  })
  test('are an empty object for a process without any', () => {
    expect(capabilitiesJson(0n, 0n, 0n)).toBe('{}')
    expect(capabilitiesJson(0n, 0n, 1n)).toBe('{"inheritable":["CAP_CHOWN"]}')
  })
  test('come with secure bits', () => {
    expect(secureBitsList(0)).toBe('')
    expect(secureBitsList(0b11)).toBe('["SecBitNoRoot","SecBitNoRootLocked"]')
    expect(secureBitsList(0x80)).toBe('["SecBitNoCapAmbientRaiseLocked"]')
  })
})

describe('binaryPropertiesJson()', () => {
  test('is empty where nothing was gained', () => expect(binaryPropertiesJson(0, ROOT, 0)).toBe(''))
  test('tells setuid to root, and to another user without raised privileges', () => {
    expect(JSON.parse(binaryPropertiesJson(2, ROOT, 0))).toEqual({
      setuid: 0,
      privileges_changed: ['PRIVILEGES_RAISED_EXEC_FILE_SETUID'],
    })
    expect(JSON.parse(binaryPropertiesJson(2, { ...ROOT, euid: 7 }, 0))).toEqual({ setuid: 7 })
  })
  test('tells of programs without links', () => {
    expect(binaryPropertiesJson(0, ROOT, 12345)).toBe('{"file":{"inode":{"number":"12345","links":0}}}')
  })
})

describe('NamespacePrinter', () => {
  const printer = new NamespacePrinter(HOST)
  test('marks those of the host', () => {
    expect(JSON.parse(printer.json({ ...HOST, net: 5 })).net).toEqual({ inum: 5 })
    expect(JSON.parse(printer.json(HOST)).net).toEqual({ inum: HOST.net, is_host: true })
  })
  test('leaves out what the kernel has not', () => {
    expect(Object.keys(JSON.parse(printer.json({ ...HOST, time: 0, time_for_children: 0 })))).not.toContain('time')
  })
  test('tells whose /etc/passwd counts', () => {
    expect(printer.sharesUsers({ ...HOST, net: 5 })).toBe(true)
    expect(printer.sharesUsers({ ...HOST, user: 5 })).toBe(false)
    expect(printer.sharesUsers({ ...HOST, mnt: 5 })).toBe(false)
  })
})

describe('dockerId()', () => {
  const id = '0123456789abcdef'.repeat(4)
  const cut = id.slice(0, 31)
  const cases: [string, string][] = [
    [`/system.slice/docker-${id}.scope`, cut],
    [`docker-${id}.scope`, cut],
    [`/docker/${id}`, cut],
    [`/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`, cut],
    [`/kubepods/besteffort/pod1/crio-${id}`, cut],
    [`kubepods-besteffort-pod123.slice:cri-containerd:${id}`, cut],
    [`/machine.slice/libpod-${id}.scope/container`, cut],
    [`/docker/x/y/syscont-cgroup-root/init.scope/${'a'.repeat(64)}`, ''],
    [`/a/b/c/${id}/syscont-cgroup-root/init.scope`, cut],
    ['/user.slice/user-1000.slice/session-1.scope', ''],
    ['/', ''],
    ['', ''],
    [`/system.slice/${'x'.repeat(70)}.service`, ''],
    [`/system.slice/docker-${id}.scope/inner`, cut],
    [`/machine.slice/libpod-conmon-${id}.scope`, ''],
    [`kubepods-${'b'.repeat(80)}-${id.slice(0, 40)}`, cut],
  ]
  for (const [cgroup, expected] of cases) {
    test(`of ${cgroup.slice(0, 70)} is ${expected || 'none'}`, () => expect(dockerId(cgroup)).toBe(expected))
  }
})

describe('flagText()', () => {
  test("has the words in Tetragon's order", () => {
    expect(flagText(EXEC_FLAG.CLONE | EXEC_FLAG.EXECVE | EXEC_FLAG.ROOT_CWD)).toBe('execve rootcwd clone')
    expect(flagText(EXEC_FLAG.PROCFS | EXEC_FLAG.IN_INIT_TREE)).toBe('procFS inInitTree')
    expect(flagText(EXEC_FLAG.EXECVE | EXEC_FLAG.TRUNC_ARGS | EXEC_FLAG.DATA_ARGS)).toBe('execve truncArgs dataArgs')
    expect(flagText(0)).toBe('')
  })
  test("never shows what is Thump's own", () => {
    expect(flagText(EXEC_FLAG.UNKNOWN_PARENT | EXEC_FLAG.TRUNC_ENVS | EXEC_FLAG.CREDENTIALS_UNKNOWN)).toBe('')
  })
})

describe('UserNames', () => {
  test('parsePasswd() takes the first name of a uid and skips what is no entry', () => {
    const names = parsePasswd('root:x:0:0::/root:/bin/sh\n# no\n\ntoor:x:0:0::/:\nbad:x:-1:0::/:\nu:x:1000:1::/:\n')
    expect([...names]).toEqual([[0, 'root'], [1000, 'u']])
  })
  test('name() reads again when the file was replaced, and keeps names while it is gone', () => {
    const dir = mkdtempSync(join(tmpdir(), 'thump-'))
    const path = join(dir, 'passwd')
    writeFileSync(path, 'one:x:1:1::/:/\n')
    const names = new UserNames(path)
    expect(names.name(1, 0)).toBe('one')
    expect(names.name(2, 0)).toBe('')
    writeFileSync(path + '.new', 'two:x:1:1::/:/\n')
    utimesSync(path + '.new', 1, 1)
    renameSync(path + '.new', path)
    expect(names.name(1, 1000)).toBe('one')
    expect(names.name(1, 6000)).toBe('two')
    rmSync(dir, { recursive: true })
    expect(names.name(1, 12_000)).toBe('two')
    expect(names.failures).toBe(1)
  })
})

test('ExecIds makes base64 of node:start:pid', () => {
  for (const node of ['guest', 'a', 'ab', 'abc', 'nöde']) {
    const ids = new ExecIds(node)
    const encode = (start: string, pid: number) => Buffer.from(`${node}:${start}:${pid}`).toString('base64')
    expect(ids.encode(0, 1, 0)).toBe(encode('1', 0))
    expect(ids.encode(23, 838663057, 191)).toBe(encode('23838663057', 191))
    expect(ids.encode(9, 50, 4194304)).toBe(encode('9000000050', 4194304))
    expect(ids.encode(18446744073, 709551615, 1)).toBe(encode('18446744073709551615', 1))
  }
})

describe('WallClock', () => {
  const realtime_ns = BigInt(Date.parse('2026-11-22T14:28:06.4Z')) * 1_000_000n + 123n
  const clock = new WallClock({ monotonic_ns: 5_000_000_000n, realtime_ns, boottime_ns: 7_000_000_000n })
  test('adds the offset exactly', () => {
    expect(clock.text(5, 0)).toBe('2026-11-22T14:28:06.400000123Z')
    expect(clock.text(4, 999_999_999)).toBe('2026-11-22T14:28:06.400000122Z')
    expect(clock.text(5, 600_000_000)).toBe('2026-11-22T14:28:07.000000123Z')
    expect(clock.bootText(7, 0)).toBe('2026-11-22T14:28:06.400000123Z')
  })
  test('prints 0, 3, 6 or 9 digits', () => {
    const whole = new WallClock({ monotonic_ns: 0n, realtime_ns: 0n, boottime_ns: 0n })
    expect(whole.text(0, 0)).toBe('1970-01-01T00:00:00Z')
    expect(whole.text(0, 1_000_000)).toBe('1970-01-01T00:00:00.001Z')
    expect(whole.text(0, 120_000)).toBe('1970-01-01T00:00:00.000120Z')
    expect(whole.text(0, 5)).toBe('1970-01-01T00:00:00.000000005Z')
    expect(whole.text(86399, 999_000_000)).toBe('1970-01-01T23:59:59.999Z')
  })
  test('refresh() moves later texts only', () => {
    const moved = new WallClock({ monotonic_ns: 0n, realtime_ns: 0n, boottime_ns: 0n })
    expect(moved.text(1, 0)).toBe('1970-01-01T00:00:01Z')
    moved.refresh({ monotonic_ns: 10n, realtime_ns: 1_000_000_009n, boottime_ns: 10n })
    expect(moved.text(1, 0)).toBe('1970-01-01T00:00:01.999999999Z')
  })
})

test('Ktime is exact below and above 2^53', () => {
  const view = new DataView(new ArrayBuffer(8))
  const time = new Ktime()
  for (const ns of [0n, 1n, 999_999_999n, 4_294_967_296n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    view.setBigUint64(0, ns, true)
    time.read(view, 0)
    expect([time.seconds, time.nanoseconds]).toEqual([secondsOf(ns), nanosecondsOf(ns)])
    expect(BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds)).toBe(ns)
    expect(time.ns).toBe(Number(ns))
  }
})
