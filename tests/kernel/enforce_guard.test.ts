/** Guards: who is not killed, how many are, and what may start in enforce mode. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { attempt, call, NO_REFUSING, OUTCOMES, policyOf, tellsOf } from './enforce.ts'
import { testWhere } from './need.ts'

const FILE = '/tmp/thump-enforce-guard'

function policy(name: string, selector: string, more = ''): string {
  return policyOf(
    name,
    `${more}  kprobes:
  - call: security_file_permission
    syscall: false
    args:
    - {index: 0, type: file}
    - {index: 1, type: int}
    selectors:
${selector}
      matchActions:
      - action: Sigkill
`,
  )
}

const WRITES = `    - matchArgs:
      - {index: 0, operator: Equal, values: ["${FILE}"]}
      - {index: 1, operator: Equal, values: ["2"]}`

testWhere(NO_REFUSING, 'a used up budget still refuses and no longer kills', async () => {
  fs.writeFileSync(FILE, 'x')
  await using agent = await TestAgent.start()
  await call(agent, 'POST', '/v1/policies', policy('budget', WRITES, '  killBudget: 3\n'))
  const { count } = await attempt({ how: 'fork', operation: 'in-place', target: FILE, count: 10, workers: 1 })
  expect(count).toEqual({ k: 3, r: 7 })
  const tells = await tellsOf(agent, 'budget', 0, (found) => found.length >= 10)
  expect(tells.map(({ verdict, spared }) => [verdict, spared])).toEqual([
    ...Array(3).fill(['prevented', undefined]),
    ...Array(7).fill(['prevented', 'budget']),
  ])
  expect(await agent.logged(['the budget of kills is used up: operations are still refused'])).toHaveLength(1)
})

/** setns(-1, 4711), which only fails where nobody kills who calls it. */
async function callSetns(): Promise<string> {
  const child = Bun.spawn(['build/program/setns'])
  await child.exited
  return String(child.signalCode ?? 'alive')
}

function setnsPolicy(name: string, more: string): string {
  return policyOf(
    name,
    `${more}  kprobes:
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
}

test('a policy that can only kill goes on killing beyond its budget, unless onBudget is monitor', async () => {
  await using agent = await TestAgent.start()
  const [loaded] = await call(agent, 'POST', '/v1/policies', setnsPolicy('kill-on', '  killBudget: 1\n')) as {
    verdict: string
  }[]
  // Where the kernel lets system calls be refused (7.2), a used up budget leaves them refused.
  const only_kills = loaded?.verdict === 'terminates'
  expect([await callSetns(), await callSetns()]).toEqual(['SIGKILL', only_kills ? 'SIGKILL' : 'alive'])
  await call(agent, 'DELETE', '/v1/policies/kill-on')
  await call(agent, 'POST', '/v1/policies', setnsPolicy('kill-one', '  killBudget: 1\n  onBudget: monitor\n'))
  expect([await callSetns(), await callSetns(), await callSetns()]).toEqual(['SIGKILL', 'alive', 'alive'])
  const tells = await tellsOf(agent, 'kill-one', 0, (found) => found.length >= 3)
  expect(tells.map(({ spared }) => spared)).toEqual([undefined, 'budget', 'budget'])
  expect(tells[0]?.verdict).toBe(OUTCOMES[loaded!.verdict]!)
  const said = only_kills ? 'onBudget is monitor: NOTHING is stopped' : 'operations are still refused'
  expect(await agent.logged([said, '"kill-one"'])).toHaveLength(1)
})

testWhere(
  NO_REFUSING,
  'a program of --never-kill, and the parents of the agent, are refused and not killed',
  async () => {
    fs.writeFileSync(FILE, 'x')
    await using agent = await TestAgent.start(['--never-kill', path.resolve('build/program/attempt')])
    await call(agent, 'POST', '/v1/policies', policy('spared', WRITES))
    const { count } = await attempt({ how: 'fork', operation: 'in-place', target: FILE, count: 5, workers: 1 })
    expect(count).toEqual({ r: 5 })
    expect(() => fs.writeFileSync(FILE, 'y', { flag: 'r+' })).toThrow('EPERM') // this test is the agent's parent
    const tells = await tellsOf(agent, 'spared', 0, (found) => found.length >= 6)
    expect(tells.map(({ verdict, spared }) => [verdict, spared])).toEqual(Array(6).fill(['prevented', 'protected']))
  },
)

const EVERYTHING = '    - matchActions:\n      - action: Sigkill\n'

testWhere(NO_REFUSING, 'what enforces on everything starts in monitor mode', async () => {
  await using agent = await TestAgent.start()
  const yaml = policyOf(
    'everything',
    `  kprobes:
  - call: security_inode_rmdir
    syscall: false
    selectors:
${EVERYTHING}`,
  )
  const loaded = await call(agent, 'POST', '/v1/policies', yaml) as { mode: string; warnings: string[] }[]
  const [state] = Array.isArray(loaded) ? loaded : [loaded]
  expect([state?.mode, state?.warnings?.join()]).toEqual(['monitor', expect.stringContaining('--allow-match-all')])
  fs.mkdirSync('/tmp/thump-enforce-directory', { recursive: true }) // a run that failed may have left it
  expect(Bun.spawnSync(['rmdir', '/tmp/thump-enforce-directory']).exitCode).toBe(0)
  const tells = await tellsOf(agent, 'everything', 0, (found) => found.length >= 1)
  expect(tells[0]).toMatchObject({ verdict: 'monitored', would: 'prevents' })
})
