/** Policies for some pods, some containers, or the host: enforced there from the first instruction and nowhere else. */
import { expect } from 'bun:test'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { FakeApiServer } from '../kube/server.ts'
import { TestAgent } from './agent.ts'
import { removeCgroup } from './cgroup.ts'
import { testWhere } from './need.ts'
import { missingForContainers, Runc } from './runc.ts'

const PODS = '/api/v1/pods'
const FLAGS = ['--enable-k8s-api', 'true', '--cri-endpoint', 'none', '--docker-endpoint', 'none', '--oci-state', 'none']
/** Of which the policy is for every fifth. */
const CONTAINERS = 10

interface Workload {
  readonly id: string
  readonly uid: string
  readonly namespace: string
  readonly app: string
  readonly cgroup: string
}

function workload(n: number, namespace: string, app: string): Workload {
  const id = createHash('sha256').update(`workload ${n}`).digest('hex')
  const uid = `${id.slice(0, 8)}-1111-4222-8333-${id.slice(8, 20)}`
  return { id, uid, namespace, app, cgroup: `/kubepods/besteffort/pod${uid}/${id}` }
}

function pod({ id, uid, namespace, app }: Workload) {
  return {
    metadata: { name: `${app}-${id.slice(0, 5)}`, namespace, uid, labels: { app } },
    spec: { nodeName: 'node', containers: [{ name: app, image: `${app}:1` }] },
    status: { containerStatuses: [{ name: app, containerID: `containerd://${id}`, image: `${app}:1`, imageID: 'x' }] },
  }
}

