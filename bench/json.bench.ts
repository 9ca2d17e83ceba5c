/** CPU from a record in the ring to the bytes of its line: decoding, process cache, JSON by fragments, UTF-8. */

import { decodeExecEvent, decodeExitEvent, EXEC_EVENT, EXEC_FLAG, EXIT_EVENT, FORK_EVENT } from '../ffi/wire.gen.ts'
import { createRedactor } from '../src/filter/redact.ts'
import { Tracker, type TrackerOptions } from '../src/process/tracker.ts'
import { execRecord, exitRecord, forkRecord, testTracker } from '../tests/process/record.ts'

const PROCESSES = 300_000
const ROUNDS = 3

const fork = forkRecord({ parent_exec_id: 1, parent_pid: 1 })
const exec = execRecord({
  filename: '/usr/bin/git',
  cwd: '/home/user/project',
  cgroup: 'session-1.scope',
  args: ['status', '--porcelain=v2', '--branch', 'a file.txt'],
  parent_exec_id: 1,
})
const exit = exitRecord({})

interface Sink {
  bytes: number
}

const out = Buffer.alloc(1 << 20)
let out_at = 0

/** As the exporter does it: lines gather in a buffer. */
function write(line: string, sink: Sink): void {
  if (out_at + line.length * 3 > out.length) out_at = 0
  const written = out.write(line, out_at)
  out_at += written
  sink.bytes += written
}

/** One life of a process: fork, exec, exit, each with an id and time of its own. */
function live(tracker: Tracker, count: number, sink: Sink): void {
  for (let i = 0; i < count; i++) {
    const pid = 2 + (i % 30_000)
    const time = 20_000_000_000 + i * 50_017
    setTime(fork, time)
    setTime(exec, time + 10_000)
    setTime(exit, time + 40_000)
    setNumber(fork, FORK_EVENT.exec_id, 2 ** 23 + i * 8192)
    setNumber(exec, EXEC_EVENT.exec_id, 2 ** 23 + i * 8192 + 4096)
    setNumber(exit, EXIT_EVENT.exec_id, 2 ** 23 + i * 8192 + 4096)
    fork.setUint32(FORK_EVENT.pid, pid, true)
    exec.setUint32(EXEC_EVENT.pid, pid, true)
    exec.setUint32(EXEC_EVENT.old_tid, pid, true)
    exit.setUint32(EXIT_EVENT.pid, pid, true)
    tracker.onRecord(fork, 0, fork.byteLength)
    write(tracker.onRecord(exec, 0, exec.byteLength)!.line, sink)
    write(tracker.onRecord(exit, 0, exit.byteLength)!.line, sink)
  }
}

function setTime(view: DataView, ns: number): void {
  setNumber(view, 8, ns)
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true)
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
}

function trackerWithParent(options: Partial<TrackerOptions>): Tracker {
  const tracker = testTracker(options)
  const parent = execRecord({
    exec_id: 1,
    pid: 1,
    parent_pid: 0,
    filename: '/bin/bash',
    cwd: '/',
    flags: EXEC_FLAG.EXECVE | EXEC_FLAG.ROOT_CWD | EXEC_FLAG.CLONE,
    args: ['/usr/local/bin/build-everything.sh'],
  })
  tracker.onRecord(parent, 0, parent.byteLength)
  return tracker
}

function measure(name: string, work: (count: number) => void, per_process: number, count = PROCESSES): number {
  work(count / 10)
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    work(count)
    const used = process.cpuUsage(before)
    best = Math.min(best, ((used.user + used.system) * 1000) / count / per_process)
  }
  console.log(`${name.padEnd(74)} ${best.toFixed(0).padStart(6)} ns`)
  return best
}

console.log('CPU of all threads of the runtime, garbage collection included, best of ' + ROUNDS)
measure('decode exec record', (count) => {
  for (let i = 0; i < count; i++) decodeExecEvent(exec, 0)
}, 1)
measure('decode exit record', (count) => {
  for (let i = 0; i < count; i++) decodeExitEvent(exit, 0)
}, 1)
for (
  const [name, options] of [
    ['defaults', { redactor: createRedactor({ filters: '', builtin: true }) }],
    ['without redaction', {}],
    ['credentials, namespaces, without redaction', { process_cred: true, process_ns: true }],
    ['--tetragon-only, without redaction', { tetragon_only: true }],
  ] as const
) {
  const sink = { bytes: 0 }
  measure(
    `exec or exit to bytes (with its fork), ${name}`,
    (count) => live(trackerWithParent(options), count, sink),
    2,
  )
}
const hook_tracker = trackerWithParent({})
exec.setUint32(EXEC_EVENT.pid, 77, true)
setNumber(exec, EXEC_EVENT.exec_id, 2 ** 23)
hook_tracker.onRecord(exec, 0, exec.byteLength)
const body =
  ',"function_name":"__x64_sys_lseek","args":[{"int_arg":-1},{"int_arg":4444}],"action":"KPROBE_ACTION_POST"' +
  ',"policy_name":"fentry","return_action":"KPROBE_ACTION_POST"'
const hook_sink = { bytes: 0 }
measure('hook event to bytes, body given', (count) => {
  for (let i = 0; i < count; i++) {
    const origin = { key: 2 ** 23, pid: 77, tid: 77, ktime_ns: BigInt(20_000_000_000 + i * 1000) }
    write(hook_tracker.hookLine('process_kprobe', origin, 'fentry', body).line, hook_sink)
  }
}, 1)
