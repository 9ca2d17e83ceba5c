// Families that Tetragon has as well, with the same meaning; docs/metrics.md has the mapping. Those that Thump's own families
// cover under the same name (process cache, build info) stand in metrics.ts.
import type { MetricFamily, MetricSample } from '../http/metrics.ts'
import type { MetricSources } from './metrics.ts'

/** Tetragon's numbers of kernel messages (bpf/lib/msg_types.h there) by our kinds of records; a hook's is that of kprobes. */
const OPCODES: Readonly<Record<string, string>> = {
  exec: '5',
  exit: '7',
  fork: '23',
  chunk: '24',
  hook: '13',
  loader: '26',
  throttle: '27',
}

/** Sinks that events are exported to, as opposed to subscribers and to the gate before them. */
const NO_EXPORT = new Set(['subscribers', 'export', 'nats_filter'])

export function tetragonFamilies(sources: MetricSources): MetricFamily[] {
  const { kernel, stages, sinks, cache, chunks, containers } = sources
  const opcode = (type: string) => OPCODES[type] ?? type
  const exported = sinks.filter(({ name }) => !NO_EXPORT.has(name))
  const gate = sinks.find(({ name }) => name === 'export')
  const received = sum(stages.map((stage) => stage.received))
  const full = sum(kernel.map(({ lost }) => lost['ring_full'] ?? 0))
  return [
    counter(
      'bpf_missed_events_total',
      'Records that programs could not send, by kind of message',
      kernel.flatMap(({ type, lost, ring }) =>
        Object.entries(lost).map(([error, value]) => ({ labels: { error, msg_op: opcode(type), ring }, value }))
      ),
    ),
    counter(
      'msg_op_total',
      'Records read, by kind of message',
      stages.map(({ type, received: value }) => ({ labels: { msg_op: opcode(type) }, value })),
    ),
    counter('observer_ringbuf_events_received_total', 'Records read from the rings', [{ value: received }]),
    counter('observer_ringbuf_events_lost_total', 'Records for which a ring had no room', [{ value: full }]),
    counter('observer_ringbuf_errors_total', 'Records that could not be read', [{
      value: sum(stages.filter(({ type }) => type === 'unreadable').map((stage) => stage.received)),
    }]),
    counter(
      'handler_errors_total',
      'Records whose handling failed',
      stages.map(({ type, lost }) => ({
        labels: { opcode: opcode(type), error: 'failed' },
        value: lost['failed'] ?? 0,
      })),
    ),
    counter('data_events_total', 'Pieces of long arguments, by what became of them', [
      { labels: { event: 'Received' }, value: chunks.received },
      { labels: { event: 'Bad' }, value: chunks.invalid },
      { labels: { event: 'NotMatched' }, value: chunks.expired + chunks.evicted },
    ]),
    counter('events_exported_total', 'Events exported', [{ value: sum(exported.map((sink) => sink.written)) }]),
    counter('events_exported_bytes_total', 'Bytes of events exported', [{
      value: sum(exported.map((sink) => sink.written_bytes)),
    }]),
    counter('export_ratelimit_events_dropped_total', 'Events that were over the export rate limit', [{
      value: gate?.dropped['rate'] ?? 0,
    }]),
    counter('events_missing_process_info_total', 'Events of a process that is not known', [{
      value: cache.counters.missed_process,
    }]),
    ...(containers === null
      ? []
      : [gauge('event_cache_entries', 'Events that wait to be completed', [{ value: containers.held.size }])]),
    ...(containers === null ? [] : [
      counter('event_cache_inserts_total', 'Events that waited to be completed', [{ value: containers.held.held }]),
    ]),
  ]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: 'counter', help, samples }
}
