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
