// Pods of this node, by their containers' ids and by their own uid, as the Kubernetes API has them.
import type { ContainerSource, SourceStatus } from '../container/type.ts'
import type { ContainerName } from '../process/container.ts'
import type { ContainerInfo, PodInfo } from '../process/container_entry.ts'
import type { KubeApi } from './api.ts'
import { type KubeObject, Watch, type WatchHandler } from './watch.ts'
import { workloadOf } from './workload.ts'

export interface PodSourceOptions {
  readonly api: KubeApi
  readonly node_name: string
  readonly annotations: boolean
  /** How long start() waits, in ms. */
  readonly start_ms: number
  /** Called when the API cannot be reached, and with null when it can again. */
  readonly onTrouble: (error: Error | null) => void
}

interface ContainerSpec {
  readonly name: string
  readonly image?: string
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly securityContext?: { readonly privileged?: boolean }
}

interface Probe {
  readonly exec?: { readonly command?: readonly string[] }
}

interface ContainerStatus {
  readonly name: string
  readonly containerID?: string
  readonly image?: string
  readonly imageID?: string
  readonly state?: { readonly running?: { readonly startedAt?: string } }
}

export interface Pod extends KubeObject {
  readonly spec: {
    readonly containers?: readonly ContainerSpec[]
    readonly initContainers?: readonly ContainerSpec[]
    readonly ephemeralContainers?: readonly ContainerSpec[]
  }
  readonly status?: {
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[]
  }
}

/** Deleted pods are kept this long, in ms: their last events come later than the news of their end. */
const DELETED_MS = 300_000
const DELETED_MAX = 1024
/** Containers kept per pod beside the present ones: one that crashes has a new id every five minutes. */
const CONTAINERS_MAX = 64
/** Of a static pod: the uid that the kubelet uses in cgroups, while the API's copy has another. */
const CONFIG_HASH = 'kubernetes.io/config.hash'

interface Entry {
  readonly pod: Pod
  readonly info: PodInfo
  /** By id, without the runtime before it: also containers that were restarted, whose last events may come yet. */
  readonly containers: ReadonlyMap<string, ContainerInfo>
  deleted_ms: number
}

export class PodSource implements ContainerSource, WatchHandler<Pod> {
  readonly name = 'kubernetes'
  onChange?: (affects: (name: ContainerName) => boolean) => void
  readonly #options: PodSourceOptions
  readonly #by_uid = new Map<string, Entry>()
  readonly #by_id = new Map<string, Entry>()
  readonly #deleted = new Map<string, Entry>()
  readonly #watch: Watch<Pod>
  #failure = 'not connected yet'

