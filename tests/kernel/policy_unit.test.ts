/** Policies for units of systemd: by the names of their cgroups, from the first instruction of a unit that starts later. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { TestAgent } from './agent.ts'
import { removeCgroup } from './cgroup.ts'
import { testWhere } from './need.ts'

const PROGRAM = `${process.cwd()}/build/program/setns`
const MEMORY = '/sys/fs/cgroup/memory'
const MOUNT = fs.existsSync(MEMORY) ? MEMORY : '/sys/fs/cgroup'
const SLICE = `${MOUNT}/thump.slice`
const TIMES = 20

function missing(): string | undefined {
  if (!fs.existsSync(PROGRAM)) return `no ${PROGRAM}`
  try {
    fs.mkdirSync(`${SLICE}/thump-probe.service`, { recursive: true })
    fs.rmdirSync(`${SLICE}/thump-probe.service`)
    return undefined
  } catch (error) {
    return `no cgroups to make: ${error instanceof Error ? error.message : error}`
  }
}

function policy(name: string, selector: string, inside = ''): string {
  return `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: ${name}}
spec:
  ${selector}
  kprobes:
  - call: sys_setns
    syscall: true
    args:
    - {index: 0, type: int}
    - {index: 1, type: int}
    selectors:
    - ${inside}
      matchArgs:
      - {index: 1, operator: Equal, values: ["4711"]}
      matchActions:
      - action: Sigkill
`
}

/** As systemd does it: the cgroup is made, a child moves into it and executes the service. 137 where it was killed. */
async function runIn(...path: string[]): Promise<number> {
  const directory = [SLICE, ...path].join('/')
  fs.mkdirSync(directory, { recursive: true })
  const child = Bun.spawn(['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$1"', directory, PROGRAM])
  const status = await child.exited
  for (let depth = path.length; depth > 0; depth--) await removeCgroup([SLICE, ...path.slice(0, depth)].join('/'))
  return status
}

async function change(agent: TestAgent, method: 'POST' | 'DELETE', what: string): Promise<void> {
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const answer = method === 'POST'
    ? await agent.request('/v1/policies', { method, headers: { authorization }, body: what })
    : await agent.request(`/v1/policies/${what}`, { method, headers: { authorization } })
  expect([method, answer.ok, answer.ok ? '' : await answer.text()]).toEqual([method, true, ''])
}

testWhere(
  missing(),
  `a policy for a unit covers it from the first instruction, ${TIMES} of ${TIMES} starts, and nobody else`,
  async () => {
    await using agent = await TestAgent.start()
    const [a, b] = ['thump-a.service', 'thump-b.service']
    await change(agent, 'POST', policy('unit', `hostSelector: {matchLabels: {unit: ${a}}}`))
    const statuses: number[] = []
    for (let n = 0; n < TIMES; n++) statuses.push(await runIn(a))
    expect(statuses).toEqual(Array(TIMES).fill(137))
    // What the unit makes inside is its own; another unit, the slice and the rest of the host are not.
    expect([await runIn(a, 'worker'), await runIn(b), await runIn('x.slice'), await Bun.spawn([PROGRAM]).exited])
      .toEqual([137, 0, 0, 0])
    await change(agent, 'DELETE', 'unit')
    expect(await runIn(a)).toBe(0)

    // All but some, and the whole host: units that a policy has named are of the host.
    const but = `hostSelector: {matchExpressions: [{key: unit, operator: NotIn, values: [${a}]}]}`
    await change(agent, 'POST', policy('but', but))
    expect([await runIn(a), await runIn(b), await Bun.spawn([PROGRAM]).exited]).toEqual([0, 137, 137])
    await change(agent, 'DELETE', 'but')
    await change(agent, 'POST', policy('host', 'hostSelector: {}'))
    expect([await runIn(a), await runIn(b)]).toEqual([137, 137])
    await change(agent, 'DELETE', 'host')

    // One selector of a policy that is for all.
    const inside = `matchWorkloads: {hostSelector: {matchLabels: {unit: ${b}}}}`
    await change(agent, 'POST', policy('inside', '', inside))
    expect([await runIn(a), await runIn(b), await Bun.spawn([PROGRAM]).exited]).toEqual([0, 137, 0])
    await agent.requireNoLoss()
    fs.rmdirSync(SLICE)
  },
)

testWhere(missing(), 'a unit that is older than the policy, and than the agent, is covered as well', async () => {
  const directory = `${SLICE}/thump-old.service`
  const stays = `${directory}/stays`
  fs.mkdirSync(stays, { recursive: true })
  await using agent = await TestAgent.start()
  await change(agent, 'POST', policy('old', 'hostSelector: {matchLabels: {unit: thump-old.service}}'))
  expect(await runIn('thump-old.service', 'stays')).toBe(137)
  await removeCgroup(stays)
  await removeCgroup(directory)
  fs.rmdirSync(SLICE)
})
