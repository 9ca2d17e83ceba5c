import { expect, test } from 'bun:test'
import { KubeApi } from '../../src/kube/api.ts'
import { type Pod, PodSource } from '../../src/kube/pods.ts'
import { containerName } from '../../src/process/container.ts'

const ID = 'a'.repeat(64)
const NEXT = 'b'.repeat(64)
const UID = '8f6e7a52-1111-4222-8333-444455556666'
const HASH = '831bf2d1ac5100000000000000000000'
const name = (id: string, uid = UID) => containerName(`/kubepods/burstable/pod${uid}/${id}`)!

function source(annotations = false) {
  const api = new KubeApi({ server: 'http://127.0.0.1:9', service_account: '', timeout_ms: 100 })
  return new PodSource({ api, node_name: 'node-1', annotations, start_ms: 1, onTrouble: () => {} })
}

function pod(id: string | undefined, more: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: {
      name: 'web-7d9c5b6f4-abcde',
      namespace: 'shop',
      uid: UID,
      resourceVersion: '1',
      labels: { app: 'web', 'pod-template-hash': '7d9c5b6f4' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-7d9c5b6f4', controller: true }],
      annotations: { note: 'x' },
      ...more,
    },
    spec: {
      containers: [{
        name: 'app',
        image: 'registry:5000/web:1',
        livenessProbe: { exec: { command: ['/bin/check', '-q'] } },
        securityContext: { privileged: true },
      }],
    },
    status: {
      containerStatuses: id === undefined ? [] : [{
        name: 'app',
        containerID: `containerd://${id}`,
        image: 'sha256:123',
        imageID: 'registry:5000/web@sha256:456',
        state: { running: { startedAt: '2026-11-22T14:00:00Z' } },
      }],
    },
  }
}

const POD_INFO = {
  namespace: 'shop',
  name: 'web-7d9c5b6f4-abcde',
  uid: UID,
  labels: { app: 'web', 'pod-template-hash': '7d9c5b6f4' },
  workload: 'web',
  workload_kind: 'Deployment',
}

test('look() gives pod and container by the id, the pod alone by its uid', () => {
  const pods = source()
  expect(pods.look(name(ID))).toBeUndefined()
  pods.replace([pod(undefined)])
  expect(pods.look(name(ID))).toEqual({ pod: POD_INFO })
  let affected: string[] = []
  pods.onChange = (affects) => {
    affected = [name(ID), name(NEXT), name(ID, HASH)].filter(affects).map(({ id, pod_uid }) => id[0] + pod_uid[0]!)
  }
  pods.change(pod(ID))
  expect(affected).toEqual(['a8', 'b8', 'a8'])
  expect(pods.look(name(ID))).toEqual({
    pod: POD_INFO,
    name: 'app',
    runtime_id: `containerd://${ID}`,
    image: 'registry:5000/web:1',
    image_id: 'registry:5000/web@sha256:456',
    started: '2026-11-22T14:00:00Z',
    privileged: true,
    probes: [['/bin/check', '-q']],
  })
  expect(source(true).covers(name(ID))).toBe(true)
})

test('what a pod is written to be is known by the names of its containers before their ids are', () => {
  const pods = source()
  pods.replace([pod(undefined)])
  expect(pods.look(name(ID))).toEqual({ pod: POD_INFO })
  expect(pods.written(name(ID), 'app')).toEqual({ privileged: true, probes: [['/bin/check', '-q']] })
  expect(pods.written(name(ID), 'other')).toEqual({})
  expect(pods.written(name(ID, '00000000-1111-4222-8333-444455556666'), 'app')).toBeUndefined()
})

test('a container that was restarted keeps its name, and one of another pod is nobody', () => {
  const pods = source()
  pods.replace([pod(ID)])
  pods.change(pod(NEXT))
  expect(pods.look(name(ID))?.name).toBe('app')
  expect(pods.look(name(NEXT))?.name).toBe('app')
  expect(pods.look(name('c'.repeat(64), '00000000-1111-4222-8333-444455556666'))).toBeUndefined()
})

test('labels change with the pod, and a deleted pod is known for a while', () => {
  const pods = source()
  pods.replace([pod(ID)])
  pods.change(pod(ID, { labels: { app: 'other' } }))
  expect(pods.look(name(ID))?.pod?.labels).toEqual({ app: 'other' })
  pods.remove(pod(ID))
  expect(pods.look(name(ID))?.pod?.name).toBe('web-7d9c5b6f4-abcde')
  pods.replace([])
  expect(pods.look(name(ID))?.pod?.name).toBe('web-7d9c5b6f4-abcde')
})

test('a static pod is found by the hash that its cgroup has instead of the uid', () => {
  const pods = source()
  pods.replace([pod(undefined, { annotations: { 'kubernetes.io/config.hash': HASH }, ownerReferences: [] })])
  expect(pods.look(name(ID, HASH))?.pod).toMatchObject({ uid: UID, workload_kind: 'Pod' })
})

test('annotations only where they are asked for', () => {
  const pods = source(true)
  pods.replace([pod(ID)])
  expect(pods.look(name(ID))?.pod?.annotations).toEqual({ note: 'x' })
})
