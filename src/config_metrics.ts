// The part of the configuration that is about /metrics.

export interface MetricsConfig {
  /** In front of every name, without the underscore. */
  readonly prefix: string
  /** Whether events are counted by binary, pod and policy. */
  readonly events: boolean
  /** Which of namespace, workload, pod and binary are filled. */
  readonly labels: readonly string[]
}

/** What is needed of the reader of flags. */
interface FlagValues {
  boolean(name: string): boolean
  list(name: string): readonly string[]
  parsed(name: string, parse: (text: string) => string | null): string
}

export function readMetrics(read: FlagValues): MetricsConfig {
  return {
    prefix: read.parsed('metrics-prefix', (text) => /^[a-z][a-z0-9_]{0,31}$/.test(text) ? text : null),
    events: read.boolean('enable-event-metrics'),
    labels: read.list('metrics-label-filter'),
  }
}
