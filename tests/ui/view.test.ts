import { expect, test } from 'bun:test'
import { argumentText, rowOf, treeOf } from '../../src/ui/view.ts'

const process = { exec_id: 'x', pid: 7, binary: '/bin/a', arguments: '-b' }
const rest = { node_name: 'n', time: '2026-01-02T03:04:05.678901234Z' }

test('rowOf() shows what each kind is about', () => {
  expect(rowOf(JSON.stringify({ process_exec: { process }, ...rest }))).toEqual({
    kind: 'process_exec',
    time: '03:04:05.678',
    where: 'n',
    pid: '7',
    binary: '/bin/a',
    details: '-b',
    exec_id: 'x',
    mark: '',
  })
  const loader = { process_loader: { process }, node_name: 'n', thump: { time: rest.time } }
  expect(rowOf(JSON.stringify(loader))?.time).toBe('03:04:05.678')
  const row = (event: object) => rowOf(JSON.stringify({ ...event, ...rest }))
  expect(row({ process_exit: { process, signal: 'SIGKILL' } })?.details).toBe('SIGKILL')
  expect(row({ process_exit: { process, status: 3 } })?.details).toBe('status 3')
  const pod = { ...process, pod: { namespace: 'default', name: 'web' } }
  const hook = { function_name: 'fd_install', policy_name: 'files', action: 'KPROBE_ACTION_SIGKILL' }
  expect(row({ process_kprobe: { process: pod, ...hook, args: [{ int_arg: 3 }, { file_arg: { path: '/etc/x' } }] } }))
    .toMatchObject({ where: 'default/web', details: 'fd_install(3, /etc/x) · files · sigkill', mark: 'acted' })
  expect(row({ loss: { ring: 'telemetry', count: '5' } })).toMatchObject({
    details: 'ring telemetry, count 5',
    mark: 'loss',
    exec_id: '',
  })
})

test('argumentText() shortens objects to what matters', () => {
  expect(argumentText({ sock_arg: { saddr: '1.2.3.4', sport: 5, daddr: '6.7.8.9', dport: 10 } })).toBe(
    '1.2.3.4:5 -> 6.7.8.9:10',
  )
  expect(argumentText({ label: 'l', string_arg: 's' })).toBe('s')
  expect(argumentText({ capability_arg: { value: 21 } })).toBe('{"value":21}')
})

test('treeOf() puts the eldest first and the process between its ancestors and children', () => {
  const entry = (exec_id: string, ended = false) => ({ process: { exec_id, pid: 1, binary: exec_id }, ended })
  const answer = {
    ...entry('me'),
    parent: entry('p'),
    ancestors: [entry('p'), entry('g')],
    children: [entry('c', true)],
  }
  expect(treeOf(answer).map(({ depth, text, self }) => [depth, text, self])).toEqual([
    [0, '1 g', false],
    [1, '1 p', false],
    [2, '1 me', true],
    [3, '1 c (ended)', false],
  ])
  expect(treeOf({ ...entry('me'), parent: entry('p'), ancestors: [], children: [] }).map(({ text }) => text)).toEqual([
    '1 p',
    '1 me',
  ])
})
