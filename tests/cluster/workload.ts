/** Pods as objects of the API server, whose containers runc runs: no kubelet is needed for what the agent sees. */
import { createHash } from 'node:crypto'
import type { Cluster } from './cluster.ts'

export const NODE = 'node-1'

export interface ClusterPod {
  readonly uid: string
  /** Of its one container, and where that one's cgroup is. */
  readonly id: string
  readonly cgroup: string
}

export interface PodWish {
  readonly name: string
  readonly namespace?: string
  readonly node?: string
  readonly labels?: Readonly<Record<string, string>>
  /** `kind/name` of the controller. */
  readonly owner?: string
}

let containers = 0

export function addNode(cluster: Cluster, name: string, labels: Readonly<Record<string, string>> = {}): void {
  cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } })
}

export function addNamespace(cluster: Cluster, name: string): void {
  cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
}

/** A pod that runs, as scheduler and kubelet would have left it. */
export function addPod(cluster: Cluster, wish: PodWish): ClusterPod {
  const { name, namespace = 'shop', node = NODE, labels = {}, owner } = wish
  const [kind, owner_name] = owner?.split('/') ?? []
  const metadata = {
    name,
    namespace,
    labels,
    ...(kind === undefined ? {} : {
      ownerReferences: [{ apiVersion: 'apps/v1', kind, name: owner_name, uid: 'of-the-owner', controller: true }],
    }),
  }
  cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { nodeName: node, containers: [{ name: 'app', image: `${name}:1` }] },
  })
  const { uid } = cluster.get('pod', name, '-n', namespace).metadata
  const id = createHash('sha256').update(`${uid} ${containers++}`).digest('hex')
  const status = {
    phase: 'Running',
    containerStatuses: [{
      name: 'app',
      containerID: `containerd://${id}`,
      image: `${name}:1`,
      imageID: `${name}@sha256:1`,
      ready: true,
      restartCount: 0,
      state: { running: { startedAt: '2026-11-22T14:00:00Z' } },
    }],
  }
  const patch = JSON.stringify({ status })
  cluster.kubectl(['patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch])
  return { uid, id, cgroup: `/kubepods/besteffort/pod${uid}/${id}` }
}

export function removePod(cluster: Cluster, name: string, namespace = 'shop'): void {
  cluster.kubectl(['delete', 'pod', name, '-n', namespace, '--force', '--grace-period=0'])
}
