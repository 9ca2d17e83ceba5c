/** Events of a pod's container: held until somebody tells its name, in order, and nobody else's with them. */
import { expect } from 'bun:test'
import { FakeApiServer } from '../kube/server.ts'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { missingForContainers, Runc } from './runc.ts'

const PODS = '/api/v1/pods'
const UID = '8f6e7a52-1111-4222-8333-444455556666'
const ID = 'abcd'.repeat(16)

function pod(status: 'known' | 'unknown') {
  return {
    metadata: {
      name: 'web-7d9c5b6f4-abcde',
      namespace: 'shop',
      uid: UID,
      labels: { app: 'web', 'pod-template-hash': '7d9c5b6f4' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-7d9c5b6f4', controller: true }],
    },
    spec: { nodeName: 'node', containers: [{ name: 'app', image: 'web:1' }] },
    status: status === 'unknown' ? {} : {
      containerStatuses: [{
        name: 'app',
        containerID: `containerd://${ID}`,
        image: 'web:1',
        imageID: 'web@sha256:1',
        state: { running: { startedAt: '2026-11-22T14:00:00Z' } },
      }],
    },
  }
}

const CONTAINER = { id: ID, cgroup: `/kubepods/besteffort/pod${UID}/${ID}` }
const FLAGS = ['--enable-k8s-api', 'true', '--cri-endpoint', 'none', '--docker-endpoint', 'none', '--oci-state', 'none']

testWhere(missingForContainers(), "a container's events wait for the API server and then tell its pod", async () => {
  await using server = new FakeApiServer()
  server.put(PODS, pod('unknown'))
  using runc = new Runc()
  await using agent = await TestAgent.start([...FLAGS, '--k8s-api-server', server.url, '--container-wait', '30s'])
  await runc.run({ ...CONTAINER, command: ['/bin/sh', '-c', '/bin/true inside; exec /bin/echo inside'] })
  // Another process is not held up.
  expect((await agent.run(['/bin/true', 'outside'])).length).toBe(2)
  expect(agent.events.filter(({ process }) => process?.arguments === 'inside')).toEqual([])
  server.put(PODS, pod('known'))
  const last = await agent.waitFor(({ kind, process }) => {
    return kind === 'process_exit' && process?.binary === '/bin/echo' && process.arguments === 'inside'
  })
  const events = agent.events.filter(({ process }) =>
    process?.docker === ID.slice(0, 31) && process.arguments !== 'init'
  )
  expect(events.map(({ kind, process }) => `${kind} ${process?.binary}`)).toEqual([
    'process_exec /bin/sh',
    'process_exec /bin/true',
    'process_exit /bin/true',
    'process_exec /bin/echo',
    'process_exit /bin/echo',
  ])
  const expected = {
    namespace: 'shop',
    name: 'web-7d9c5b6f4-abcde',
    uid: UID,
    container: {
      id: `containerd://${ID}`,
      name: 'app',
      image: { id: 'web@sha256:1', name: 'web:1' },
      start_time: '2026-11-22T14:00:00Z',
    },
    pod_labels: { app: 'web', 'pod-template-hash': '7d9c5b6f4' },
    workload: 'web',
    workload_kind: 'Deployment',
  }
  for (const { process } of events) expect(process?.pod).toMatchObject(expected)
  expect(events[0]!.process).toMatchObject({ pod: { container: { pid: 1 } } })
  expect(last.parent?.pod).toMatchObject(expected)
  // Numbers grow in the order in which lines come.
  const numbers = agent.events.map(({ line }) => Number((line.thump as { seq: string }).seq))
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
  await agent.requireNoLoss()
})

testWhere(missingForContainers(), 'events of a container that nobody names go out when the time is over', async () => {
  await using server = new FakeApiServer()
  using runc = new Runc()
  await using agent = await TestAgent.start([...FLAGS, '--k8s-api-server', server.url, '--container-wait', '200ms'])
  await runc.run({ ...CONTAINER, command: ['/bin/echo', 'inside'] })
  const exec = await agent.waitFor(({ kind, process }) => kind === 'process_exec' && process?.arguments === 'inside')
  expect(exec.process?.pod).toBeUndefined()
  expect(exec.process?.docker).toBe(ID.slice(0, 31))
  const metrics = await (await agent.request('/metrics')).text()
  expect(metrics).toContain('thump_container_identity_total{how="unknown"} 1')
  expect(metrics).toContain('thump_held_events 0')
})
