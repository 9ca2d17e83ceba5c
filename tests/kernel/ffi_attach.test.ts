import { expect, test } from 'bun:test'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AttachSpec } from '../../ffi/attach.ts'
import { Btf } from '../../ffi/btf.ts'
import { BpfObject } from '../../ffi/object.ts'
import { pageSize } from '../../ffi/system.ts'
import { OBJECT_DIRECTORY } from '../../scripts/bpf.ts'
import { testWhere } from './need.ts'

const OBJECT = join(OBJECT_DIRECTORY, 'tests/ffi.bpf.o')
const EXECVE = process.arch === 'arm64' ? '__arm64_sys_execve' : '__x64_sys_execve'
const LIBC = `/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/libc.so.6`

interface Case {
  readonly program: string
  readonly spec: AttachSpec
  /** For trampolines and LSM: set before load. */
  readonly target?: string
  /** The fact that is missing, if one is. */
  readonly missing?: string | undefined
}

const lsms = existsSync('/sys/kernel/security/lsm') ? readFileSync('/sys/kernel/security/lsm', 'utf8') : ''
const no_tracefs = existsSync('/sys/kernel/tracing/events')
  ? undefined
  : 'tracefs is not mounted at /sys/kernel/tracing'
const no_kprobes = existsSync('/sys/kernel/tracing/kprobe_events') ? undefined : 'no kprobe: kprobe_events is absent'
// The one kernel here without kprobes refuses trampolines too.
const no_trampolines = no_kprobes && 'no trampolines on a kernel without kprobes'
const no_multi = no_kprobes ??
  (new Set(Btf.open().functionNames()).has('register_fprobe_ips')
    ? undefined
    : 'no kprobe.multi: CONFIG_FPROBE is not set')
const no_lsm = no_trampolines ?? (/\bbpf\b/.test(lsms) ? undefined : 'no BPF LSM: "bpf" is not among the active ones')
const no_cookies = new Set(Btf.open().functionNames()).has('bpf_get_attach_cookie_trace')
  ? undefined
  : 'no attach cookies: they came with 5.15'

const CASES: readonly Case[] = [
  { program: 'hit_raw_tp', spec: { kind: 'raw_tp', tracepoint: 'sched_process_exec' } },
  {
    program: 'hit_tracepoint',
    spec: { kind: 'tracepoint', category: 'sched', name: 'sched_process_exec' },
    missing: no_tracefs,
  },
  {
    program: 'hit_tracepoint',
    spec: { kind: 'tracepoint', category: 'sched', name: 'sched_process_exec', cookie: 7n },
    missing: no_tracefs ?? no_cookies,
  },
  { program: 'hit_kprobe', spec: { kind: 'kprobe', function: EXECVE }, missing: no_kprobes },
  {
    program: 'hit_kretprobe',
    spec: { kind: 'kprobe', function: 'wake_up_new_task', return: true },
    missing: no_kprobes,
  },
  {
    program: 'hit_kprobe_multi',
    spec: { kind: 'kprobe_multi', functions: [EXECVE, 'do_exit'], cookies: [1n, 2n] },
    missing: no_multi,
  },
  { program: 'hit_fentry', spec: { kind: 'trampoline' }, target: 'wake_up_new_task', missing: no_trampolines },
  { program: 'hit_fexit', spec: { kind: 'trampoline' }, target: 'wake_up_new_task', missing: no_trampolines },
  { program: 'hit_lsm', spec: { kind: 'lsm' }, target: 'bprm_check_security', missing: no_lsm },
  { program: 'hit_uprobe', spec: { kind: 'uprobe', path: LIBC, function: 'sysconf' } },
  { program: 'hit_uprobe', spec: { kind: 'uprobe', path: LIBC, function: 'sysconf', pid: process.pid } },
  { program: 'hit_uretprobe', spec: { kind: 'uprobe', path: LIBC, function: 'sysconf', return: true } },
]

test('open() with btf_path relocates against that file; one that is none says so', () => {
  using stack = new DisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'thump-btf-'))
  stack.defer(() => rmSync(directory, { recursive: true }))
  const copy = join(directory, 'vmlinux')
  copyFileSync('/sys/kernel/btf/vmlinux', copy)
  {
    using object = BpfObject.open(OBJECT, { btf_path: copy })
    for (const program of object.programs) program.setAutoload(program.name === 'hit_raw_tp')
    object.load()
    using _link = object.program('hit_raw_tp').attach({ kind: 'raw_tp', tracepoint: 'sched_process_exec' })
    provoke()
    expect(hits(object)).toBeGreaterThan(0)
  }
  writeFileSync(copy, 'no BTF')
  using broken = BpfObject.open(join(OBJECT_DIRECTORY, 'exec.bpf.o'), { btf_path: copy })
  for (const program of broken.programs) program.setAutoload(program.section === 'raw_tp/sched_process_exec')
  expect(() => broken.load()).toThrow(/exec\.bpf/)
})

function hits(object: BpfObject): number {
  const map = object.map('counts')
  const value = map.lookup(1)
  if (value === undefined) return 0
  let sum = 0
  for (let at = 0; at < value.length; at += 8) sum += new DataView(value.buffer).getUint32(at, true)
  return sum
}

function provoke(): void {
  pageSize()
  Bun.spawnSync(['true'])
}

for (const { program: name, spec, target, missing } of CASES) {
  testWhere(
    missing,
    `attach() runs ${name} by ${JSON.stringify(spec, (_, value) => typeof value === 'bigint' ? `${value}` : value)}`,
    () => {
      using object = BpfObject.open(OBJECT)
      for (const program of object.programs) program.setAutoload(program.name === name)
      if (target !== undefined) object.program(name).setAttachTarget(target)
      object.load()
      {
        using link = object.program(name).attach(spec)
        provoke()
        expect(hits(object)).toBeGreaterThan(0)
        expect(link.name).toContain(`program "${name}" to`)
      }
      const detached = hits(object)
      provoke()
      expect(hits(object)).toBe(detached)
    },
  )
}
