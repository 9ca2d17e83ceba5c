/** Long lists of values: all 100,000 count, and what a map has no room for is refused with the limit, leaving nothing behind. */
import { expect, test } from 'bun:test'
import path from 'node:path'
import { Btf } from '../../ffi/btf.ts'
import { allocatesInTracepoints } from '../../src/sensor/preallocate.ts'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { askPolicies, hookBodies, loadPolicy, policyYaml, unloadPolicy } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')
const VALUES = 100_000
/** Parsing such a text takes an emulated guest a minute. */
const TEST_MS_MAX = 400_000
const roomy = allocatesInTracepoints(Btf.open()) ? 'maps that grow on demand (6.1) hold ten such lists' : undefined

/** A policy on opened files, for paths DIRECTORY/0 to DIRECTORY/99999. */
function opened(name: string, operator: string, directory: string): string {
  const values = Array.from({ length: VALUES }, (_, i) => `${directory}/${i}`)
  return policyYaml(
    name,
    `
kprobes:
- call: sys_openat
  syscall: true
  args: [{index: 1, type: string}]
  selectors:
  - matchArgs: [{index: 1, operator: ${operator}, values: [${values.join(', ')}]}]
`,
  )
}

function seek(name: string): string {
  const values = Array.from({ length: VALUES }, (_, i) => `"${1_000_000 + i * 3}"`)
  return policyYaml(
    name,
    `
kprobes:
- call: sys_lseek
  syscall: true
  args: [{index: 1, type: long}]
  selectors:
  - matchArgs: [{index: 1, operator: InMap, values: [${values.join(', ')}]}]
`,
  )
}

for (const [operator, last] of [['Equal', '/tmp/list/99999'], ['Prefix', '/tmp/list/99999x']] as const) {
  test(`${operator} of 100,000 paths matches the first and the last, and no others`, async () => {
    await using agent = await TestAgent.start()
    await loadPolicy(agent, opened('paths', operator, '/tmp/list'))
    const files = ['/tmp/list/0', last, '/tmp/list', '/tmp/lisu/1']
    const events = await agent.run([CALLS, ...files.flatMap((file) => ['open', file])])
    const seen = hookBodies(events, 'paths').map(({ args }) => (args as { string_arg: string }[])[0]?.string_arg)
    expect(seen).toEqual(['/tmp/list/0', last])
    await agent.requireNoLoss()
  }, TEST_MS_MAX)
}

test('InMap of 100,000 numbers matches the first and the last, and no others', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(agent, seek('numbers'))
  const offsets = ['1000000', '1299997', '1000001', '1300000']
  const events = await agent.run([CALLS, ...offsets.flatMap((offset) => ['lseek', offset, '0'])])
  expect(hookBodies(events, 'numbers').map(({ args }) => args)).toEqual([
    [{ long_arg: '1000000' }],
    [{ long_arg: '1299997' }],
  ])
  await agent.requireNoLoss()
}, TEST_MS_MAX)

test('more ranges than stand in a filter match what is in one of them', async () => {
  await using agent = await TestAgent.start()
  const hook = (operator: string, values: string) => `
kprobes:
- call: sys_lseek
  syscall: true
  args: [{index: 1, type: long}, {index: 2, type: int}]
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["4444"]}
    - {index: 1, operator: ${operator}, values: [${values}]}
`
  await loadPolicy(agent, policyYaml('in', hook('InMap', '"-7:-5", "1", "3", "5", "10:12"')))
  await loadPolicy(agent, policyYaml('out', hook('NotInRange', '"-7:-5", "1:1", "3:3", "5:5", "10:12"')))
  const offsets = ['-8', '-6', '0', '1', '2', '5', '9', '12', '13']
  const events = await agent.run([CALLS, ...offsets.flatMap((offset) => ['lseek', offset, '4444'])])
  const seen = (policy: string) =>
    hookBodies(events, policy).map(({ args }) => (args as { long_arg: string }[])[0]?.long_arg)
  expect(seen('in')).toEqual(['-6', '1', '5', '12'])
  expect(seen('out')).toEqual(['-8', '0', '2', '9', '13'])
  await agent.requireNoLoss()
}, TEST_MS_MAX)

testWhere(
  roomy,
  'a list that a map has no room for is refused with the limit, and leaves nothing in the map',
  async () => {
    await using agent = await TestAgent.start()
    await loadPolicy(agent, opened('first', 'Equal', '/tmp/first'))
    const refused = await askPolicies(agent, 'POST', '/v1/policies', opened('second', 'Equal', '/tmp/second'))
    expect(refused).toEqual({
      status: 422,
      body: [{
        file: 'http',
        line: 0,
        column: 0,
        message: expect.stringMatching(
          /^Cannot keep 100000 values: map "strings", which all policies share, holds \d+ on this kernel$/,
        ),
        caret: '',
      }],
    })
    const events = await agent.run([CALLS, 'open', '/tmp/first/99999', 'open', '/tmp/second/0'])
    expect(hookBodies(events, 'first').length).toBe(1)
    expect(hookBodies(events, 'second')).toEqual([])
    // Had the refused list left entries, there would be no room when the first is gone.
    await unloadPolicy(agent, 'first')
    await loadPolicy(agent, opened('third', 'Equal', '/tmp/third'))
    const again = await agent.run([CALLS, 'open', '/tmp/third/99999', 'open', '/tmp/first/99999'])
    expect(hookBodies(again, 'third').length).toBe(1)
    expect(hookBodies(again, 'first')).toEqual([])
    await agent.requireNoLoss()
  },
  TEST_MS_MAX,
)
