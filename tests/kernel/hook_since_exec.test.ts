/** What changed since a program was started: a change is one until an event tells of it. */
import { expect, test } from 'bun:test'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { hookBodies, loadPolicy, policyYaml, unloadPolicy } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')

function policy(name: string, change: string, first = ''): string {
  return policyYaml(
    name,
    `
kprobes:
- call: sys_lseek
  syscall: true
  args:
  - {index: 1, type: int}
  - {index: 2, type: int}
  selectors:
${first}
  - matchArgs: [{index: 2, operator: Equal, values: ["4711"]}]
    ${change}
`,
  )
}

const NAMESPACE = 'matchNamespaceChanges: [{operator: In, values: [Uts]}]'
const CAPABILITY = 'matchCapabilityChanges: [{type: Effective, operator: In, values: [CAP_SYS_ADMIN]}]'
const SPARES = '  - matchArgs: [{index: 1, operator: Equal, values: ["3"]}]\n    matchActions: [{action: NoPost}]'

for (
  const [what, change, step] of [
    ['namespace', NAMESPACE, ['unshare']],
    ['set of capabilities', CAPABILITY, ['become', '65534']],
  ] as const
) {
  test(`a changed ${what} is told once, by the first call that matches in all`, async () => {
    await using agent = await TestAgent.start()
    const seek = (offset: string, whence: string) => ['lseek', offset, whence]
    const told = async (first?: string) => {
      await loadPolicy(agent, policy('changed', change, first))
      const events = await agent.run([
        CALLS,
        ...seek('1', '4711'),
        ...step,
        ...seek('2', '4712'), // another argument
        ...seek('3', '4711'),
        ...seek('4', '4711'),
        ...seek('5', '4711'),
      ])
      await unloadPolicy(agent, 'changed')
      return hookBodies(events, 'changed').map(({ args }) => (args as { int_arg?: number }[])[0]!.int_arg)
    }
    expect(await told()).toEqual([3])
    expect(await told(`${SPARES}\n    ${change}`)).toEqual([4])
    await agent.requireNoLoss()
  })
}
