import { expect, test } from 'bun:test'
import { EXEC_EVENT, NAMESPACES } from '../../ffi/wire.gen.ts'
import type { EventLine } from '../../src/event/type.ts'
import { containerName } from '../../src/process/container.ts'
import { Container, type ContainerInfo } from '../../src/process/container_entry.ts'
import { ContainerTable } from '../../src/process/container_table.ts'
import { execRecord, exitRecord, forkRecord, HOST, testTracker } from './record.ts'

const ID = 'c'.repeat(64)
const PATH = `/kubepods/besteffort/pod8f6e7a52-1111-4222-8333-444455556666/${ID}`

const INFO: ContainerInfo = {
  pod: {
    namespace: 'shop',
    name: 'web-7d9c5b6f4-abcde',
    uid: '8f6e7a52-1111-4222-8333-444455556666',
    labels: { app: 'web' },
    workload: 'web',
    workload_kind: 'Deployment',
  },
  name: 'app',
  runtime: 'containerd',
  image: 'docker.io/library/web:1',
  image_id: 'docker.io/library/web@sha256:1',
  started: '2026-11-22T14:00:00Z',
  privileged: true,
  probes: [['/bin/check', '-q']],
}

test("learn() gives Tetragon's pod, with the process' pid between", () => {
  const container = new Container(containerName(PATH)!, 7)
  expect(container.podJson(1, false)).toBe('')
  expect(container.extra).toBe(`,"container":{"id":"${ID}"}`)
  container.learn(INFO)
  expect(container.podJson(12, true)).toBe(
    ',"pod":{"namespace":"shop","name":"web-7d9c5b6f4-abcde","uid":"8f6e7a52-1111-4222-8333-444455556666",' +
      `"container":{"id":"containerd://${ID}","name":"app","image":{"id":"docker.io/library/web@sha256:1",` +
      '"name":"docker.io/library/web:1"},"start_time":"2026-11-22T14:00:00Z","pid":12,"maybe_exec_probe":true,' +
      '"security_context":{"privileged":true}},"pod_labels":{"app":"web"},"workload":"web","workload_kind":"Deployment"}',
  )
  expect(JSON.parse(`{${container.podJson(0, false).slice(1)}}`).pod.container.pid).toBeUndefined()
  expect(container.extra).toBe('')
})

test('learn() without a pod tells the container in `thump`', () => {
  const container = new Container(containerName(`/docker/${ID}`)!, 7)
  container.learn({ name: 'db', image: 'postgres:16' })
  expect(container.podJson(1, false)).toBe('')
  expect(JSON.parse(`{${container.extra.slice(1)}}`).container).toEqual({
    id: ID,
    name: 'db',
    image: 'postgres:16',
    runtime: 'docker',
  })
})

test('isProbe() compares programs by path or by name, and the arguments', () => {
  const container = new Container(containerName(PATH)!, 7)
  container.learn({ ...INFO, probes: [['/bin/check', '-q'], ['pg_isready', '-U', 'a b']] })
  expect(container.isProbe('/bin/check', '-q')).toBe(true)
  expect(container.isProbe('/usr/bin/check', '-q')).toBe(false)
  expect(container.isProbe('/bin/check', '-v')).toBe(false)
  expect(container.isProbe('/usr/bin/pg_isready', '-U "a b"')).toBe(true)
})

function inContainer(fields: Parameters<typeof execRecord>[0]): DataView {
  const view = execRecord({ cgroup: PATH, cgroup_id: 77, ns_pid: 3, ...fields })
  view.setUint32(EXEC_EVENT.namespaces + NAMESPACES.mnt, 5, true)
  view.setUint32(EXEC_EVENT.namespaces + NAMESPACES.pid, 6, true)
  return view
}

function waitingTracker() {
  const found: Container[] = []
  const containers: ContainerTable = new ContainerTable(HOST, {
    onAdded: (container) => {
      container.waiting = true
      containers.waiting++
      found.push(container)
    },
  })
  const tracker = testTracker({ containers })
  const record = (view: DataView) => tracker.onRecord(view, 0, view.byteLength)!
  return { tracker, containers, found, record }
}

test('events of a container not known yet are held and finished with what was learned, numbered then', () => {
  const { tracker, containers, found, record } = waitingTracker()
  const exec = record(inContainer({ exec_id: 10, pid: 100, parent_pid: 0 }))
  record(forkRecord({ exec_id: 11, pid: 101, parent_exec_id: 10, parent_pid: 100, ns_pid: 4 }))
  const exit = record(exitRecord({ exec_id: 11, pid: 101 }))
  // A process of the host with a parent in the container does not wait.
  const host = record(execRecord({ exec_id: 12, pid: 102, parent_exec_id: 10, parent_pid: 100, cgroup_id: 1 }))
  expect([exec.held !== undefined, exit.held !== undefined, host.held]).toEqual([true, true, undefined])
  expect(host.line).not.toContain('\u0001')
  expect(host.meta.seq).toBe(1)
  expect(JSON.parse(host.line).process_exec.parent.pod).toBeUndefined()

  found[0]!.learn(INFO)
  found[0]!.settle()
  containers.waiting--
  const lines = [exec, exit].map((event: EventLine) => tracker.finish(event))
  expect(lines.map(({ meta }) => meta.seq)).toEqual([2, 3])
  const [first, second] = lines.map(({ line }) => JSON.parse(line))
  expect(first.process_exec.process.pod.container).toMatchObject({ name: 'app', pid: 3 })
  expect(second.process_exit.process.pod.container.pid).toBe(4)
  expect(second.process_exit.parent.pod.container.pid).toBe(3)
  expect(first.thump.container).toBeUndefined()
  // And what comes later goes straight out.
  const last = record(exitRecord({ exec_id: 10, pid: 100 }))
  expect(JSON.parse(last.line).process_exit.process.pod.name).toBe('web-7d9c5b6f4-abcde')
})

test('events of a container that nobody knew go out without a pod and without marks', () => {
  const { tracker, containers, found, record } = waitingTracker()
  const exec = record(inContainer({ exec_id: 10, pid: 100, parent_pid: 0 }))
  found[0]!.settle()
  containers.waiting--
  const { process_exec, thump } = JSON.parse(tracker.finish(exec).line)
  expect(process_exec.process.pod).toBeUndefined()
  expect(process_exec.process.docker).toBe(ID.slice(0, 31))
  expect(thump.container.id).toBe(ID)
})
