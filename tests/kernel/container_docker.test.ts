/** Names from Docker's socket: a container's events wait for them, and a policy for an image holds as soon as the image is known. */
import { expect } from 'bun:test'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { missingForContainers, Runc } from './runc.ts'

const CONTAINERS = 6
const PROGRAM = 'build/program/setns'
/** How long the daemon thinks about an answer, in ms. */
const SLOW_MS = 100
/** The bound on waiting for an answer is another test's. */
const OTHERS = ['--enable-k8s-api=false', '--cri-endpoint=none', '--oci-state=none', '--container-wait=30s']

const POLICY = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: image}
spec:
  containerSelector: {matchLabels: {repo: docker.io/library/web}}
  kprobes:
  - call: sys_setns
    syscall: true
    args:
    - {index: 0, type: int}
    - {index: 1, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: ["4711"]}
      matchActions:
      - action: Sigkill
`

function idOf(n: number): string {
  return createHash('sha256').update(`docker ${n}`).digest('hex')
}

const missing = missingForContainers() ?? (fs.existsSync(PROGRAM) ? undefined : `no ${PROGRAM}`)

testWhere(
  missing,
  "short containers have the names and images of Docker's socket, and policies go by them",
  async () => {
    const directory = fs.mkdtempSync('/tmp/thump-docker-')
    fs.writeFileSync(path.join(directory, 'policy.yaml'), POLICY)
    const socket = path.join(directory, 'docker.sock')
    await using _server = Bun.serve({
      unix: socket,
      fetch: async (request) => {
        const id = new URL(request.url).pathname.split('/')[2]
        const n = Array.from({ length: CONTAINERS }, (_, i) => i).find((i) => idOf(i) === id)
        await Bun.sleep(SLOW_MS)
        if (n === undefined) return new Response('', { status: 404 })
        return Response.json({
          Name: `/name-${n}`,
          Image: `sha256:${n}`,
          Config: { Image: n % 2 === 0 ? 'web:1' : 'db:1' },
        })
      },
    })
    using runc = new Runc({ setns: PROGRAM })
    await using agent = await TestAgent.start([
      ...OTHERS,
      '--docker-endpoint',
      `unix:${socket}`,
      '--policies',
      directory,
    ])
    // Names first: events of containers that end before Docker has answered.
    for (let n = 0; n < CONTAINERS; n++) {
      const command = ['/bin/echo', `number-${n}-`]
      await runc.run({ id: idOf(n), cgroup: `/system.slice/docker-${idOf(n)}.scope`, command })
    }
    // Then the policy: who is to be killed tries until it is known; for the others half a second has to be enough.
    const statuses: number[] = []
    for (let n = 0; n < CONTAINERS; n++) {
      const again = 'i=0; until sleep 0.5; /bin/setns; s=$?; [ $s != 0 ] || [ $i = 60 ]; do i=$((i+1)); done; exit $s'
      const command = ['/bin/sh', '-c', n % 2 === 0 ? again : 'sleep 0.5; exec /bin/setns']
      statuses.push(await runc.status({ id: idOf(n), cgroup: `/system.slice/docker-${idOf(n)}.scope`, command }))
    }
    expect(statuses).toEqual(Array.from({ length: CONTAINERS }, (_, n) => n % 2 === 0 ? 137 : 0))
    await agent.run(['/bin/true', 'the end'])
    await agent.requireNoLoss()
    expect(await agent.stop()).toBe(0)
    const named = agent.events.filter(({ process }) => /number-\d+-/.test(process?.arguments ?? ''))
      .filter(({ process }) => process!.binary === '/bin/echo')
    expect(named).toHaveLength(2 * CONTAINERS)
    for (const { process, line } of named) {
      const n = Number(/number-(\d+)-/.exec(process!.arguments!)![1])
      const container = { id: idOf(n), name: `name-${n}`, image: n % 2 === 0 ? 'web:1' : 'db:1', runtime: 'docker' }
      expect((line['thump'] as { container: object }).container).toEqual(container)
    }
    fs.rmSync(directory, { recursive: true })
  },
)
