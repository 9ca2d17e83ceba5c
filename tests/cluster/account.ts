/** The service account of the agents, with the rights that deploy/ gives it and a token that is bound to a pod, as kubelets write it. */
import fs from 'node:fs'
import path from 'node:path'
import type { Cluster } from './cluster.ts'

export const NAMESPACE = 'thump'
export const USERNAME = 'system:serviceaccount:thump:thump'

export class Account {
  readonly directory: string
  readonly #cluster: Cluster
  #tokens = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.directory = path.join(cluster.directory, 'account')
    fs.mkdirSync(this.directory)
    fs.copyFileSync(cluster.ca, path.join(this.directory, 'ca.crt'))
    cluster.kubectl(['apply', '-f', 'deploy/base/namespace.yaml', '-f', 'deploy/base/rbac.yaml'])
    this.rotate()
  }

  /** A new token, bound to a pod of its own; gives it and the function that ends it. */
  rotate(): { readonly token: string; readonly revoke: () => void } {
    const name = `agent-${this.#tokens++}`
    this.#cluster.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE },
      spec: { serviceAccountName: 'thump', containers: [{ name: 'agent', image: 'thump' }] },
    })
    const bound = ['--bound-object-kind=Pod', `--bound-object-name=${name}`]
    const token = this.#cluster.kubectl(['create', 'token', 'thump', '-n', NAMESPACE, '--duration=10m', ...bound])
      .trim()
    // A kubelet replaces the file as a whole.
    const file = path.join(this.directory, 'token')
    fs.writeFileSync(`${file}.new`, token)
    fs.renameSync(`${file}.new`, file)
    const revoke = () => {
      this.#cluster.kubectl(['delete', 'pod', name, '-n', NAMESPACE, '--force', '--grace-period=0'])
    }
    return { token, revoke }
  }
}
