// Who is asked about containers, by the configuration, and the table that the tracker looks them up in.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BOUNDS, type Config, UsageError } from '../config.ts'
import { BUNDLE_DIRECTORIES, BundleSource } from '../container/bundle.ts'
import { CRI_SOCKETS, CriSource } from '../container/cri.ts'
import { DOCKER_SOCKETS, DockerSource } from '../container/docker.ts'
import { Identifier } from '../container/identifier.ts'
import type { ContainerSource } from '../container/type.ts'
import { KubeApi } from '../kube/api.ts'
import { PodSource } from '../kube/pods.ts'
import type { Container } from '../process/container_entry.ts'
import { ContainerTable } from '../process/container_table.ts'
import type { Log } from './log.ts'

export interface Containers {
  readonly table: ContainerTable
  readonly identifier: Identifier
  /** Null outside Kubernetes. */
  readonly api: KubeApi | null
  /** Waits for the first answers, within a bound. */
  start(): Promise<void>
}

export interface ContainerHooks {
  readonly onSettled: (container: Container) => void
  /** Whether a container's cgroup still exists. */
  readonly exists: (root: string) => boolean
}

/** Throws UsageError where what was asked for by name is not there. */
export function createContainers(
  config: Config,
  log: Log,
  host_namespaces: { readonly mnt: number; readonly pid: number },
  hooks: ContainerHooks,
): Containers {
  const api = kubeApi(config)
  const pods = api === null ? null : new PodSource({
    api,
    node_name: config.node_name,
    annotations: config.containers.pod_annotations,
    onTrouble: (error) => {
      if (error === null) log.info({ server: api.server }, 'the Kubernetes API answers again')
      else log.error({ server: api.server, error: error.message }, 'no pods from the Kubernetes API')
    },
  })
  const sources: ContainerSource[] = pods === null ? [] : [pods]
  sources.push(...runtimeSources(config))
  const identifier = new Identifier({ sources, wait_ms: config.containers.wait_ms, onSettled: hooks.onSettled })
  const table = new ContainerTable(host_namespaces, {
    exists: hooks.exists,
    onAdded: (container) => identifier.add(container),
  })
  identifier.attach(table)
  return {
    table,
    identifier,
    api,
    async start() {
      await pods?.start(BOUNDS.kube.start_ms)
      for (const { name, status } of sources) log.info({ source: name, ...status }, 'asked about containers')
    },
  }
}

function kubeApi(config: Config): KubeApi | null {
  const { kubernetes, api_server, service_account } = config.containers
  if (kubernetes === 'false') return null
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = process.env
  const address = host.includes(':') ? `[${host}]` : host
  const server = api_server !== '' ? api_server : host === '' ? '' : `https://${address}:${port}`
  const mounted = existsSync(join(service_account, 'token'))
  if (kubernetes === 'auto' && (server === '' || !mounted)) return null
  if (server === '') {
    throw new UsageError('Flag --enable-k8s-api needs --k8s-api-server: KUBERNETES_SERVICE_HOST is not set')
  }
  return new KubeApi({
    server: server.replace(/\/+$/, ''),
    service_account: mounted ? service_account : '',
    timeout_ms: BOUNDS.kube.request_timeout_ms,
  })
}

/** Those that were named, and of the usual places the ones that exist. */
function runtimeSources(config: Config): ContainerSource[] {
  const { cri, docker, oci_state, pod_annotations, wait_ms } = config.containers
  const timeout_ms = Math.max(wait_ms, BOUNDS.runtime_timeout_ms)
  const places = (value: string, usual: readonly string[]): string[] => {
    if (value === 'none') return []
    return value === 'auto' ? usual.filter((path) => existsSync(path)) : [value.replace(/^unix:/, '')]
  }
  return [
    ...places(oci_state, BUNDLE_DIRECTORIES).map((directory) => new BundleSource(directory)),
    ...places(cri, CRI_SOCKETS).map((socket) => new CriSource({ socket, timeout_ms, annotations: pod_annotations })),
    ...places(docker, DOCKER_SOCKETS).map((socket) => new DockerSource({ socket, timeout_ms })),
  ]
}
