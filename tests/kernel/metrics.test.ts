import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { renderMetrics } from '../../src/http/metrics.ts'
import { policyFamilies } from '../../src/main/metrics_policy.ts'
import { askedBy, exposed } from '../deploy/promql.ts'
import { TestAgent } from './agent.ts'

const ROOT = path.join(import.meta.dirname, '../..')

const POLICY = {
  name: 'p',
  namespace: '',
  state: 'enabled',
  hits: 1,
  posted: 1,
  kills: 0,
  overrides: 0,
  lost: 0,
  suppressed: 0,
  kernel_memory_bytes: 1,
  hooks: [{
    names: ['f'],
    event: 'process_kprobe',
    programs: [],
    selectors: [{ label: '', posted: 1, kills: 0, overrides: 0 }],
  }],
}

test('every query of the dashboard finds its metrics and labels on /metrics, and docs/metrics.md has every family', async () => {
  await using agent = await TestAgent.start(['--export-rate-limit', '1000000'])
  await agent.run(['/bin/true'])
  const text = await (await agent.request('/metrics')).text()
  // Not every kernel takes a policy: these are rendered from what /v1/policies would show.
  const of_policies = renderMetrics(policyFamilies([POLICY]), 'thump') +
    'thump_policy_events_total{policy="p",hook="h",node_name="",namespace="",workload="",pod="",binary=""} 1\n'
  const metrics = exposed(text + of_policies)
  const dashboard = JSON.parse(fs.readFileSync(path.join(ROOT, 'deploy/grafana/thump.json'), 'utf8')) as {
    panels: { targets: { expr: string }[] }[]
  }
  const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  expect(queries.length).toBeGreaterThan(20)
  for (const query of queries) {
    const asked = askedBy(query)
    for (const name of asked.metrics) {
      const labels = metrics.get(name)
      expect([query, name, labels !== undefined]).toEqual([query, name, true])
      for (const label of asked.labels) if (label !== 'instance') expect([...labels!]).toContain(label)
    }
  }
  const documented = fs.readFileSync(path.join(ROOT, 'docs/metrics.md'), 'utf8')
  const missing = [...metrics.keys()].filter((name) => !documented.includes(`\`${name.replace(/^thump_/, '')}`))
  expect(missing).toEqual([])
  expect(text).toContain('thump_events_total{type="process_exec",node_name="')
  expect(Number(/^thump_ready (\d)$/m.exec(text)?.[1])).toBe(1)
})

test('--metrics-prefix and the labels of event metrics', async () => {
  await using agent = await TestAgent.start(['--metrics-prefix', 'tetragon', '--metrics-label-filter', 'namespace'])
  await agent.run(['/bin/true'])
  const metrics = exposed(await (await agent.request('/metrics')).text())
  for (const name of ['events_total', 'msg_op_total', 'process_cache_size', 'build_info', 'events_exported_total']) {
    expect([...metrics.keys()]).toContain(`tetragon_${name}`)
  }
  expect([...metrics.keys()].filter((name) => name.startsWith('thump_'))).toEqual([])
})
