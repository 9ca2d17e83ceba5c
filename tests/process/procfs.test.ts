import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXEC_FLAG } from '../../ffi/wire.gen.ts'
import { cgroupPath, type ProcfsScan, readHostNamespaces, scanProcfs } from '../../src/process/procfs.ts'

interface Fake {
  readonly ppid: number
  readonly comm?: string
  readonly kernel_thread?: boolean
  readonly exe?: string
  readonly cwd?: string
  readonly cmdline?: Uint8Array | string
  readonly ns_pids?: string
  readonly uid?: string
  readonly status?: false
}

let root: string

/** Files as the kernel prints them (fs/proc/array.c). */
function fake(pid: number, process: Fake): void {
  const dir = join(root, String(pid))
  mkdirSync(join(dir, 'ns'), { recursive: true })
  const comm = process.comm ?? 'name'
  const flags = process.kernel_thread === true ? 0x208040 : 0x400100
  const rest = `S ${process.ppid} 1 1 0 -1 ${flags} 0 0 0 0 0 0 0 0 20 0 1 0 ${pid * 10} 0 0 0 0 0`
  writeFileSync(join(dir, 'stat'), `${pid} (${comm}) ${rest}\n`)
  if (process.status !== false) {
    writeFileSync(
      join(dir, 'status'),
      `Name:\t${comm}\nTgid:\t${pid}\nPid:\t${pid}\nUid:\t${process.uid ?? '0\t0\t0\t0'}\nGid:\t1\t2\t3\t4\n` +
        `NStgid:\t${process.ns_pids ?? pid}\nNSpid:\t${process.ns_pids ?? pid}\nCapInh:\t0000000000000000\n` +
        `CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000003\nCapBnd:\t000001ffffffffff\n`,
    )
  }
  writeFileSync(join(dir, 'cmdline'), process.cmdline ?? '')
  writeFileSync(join(dir, 'loginuid'), '4294967295')
  writeFileSync(join(dir, 'cgroup'), '0::/system.slice/x.service\n')
  symlinkSync('net:[4026531840]', join(dir, 'ns/net'))
  symlinkSync('mnt:[4026531841]', join(dir, 'ns/mnt'))
  if (process.exe !== undefined) symlinkSync(process.exe, join(dir, 'exe'))
  if (process.cwd !== undefined) symlinkSync(process.cwd, join(dir, 'cwd'))
}

describe('scanProcfs()', () => {
  let scan: ProcfsScan
  const find = (pid: number) => scan.processes.find((process) => process.pid === pid)!

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'thump-proc-'))
    fake(1, { ppid: 0, exe: '/usr/lib/systemd/systemd', cwd: '/', cmdline: '/sbin/init\0splash\0' })
    fake(2, { ppid: 0, kernel_thread: true, comm: 'kthreadd', cwd: '/' })
    fake(30, { ppid: 2, kernel_thread: true, comm: 'kworker/0:1', cwd: '/' })
    fake(400, {
      ppid: 900,
      exe: '/bin/ü (deleted)',
      cwd: '/tmp/ü',
      cmdline: Buffer.from([0x61, 0, 0xff, 0xfe, 0x62, 0]),
    })
    fake(900, { ppid: 1, comm: 'evil) S 7 (x', exe: '/bin/sh', cwd: '/', cmdline: 'title: of process\0\0\0\0' })
    fake(1000, { ppid: 1, exe: '/c/init', cwd: '/', ns_pids: '1000\t1' })
    fake(1001, { ppid: 1000, exe: '/c/child', cwd: '/', ns_pids: '1001\t7', uid: '5\t6\t7\t8' })
    fake(1002, { ppid: 1, comm: 'zombie' })
    fake(1003, { ppid: 1, status: false })
    mkdirSync(join(root, '1004'))
    mkdirSync(join(root, 'sys'))
    mkdirSync(join(root, 'self'))
    scan = scanProcfs({ root })
  })
  afterAll(() => rmSync(root, { recursive: true }))

  test('finds all that are there, by ppid and pid, and counts those that vanish', () => {
    expect(scan.processes.map(({ pid }) => pid)).toEqual([1, 2, 900, 1000, 1002, 30, 400, 1001])
    expect(scan.vanished).toBe(2)
  })

  test('reads a process', () => {
    expect(find(1)).toMatchObject({
      pid: 1,
      ppid: 0,
      ns_pid: 1,
      start_ns: 100_000_000,
      kernel_thread: false,
      binary: '/usr/lib/systemd/systemd',
      argument_text: 'splash\0',
      cwd: '/',
      flags: EXEC_FLAG.PROCFS | EXEC_FLAG.ROOT_CWD,
      auid: 0xffff_ffff,
      cgroup: '/system.slice/x.service',
      credentials: { permitted: 0x1ffffffffffn, effective: 3n, inheritable: 0n, uid: 0, egid: 2, fsgid: 4 },
      namespaces: { net: 4026531840, mnt: 4026531841, time: 0 },
    })
  })

  test('names kernel threads by their comm', () => {
    expect(find(30)).toMatchObject({ kernel_thread: true, binary: '[kworker/0:1]', argument_text: '' })
  })

  test('is not misled by parentheses in a name, titles and broken UTF-8', () => {
    expect(find(900)).toMatchObject({ ppid: 1, start_ns: 90_000_000_000 })
    expect(find(400)).toMatchObject({ binary: '/bin/ü (deleted)', cwd: '/tmp/ü', argument_text: '\ufffdb\0' })
  })

  test('marks what cannot be read', () => {
    expect(find(1002)).toMatchObject({ binary: '[zombie]', cwd: '' })
    expect(find(1002).flags).toBe(
      EXEC_FLAG.PROCFS | EXEC_FLAG.ERROR_FILENAME | EXEC_FLAG.ROOT_CWD | EXEC_FLAG.ERROR_CWD,
    )
    expect(scan.unreadable).toBeGreaterThan(0)
  })

  test("marks the init of a container and its descendants, not those of the machine's init", () => {
    const marked = scan.processes.filter(({ flags }) => (flags & EXEC_FLAG.IN_INIT_TREE) !== 0)
    expect(marked.map(({ pid }) => pid)).toEqual([1000, 1001])
    expect(find(1001)).toMatchObject({ ns_pid: 7, credentials: { uid: 5, euid: 6, suid: 7, fsuid: 8 } })
  })
})

test('cgroupPath() takes the hierarchy that containers are set in', () => {
  expect(cgroupPath('0::/a/b\n')).toBe('/a/b')
  expect(cgroupPath('12:pids:/p\n11:cpu,memory:/m:x\n1:name=systemd:/s\n0::/u\n')).toBe('/m:x')
  expect(cgroupPath('2:cpu:/c\n1:name=systemd:/s\n')).toBe('')
  expect(cgroupPath('')).toBe('')
})

test("the machine's own /proc has this test in it", () => {
  const { processes } = scanProcfs({ root: '/proc', cgroup: { mount: '/sys/fs/cgroup', base: '/' } })
  const own = processes.find(({ pid }) => pid === process.pid)!
  expect(own.binary).toBe(process.execPath)
  expect(own.cwd).toBe(process.cwd())
  expect(own.credentials.uid).toBe(process.getuid!())
  expect(own.argument_text).toContain('test')
  expect(own.namespaces.net).toBeGreaterThan(0)
  expect(own.start_ns).toBeGreaterThan(0)
  expect(readHostNamespaces('/proc').mnt).toBeGreaterThan(0)
})
