// Who is asked about containers, by the configuration, and the table that the tracker looks them up in.
import { existsSync } from 'node:fs'
import { CGROUP_CHANGE, CGROUP_EVENT, CGROUP_EVENT_SIZE, decodeCgroupEvent } from '../../ffi/wire.gen.ts'
import { bytesBehind, decodeUtf8 } from '../event/text.ts'
import { BOUNDS, type Config, UsageError } from '../config.ts'
import { BundleSource } from '../container/bundle.ts'
import { containerFeatures } from '../container/coverage.ts'
import { CriSource } from '../container/cri.ts'
import { DockerSource } from '../container/docker.ts'
import { BUNDLE_DIRECTORIES, CRI_SOCKETS, DOCKER_SOCKETS } from '../container/places.ts'
import { OciHookSource } from '../container/oci_hook.ts'
import { Identifier } from '../container/identifier.ts'
import type { ContainerSource } from '../container/type.ts'
import type { Feature } from '../kernel/facts.ts'
import type { KubeApi } from '../kube/api.ts'
import { findApi } from '../kube/place.ts'
import { PodSource } from '../kube/pods.ts'
import { containerName } from '../process/container.ts'
import type { Container } from '../process/container_entry.ts'
import { ContainerTable } from '../process/container_table.ts'
import type { BaseSensor } from '../sensor/base.ts'
import { Workloads } from '../sensor/workloads.ts'
import type { Tracker } from '../process/tracker.ts'
import type { Registry } from '../sensor/registry.ts'
import { followCluster } from './cluster_policies.ts'
import type { Log } from './log.ts'
import { announceTetragon, type HookDoor, openHookDoor } from './oci_hook.ts'

export interface Containers {
  readonly table: ContainerTable
  readonly identifier: Identifier
  readonly workloads: Workloads
  /** For Pipeline.handle(EVENT_TYPE.CGROUP, …): gives no line. */
  readonly onCgroup: (view: DataView, at: number, size: number) => undefined
  /** For /v1/coverage. */
  features(): Feature[]
  /**
   * Gives the policies of the cluster to the registry, and opens the door for runtimes: what they tell of has to meet policies
   * that are loaded.
   */
  followPolicies(registry: Registry, tracker: Tracker): Promise<AsyncDisposable>
  /** What Tetragon's hook tells. Throws Error where it is of no use. */
  onRuntimeHook(container: Readonly<Record<string, unknown>>): Promise<void>
  /** Waits for the first answers, within a bound. */
  start(): Promise<void>
}

export interface ContainerHooks {
  readonly onSettled: (container: Container) => void
  /** Not loaded yet when the containers are created. */
  readonly sensor: () => BaseSensor
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
    start_ms: BOUNDS.kube.start_ms,
    onTrouble: (error) => {
      if (error === null) log.info({ server: api.server }, 'the Kubernetes API answers again')
      else log.error({ server: api.server, error: error.message }, 'no pods from the Kubernetes API')
    },
  })
  const sources: ContainerSource[] = pods === null ? [] : [pods]
  const socket = config.containers.oci_hook_socket
  const tellers = [socket, config.grpc.listen.kind === 'none' ? '' : 'RuntimeHook by gRPC'].filter((each) =>
    each !== ''
  )
  const hook = tellers.length === 0 ? null : new OciHookSource(tellers.join(', '))
  if (hook !== null) sources.push(hook)
  sources.push(...runtimeSources(config))
  let full = 0
  let workloads: Workloads | null = null
  const workloadsOf = (sensor: BaseSensor) =>
    workloads ??= new Workloads({
      policy_cgroups: () => sensor.maps.get('policy_cgroups'),
      cgroup_containers: () => sensor.maps.get('cgroup_containers'),
      cgroup_units: () => sensor.maps.get('cgroup_units'),
      mount: sensor.hierarchy.mount,
      isContainer: (path) => containerName(path) !== undefined,
      onFailure: (error) => {
        if (full++ === 0) log.error({ err: error }, 'the kernel cannot be told which container a policy is for')
      },
    })
  const update = (container: Container) => workloadsOf(hooks.sensor()).update(container)
  const { wait_ms } = config.containers
  const identifier = new Identifier({ sources, wait_ms, onSettled: hooks.onSettled, onLearned: update })
  const table = new ContainerTable(host_namespaces, {
    exists: (root) => existsSync(`${hooks.sensor().hierarchy.mount}${root}`),
    onAdded: (container) => {
      identifier.add(container)
      update(container)
    },
    onSeen: (container) => identifier.see(container),
    onCandidate: update,
    onHost: (cgroup_id) => workloadsOf(hooks.sensor()).host(cgroup_id),
  })
  identifier.attach(table)
  const doorOf = (source: OciHookSource): HookDoor => {
    const sensor = hooks.sensor()
    return { source, table, identifier, workloads: workloadsOf(sensor), hierarchy: sensor.hierarchy }
  }
  return {
    table,
    identifier,
    get workloads() {
      return workloadsOf(hooks.sensor())
    },
    onCgroup: (view, at, size) => onCgroup(table, workloadsOf(hooks.sensor()), view, at, size),
    features: () => containerFeatures(sources),
    async followPolicies(registry, tracker) {
      const stack = new AsyncDisposableStack()
      stack.use(await followCluster(config, log, api, registry, tracker))
      if (socket !== '' && hook !== null) stack.use(await openHookDoor(socket, doorOf(hook)))
      return stack
    },
    async onRuntimeHook(container) {
      if (hook !== null) await announceTetragon(doorOf(hook), container)
    },
    async start() {
      await Promise.all(sources.map((source) => source.start?.()))
      for (const { name, status } of sources) log.info({ source: name, ...status }, 'asked about containers')
    },
  }
}

function onCgroup(table: ContainerTable, workloads: Workloads, view: DataView, at: number, size: number): undefined {
  const path_size = view.getUint32(at + CGROUP_EVENT.path_size, true)
  if (CGROUP_EVENT_SIZE + path_size > size) return
  const { cgroup_id, change, header } = decodeCgroupEvent(view, at)
  if (change === CGROUP_CHANGE.REMOVED) {
    workloads.gone(cgroup_id)
    return
  }
  const start = view.byteOffset + at + CGROUP_EVENT_SIZE
  const path = decodeUtf8(bytesBehind(view), start, start + path_size)
  workloads.made(cgroup_id, path)
  const container = table.appear(cgroup_id, path, Number(header.ktime_ns))
  if (container !== undefined) workloads.nested(cgroup_id, container)
}

function kubeApi(config: Config): KubeApi | null {
  const { kubernetes, api_server, service_account } = config.containers
  if (kubernetes === 'false') return null
  const place = { server: api_server, service_account, timeout_ms: BOUNDS.kube.request_timeout_ms }
  const { api, mounted } = findApi(place, process.env)
  if (kubernetes === 'auto' && !mounted) return null
  if (kubernetes === 'true' && api === null) {
    throw new UsageError('Flag --enable-k8s-api needs --k8s-api-server: KUBERNETES_SERVICE_HOST is not set')
  }
  return api
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
