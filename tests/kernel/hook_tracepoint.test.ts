/** Policies on tracepoints, classic and raw. */
import { expect, test } from 'bun:test'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { hookBodies, loadPolicy, policyYaml } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')

test('fields of a classic tracepoint are read and filtered', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'classic',
      `
tracepoints:
- subsystem: syscalls
  event: sys_enter_lseek
  args:
  - {index: 5, type: uint64}
  - {index: 6, type: int64}
  - {index: 7, type: uint64}
  selectors:
  - matchArgs:
    - {index: 7, operator: Equal, values: ["4711"]}
    matchBinaries:
    - {operator: In, values: ["${CALLS}"]}
`,
    ),
  )
  const events = await agent.run([CALLS, 'lseek', '-5', '4711', 'lseek', '1', '4712'])
  expect(hookBodies(events, 'classic')).toEqual([{
    kind: 'process_tracepoint',
    subsys: 'syscalls',
    event: 'sys_enter_lseek',
    args: [{ size_arg: expect.any(String) }, { long_arg: '-5' }, { size_arg: '4711' }],
    policy_name: 'classic',
    action: 'KPROBE_ACTION_POST',
  }])
  await agent.requireNoLoss()
})

test('arguments of a raw tracepoint are read, resolved and filtered', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'raw',
      `
tracepoints:
- subsystem: sched
  event: sched_process_exec
  raw: true
  args:
  - {index: 2, type: string, resolve: filename}
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["${CALLS}"]}
`,
    ),
  )
  const events = await agent.run(['/bin/sh', '-c', `${CALLS} lseek 1 1; /bin/true`])
  expect(hookBodies(events, 'raw')).toEqual([{
    kind: 'process_tracepoint',
    subsys: 'sched',
    event: 'sched_process_exec',
    args: [{ string_arg: CALLS }],
    policy_name: 'raw',
    action: 'KPROBE_ACTION_POST',
  }])
  await agent.requireNoLoss()
})

test('text in the record, pointers to bytes and what counts them are read', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'record',
      `
tracepoints:
- subsystem: task
  event: task_rename
  args:
  - {index: 5}
  - {index: 6, type: string}
  selectors:
  - matchArgs: [{index: 6, operator: Equal, values: [hook_calls]}]
- subsystem: sched
  event: sched_process_exec
  args: [{index: 4, type: string}]
  selectors:
  - matchArgs: [{index: 4, operator: Equal, values: ["${CALLS}"]}]
- subsystem: syscalls
  event: sys_enter_write
  args:
  - {index: 6, type: char_buf, sizeArgIndex: 8}
  - {index: 7, type: size_t}
  selectors:
  - matchArgs: [{index: 6, operator: Prefix, values: [counted]}]
- subsystem: syscalls
  event: sys_enter_write
  args: [{index: 6, sizeArgIndex: 8}]
  selectors:
  - matchArgs: [{index: 6, operator: Prefix, values: [inferred]}]
`,
    ),
  )
  const events = await agent.run([
    '/bin/sh',
    '-c',
    `${CALLS} write counted-bytes write other write inferred; /bin/true`,
  ])
  const seen = hookBodies(events, 'record').map(({ event, args }) => ({ event, args }))
  expect(seen).toEqual([
    { event: 'task_rename', args: [{ string_arg: 'sh' }, { string_arg: 'hook_calls' }] },
    { event: 'sched_process_exec', args: [{ string_arg: CALLS }] },
    {
      event: 'sys_enter_write',
      args: [{ bytes_arg: Buffer.from('counted-bytes').toString('base64') }, { size_arg: '13' }],
    },
    { event: 'sys_enter_write', args: [{ bytes_arg: btoa('inferred') }] },
  ])
  await agent.requireNoLoss()
})
