/** --keep-sensors-on-exit: what a policy forbids stays forbidden while no agent runs, and while the next one starts. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { keptPolicies, PIN_ROOT, removePinned } from '../../src/kernel/pins.ts'
import { TestAgent, type TestEvent } from './agent.ts'
import { call, OUTCOMES, policyOf } from './enforce.ts'

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
  return await killedPid() > 0
}

/** Of who called it and was killed; 0: it was not. */
async function killedPid(): Promise<number> {
  const child = Bun.spawn(['build/program/setns'])
  await child.exited
  return child.signalCode === 'SIGKILL' ? child.pid : 0
}

/** Kinds of lines about a process, in order, without its name: exec, hook, exit. */
function story(events: readonly TestEvent[], pid: number): string {
  return events.filter(({ process }) => process?.pid === pid).map(({ kind, body, line, process, parent }) => {
    expect([process?.binary, parent?.pid]).toEqual([
      expect.stringMatching(/build\/program\/setns$/),
      globalThis.process.pid,
    ])
    const thump = line['thump'] as Record<string, unknown>
    return [kind, body['policy_name'], body['signal'], thump['verdict']].filter((word) => word !== undefined).join(' ')
  }).join(', ')
}

function generations(): number {
  return fs.existsSync(PIN_ROOT) ? fs.readdirSync(PIN_ROOT).length : 0
}

function mine() {
  return keptPolicies().filter(({ policy }) => policy === 'kept.over-restarts')
}

test('a kept policy enforces after kill -9 of its agent, across the next start, until its pins are removed', async () => {
  for (const kept of mine()) removePinned(kept)
  // Room for what else starts on this machine while nobody reads.
  const flags = ['--keep-sensors-on-exit', '--rb-reserved-size', '64M']
  await using first = await TestAgent.start(flags)
  await call(first, 'POST', '/v1/policies', POLICY)
  const state = await call(first, 'GET', '/v1/policies/kept.over-restarts') as { verdict: string }
  expect(state).toMatchObject({ not_kept: [] })
  // Where the kernel lets system calls be refused (7.2) it does not happen either.
  const verdict = OUTCOMES[state.verdict]
  expect(await killed()).toBe(true)
  await first.stop('SIGKILL')
  const [old, ...more] = mine()
  expect(more.length).toBe(0)
  const alone: number[] = []
  for (let i = 0; i < 5; i++) alone.push(await killedPid())

  const during: number[] = []
  let through = 0
  let starting = true
  const loop = (async () => {
    while (starting) {
      const pid = await killedPid()
      if (pid > 0) during.push(pid)
      else through++
      await Bun.sleep(20) // a guest's agent wants to start, too
    }
  })()
  await using second = await TestAgent.start(flags)
  expect(await second.logged(['left pinned by a former agent'])).not.toEqual([])
  await call(second, 'POST', '/v1/policies', POLICY)
  starting = false
  await loop
  console.log(`${during.length} attempts across the restart, ${through} not killed`)
  expect([alone.every((pid) => pid > 0), through]).toEqual([true, 0])
  expect(await second.logged(['going on where a former agent stopped'])).not.toEqual([])
  await second.waitFor(({ kind, process }) => kind === 'process_exit' && process?.pid === during.at(-1))
  // The second agent tells of what happened while there was none, and of what happened while it started.
  const whole = `process_exec, process_kprobe kept.over-restarts ${verdict}, process_exit SIGKILL`
  expect(alone.map((pid) => story(second.events, pid))).toEqual(alone.map(() => whole))
  const hook = `process_kprobe kept.over-restarts ${verdict}`
  const twice = `process_exec, ${hook}, ${hook}, process_exit SIGKILL`
  const stories = during.map((pid) => story(second.events, pid))
  // Where one policy takes over from the other, a call may be seen by both.
  expect(stories.filter((each) => each !== whole && each !== twice)).toEqual([])
  expect(stories.filter((each) => each === twice).length).toBeLessThan(2)
  await second.requireNoLoss()
  const [now, ...others] = mine()
  expect([others.length, now?.generation === old?.generation]).toEqual([0, false])

  expect(await second.stop()).toBe(0)
  expect(await killed()).toBe(true)
  const doctor = Bun.spawnSync([process.execPath, 'src/cli/thump.ts', 'doctor'])
  expect(doctor.stdout.toString()).toContain('pinned: policy "kept.over-restarts" by agent ')
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
