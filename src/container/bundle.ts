// The bundle of a running container: its OCI config.json, which containerd writes before the first process runs.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { ContainerName } from '../process/container.ts'
import type { ContainerInfo } from '../process/container_entry.ts'
import type { ContainerSource, SourceStatus } from './type.ts'

/** A config.json has some 20 kB; one that is larger than this is not read. */
const CONFIG_BYTES_MAX = 4 << 20
/** containerd's namespaces looked into: `k8s.io`, `moby`, `default` and what users make. */
const NAMESPACES_MAX = 16
/** Bundles remembered. */
const READ_MAX = 4096

export class BundleSource implements ContainerSource {
  readonly name = 'bundle'
  readonly tells_all = true
  readonly #directory: string
  /** What was read stays true as long as the container lives, and bundles are gone soon after. */
  readonly #read = new Map<string, ContainerInfo>()

  constructor(directory: string) {
    this.#directory = directory
  }

  get status(): SourceStatus {
    return exists(this.#directory)
      ? { state: 'active', detail: this.#directory }
      : { state: 'absent', detail: `no ${this.#directory}` }
  }

  covers(name: ContainerName): boolean {
    return name.docker !== '' && (name.runtime === '' || name.runtime === 'containerd')
  }

  look(name: ContainerName): ContainerInfo | undefined {
    const known = this.#read.get(name.id)
    if (known !== undefined) return known
    for (const namespace of this.#namespaces()) {
      const text = readBounded(`${this.#directory}/${namespace}/${name.id}/config.json`)
      const info = text === undefined ? undefined : bundleInfo(text)
      if (info === undefined) continue
      if (this.#read.size >= READ_MAX) this.#read.delete(this.#read.keys().next().value!)
      this.#read.set(name.id, info)
      return info
    }
    return undefined
  }

  [Symbol.dispose](): void {}

  #namespaces(): string[] {
    try {
      return readdirSync(this.#directory).slice(0, NAMESPACES_MAX)
    } catch {
      return [] // containerd is not running: status says so
    }
  }
}

/** What containerd's CRI plugin and CRI-O write into `annotations`; undefined where it is another's bundle. */
export function bundleInfo(text: string): ContainerInfo | undefined {
  let annotations: Record<string, unknown>
  try {
    annotations = (JSON.parse(text) as { annotations?: Record<string, unknown> }).annotations ?? {}
  } catch {
    return undefined // half written: whoever asks again finds it whole
  }
  return annotationsInfo(annotations)
}

/** The same of annotations alone. */
export function annotationsInfo(annotations: Readonly<Record<string, unknown>>): ContainerInfo | undefined {
  const value = (key: string) => typeof annotations[key] === 'string' ? annotations[key] : undefined
  const containerd = value('io.kubernetes.cri.sandbox-id') !== undefined
  const name = value(containerd ? 'io.kubernetes.cri.container-name' : 'io.kubernetes.container.name')
  const namespace = value(containerd ? 'io.kubernetes.cri.sandbox-namespace' : 'io.kubernetes.pod.namespace')
  const pod = value(containerd ? 'io.kubernetes.cri.sandbox-name' : 'io.kubernetes.pod.name')
  const uid = value(containerd ? 'io.kubernetes.cri.sandbox-uid' : 'io.kubernetes.pod.uid')
  if (namespace === undefined || pod === undefined || uid === undefined) return undefined
  const sandbox =
    value(containerd ? 'io.kubernetes.cri.container-type' : 'io.kubernetes.cri-o.ContainerType') === 'sandbox'
  const image = value(containerd ? 'io.kubernetes.cri.image-name' : 'io.kubernetes.cri-o.ImageName')
  return {
    pod: { namespace, name: pod, uid, labels: {}, partial: true },
    ...(name === undefined || sandbox ? {} : { name }),
    ...(image === undefined ? {} : { image }),
    ...(sandbox ? { sandbox } : {}),
    ...(containerd ? { runtime: 'containerd' } : {}),
    ...(Object.keys(annotations).some((key) => key.startsWith('io.kubernetes.cri-o.')) ? { runtime: 'cri-o' } : {}),
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function readBounded(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat === undefined || stat.size > CONFIG_BYTES_MAX ? undefined : readFileSync(path, 'utf8')
  } catch {
    return undefined // removed between the two calls
  }
}
