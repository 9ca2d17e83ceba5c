// What /metrics shows, from the parts of a running agent.
import fs from 'node:fs'
import type { SinkCounters } from '../export/type.ts'
import type { MetricFamily, MetricSample } from '../http/metrics.ts'
import type { EventMetrics } from './metrics_event.ts'
import { policyFamilies } from './metrics_policy.ts'
import { tetragonFamilies } from './metrics_tetragon.ts'
import { containerFamilies, type ContainerMetricSources } from './metrics_container.ts'
import type { KernelCounters, StageCounters } from '../ledger.ts'
import type { Pipeline } from '../pipeline.ts'
import type { MapUse } from '../sensor/map_use.ts'
import type { ChunkCounters } from '../process/chunk.ts'
import type { ProcessCache } from '../process/cache.ts'
import { thumpVersion } from '../version.ts'

export interface MetricSources {
  readonly pipeline: Pipeline
  readonly cache: ProcessCache
  readonly kernel: readonly KernelCounters[]
  readonly stages: readonly StageCounters[]
  readonly sinks: readonly Readonly<SinkCounters>[]
  readonly rings: readonly { readonly name: string; readonly size: number; lag(): number }[]
  readonly maps: readonly MapUse[]
  readonly containers: ContainerMetricSources | null
  /** Null: events are counted by kind only. */
  readonly events: EventMetrics | null
  readonly defence: readonly MetricFamily[]
  /** As /v1/policies shows them. */
  readonly policies: readonly unknown[]
  /** Requests refused for the time that they would have taken. */
  readonly refused: number
  readonly chunks: Readonly<ChunkCounters>
  readonly faults: Readonly<Record<string, number>>
  readonly subscribers: number
  readonly history: { readonly events: number; readonly bytes: number }
  readonly ready: boolean
  readonly started_seconds: number
  readonly release: string
}

export function metricFamilies(sources: MetricSources): MetricFamily[] {
  return [
    ...agentFamilies(sources),
    ...streamFamilies(sources),
    ...cacheFamilies(sources),
    ...tetragonFamilies(sources),
    ...policyFamilies(sources.policies),
    ...sources.defence,
    ...(sources.events === null ? [kindFamily(sources.pipeline)] : sources.events.families()),
    ...(sources.containers === null ? [] : containerFamilies(sources.containers)),
  ]
}

function kindFamily({ kinds }: Pipeline): MetricFamily {
  return counter('events_total', 'Events', Object.entries(kinds).map(([type, value]) => ({ labels: { type }, value })))
}

function agentFamilies({ pipeline, rings, ready, started_seconds, release, refused }: MetricSources): MetricFamily[] {
  const { version, bun } = thumpVersion()
  const resident = process.memoryUsage.rss()
  const mapped = residentRings()
  const cpu = process.cpuUsage()
  return [
    gauge('build_info', 'Version of the agent, its runtime and the kernel', [{
      labels: { version, bun, kernel: release },
      value: 1,
    }]),
    gauge('ready', 'Whether /readyz answers 200', [{ value: ready ? 1 : 0 }]),
    gauge('start_time_seconds', 'Start of the agent, Unix time', [{ value: started_seconds }]),
    gauge('resident_memory_bytes', 'Resident memory, mapped rings included', [{ value: resident }]),
    gauge(
      'resident_memory_without_rings_bytes',
      'Resident memory less the pages of mapped rings, which count twice',
      [{
        value: Math.max(0, resident - mapped),
      }],
    ),
    { ...counter('process_cpu_seconds_total', 'CPU time', [{ value: (cpu.user + cpu.system) / 1e6 }]), common: true },
    { ...gauge('process_resident_memory_bytes', 'Resident memory', [{ value: resident }]), common: true },
    { ...gauge('process_start_time_seconds', 'Start, Unix time', [{ value: started_seconds }]), common: true },
    counter('requests_refused_total', 'Requests refused because they took too much time', [{ value: refused }]),
    counter('cpu_seconds_total', 'CPU time of the agent', [{ value: (cpu.user + cpu.system) / 1e6 }]),
    counter('drain_turns_total', 'Turns of the pipeline', [{ value: pipeline.turns.count }]),
    counter('drain_busy_turns_total', 'Turns that left records behind', [{ value: pipeline.turns.busy }]),
    counter('drain_records_total', 'Records drained', [{ value: pipeline.turns.records }]),
    counter('drain_seconds_total', 'Time spent draining', [{ value: pipeline.turns.seconds }]),
    gauge('drain_longest_seconds', 'Longest turn since the start', [{ value: pipeline.turns.longest_seconds }]),
    gauge(
      'ring_size_bytes',
      'Data bytes of a ring',
      rings.map(({ name, size }) => ({ labels: { ring: name }, value: size })),
    ),
    gauge(
      'ring_used_bytes',
      'Bytes in a ring that were not read yet',
      rings.map((ring) => {
        return { labels: { ring: ring.name }, value: ring.lag() }
      }),
    ),
  ]
}

