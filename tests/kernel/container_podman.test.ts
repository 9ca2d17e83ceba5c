/** Podman's containers: short ones are named right, what looks after them (conmon) is not taken for them. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { missingForContainers, Runc } from './runc.ts'

/** Each takes about a second. */
const CONTAINERS = Number(process.env.THUMP_TEST_PODMAN ?? 50)
const MINUTES = 6

/** Where there is no systemd, no journal and no crun that takes hybrid cgroups. */
const CONFIGURATION = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=20000:20000","nproc=32768:32768"]
`

const missing = Bun.which('podman') === null ? 'no podman' : missingForContainers()

testWhere(missing, `${CONTAINERS} short containers of podman are each named right`, async () => {
  using runc = new Runc()
  const configuration = path.join(runc.rootfs, '../containers.conf')
  fs.writeFileSync(configuration, CONFIGURATION)
  const podman = (...args: string[]) =>
    Bun.spawn(['podman', ...args], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, CONTAINERS_CONF: configuration },
    })
  await using agent = await TestAgent.start([
    '--cri-endpoint',
    'none',
    '--docker-endpoint',
    'none',
    '--oci-state',
    'none',
  ])
  const ids: string[] = []
  for (let n = 0; n < CONTAINERS; n++) {
    const cidfile = path.join(runc.rootfs, `../cid${n}`)
    const command = ['/bin/sh', '-c', `/bin/true number-${n}-; exec /bin/echo number-${n}-`]
    const child = podman('run', '--rm', '--network', 'none', '--cidfile', cidfile, '--rootfs', runc.rootfs, ...command)
    const [status, errors] = await Promise.all([child.exited, new Response(child.stderr).text()])
    expect([status, errors]).toEqual([0, expect.any(String)])
    ids.push(fs.readFileSync(cidfile, 'utf8').trim())
  }
  await agent.run(['/bin/true', 'the end'])
  let inside = 0
  for (const { process } of agent.events) {
    const number = /number-(\d+)-/.exec(process?.arguments ?? '')?.[1]
    const expected = number === undefined || !/^\/bin\/(sh|true|echo)$/.test(process!.binary!)
      ? undefined
      : ids[Number(number)]
    if (expected !== undefined) {
      inside++
      expect(process?.docker).toBe(expected.slice(0, 31))
    }
    if (/\/conmon$/.test(process?.binary ?? '')) expect(process?.docker).toBeUndefined()
  }
  expect(inside).toBe(5 * CONTAINERS)
}, MINUTES * 60_000)
