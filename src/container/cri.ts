// The container runtime's CRI socket: container and pod of an id, by gRPC.
import { statSync } from 'node:fs'
import type { ServiceError } from '@grpc/grpc-js'
import type { ContainerName } from '../process/container.ts'
import type { ContainerInfo, PodInfo } from '../process/container_entry.ts'
import type { CriClient } from './cri_client.ts'
import type { ContainerSource, SourceStatus } from './type.ts'

/** status.NOT_FOUND of gRPC. */
const NOT_FOUND = 5

/** Sandboxes remembered: a node runs some 110 pods, and each container asks for its own. */
const SANDBOXES_MAX = 1024

export interface CriOptions {
  readonly socket: string
  readonly timeout_ms: number
  readonly annotations: boolean
}

interface Metadata {
  readonly name?: string
  readonly uid?: string
  readonly namespace?: string
}

interface ListedContainer {
  readonly id: string
  readonly pod_sandbox_id: string
  readonly metadata?: Metadata | null
}

interface ContainerStatus {
  readonly started_at: string
  readonly image?: { readonly image: string } | null
  readonly image_ref: string
}

interface SandboxStatus {
  readonly id: string
  readonly metadata?: Metadata | null
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Labels that the kubelet adds for the runtime; the pod itself does not have them. */
const KUBELET_LABEL = /^io\.kubernetes\.(?:pod|container)\./

export class CriSource implements ContainerSource {
  readonly name = 'cri'
  readonly #options: CriOptions
  readonly #sandboxes = new Map<string, PodInfo>()
  /** By the uid that cgroups have. */
  readonly #pods = new Map<string, PodInfo>()
  #client: CriClient | null = null
  #runtime = ''
  #failure = ''

  constructor(options: CriOptions) {
    this.#options = options
  }

  get status(): SourceStatus {
    const { socket } = this.#options
    if (statSync(socket, { throwIfNoEntry: false }) === undefined) return { state: 'absent', detail: `no ${socket}` }
    if (this.#failure !== '') return { state: 'failing', detail: `${socket}: ${this.#failure}` }
    return { state: 'active', detail: this.#runtime === '' ? socket : `${this.#runtime} at ${socket}` }
  }

  covers(name: ContainerName): boolean {
    return name.docker !== '' && name.runtime !== 'podman' && (name.runtime !== 'docker' || name.pod_uid !== '')
  }

  /** The pod alone, which its sandbox told before its containers came. */
  look(name: ContainerName): ContainerInfo | undefined {
    const pod = this.#pods.get(name.pod_uid)
    return pod === undefined || name.pod_uid === '' ? undefined : { pod, runtime: this.#runtime }
  }

  /** Connects, so that the first container need not wait for that. */
  async start(): Promise<void> {
    try {
      await this.#runtimeName()
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
    }
  }

  async ask({ id, pod_uid }: ContainerName): Promise<ContainerInfo | undefined> {
    try {
      const runtime = await this.#runtimeName()
      const { containers } = await this.#call<{ containers: ListedContainer[] }>('ListContainers', { filter: { id } })
      // The filter takes beginnings of ids as well.
      const listed = containers.find((each) => each.id === id)
      if (listed === undefined) {
        const pod = await this.#sandbox(id, pod_uid)
        return pod === undefined ? undefined : { pod, sandbox: true, runtime }
      }
      const [answer, pod] = await Promise.all([
        this.#call<{ status: ContainerStatus | null }>('ContainerStatus', { container_id: id }),
        this.#sandbox(listed.pod_sandbox_id, pod_uid),
      ])
      const name = listed.metadata?.name
      return {
        ...(pod === undefined ? {} : { pod }),
        ...(name === undefined || name === '' ? {} : { name }),
        ...(answer.status === null ? {} : statusInfo(answer.status)),
        runtime,
      }
    } catch (error) {
      const { code, message } = error as ServiceError
      // Not found: it is gone, or another runtime's.
      this.#failure = code === NOT_FOUND ? '' : message
      return undefined
    }
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]()
    this.#client = null
  }

  async #runtimeName(): Promise<string> {
    if (this.#runtime !== '') return this.#runtime
    const { runtime_name } = await this.#call<{ runtime_name: string }>('Version', {})
    this.#failure = ''
    return this.#runtime = runtime_name === '' ? 'cri' : runtime_name
  }

  async #sandbox(id: string, pod_uid: string): Promise<PodInfo | undefined> {
    const known = this.#sandboxes.get(id)
    if (known !== undefined) return known
    let found: SandboxStatus | null
    try {
      found = (await this.#call<{ status: SandboxStatus | null }>('PodSandboxStatus', { pod_sandbox_id: id })).status
    } catch (error) {
      if ((error as ServiceError).code === NOT_FOUND) return undefined
      throw error
    }
    if (found === null) return undefined
    const pod = sandboxPod(found, this.#options.annotations)
    if (this.#sandboxes.size >= SANDBOXES_MAX) this.#sandboxes.delete(this.#sandboxes.keys().next().value!)
    this.#sandboxes.set(id, pod)
    if (this.#pods.size >= SANDBOXES_MAX) this.#pods.delete(this.#pods.keys().next().value!)
    if (pod_uid !== '') this.#pods.set(pod_uid, pod)
    return pod
  }

  async #call<T>(method: string, request: object): Promise<T> {
    if (this.#client === null) {
      // Loaded only where there is such a socket: gRPC takes 10 MB.
      const { CriClient } = await import('./cri_client.ts')
      this.#client ??= new CriClient(this.#options.socket)
    }
    return await this.#client.call<T>(method, request, this.#options.timeout_ms)
  }
}

function statusInfo({ image, image_ref, started_at }: ContainerStatus): ContainerInfo {
  const started_ms = Number(started_at) / 1e6
  return {
    ...(image?.image === undefined || image.image === '' ? {} : { image: image.image }),
    ...(image_ref === '' ? {} : { image_id: image_ref }),
    ...(started_ms > 0 ? { started: new Date(started_ms).toISOString().replace(/\.\d+/, '') } : {}),
  }
}

/** Owners are not told here; the name of a pod is what is left as its workload. */
export function sandboxPod({ metadata, labels, annotations }: SandboxStatus, with_annotations: boolean): PodInfo {
  const own = Object.entries(labels).filter(([key]) => !KUBELET_LABEL.test(key))
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    labels: Object.fromEntries(own),
    ...(with_annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  }
}