function streamFamilies({ pipeline, kernel, stages, sinks, subscribers, history }: MetricSources): MetricFamily[] {
  const of = ({ ring, type, policy }: KernelCounters) => ({ ring, type, ...(policy === '' ? {} : { policy }) })
  const per_sink = (pick: (sink: Readonly<SinkCounters>) => number): MetricSample[] => {
    return sinks.map((sink) => ({ labels: { sink: sink.name }, value: pick(sink) }))
  }
  return [
    counter(
      'kernel_records_attempted_total',
      'Records that programs wanted to send',
      kernel.map((each) => {
        return { labels: of(each), value: each.attempted }
      }),
    ),
    counter(
      'kernel_records_submitted_total',
      'Records that programs sent',
      kernel.map((each) => {
        return { labels: of(each), value: each.submitted }
      }),
    ),
    counter(
      'kernel_records_lost_total',
      'Records that could not be sent',
      kernel.flatMap((each) => {
        return Object.entries(each.lost).map(([reason, value]) => ({ labels: { ...of(each), reason }, value }))
      }),
    ),
    counter(
      'records_received_total',
      'Records read',
      stages.map(({ type, received }) => ({ labels: { type }, value: received })),
    ),
    counter(
      'records_lost_total',
      'Records read that gave no event though they should',
      stages.flatMap(({ type, lost }) => {
        return Object.entries(lost).map(([reason, value]) => ({ labels: { type, reason }, value }))
      }),
    ),
    counter('lost_total', 'Everything reported by loss events', [{ value: pipeline.ledger.lost_total }]),
    counter('sink_events_total', 'Events handed to a sink', per_sink((sink) => sink.events)),
    counter('sink_written_total', 'Events that a sink passed on', per_sink((sink) => sink.written)),
    counter('sink_written_bytes_total', 'Bytes that a sink passed on', per_sink((sink) => sink.written_bytes)),
    gauge('sink_queued_bytes', 'Bytes that wait in a sink', per_sink((sink) => sink.queued_bytes)),
    counter(
      'sink_dropped_total',
      'Events that a sink did not pass on',
      sinks.flatMap(({ name, dropped }) => {
        return Object.entries(dropped).map(([reason, value]) => ({ labels: { sink: name, reason }, value }))
      }),
    ),
    gauge('subscribers', 'Subscribers of /v1/events', [{ value: subscribers }]),
    gauge('history_events', 'Events kept for replay', [{ value: history.events }]),
    gauge('history_bytes', 'Bytes kept for replay', [{ value: history.bytes }]),
  ]
}

function cacheFamilies({ cache, maps, faults }: MetricSources): MetricFamily[] {
  const { added, removed, evicted_ended, evicted_alive, missed_parent, missed_process, stale, spliced } = cache.counters
  return [
    gauge('process_cache_size', 'Processes remembered', [{ value: cache.size }]),
    gauge('process_cache_ended', 'Ended processes kept for late events', [{ value: cache.ended }]),
    gauge('process_cache_capacity', 'Most processes remembered', [{ value: cache.capacity }]),
    counter('process_cache_added_total', 'Processes added', [{ value: added }]),
    counter('process_cache_removed_total', 'Processes freed', [{ value: removed }]),
    counter('process_cache_evictions_total', 'Processes forgotten to make room', [
      { labels: { state: 'ended' }, value: evicted_ended },
      { labels: { state: 'alive' }, value: evicted_alive },
    ]),
    counter('process_cache_misses_total', 'Events that refer to what is not known', [
      { labels: { of: 'process' }, value: missed_process },
      { labels: { of: 'parent' }, value: missed_parent },
    ]),
    counter('process_cache_stale_total', 'Processes whose exit was never seen', [{ value: stale }]),
    counter('process_cache_spliced_total', 'Former images left out of a chain', [{ value: spliced }]),
    counter(
      'map_faults_total',
      'What could not be kept in a kernel map',
      Object.entries(faults).map(([fault, value]) => ({ labels: { fault }, value })),
    ),
    gauge(
      'map_entries',
      'Entries of a kernel map',
      maps.map(({ name, entries }) => ({ labels: { map: name }, value: entries })),
    ),
    gauge(
      'map_capacity',
      'Most entries of a kernel map',
      maps.map(({ name, capacity }) => ({ labels: { map: name }, value: capacity })),
    ),
    gauge(
      'map_memory_bytes',
      'Kernel memory of a map: all of a preallocated one',
      maps.map(({ name, bytes }) => ({ labels: { map: name }, value: bytes })),
    ),
  ]
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'counter', help, samples }
}

/** Reading smaps walks the page tables, some 5 ms; what it shows changes slowly. */
const RESIDENT_KEPT_MS = 10_000
let resident_rings = { at_ms: -Infinity, bytes: 0 }

/** Bytes of BPF maps that are mapped and resident; every data page of a ring is mapped twice. */
function residentRings(): number {
  const now_ms = performance.now()
  if (now_ms - resident_rings.at_ms < RESIDENT_KEPT_MS) return resident_rings.bytes
  let sum = 0
  let ring = false
  for (const line of fs.readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) ring = line.endsWith('anon_inode:bpf-map')
    else if (ring && line.startsWith('Rss:')) sum += Number(line.split(/\s+/)[1]) * 1024
  }
  resident_rings = { at_ms: now_ms, bytes: sum }
  return sum
}
