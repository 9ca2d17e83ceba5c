/** --keep-sensors-on-exit: what a policy forbids stays forbidden while no agent runs, and while the next one starts. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { keptPolicies, PIN_ROOT, removePinned } from '../../src/kernel/pins.ts'
import { TestAgent } from './agent.ts'
import { call, policyOf } from './enforce.ts'

const POLICY = policyOf(
  'kept.over-restarts',
  `  kprobes:
  - call: sys_setns
    syscall: true
    args:
    - {index: 1, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: ["4711"]}
      matchActions:
      - action: Sigkill
`,
)

/** setns(-1, 4711): true if whoever calls it is killed. */
async function killed(): Promise<boolean> {
  const child = Bun.spawn(['build/program/setns'])
  await child.exited
  return child.signalCode === 'SIGKILL'
}

function generations(): number {
  return fs.existsSync(PIN_ROOT) ? fs.readdirSync(PIN_ROOT).length : 0
}

function mine() {
  return keptPolicies().filter(({ policy }) => policy === 'kept.over-restarts')
}

test('a kept policy enforces after kill -9 of its agent, across the next start, until its pins are removed', async () => {
  for (const kept of mine()) removePinned(kept)
  const flags = ['--keep-sensors-on-exit']
  await using first = await TestAgent.start(flags)
  await call(first, 'POST', '/v1/policies', POLICY)
  expect(await call(first, 'GET', '/v1/policies/kept.over-restarts')).toMatchObject({ not_kept: [] })
  expect(await killed()).toBe(true)
  await first.stop('SIGKILL')
  const [old, ...more] = mine()
  expect([more.length, await killed()]).toEqual([0, true])

  let attempts = 0
  let through = 0
  let starting = true
  const loop = (async () => {
    while (starting) {
      attempts++
      if (!await killed()) through++
      await Bun.sleep(20) // a guest's agent wants to start, too
    }
  })()
  await using second = await TestAgent.start(flags)
  expect(second.stderr).toContain('left pinned by a former agent')
  await call(second, 'POST', '/v1/policies', POLICY)
  starting = false
  await loop
  console.log(`${attempts} attempts across the restart, ${through} not killed`)
  expect(through).toBe(0)
  const [now, ...others] = mine()
  expect([others.length, now?.generation === old?.generation]).toEqual([0, false])

  expect(await second.stop()).toBe(0)
  expect(await killed()).toBe(true)
  const client = Bun.spawnSync([process.execPath, 'src/cli/thump.ts', 'policy', 'delete', '--pinned'])
  expect(client.stdout.toString()).toContain('policy "kept.over-restarts" of agent')
  expect([mine(), await killed()]).toEqual([[], false])
})

test('a policy that is taken out leaves no pin, and enforces no more', async () => {
  await using agent = await TestAgent.start(['--keep-sensors-on-exit'])
  await call(agent, 'POST', '/v1/policies', POLICY)
  expect([mine().length, await killed()]).toEqual([1, true])
  await call(agent, 'DELETE', '/v1/policies/kept.over-restarts')
  expect([mine(), await killed()]).toEqual([[], false])
  const before = generations()
  await agent.stop()
  expect(before - generations()).toBe(1)
})
