// The parts of an agent from ring to HTTP with a paced source of events, for bench/doors.ts.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BpfObject } from '../ffi/object.ts'
import { EVENT_TYPE } from '../ffi/wire.gen.ts'
import { BOUNDS } from '../src/config.ts'
import { Hub } from '../src/export/hub.ts'
import { StdoutExporter } from '../src/export/stdout.ts'
import { Budget } from '../src/http/budget.ts'
import { monotonicNs, readClocks } from '../src/kernel/clock.ts'
import { readHostFacts } from '../src/kernel/host.ts'
import { objectFile, prepareObjects } from '../src/kernel/objects.ts'
import { openHttp } from '../src/main/http.ts'
import { metricFamilies } from '../src/main/metrics.ts'
import { processSource } from '../src/main/processes.ts'
import { Pipeline } from '../src/pipeline.ts'
import { Pump } from '../src/pipeline/pump.ts'
import { WallClock } from '../src/process/clock.ts'
import { readHostNamespaces, scanProcfs } from '../src/process/procfs.ts'
import { Tracker } from '../src/process/tracker.ts'
import { BaseSensor } from '../src/sensor/base.ts'

const SYS_GETPPID = process.arch === 'arm64' ? 173 : 110

export const BENCH_POLICIES = 1000

export interface Flood {
  readonly made: number
  readonly made_per_second: number
  readonly lines: number
  readonly ring_lost: number
}

export interface BenchAgent extends AsyncDisposable {
  readonly port: number
  readonly hub: Hub
  readonly budget: Budget
  /** Lines by policy number: event n is of policy n % BENCH_POLICIES. */
  readonly by_policy: readonly number[]
  readonly longest_turn_ms: () => number
  /** Makes `rate` events per second; resolves when all of them came through the pipeline. */
  flood(rate: number, seconds: number): Promise<Flood>
}

