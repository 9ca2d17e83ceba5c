// Docker's socket: a container's name and image by its id.
import { statSync } from 'node:fs'
import type { ContainerName } from '../process/container.ts'
import type { ContainerInfo } from '../process/container_entry.ts'
import type { ContainerSource, SourceStatus } from './type.ts'

export interface DockerOptions {
  readonly socket: string
  readonly timeout_ms: number
}

interface Inspected {
  readonly Name?: string
  readonly Image?: string
  readonly Config?: { readonly Image?: string }
  readonly State?: { readonly StartedAt?: string }
  readonly HostConfig?: { readonly Privileged?: boolean }
}

export class DockerSource implements ContainerSource {
  readonly name = 'docker'
  readonly #options: DockerOptions
  #failure = ''

  constructor(options: DockerOptions) {
    this.#options = options
  }

  get status(): SourceStatus {
    const { socket } = this.#options
    if (statSync(socket, { throwIfNoEntry: false }) === undefined) return { state: 'absent', detail: `no ${socket}` }
    if (this.#failure !== '') return { state: 'failing', detail: `${socket}: ${this.#failure}` }
    return { state: 'active', detail: socket }
  }

  /** Containers of a pod are Kubernetes' to tell. Podman serves the same protocol. */
  covers(name: ContainerName): boolean {
    if (name.docker === '' || name.pod_uid !== '') return false
    return name.runtime === '' || name.runtime === (this.#options.socket.includes('podman') ? 'podman' : 'docker')
  }

  look(): undefined {
    return undefined
  }

  async ask(name: ContainerName): Promise<ContainerInfo | undefined> {
    try {
      const response = await fetch(`http://localhost/containers/${name.id}/json`, {
        unix: this.#options.socket,
        signal: AbortSignal.timeout(this.#options.timeout_ms),
      })
      this.#failure = ''
      if (response.status === 404) return undefined
      if (!response.ok) throw new Error(`status ${response.status}`)
      return dockerInfo(await response.json() as Inspected, this.#options.socket.includes('podman'))
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
      return undefined
    }
  }

  [Symbol.dispose](): void {}
}

export function dockerInfo(found: Inspected, podman: boolean): ContainerInfo {
  const started = found.State?.StartedAt?.replace(/\.\d+/, '') ?? ''
  return {
    ...(found.Name === undefined ? {} : { name: found.Name.replace(/^\//, '') }),
    ...(found.Config?.Image === undefined ? {} : { image: found.Config.Image }),
    ...(found.Image === undefined ? {} : { image_id: found.Image }),
    ...(started === '' || started.startsWith('0001-') ? {} : { started }),
    ...(found.HostConfig?.Privileged === true ? { privileged: true } : {}),
    runtime: podman ? 'podman' : 'docker',
  }
}
