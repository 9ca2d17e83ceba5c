import { expect, test } from 'bun:test'
import type { ObjectMeta } from '../../src/kube/watch.ts'
import { workloadOf } from '../../src/kube/workload.ts'

function meta(kind: string, name: string, labels: Record<string, string> = {}): ObjectMeta {
  const ownerReferences = kind === '' ? [] : [{ kind: 'Other', name: 'not me' }, { kind, name, controller: true }]
  return { name: 'the-pod', uid: 'u', resourceVersion: '1', labels, ownerReferences }
}

test('workloadOf() names what a person deployed', () => {
  const cases: [ObjectMeta, string, string][] = [
    [meta('', ''), 'the-pod', 'Pod'],
    [meta('ReplicaSet', 'web-7d9c5b6f4', { 'pod-template-hash': '7d9c5b6f4' }), 'web', 'Deployment'],
    [meta('ReplicaSet', 'bare'), 'bare', 'ReplicaSet'],
    [meta('ReplicationController', 'app-3', { deploymentconfig: 'app' }), 'app', 'DeploymentConfig'],
    [meta('ReplicationController', 'app-3'), 'app-3', 'ReplicationController'],
    [meta('Job', 'nightly-28471590'), 'nightly', 'CronJob'],
    [meta('Job', 'nightly-1679337600'), 'nightly', 'CronJob'],
    [meta('Job', 'migrate'), 'migrate', 'Job'],
    [meta('DaemonSet', 'agent'), 'agent', 'DaemonSet'],
    [meta('StatefulSet', 'db'), 'db', 'StatefulSet'],
    [meta('Node', 'node-1'), 'the-pod', 'Pod'],
  ]
  for (const [pod, workload, workload_kind] of cases) expect(workloadOf(pod)).toEqual({ workload, workload_kind })
})
