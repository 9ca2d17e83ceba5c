import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { askedBy, exposed } from './promql.ts'

interface Dashboard {
  readonly uid: string
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly targets: readonly { expr: string; legendFormat: string }[]
  }[]
}

const file = path.join(import.meta.dirname, '../../deploy/grafana/thump.json')
const dashboard = JSON.parse(fs.readFileSync(file, 'utf8')) as Dashboard

test('askedBy() finds metrics and labels', () => {
  expect(askedBy('topk(5, sum by (a, b) (rate(x_total{c=~"d"}[$__rate_interval]))) / on (e) y > 0')).toEqual({
    metrics: ['x_total', 'y'],
    labels: ['c', 'a', 'b', 'e'],
  })
  expect([...exposed('# HELP x\nx{a="q\\"=",b=""} 1\ny 2e3\n')]).toEqual([['x', new Set(['a', 'b'])], ['y', new Set()]])
})

test('the dashboard has panels with queries, told apart', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  for (const { title, targets } of dashboard.panels) {
    expect([title, targets.length > 0]).toEqual([title, true])
    for (const { expr, legendFormat } of targets) {
      const { metrics, labels } = askedBy(expr)
      expect(metrics.length).toBeGreaterThan(0)
      expect(labels).toContain('instance')
      // What a legend names must be left by the grouping.
      const grouped = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ')
      for (const [, name] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) if (grouped) expect(grouped).toContain(name!)
    }
  }
})
