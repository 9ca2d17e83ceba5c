// Metrics per event: kinds, binaries, pods and policies, with a bound on their number.
import type { EventLine, EventType, ImageReference, Pod } from '../event/type.ts'
import type { MetricFamily, MetricSample } from '../http/metrics.ts'

export const METRIC_LABELS = ['namespace', 'workload', 'pod', 'binary'] as const
export type MetricLabel = (typeof METRIC_LABELS)[number]

/** Series of one family; what comes after goes to one series whose labels say OTHERS. About 1 MB of /metrics at most. */
export const SERIES_MAX = 2000
const OTHERS = '(others)'

interface Series {
  readonly labels: Record<string, string>
  value: number
}

/** Series of one program by kind or policy: found without making the key of a family. */
type Known = Map<string, Series>

class Family {
  readonly series = new Map<string, Series>()

  find(labels: Record<string, string>, shared: Record<string, string>): Series {
    const key = JSON.stringify(labels)
    const known = this.series.get(key)
    if (known !== undefined) return known
    const all = this.series.size < SERIES_MAX ? labels : { ...labels, ...shared }
    const series = this.series.get(JSON.stringify(all)) ?? { labels: all, value: 0 }
    this.series.set(JSON.stringify(all), series)
    return series
  }

  samples(): MetricSample[] {
    return [...this.series.values()]
  }
}

export class EventMetrics {
  readonly #node_name: string
  readonly #wanted: ReadonlySet<string>
  readonly #events = new Family()
  readonly #policy_events = new Family()
  readonly #flags = new Map<string, number>()
  /** By binary; what has no pod, and what has one. By image it would be an entry per exec, and work for the collector. */
  readonly #of_host = new Map<string, Known>()
  readonly #of_pods = new WeakMap<Pod, Map<string, Known>>()
  readonly #none: Known = new Map()

  /** `labels`: which of METRIC_LABELS are filled; the others stay empty, as with Tetragon. */
  constructor(node_name: string, labels: readonly string[]) {
    this.#node_name = node_name
    this.#wanted = new Set(labels)
  }

  readonly count = ({ line, meta }: EventLine): void => {
    const { type, process, policy } = meta
    if (process !== undefined && type === 'process_exec') {
      const { flags } = process
      this.#flags.set(flags, (this.#flags.get(flags) ?? 0) + 1)
    }
    const known = this.#of(process?.image)
    let series = known.get(type)
    if (series === undefined) {
      const labels = { type, ...this.#labels(process?.image) }
      known.set(type, series = this.#events.find(labels, this.#others()))
    }
    series.value++
    if (policy === undefined) return
    const hook = hookOf(type, line)
    const key = `${policy} ${hook}`
    let policy_series = known.get(key)
    if (policy_series === undefined) {
      const labels = { policy, hook, ...this.#labels(process?.image) }
      known.set(key, policy_series = this.#policy_events.find(labels, { ...this.#others(), hook: OTHERS }))
    }
    policy_series.value++
  }

  families(): MetricFamily[] {
    return [
      { name: 'events_total', type: 'counter', help: 'Events', samples: this.#events.samples() },
      {
        name: 'policy_events_total',
        type: 'counter',
        help: 'Events of policies',
        samples: this.#policy_events.samples(),
      },
      { name: 'flags_total', type: 'counter', help: 'Flags of executed processes', samples: this.#flagSamples() },
    ]
  }

  #of(image: ImageReference | undefined): Known {
    if (image === undefined) return this.#none
    const { pod } = image
    let binaries = pod === undefined ? this.#of_host : this.#of_pods.get(pod)
    if (binaries === undefined) this.#of_pods.set(pod!, binaries = new Map())
    const binary = this.#wanted.has('binary') ? image.binary : ''
    let known = binaries.get(binary)
    if (known === undefined) {
      if (binaries.size >= SERIES_MAX) binaries.clear()
      binaries.set(binary, known = new Map())
    }
    return known
  }

  #labels(image: ImageReference | undefined): Record<string, string> {
    const pod = image?.pod
    const values: Readonly<Record<MetricLabel, string>> = {
      namespace: pod?.namespace ?? '',
      workload: pod?.workload ?? '',
      pod: pod?.name ?? '',
      binary: image?.binary ?? '',
    }
    const labels: Record<string, string> = { node_name: this.#node_name }
    for (const name of METRIC_LABELS) labels[name] = this.#wanted.has(name) ? values[name] : ''
    return labels
  }

  #others(): Record<string, string> {
    return Object.fromEntries(METRIC_LABELS.map((name) => [name, this.#wanted.has(name) ? OTHERS : '']))
  }

  #flagSamples(): MetricSample[] {
    const counts = new Map<string, number>()
    for (const [flags, count] of this.#flags) {
      for (const type of flags.split(' ')) if (type !== '') counts.set(type, (counts.get(type) ?? 0) + count)
    }
    return [...counts].map(([type, value]) => ({ labels: { type }, value }))
  }
}

/** `kprobe:tcp_connect`, `tracepoint:sched/sched_switch`, `lsm:bprm_check_security`, `uprobe:main`, `usdt:libc`. */
export function hookOf(type: EventType, line: string): string {
  const kind = type.replace('process_', '')
  if (type === 'process_tracepoint') return `${kind}:${member(line, 'subsys')}/${member(line, 'event')}`
  if (type === 'process_uprobe') return `${kind}:${member(line, 'symbol')}`
  if (type === 'process_usdt') return `${kind}:${member(line, 'provider')}`
  return `${kind}:${member(line, 'function_name')}`
}

/**
 * A short text of the event itself, without parsing the line. Quotes in other texts are escaped, so that a process cannot
 * pretend by its arguments; the last one is taken, as members of a process with such a name would come first.
 */
function member(line: string, name: string): string {
  const key = `"${name}":"`
  const start = line.lastIndexOf(key)
  if (start < 0) return ''
  const from = start + key.length
  const end = line.indexOf('"', from)
  return line.slice(from, Math.min(end < 0 ? line.length : end, from + 256))
}