function policy(kind: string, metadata: string, selectors: string): string {
  return `apiVersion: cilium.io/v1alpha1
kind: ${kind}
metadata:
  ${metadata}
spec:
${selectors}
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
}

async function load(agent: TestAgent, yaml: string): Promise<void> {
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const answer = await agent.request('/v1/policies', { method: 'POST', headers: { authorization }, body: yaml })
  expect([answer.status, await answer.text()]).toEqual([201, expect.any(String)])
}

async function unload(agent: TestAgent, name: string): Promise<void> {
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const answer = await agent.request(`/v1/policies/${encodeURIComponent(name)}`, {
    method: 'DELETE',
    headers: { authorization },
  })
  expect(answer.status).toBeLessThan(300)
}

/** busybox' nsenter calls setns(fd, 0); ours must have the number of the policy, so a program of the test's does it. */
const PROGRAM = 'build/program/setns'

function missing(): string | undefined {
  return missingForContainers() ?? (fs.existsSync(PROGRAM) ? undefined : `no ${PROGRAM}`)
}

/** Exit status or signal of the program in a container: 137 when it was killed. */
async function runIn(runc: Runc, { id, cgroup }: Workload): Promise<number> {
  return await runc.status({ id, cgroup, command: ['/bin/setns'] })
}

/** The same once it is `wanted`: the agent hears of a change when the API server's watch tells it. */
async function runUntil(runc: Runc, workload: Workload, wanted: number): Promise<number> {
  for (const until = performance.now() + 60_000;; await Bun.sleep(100)) {
    const status = await runIn(runc, workload)
    if (status === wanted || performance.now() > until) return status
  }
}

testWhere(missing(), 'a namespaced policy with Sigkill hits the selected pods and nobody else', async () => {
  await using server = new FakeApiServer()
  const workloads = Array.from({ length: CONTAINERS }, (_, n) => {
    const [namespace, app] = [['shop', 'web'], ['shop', 'db'], ['blog', 'web'], ['blog', 'db'], ['shop', 'job']][n % 5]!
    return workload(n, namespace!, app!)
  })
  for (const each of workloads) server.put(PODS, pod(each))
  using runc = new Runc({ setns: PROGRAM })
  await using agent = await TestAgent.start([...FLAGS, '--k8s-api-server', server.url])
  const selector = '  podSelector: {matchLabels: {app: web}}'
  await load(agent, policy('TracingPolicyNamespaced', 'name: no-setns\n  namespace: shop', selector))
  const statuses = []
  for (const each of workloads) statuses.push(`${each.namespace}/${each.app} ${await runIn(runc, each)}`)
  expect(statuses).toEqual(workloads.map(({ namespace, app }) => {
    return `${namespace}/${app} ${namespace === 'shop' && app === 'web' ? 137 : 0}`
  }))
  // Nor the host.
  expect(await Bun.spawn([PROGRAM]).exited).toBe(0)
  // A pod whose labels change is in, and out again.
  const changing = workloads[1]!
  server.put(PODS, pod({ ...changing, app: 'web' }))
  expect(await runUntil(runc, changing, 137)).toBe(137)
  server.put(PODS, pod(changing))
  expect(await runUntil(runc, changing, 0)).toBe(0)
  await unload(agent, 'shop/no-setns')
  expect(await runIn(runc, workloads[0]!)).toBe(0)
  const killed = agent.events.filter(({ kind }) => kind === 'process_kprobe')
  expect(new Set(killed.map(({ process }) => (process?.pod as { namespace: string } | undefined)?.namespace)))
    .toEqual(new Set(['shop']))
  await agent.requireNoLoss()
})

testWhere(missing(), 'a policy for the host alone, and one for containers by name, without Kubernetes', async () => {
  using runc = new Runc({ setns: PROGRAM })
  const none = [
    '--enable-k8s-api',
    'false',
    '--cri-endpoint',
    'none',
    '--docker-endpoint',
    'none',
    '--oci-state',
    'none',
  ]
  await using agent = await TestAgent.start(none)
  const [web, db] = [{ id: 'thump-web', cgroup: '/thump-web' }, { id: 'thump-db', cgroup: '/thump-db' }]
  const status = (each: { id: string; cgroup: string }) => runc.status({ ...each, command: ['/bin/setns'] })

  await load(agent, policy('TracingPolicy', 'name: host', '  hostSelector: {}'))
  expect([await Bun.spawn([PROGRAM]).exited, await status(web)]).toEqual([137, 0])
  await unload(agent, 'host')

  await load(agent, policy('TracingPolicy', 'name: web', '  containerSelector: {matchLabels: {name: thump-web}}'))
  expect([await Bun.spawn([PROGRAM]).exited, await status(web), await status(db)]).toEqual([0, 137, 0])
  await unload(agent, 'web')

  // The same for one selector of a policy that is for all.
  const workloads = '- matchWorkloads: {containerSelector: {matchLabels: {name: thump-db}}}\n      matchArgs:'
  await load(agent, policy('TracingPolicy', 'name: db', '').replace('- matchArgs:', workloads))
  expect([await Bun.spawn([PROGRAM]).exited, await status(web), await status(db)]).toEqual([0, 0, 137])
})

/** An agent with a cgroup namespace of its own, as a pod has it on cgroup version 2. */
const IN_NAMESPACE = [
  'sh',
  '-c',
  'mkdir -p $0/thump-test && echo $$ > $0/thump-test/cgroup.procs && exec unshare -C "$@"',
]

testWhere(
  missing(),
  'a container older than the agent is no part of the host, though nothing executes in it',
  async () => {
    const memory = '/sys/fs/cgroup/memory'
    const hierarchy = fs.existsSync(memory) ? memory : '/sys/fs/cgroup'
    using runc = new Runc({ setns: PROGRAM })
    const id = createHash('sha256').update('older').digest('hex')
    const child = runc.start({ id, cgroup: `/docker/${id}`, command: ['/bin/setns', 'older'] })
    let pid: number | undefined
    while (pid === undefined) {
      await Bun.sleep(50)
      pid = pidOf('/bin/setns\0older\0')
    }
    const none = [
      '--enable-k8s-api',
      'false',
      '--cri-endpoint',
      'none',
      '--docker-endpoint',
      'none',
      '--oci-state',
      'none',
    ]
    await using agent = await TestAgent.start(none, { prefix: [...IN_NAMESPACE, hierarchy] })
    await load(agent, policy('TracingPolicy', 'name: host', '  hostSelector: {}'))
    process.kill(pid, 'SIGUSR1')
    expect(await child.exited).toBe(0)
    expect(await Bun.spawn([PROGRAM]).exited).toBe(137)
    await agent.stop()
    await removeCgroup(`${hierarchy}/thump-test`)
  },
)

function pidOf(command_line: string): number | undefined {
  for (const name of fs.readdirSync('/proc')) {
    try {
      if (/^\d+$/.test(name) && fs.readFileSync(`/proc/${name}/cmdline`, 'utf8') === command_line) return Number(name)
    } catch {
      continue // ended meanwhile
    }
  }
  return undefined
}
