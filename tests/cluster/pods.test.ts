/** Names of pods from a real API server: through changes of pods, a lost server, an expired token and a history that is gone. */
import { expect } from 'bun:test'
import { TestAgent, type TestProcess } from '../kernel/agent.ts'
import { testWhere } from '../kernel/need.ts'
import { missingForContainers, Runc } from '../kernel/runc.ts'
import { Account, USERNAME } from './account.ts'
import { Cluster, eventually, missingForCluster, OURS } from './cluster.ts'
import { addNamespace, addNode, addPod, type ClusterPod, NODE, removePod } from './workload.ts'

/** Seconds without a server; the minute by THUMP_TEST_OUTAGE. */
const OUTAGE_SECONDS = Number(process.env.THUMP_TEST_OUTAGE ?? 12)
const missing = missingForCluster() ?? missingForContainers()
const WITHOUT_RUNTIME = ['--cri-endpoint', 'none', '--docker-endpoint', 'none', '--oci-state', 'none']

function flags(cluster: Cluster, account: Account): string[] {
  const api = ['--enable-k8s-api', 'true', '--k8s-api-server', cluster.url, '--k8s-service-account', account.directory]
  return [...api, ...WITHOUT_RUNTIME, ...OURS]
}

interface Watched {
  readonly agent: TestAgent
  readonly runc: Runc
}

let runs = 0

/** Runs a command in the pod's container and gives the process of its exec event. */
async function execIn({ agent, runc }: Watched, { id, cgroup }: ClusterPod): Promise<TestProcess> {
  const word = `run-${runs++}-`
  await runc.run({ id, cgroup, command: ['/bin/echo', word] })
  const wanted = await agent.waitFor(({ kind, process }) => {
    return kind === 'process_exec' && process?.binary === '/bin/echo' && process.arguments === word
  })
  return wanted.process!
}

/** The same until the event says what is wanted, or the last answer. */
async function execUntil(
  watched: Watched,
  pod: ClusterPod,
  wanted: (process: TestProcess) => boolean,
): Promise<TestProcess> {
  const until = performance.now() + 60_000
  for (;;) {
    const process = await execIn(watched, pod)
    if (wanted(process) || performance.now() > until) return process
    await Bun.sleep(200)
  }
}

