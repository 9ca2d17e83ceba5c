// /metrics: families of numbers as Prometheus text.
import { Hono } from 'hono'

export interface MetricFamily {
  /** Without the prefix in front; counters end in `_total`. */
  readonly name: string
  /** A name that every Prometheus client has, as process_cpu_seconds_total: without prefix. */
  readonly common?: true
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly MetricSample[]
}

export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** `prefix` without its underscore: `thump`, or `tetragon` for dashboards that exist. */
export function metricRoutes(families: () => readonly MetricFamily[], prefix: string): Hono {
  const app = new Hono()
  const headers = { 'Content-Type': 'text/plain; version=0.0.4' }
  app.get('/metrics', (c) => c.body(renderMetrics(families(), prefix), 200, headers))
  return app
}

/** Families of one name must come together; one without samples is left out. */
export function renderMetrics(families: readonly MetricFamily[], prefix: string): string {
  let text = ''
  for (const { name: bare, common, type, help, samples } of families) {
    if (samples.length === 0) continue
    const name = common === true ? bare : `${prefix}_${bare}`
    text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
    for (const { labels, value } of samples) text += `${name}${renderLabels(labels)} ${value}\n`
  }
  return text
}

function renderLabels(labels: MetricSample['labels']): string {
  if (labels === undefined) return ''
  const pairs = Object.entries(labels).map(([key, value]) => {
    return `${key}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  })
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
