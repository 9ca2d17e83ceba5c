// What runtimes tell by `thump oci-hook` before a container starts: the first to know, and only of what it was told.
import { type HookMessage, stringsOf } from '../hook/message.ts'
import type { ContainerName } from '../process/container.ts'
import type { ContainerInfo } from '../process/container_entry.ts'
import { annotationsInfo } from './bundle.ts'
import type { ContainerSource, SourceStatus } from './type.ts'

/** Containers remembered: as many as the table of containers has. */
const TOLD_MAX = 8192

export class OciHookSource implements ContainerSource {
  readonly name = 'oci-hook'
  readonly tells_all = true
  readonly #socket: string
  /** By the path of the container's own cgroup. */
  readonly #told = new Map<string, ContainerInfo>()
  onChange?: (affects: (name: ContainerName) => boolean) => void
  /** Containers told of since the start. */
  count = 0

  constructor(socket: string) {
    this.#socket = socket
  }

  get status(): SourceStatus {
    return { state: 'active', detail: `${this.#socket}, told of ${this.count} containers` }
  }

  covers(name: ContainerName): boolean {
    return this.#told.has(name.root)
  }

  look(name: ContainerName): ContainerInfo | undefined {
    return this.#told.get(name.root)
  }

  tell(root: string, message: HookMessage): void {
    this.count++
    this.#told.delete(root)
    if (this.#told.size >= TOLD_MAX) this.#told.delete(this.#told.keys().next().value!)
    this.#told.set(root, hookInfo(message))
    this.onChange?.((name) => name.root === root)
  }

  [Symbol.dispose](): void {}
}

/** What Tetragon's own hook says by RuntimeHook (`CreateContainer` in tetragon.proto), as our hook would. */
export function messageOfTetragon(container: Readonly<Record<string, unknown>>, wait_ms: number): HookMessage {
  const text = (name: string) => typeof container[name] === 'string' ? container[name] : ''
  const cgroup = text('cgroupsPath').replace(/^\/sys\/fs\/cgroup(?=\/)/, '')
  const pod = text('podName') === '' ? {} : {
    'io.kubernetes.pod.name': text('podName'),
    'io.kubernetes.pod.namespace': text('podNamespace'),
    'io.kubernetes.pod.uid': text('podUID'),
    'io.kubernetes.container.name': text('containerName'),
  }
  return {
    id: text('containerID') === '' ? cgroup.slice(cgroup.lastIndexOf('/') + 1) : text('containerID'),
    cgroup: `0::${cgroup}\n`,
    annotations: { ...stringsOf(container['annotations']), ...pod },
    name: text('containerName'),
    image: text('containerImage'),
    image_id: '',
    wait_ms,
  }
}

/** The pod's annotations where there are any; else what the store of the runtime says. A container without an id is its name. */
export function hookInfo({ id, annotations, name, image, image_id }: HookMessage): ContainerInfo {
  const pod = annotationsInfo(annotations)
  if (pod !== undefined) return { ...(image === '' ? {} : { image }), ...pod }
  const named = name !== '' ? name : /^[0-9a-f]{64}$/.test(id) ? '' : id
  return {
    ...(named === '' ? {} : { name: named }),
    ...(image === '' ? {} : { image }),
    ...(image_id === '' ? {} : { image_id }),
    ...(annotations['io.container.manager'] === 'libpod' ? { runtime: 'podman' } : {}),
  }
}