testWhere(missing, 'pods that are created, labelled, deleted and made anew are told as they are', async () => {
  await using cluster = await Cluster.start()
  const account = new Account(cluster)
  addNode(cluster, NODE)
  addNamespace(cluster, 'shop')
  using runc = new Runc()
  // Of a pod that was made a moment ago the server tells when it can.
  const wait = ['--container-wait', '10s']
  await using agent = await TestAgent.start([...flags(cluster, account), ...wait], { env: { NODE_NAME: NODE } })
  const watched = { agent, runc }

  const labels = { app: 'web', 'pod-template-hash': '7d9c5b6f4' }
  const first = addPod(cluster, { name: 'web-7d9c5b6f4-abcde', labels, owner: 'ReplicaSet/web-7d9c5b6f4' })
  const expected = {
    namespace: 'shop',
    name: 'web-7d9c5b6f4-abcde',
    uid: first.uid,
    workload: 'web',
    workload_kind: 'Deployment',
    pod_labels: labels,
    container: {
      id: `containerd://${first.id}`,
      name: 'app',
      image: { id: 'web-7d9c5b6f4-abcde@sha256:1', name: 'web-7d9c5b6f4-abcde:1' },
      start_time: '2026-11-22T14:00:00Z',
    },
  }
  expect((await execIn(watched, first)).pod).toMatchObject(expected)

  cluster.kubectl(['label', 'pod', 'web-7d9c5b6f4-abcde', '-n', 'shop', 'tier=front', 'app=shop', '--overwrite'])
  const labelled = await execUntil(watched, first, ({ pod }) => JSON.stringify(pod).includes('front'))
  expect(labelled.pod).toMatchObject({ pod_labels: { app: 'shop', tier: 'front' } })

  // A pod of another node is none of ours: its name is not known here, so that nothing wrong can be told.
  const elsewhere = addPod(cluster, { name: 'elsewhere', node: 'node-2' })
  const other = await execIn(watched, elsewhere)
  expect([other.pod, other.docker]).toEqual([undefined, elsewhere.id.slice(0, 31)])

  // The same name again is another pod.
  const before = addPod(cluster, { name: 'db-0', labels: { version: '1' }, owner: 'StatefulSet/db' })
  expect((await execIn(watched, before)).pod).toMatchObject({
    uid: before.uid,
    workload: 'db',
    workload_kind: 'StatefulSet',
  })
  removePod(cluster, 'db-0')
  const after = addPod(cluster, { name: 'db-0', labels: { version: '2' }, owner: 'StatefulSet/db' })
  expect(after.uid).not.toBe(before.uid)
  expect((await execIn(watched, after)).pod).toMatchObject({ uid: after.uid, pod_labels: { version: '2' } })
  // What is left of the former one keeps its own name for a while.
  expect((await execIn(watched, before)).pod).toMatchObject({ uid: before.uid, pod_labels: { version: '1' } })
  await agent.requireNoLoss()
  expect(cluster.audit(USERNAME).filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([])
})

testWhere(
  missing,
  'a server that is away, a token that expired, a history that is gone: nothing lost, nothing stale',
  async () => {
    await using cluster = await Cluster.start()
    const account = new Account(cluster)
    const former = account.rotate()
    addNode(cluster, NODE)
    addNamespace(cluster, 'shop')
    using runc = new Runc()
    const known = addPod(cluster, { name: 'known', labels: { round: '1' } })
    await using agent = await TestAgent.start([...flags(cluster, account), '--container-wait', '1s'], {
      env: { NODE_NAME: NODE },
    })
    const watched = { agent, runc }
    expect((await execIn(watched, known)).pod).toMatchObject({ uid: known.uid })

    const renewed = account.rotate()
    former.revoke()
    await eventually(
      'the former token ends',
      async () => await cluster.status(former.token, '/api/v1/pods') === 401 ? true : undefined,
    )
    expect(await cluster.status(renewed.token, '/api/v1/pods')).toBe(200)
    await cluster.killServer()
    const away = performance.now()
    // Who is known stays known; who is not goes out without a name, and holds nobody up.
    expect((await execIn(watched, known)).pod).toMatchObject({ uid: known.uid, pod_labels: { round: '1' } })
    const unknown: ClusterPod = { uid: crypto.randomUUID(), id: 'f0'.repeat(32), cgroup: '' }
    const nameless = await execIn(watched, {
      ...unknown,
      cgroup: `/kubepods/besteffort/pod${unknown.uid}/${unknown.id}`,
    })
    expect([nameless.pod, nameless.docker]).toEqual([undefined, unknown.id.slice(0, 31)])
    expect((await agent.run(['/bin/true', 'meanwhile'])).length).toBe(2)
    await Bun.sleep(Math.max(0, OUTAGE_SECONDS * 1000 - (performance.now() - away)))
    expect(await agent.logged(['no pods from the Kubernetes API'])).not.toEqual([])
    await cluster.startServer()
    const late = addPod(cluster, { name: 'late' })
    expect((await execUntil(watched, late, ({ pod }) => pod !== undefined)).pod).toMatchObject({ uid: late.uid })
    expect(await agent.logged(['the Kubernetes API answers again'])).not.toEqual([])

    // While the agent is stopped, pods come and go and the server begins a new history.
    agent.child.kill('SIGSTOP')
    await cluster.killServer()
    await cluster.startServer()
    removePod(cluster, 'known')
    const again = addPod(cluster, { name: 'known', labels: { round: '2' } })
    await cluster.killServer()
    await cluster.startServer()
    const asked = cluster.audit(USERNAME).length
    agent.child.kill('SIGCONT')
    const renamed = await execUntil(watched, again, ({ pod }) => pod !== undefined)
    expect(renamed.pod).toMatchObject({ name: 'known', uid: again.uid, pod_labels: { round: '2' } })
    await eventually('a new list', () => {
      return cluster.audit(USERNAME).slice(asked).find(({ requestURI, verb }) => {
        return requestURI.startsWith('/api/v1/pods') && verb === 'list'
      })
    })
    // Events of the whole test, once each and in order.
    const words = agent.events.filter(({ kind, process }) =>
      kind === 'process_exec' && /^run-\d+-$/.test(process?.arguments ?? '')
    )
      .map(({ process }) => Number(/\d+/.exec(process!.arguments!)))
    expect(words).toEqual(words.toSorted((one, two) => one - two))
    expect(new Set(words).size).toBe(words.length)
    await agent.requireNoLoss()
    const refused = cluster.audit(USERNAME).filter(({ responseStatus }) =>
      [401, 403].includes(responseStatus?.code ?? 0)
    )
    expect(refused).toEqual([])
  },
)
