/** Containers that execute something and are gone at once: every event says whose it is, and none says it wrongly. */
import { expect } from 'bun:test'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { TestAgent, type TestEvent } from './agent.ts'
import { removeCgroup } from './cgroup.ts'
import { testWhere } from './need.ts'
import { missingForContainers, Runc } from './runc.ts'

/** More by THUMP_TEST_CONTAINERS: 1,000 take some two minutes. */
const CONTAINERS = Number(process.env.THUMP_TEST_CONTAINERS ?? 100)
const AT_ONCE = 3
/** An emulated machine starts one or two a second. */
const MINUTES = 6
const UID = '8f6e7a52-1111-4222-8333-444455556666'

function hex(n: number): string {
  return createHash('sha256').update(`container ${n}`).digest('hex')
}

function runs(...command: readonly string[]): boolean {
  return fs.readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && fs.readFileSync(`/proc/${name}/cmdline`, 'utf8') === command.join('\0') + '\0'
    } catch {
      return false // ended meanwhile
    }
  })
}

/** How runtimes name cgroups; the last is what `runc run NAME` makes. */
const FORMS: readonly ((id: string) => string)[] = [
  (id) => `/kubepods/burstable/pod${UID}/${id}`,
  (id) => `/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope`,
  (id) => `/kubepods.slice/kubepods-besteffort.slice/crio-${id}.scope`,
  (id) => `/docker/${id}`,
  (id) => `/system.slice/docker-${id}.scope`,
  (id) => `/libpod_parent/libpod-${id}`,
  (id) => `/${id}`,
]

interface Found {
  readonly docker: string | undefined
  readonly id: string | undefined
}

function containerOf({ process, line }: TestEvent): Found {
  const thump = line.thump as { container?: { id: string } }
  return { docker: process?.docker as string | undefined, id: thump.container?.id }
}

testWhere(missingForContainers(), `${CONTAINERS} short containers are each named right`, async () => {
  using runc = new Runc()
  await using agent = await TestAgent.start([
    '--cri-endpoint',
    'none',
    '--docker-endpoint',
    'none',
    '--oci-state',
    'none',
  ])
  let next = 0
  const ids: string[] = []
  const worker = async () => {
    while (next < CONTAINERS) {
      const n = next++
      // Every other round a name instead of an id.
      const named = n % (FORMS.length + 1) === FORMS.length
      const id = named ? `thump-test-${n}-` : hex(n)
      ids.push(id)
      const cgroup = named ? `/${id}` : FORMS[n % (FORMS.length + 1)]!(id)
      await runc.run({ id, cgroup, command: ['/bin/sh', '-c', `/bin/true ${id}; exec /bin/echo ${id}`] })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const last = await agent.run(['/bin/true', 'the end'])
  expect(last.length).toBe(2)

  const wrong: unknown[] = []
  const count = { exec: 0, exit: 0 }
  for (const event of agent.events) {
    const { process, kind } = event
    // runc moves its own first stage into the cgroup at a moment of its choice.
    if (process === undefined || kind === 'loss' || process.arguments === 'init') continue
    const words = process.arguments ?? ''
    const inside = ids.find((id) => words.includes(id)) !== undefined && process.binary?.startsWith('/bin/') === true
    const expected = inside ? ids.find((id) => words.includes(id)) : undefined
    const { docker, id } = containerOf(event)
    // Somebody else's container, on a machine that has others.
    if (expected === undefined && !ids.includes(id ?? '')) continue
    const cut = expected === undefined || expected.startsWith('thump-') ? undefined : expected.slice(0, 31)
    if (id !== expected || docker !== cut) wrong.push({ kind, binary: process.binary, words, docker, id, expected })
    if (inside && kind === 'process_exec') count.exec++
    if (inside && kind === 'process_exit') count.exit++
  }
  expect(wrong.slice(0, 10)).toEqual([])
  expect(count).toEqual({ exec: 3 * ids.length, exit: 2 * ids.length })
  await agent.requireNoLoss()
}, MINUTES * 60_000)

testWhere(
  missingForContainers(),
  'a command that enters a container, and cgroups inside it, are the container’s',
  async () => {
    using runc = new Runc()
    await using agent = await TestAgent.start([
      '--cri-endpoint',
      'none',
      '--docker-endpoint',
      'none',
      '--oci-state',
      'none',
    ])
    const id = hex(100_000)
    const child = runc.start({ id, cgroup: `/docker/${id}`, command: ['/bin/sleep', '1000'] })
    await agent.waitFor(({ process }) => process?.arguments === '1000' && process.binary === '/bin/sleep')
    expect(await runc.exec(id, ['/bin/echo', 'entered'])).toBe(0)
    const entered = await agent.waitFor(({ process }) => process?.arguments === 'entered')
    expect(containerOf(entered)).toEqual({ docker: id.slice(0, 31), id })
    await runc.stop(id)
    await child.exited
    const exit = await agent.waitFor(({ kind, process }) => kind === 'process_exit' && process?.arguments === '1000')
    expect(exit.body.signal).toBe('SIGKILL')
    expect(containerOf(exit)).toEqual({ docker: id.slice(0, 31), id })
  },
)

testWhere(
  missingForContainers(),
  'an agent in a cgroup namespace of its own knows containers older than itself',
  async () => {
    using runc = new Runc()
    const id = hex(200_000)
    const child = runc.start({ id, cgroup: `/docker/${id}`, command: ['/bin/sleep', '1000'] })
    while (!runs('/bin/sleep', '1000')) await Bun.sleep(50)
    const command = 'mkdir -p $0/thump-test-agent && echo $$ > $0/thump-test-agent/cgroup.procs && exec unshare -C "$@"'
    const memory = '/sys/fs/cgroup/memory'
    const hierarchy = fs.existsSync(memory) ? memory : '/sys/fs/cgroup'
    await using agent = await TestAgent.start(['--cri-endpoint', 'none'], { prefix: ['sh', '-c', command, hierarchy] })
    const older = await agent.waitFor(({ process }) =>
      process?.arguments === '1000' && process.flags?.startsWith('procFS') === true &&
      process.docker === id.slice(0, 31)
    )
    expect(containerOf(older)).toEqual({ docker: id.slice(0, 31), id })
    await agent.stop()
    await runc.stop(id)
    await child.exited
    await removeCgroup(`${hierarchy}/thump-test-agent`)
  },
)