/** Needs root, clang, and nobody else's events to matter. */
export async function startAgent(): Promise<BenchAgent> {
  await prepareObjects(() => {})
  const stack = new AsyncDisposableStack()
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-doors-'))
  stack.defer(() => fs.rmSync(directory, { recursive: true }))
  const program = path.join(directory, 'flood')
  const compiled = Bun.spawnSync(['clang', '-O2', '-o', program, path.join(import.meta.dirname, 'flood.c')])
  if (compiled.exitCode !== 0) throw new Error(compiled.stderr.toString())
  const host = readHostFacts()
  const sensor = stack.use(BaseSensor.load({
    objectFile,
    btf: '',
    argument_bytes: 1 << 20,
    environment: false,
    cgroup_rate: null,
    procfs: '/proc',
    pid_max: host.pid_max,
    memory_bytes: host.memory_bytes,
    process_map_entries: 0,
    ring_bytes: 4 << 20 << Math.ceil(Math.log2(host.cpus)),
    reserved_ring_bytes: 4 << 20,
  }))
  const clock = new WallClock(readClocks())
  const boot = 'be7c4000'
  const host_namespaces = readHostNamespaces('/proc')
  const tracker = new Tracker({ node_name: 'bench', boot, clock, host_namespaces })
  const hub = stack.use(
    new Hub({
      boot,
      history_events_max: BOUNDS.history_events_max,
      history_bytes_max: BOUNDS.history_bytes_max,
      queue_events_max: 10_000,
      queue_bytes_max: BOUNDS.subscriber_bytes_max,
      subscribers_max: BOUNDS.subscribers_max,
      flush_ms_max: 500,
    }),
  )
  const fd = fs.openSync('/dev/null', 'w')
  const stdout = stack.use(new StdoutExporter({ fd, chunk_bytes: BOUNDS.stdout_chunk_bytes, queue_bytes: 16 << 20 }))
  const pipeline = new Pipeline({
    source: sensor.source,
    tracker,
    sinks: [stdout, hub],
    kernelCounters: () => sensor.counters(),
    clocks: { monotonicNs, text: String },
    drain_records_max: BOUNDS.drain_records_max,
    counters_period_ms: BOUNDS.counters_period_ms,
  }, (_, error) => {
    throw error
  })
  const by_policy = new Array<number>(BENCH_POLICIES).fill(0)
  let count = 0
  pipeline.handle(EVENT_TYPE.TEST, (view, at) => {
    const number = count++ % BENCH_POLICIES
    by_policy[number]!++
    const origin = {
      key: view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * 4294967296,
      pid: view.getUint32(at + 24, true),
      tid: view.getUint32(at + 28, true),
      ktime_ns: view.getBigUint64(at + 8, true),
    }
    const body =
      `,"subsys":"raw_syscalls","event":"sys_enter","args":[{"size_arg":"${count}"}],"policy_name":"p${number}"`
    return tracker.hookLine('process_tracepoint', origin, `p${number}`, body + ',"action":"KPROBE_ACTION_POST"')
  })
  sensor.attach()
  pipeline.emitAll(tracker.addExisting(sensor.addExisting(scanProcfs({ root: '/proc' }).processes)))
  const pump = stack.use(new Pump(pipeline, BOUNDS.counters_period_ms, () => tracker.sweep(Number(monotonicNs()))))
  pump.bell = stack.use(
    await sensor.doorbell(() => pump.start(), (error) => {
      throw error
    }),
  )
  stack.defer(() => pump[Symbol.dispose]()) // before the bell that it would ring
  pump.start()
  const budget = new Budget()
  const listener = stack.use(
    (await openHttp({
      ...({
        read_token: false,
        node_name: 'bench',
        metrics: { prefix: 'thump', events: true, labels: [] },
        token_file: path.join(directory, 'token'),
      }),
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    }, {
      hub,
      boot,
      release: host.release,
      budget,
      readiness: () => ({ ready: true, missing: [] }),
      metrics: () =>
        metricFamilies({
          pipeline,
          containers: null,
          events: null,
          policies: [],
          defence: [],
          refused: budget.refused,
          chunks: tracker.chunks.counters,
          cache: tracker.cache,
          kernel: sensor.counters(),
          stages: pipeline.stages(),
          sinks: [stdout.counters, hub.counters],
          rings: sensor.rings,
          maps: [],
          faults: sensor.faults(),
          subscribers: hub.subscribers,
          history: hub.history,
          ready: true,
          started_seconds: 0,
          release: host.release,
        }),
      loss: () => ({}),
      coverage: () => [],
      processes: processSource(tracker.cache),
      policies: null,
      stop: () => {},
      onError: (error) => {
        throw error
      },
    }))!,
  )
  return {
    port: Number(listener.address.split(':')[1]),
    hub,
    budget,
    by_policy,
    longest_turn_ms: () => pipeline.turns.longest_seconds * 1000,
    async flood(rate, seconds) {
      const before = pipeline.lines[EVENT_TYPE.TEST]!
      const source = Bun.spawn([program, String(rate), String(seconds)], {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'inherit',
      })
      await Bun.sleep(200) // its exec must be known
      using object = BpfObject.open(objectFile('bench/flood'))
      object.global('flood_pid').edit((view) => view.setUint32(0, source.pid, true))
      object.global('flood_syscall').edit((view) => view.setBigUint64(0, BigInt(SYS_GETPPID), true))
      sensor.maps.prepare(object)
      object.load()
      using _link = object.program('flood').attach()
      const lost_before = lost()
      source.stdin.write('go\n')
      source.stdin.end()
      const [made = 0, took_ns = 1] = (await new Response(source.stdout).text()).trim().split(' ').map(Number)
      pump.drainNow(1_000_000)
      return {
        made,
        made_per_second: Math.round(made / (took_ns / 1e9)),
        lines: pipeline.lines[EVENT_TYPE.TEST]! - before,
        ring_lost: lost() - lost_before,
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
  function lost(): number {
    return sensor.counters().reduce((sum, each) => sum + each.attempted - each.submitted, 0)
  }
}
