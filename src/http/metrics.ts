// /metrics: families of numbers as Prometheus text.
import { Hono } from 'hono'

export interface MetricFamily {
  /** Without the `thump_` in front; counters end in `_total`. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly MetricSample[]
}

export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

export function metricRoutes(families: () => readonly MetricFamily[]): Hono {
  const app = new Hono()
  app.get('/metrics', (c) => c.body(renderMetrics(families()), 200, { 'Content-Type': 'text/plain; version=0.0.4' }))
  return app
}

/** Families of one name must come together; one without samples is left out. */
export function renderMetrics(families: readonly MetricFamily[]): string {
  let text = ''
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue
    text += `# HELP thump_${name} ${
      help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
    }\n# TYPE thump_${name} ${type}\n`
    for (const { labels, value } of samples) text += `thump_${name}${renderLabels(labels)} ${value}\n`
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
