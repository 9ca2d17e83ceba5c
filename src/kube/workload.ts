// From a pod's owner to the workload that a person deployed.
import type { ObjectMeta } from './watch.ts'

export interface Workload {
  readonly workload: string
  readonly workload_kind: string
}

/** A CronJob's jobs end in the scheduled time, in minutes or seconds. */
const CRON_JOB = /^(.+)-\d{8,10}$/

/** By the controller's kind; a pod without one is its own workload. */
export function workloadOf(meta: ObjectMeta): Workload {
  const owner = meta.ownerReferences?.find((each) => each.controller === true)
  if (owner === undefined) return { workload: meta.name, workload_kind: 'Pod' }
  const { kind, name } = owner
  const hash = meta.labels?.['pod-template-hash']
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`)) {
    return { workload: name.slice(0, -hash.length - 1), workload_kind: 'Deployment' }
  }
  const deployment = meta.labels?.['deploymentconfig']
  if (kind === 'ReplicationController' && deployment !== undefined && name.startsWith(`${deployment}-`)) {
    return { workload: deployment, workload_kind: 'DeploymentConfig' }
  }
  const cron = kind === 'Job' ? CRON_JOB.exec(name) : null
  if (cron !== null) return { workload: cron[1]!, workload_kind: 'CronJob' }
  // A static pod: the kubelet of the node made it.
  if (kind === 'Node') return { workload: meta.name, workload_kind: 'Pod' }
  return { workload: name, workload_kind: kind }
}
