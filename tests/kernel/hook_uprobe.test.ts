/** Policies on functions of programs. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { hookBodies, loadPolicy, policyYaml } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')

test('arguments of a function of a program are read and filtered', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'function',
      `
uprobes:
- path: ${CALLS}
  symbols: [hook_probe]
  args:
  - {index: 0, type: int64}
  - {index: 1, type: string}
  selectors:
  - matchArgs:
    - {index: 0, operator: Equal, values: ["-7"]}
`,
    ),
  )
  const events = await agent.run([CALLS, 'probe', '-7', 'seven', 'probe', '8', 'eight'])
  expect(hookBodies(events, 'function')).toEqual([{
    kind: 'process_uprobe',
    path: CALLS,
    symbol: 'hook_probe',
    policy_name: 'function',
    args: [{ long_arg: '-7' }, { string_arg: 'seven' }],
    action: 'KPROBE_ACTION_POST',
  }])
  await agent.requireNoLoss()
})

/** A stripped Go program that is at hand wherever this is developed. */
const GO_PROGRAM = path.resolve(`node_modules/@typescript/typescript-linux-${process.arch}/lib/tsc`)

testWhere(
  fs.existsSync(GO_PROGRAM) ? undefined : 'no stripped Go program',
  'functions of a stripped Go program are found by name',
  async () => {
    await using agent = await TestAgent.start()
    await loadPolicy(agent, policyYaml('go', `uprobes: [{path: ${GO_PROGRAM}, symbols: [main.main]}]`))
    const events = await agent.run([GO_PROGRAM, '--version'], { timeout_ms: 60_000 })
    expect(hookBodies(events, 'go')).toEqual([{
      kind: 'process_uprobe',
      path: GO_PROGRAM,
      symbol: 'main.main',
      policy_name: 'go',
      action: 'KPROBE_ACTION_POST',
    }])
  },
)
