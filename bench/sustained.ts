// Events per second without loss from a real source: a paced process on one core, the whole path to bytes on the other.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BpfObject } from '../ffi/object.ts'
import { EVENT_TYPE } from '../ffi/wire.gen.ts'
import { BOUNDS } from '../src/config.ts'
import { StdoutExporter } from '../src/export/stdout.ts'
import { monotonicNs, readClocks } from '../src/kernel/clock.ts'
import { readHostFacts } from '../src/kernel/host.ts'
import { objectFile, prepareObjects } from '../src/kernel/objects.ts'
import { Pipeline } from '../src/pipeline.ts'
import { Pump } from '../src/pipeline/pump.ts'
import { WallClock } from '../src/process/clock.ts'
import { readHostNamespaces } from '../src/process/procfs.ts'
import { Tracker } from '../src/process/tracker.ts'
import { BaseSensor } from '../src/sensor/base.ts'

const SYS_GETPPID = process.arch === 'arm64' ? 173 : 110

export interface Sustained {
  readonly wanted_per_second: number
  readonly seconds: number
  readonly made: number
  readonly made_per_second: number
  readonly lines: number
  readonly lost: number
  readonly bytes: number
  /** CPU of this process, all threads, per event and as a part of one core. */
  readonly cpu_us_per_event: number
  readonly cpu_part: number
  readonly longest_turn_ms: number
}

/** Needs root. Call it in a process of its own, pinned to another core than the source (see all.ts). */
export async function sustained(rate: number, seconds: number): Promise<Sustained> {
  await prepareObjects(() => {})
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-bench-'))
  const flood = path.join(directory, 'flood')
  const compiled = Bun.spawnSync(['clang', '-O2', '-o', flood, path.join(import.meta.dirname, 'flood.c')])
  if (compiled.exitCode !== 0) throw new Error(compiled.stderr.toString())
  const host = readHostFacts()
  using sensor = BaseSensor.load({
    objectFile,
    btf: '',
    argument_bytes: 1 << 20,
    environment: false,
    cgroup_rate: null,
    procfs: '/proc',
    pid_max: host.pid_max,
    memory_bytes: host.memory_bytes,
    process_map_entries: 0,
    ring_bytes: 8 << 20,
    reserved_ring_bytes: 4 << 20,
  })
  const clock = new WallClock(readClocks())
  const tracker = new Tracker({
    node_name: 'bench',
    boot: 'bench',
    clock,
    host_namespaces: readHostNamespaces('/proc'),
  })
  const fd = fs.openSync('/dev/null', 'w')
  await using sink = new StdoutExporter({ fd, chunk_bytes: BOUNDS.stdout_chunk_bytes, queue_bytes: 16 << 20 })
  const pipeline = new Pipeline({
    source: sensor.source,
    tracker,
    sinks: [sink],
    kernelCounters: () => sensor.counters(),
    clocks: { monotonicNs, text: String },
    drain_records_max: BOUNDS.drain_records_max,
    counters_period_ms: BOUNDS.counters_period_ms,
  }, (_, error) => {
    throw error
  })
  pipeline.handle(EVENT_TYPE.TEST, (view, at) => {
    const argument = view.getUint32(at + 32, true) + view.getUint32(at + 36, true) * 4294967296
    const origin = {
      key: view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * 4294967296,
      pid: view.getUint32(at + 24, true),
      tid: view.getUint32(at + 28, true),
      ktime_ns: view.getBigUint64(at + 8, true),
    }
    const body = ',"subsys":"raw_syscalls","event":"sys_enter","args":[{"size_arg":"' + argument +
      '"}],"policy_name":"bench","action":"KPROBE_ACTION_POST"'
    return tracker.hookLine('process_tracepoint', origin, 'bench', body)
  })
  sensor.attach()
  tracker.addExisting(sensor.addExisting([]))
  const pump = new Pump(pipeline, BOUNDS.counters_period_ms, () => tracker.sweep(Number(monotonicNs())))
  await using bell = await sensor.doorbell(() => pump.start(), (error) => {
    throw error
  })
  pump.bell = bell
  pump.start()

  const source = Bun.spawn(['taskset', '-c', '0', flood, String(rate), String(seconds)], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  await Bun.sleep(200) // its exec must be known, and taskset's
  using object = BpfObject.open(objectFile('bench/flood'))
  object.global('flood_pid').edit((view) => view.setUint32(0, source.pid, true))
  object.global('flood_syscall').edit((view) => view.setBigUint64(0, BigInt(SYS_GETPPID), true))
  sensor.maps.prepare(object)
  object.load()
  const link = object.program('flood').attach()
  const before = process.cpuUsage()
  source.stdin.write('go\n')
  source.stdin.end()
  const [made = 0, took_ns = 1] = (await new Response(source.stdout).text()).trim().split(' ').map(Number)
  pump.drainNow(1_000_000)
  const cpu = process.cpuUsage(before)
  link[Symbol.dispose]()
  const counts = sensor.counters().filter((count) => count.type === 'test')
  const lost = counts.reduce((sum, count) => sum + count.attempted - count.submitted, 0)
  const lines = pipeline.lines[EVENT_TYPE.TEST]!
  pump[Symbol.dispose]()
  fs.rmSync(directory, { recursive: true })
  const cpu_us = cpu.user + cpu.system
  return {
    wanted_per_second: rate,
    seconds,
    made,
    made_per_second: made / (took_ns / 1e9),
    lines,
    lost,
    bytes: sink.counters.written_bytes,
    cpu_us_per_event: cpu_us / lines,
    cpu_part: cpu_us / (took_ns / 1000),
    longest_turn_ms: pipeline.turns.longest_seconds * 1000,
  }
}

if (import.meta.main) {
  const [rate = '400000', seconds = '3'] = process.argv.slice(2)
  console.log(JSON.stringify(await sustained(Number(rate), Number(seconds))))
  process.exit(0)
}
