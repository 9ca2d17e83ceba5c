import { expect, test } from 'bun:test'
import type { EventLine, EventMeta, ImageReference, Pod, ProcessReference } from '../../src/event/type.ts'
import { EventMetrics, hookOf, SERIES_MAX } from '../../src/main/metrics_event.ts'

function image(binary: string, pod?: Pod): ImageReference {
  return {
    binary,
    pod,
    arguments: '',
    cwd: '/',
    uid: 0,
    auid: 0,
    docker: '',
    cgroup_id: 0,
    capabilities: undefined,
    environment: undefined,
  }
}

function event(of: ImageReference, changes: Partial<EventMeta> = {}, line = '{}'): EventLine {
  const process = { image: of, flags: 'execve clone', pid: 1 } as ProcessReference
  return { line, meta: { type: 'process_exec', ktime_ns: 0, seq: 1, process, policy: undefined, ...changes } }
}

type Sample = Readonly<Record<string, string | number>> & { readonly value: number }

function samples(metrics: EventMetrics, name: string): Sample[] {
  const family = metrics.families().find((each) => each.name === name)
  return (family?.samples ?? []).map(({ labels, value }) => ({ ...labels, value }))
}

test('EventMetrics counts by kind, binary and pod', () => {
  const metrics = new EventMetrics('n', ['namespace', 'workload', 'pod', 'binary'])
  const pod = { namespace: 'default', name: 'web-1', workload: 'web' }
  const one = image('/bin/a', pod)
  metrics.count(event(one))
  metrics.count(event(one))
  metrics.count(event(image('/bin/a', pod), { type: 'process_exit' }))
  expect(samples(metrics, 'events_total')).toEqual([
    {
      type: 'process_exec',
      node_name: 'n',
      namespace: 'default',
      workload: 'web',
      pod: 'web-1',
      binary: '/bin/a',
      value: 2,
    },
    {
      type: 'process_exit',
      node_name: 'n',
      namespace: 'default',
      workload: 'web',
      pod: 'web-1',
      binary: '/bin/a',
      value: 1,
    },
  ])
  expect(samples(metrics, 'flags_total')).toEqual([{ type: 'execve', value: 2 }, { type: 'clone', value: 2 }])
})

test('EventMetrics leaves labels empty that are not wanted', () => {
  const metrics = new EventMetrics('n', ['namespace'])
  metrics.count(event(image('/bin/a')))
  metrics.count(event(image('/bin/b')))
  expect(samples(metrics, 'events_total')).toMatchObject([{ binary: '', namespace: '', value: 2 }])
})

test('EventMetrics is bounded: what comes after the last series is counted together, and nothing is lost', () => {
  const metrics = new EventMetrics('n', ['binary'])
  const many = SERIES_MAX + 500
  for (let i = 0; i < many; i++) metrics.count(event(image(`/bin/${i}`), { policy: 'p' }, '{"function_name":"f"}'))
  for (const name of ['events_total', 'policy_events_total']) {
    const all = samples(metrics, name)
    expect(all.length).toBe(SERIES_MAX + 1)
    expect(all.reduce((sum, { value }) => sum + value, 0)).toBe(many)
    expect(all.at(-1)).toMatchObject({ binary: '(others)', value: 500 })
  }
})

test('EventMetrics notices that the pod of an image became known', () => {
  const metrics = new EventMetrics('n', ['pod'])
  const changing: { pod: Pod | undefined } & ImageReference = image('/bin/a') as never
  metrics.count(event(changing))
  changing.pod = { name: 'late' }
  metrics.count(event(changing))
  expect(samples(metrics, 'events_total').map(({ pod, value }) => [pod, value])).toEqual([
    ['', 1],
    ['late', 1],
  ])
})

test('hookOf() names the hook and is not fooled by arguments', () => {
  const line = (body: object) => JSON.stringify({ x: { process: { arguments: '"function_name":"fake"' }, ...body } })
  expect(hookOf('process_kprobe', line({ function_name: 'fd_install' }))).toBe('kprobe:fd_install')
  expect(hookOf('process_lsm', line({ function_name: 'file_open' }))).toBe('lsm:file_open')
  expect(hookOf('process_tracepoint', line({ subsys: 'sched', event: 'sched_switch' }))).toBe(
    'tracepoint:sched/sched_switch',
  )
  expect(hookOf('process_uprobe', line({ path: '/bin/x', symbol: 'main' }))).toBe('uprobe:main')
})
