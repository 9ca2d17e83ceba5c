/** The agent notices programs of others at its hooks, and links of its own that somebody took away. */
import { expect, test } from 'bun:test'
import os from 'node:os'
import { TestAgent } from './agent.ts'
import { fdinfos } from './fdinfo.ts'

interface Feature {
  readonly state: string
  readonly reason: string
}

/** Asking looks anew, as the agent does once a minute. */
async function integrity(agent: TestAgent): Promise<Feature> {
  const list = await (await agent.request('/v1/coverage')).json() as ({ name: string } & Feature)[]
  const found = list.find(({ name }) => name === 'integrity')
  if (found === undefined) throw new Error('No feature "integrity"')
  return found
}

async function findings(agent: TestAgent): Promise<Record<string, number>> {
  const text = await (await agent.request('/metrics')).text()
  const lines = text.matchAll(/^thump_integrity_findings\{kind="(\w+)"\} (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, kind = '', count]) => [kind, Number(count)]))
}

const FOREIGN = 'another program is at a hook of this agent'
const OVER = 'a finding is over'
const CHANGED = 'something of this agent is not as it was loaded'

/** Before 5.13 the kernel says of raw tracepoints alone where they are. */
const TOLD_TYPES = os.release().startsWith('5.10.') ? /^link_type:\s*raw_tracepoint$/m : /^link_type:/m

/** Links of a process, as findings name them. Other agents may run on this machine, so only those of this test's own count. */
function linksOf(pid: number): string[] {
  return [...fdinfos(pid).values()].flatMap((text) => {
    const id = /^link_id:\s*(\d+)/m.exec(text)?.[1]
    return id === undefined || !TOLD_TYPES.test(text) ? [] : [`link ${id} has program `]
  })
}

test('programs of others at the hooks of an agent are told once, and when they are gone', async () => {
  await using agent = await TestAgent.start()
  expect((await integrity(agent)).reason).not.toContain('missing: ')
  let links: string[] = []
  const told = async (message: string, count: number): Promise<number[]> => {
    return await Promise.all(links.map(async (link) => (await agent.logged([message, link], count)).length))
  }
  {
    await using other = await TestAgent.start()
    links = linksOf(other.child.pid)
    expect(links.length).toBeGreaterThan(2) // exec, fork, exit at least
    const { state, reason } = await integrity(agent)
    expect([state, reason]).toEqual(['fallback', expect.stringContaining('foreign: link ')])
    expect((await findings(agent))['foreign']).toBeGreaterThanOrEqual(links.length)
    await integrity(agent)
    expect(await told(FOREIGN, 1)).toEqual(links.map(() => 1))
    expect(await told(OVER, 0)).toEqual(links.map(() => 0))
    await other.stop()
  }
  await integrity(agent)
  expect(await told(OVER, 1)).toEqual(links.map(() => 1))
  expect(await findings(agent)).toMatchObject({ missing: 0, changed: 0 })
})

/** Descriptors of links that a process holds. */
function linkDescriptors(pid: number): number[] {
  return [...fdinfos(pid)].filter(([, text]) => /^link_id:/m.test(text)).map(([fd]) => fd)
}

test('a link whose descriptor somebody had the agent close is told as missing', async () => {
  await using agent = await TestAgent.start()
  expect((await integrity(agent)).reason).not.toContain('missing: ')
  const [fd] = linkDescriptors(agent.child.pid)
  expect(fd).toBeDefined()
  let status: number | null = 4
  // The main thread waits in a system call most of the time.
  for (let i = 0; i < 50 && status === 4; i++) {
    status = Bun.spawnSync(['build/program/attack', 'close', String(agent.child.pid), String(fd)]).exitCode
    await Bun.sleep(20)
  }
  expect(status).toBe(0)
  const { state, reason } = await integrity(agent)
  expect([state, reason]).toEqual(['fallback', expect.stringContaining('missing: program ')])
  expect(await agent.logged([`"msg":"${CHANGED}"`])).toHaveLength(1)
  expect((await findings(agent))['missing']).toBe(1)
  agent.child.kill('SIGKILL') // closing a descriptor twice is no end in order
  await agent.child.exited
})