  constructor(options: PodSourceOptions) {
    this.#options = options
    this.#watch = new Watch({
      api: options.api,
      path: '/api/v1/pods',
      query: `fieldSelector=${encodeURIComponent(`spec.nodeName=${options.node_name}`)}`,
      what: 'pods of this node',
    }, this)
  }

  /** Begins; resolves with the first list of pods, or after `start_ms`. */
  async start(): Promise<void> {
    void this.#watch.run()
    await Promise.race([this.#watch.listed, Bun.sleep(this.#options.start_ms)])
  }

  get status(): SourceStatus {
    const { server } = this.#options.api
    if (this.#failure !== '') return { state: 'failing', detail: `${server}: ${this.#failure}` }
    return { state: 'active', detail: `${this.#by_uid.size} pods from ${server}` }
  }

  get pods(): number {
    return this.#by_uid.size
  }

  covers(name: ContainerName): boolean {
    return name.docker !== '' && (name.pod_uid !== '' || this.#by_id.has(name.id))
  }

  look(name: ContainerName): ContainerInfo | undefined {
    const entry = this.#by_id.get(name.id) ?? this.#by_uid.get(name.pod_uid)
    return entry === undefined ? undefined : { ...entry.containers.get(name.id), pod: entry.info }
  }

  written(name: ContainerName, own: string): ContainerInfo | undefined {
    const entry = this.#by_uid.get(name.pod_uid)
    return entry === undefined ? undefined : specInfo(specs(entry.pod).find((each) => each.name === own))
  }

  replace(pods: readonly Pod[]): void {
    this.#failure = ''
    const now = new Set(pods.map((pod) => pod.metadata.uid))
    for (const entry of [...this.#by_uid.values()]) if (!now.has(entry.pod.metadata.uid)) this.remove(entry.pod)
    for (const pod of pods) this.#put(pod)
    this.onChange?.(() => true)
  }

  change(pod: Pod): void {
    const entry = this.#put(pod)
    this.onChange?.((name) => this.#by_uid.get(name.pod_uid) === entry || entry.containers.has(name.id))
  }

  /** Its containers are known for a while yet, under their ids: an id is never used again. */
  remove(pod: Pod): void {
    const entry = this.#by_uid.get(pod.metadata.uid)
    if (entry === undefined || entry.deleted_ms > 0) return
    entry.deleted_ms = Date.now()
    this.#deleted.set(pod.metadata.uid, entry)
    this.#expire()
  }

  trouble(error: Error | null): void {
    this.#failure = error?.message ?? ''
    this.#options.onTrouble(error)
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
  }

  #put(pod: Pod): Entry {
    const { uid, annotations } = pod.metadata
    const former = this.#by_uid.get(uid)
    const containers = new Map([...former?.containers ?? []].slice(-CONTAINERS_MAX))
    for (const status of statuses(pod)) {
      const id = idOf(status)
      if (id !== '') containers.set(id, containerInfo(pod, status))
    }
    const entry: Entry = { pod, info: podInfo(pod, this.#options.annotations), containers, deleted_ms: 0 }
    this.#by_uid.set(uid, entry)
    const hash = annotations?.[CONFIG_HASH]
    if (hash !== undefined) this.#by_uid.set(hash, entry)
    this.#deleted.delete(uid)
    for (const id of former?.containers.keys() ?? []) if (!containers.has(id)) this.#by_id.delete(id)
    for (const id of containers.keys()) this.#by_id.set(id, entry)
    return entry
  }

  #expire(): void {
    const before_ms = Date.now() - DELETED_MS
    for (const [uid, entry] of this.#deleted) {
      if (entry.deleted_ms > before_ms && this.#deleted.size <= DELETED_MAX) return
      this.#deleted.delete(uid)
      this.#by_uid.delete(uid)
      const hash = entry.pod.metadata.annotations?.[CONFIG_HASH]
      if (hash !== undefined) this.#by_uid.delete(hash)
      for (const id of entry.containers.keys()) if (this.#by_id.get(id) === entry) this.#by_id.delete(id)
    }
  }
}

export function podInfo(pod: Pod, with_annotations: boolean): PodInfo {
  const { name, namespace = '', uid, labels = {}, annotations } = pod.metadata
  return {
    namespace,
    name,
    uid,
    labels,
    ...workloadOf(pod.metadata),
    ...(with_annotations && annotations !== undefined ? { annotations } : {}),
  }
}

function statuses(pod: Pod): ContainerStatus[] {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {}
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses]
}

function specs(pod: Pod): ContainerSpec[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec
  return [...initContainers, ...containers, ...ephemeralContainers]
}

function idOf(status: ContainerStatus): string {
  const id = status.containerID ?? ''
  return id.slice(id.indexOf('://') + (id.includes('://') ? 3 : 1))
}

function containerInfo(pod: Pod, status: ContainerStatus): ContainerInfo {
  const spec = specs(pod).find((each) => each.name === status.name)
  const started = status.state?.running?.startedAt
  // Some runtimes give the id as the name; the specification has what a person wrote.
  const image = /^sha256:/.test(status.image ?? '') ? spec?.image : status.image
  return {
    name: status.name,
    ...(status.containerID === undefined ? {} : { runtime_id: status.containerID }),
    ...(image === undefined || image === '' ? {} : { image }),
    ...(status.imageID === undefined || status.imageID === '' ? {} : { image_id: status.imageID }),
    ...(started === undefined ? {} : { started }),
    ...specInfo(spec),
  }
}

function specInfo(spec: ContainerSpec | undefined): ContainerInfo {
  const probes = [spec?.livenessProbe, spec?.readinessProbe].flatMap((probe) => {
    return probe?.exec?.command === undefined ? [] : [probe.exec.command]
  })
  return {
    ...(spec?.securityContext?.privileged === true ? { privileged: true } : {}),
    ...(probes.length > 0 ? { probes } : {}),
  }
}
