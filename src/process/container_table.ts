/** Containers by cgroup and by id: found when a process executes, kept five minutes beyond their end. */

import { type ContainerName, containerName, plainContainerName } from './container.ts'
import { Container } from './container_entry.ts'
import type { Process } from './process.ts'

export interface ContainerLimits {
  readonly containers_max: number
  /** Cgroups whose container is remembered, those of the host included. */
  readonly cgroups_max: number
  /** How long after its last event an ended container stays, in nanoseconds. */
  readonly kept_ns: number
  /** How long a cgroup that may be a container's by its name alone counts as one, in nanoseconds. */
  readonly candidate_ns: number
}

export const CONTAINER_LIMITS: ContainerLimits = {
  containers_max: 8192,
  cgroups_max: 32768,
  kept_ns: 300e9,
  candidate_ns: 2e9,
}

export interface ContainerCounters {
  added: number
  removed: number
  evicted: number
}

export interface ContainerTableOptions {
  readonly limits?: ContainerLimits
  /** Called with each new one: whoever can tell more learns of it here. */
  readonly onAdded?: (container: Container) => void
  /** Called when the first process executes in it. */
  readonly onSeen?: (container: Container) => void
  /** A cgroup may be a container's by its name; nothing runs in it that would tell. */
  readonly onCandidate?: (container: Container) => void
  /** It was none, or nothing came of it in time. */
  readonly onHost?: (cgroup_id: number) => void
  /** Whether the cgroup of a container still exists; absent: nobody can tell, time alone decides. */
  readonly exists?: (root: string) => boolean
}

interface Cgroup {
  readonly path: string
  /** By a path that names it, whoever asks. */
  readonly container: Container | undefined
  /** For processes with namespaces of their own. */
  plain: Container | undefined
}

export class ContainerTable {
  readonly counters: ContainerCounters = { added: 0, removed: 0, evicted: 0 }
  /** Containers that events wait for: as long as there are none, no line can hold a mark. */
  waiting = 0
  readonly #limits: ContainerLimits
  readonly #host: { readonly mnt: number; readonly pid: number }
  readonly #cgroups = new Map<number, Cgroup>()
  readonly #by_key = new Map<string, Container>()
  /** By cgroup: container, and since when, in order. */
  readonly #candidates = new Map<number, readonly [Container, number]>()
  readonly #onAdded: (container: Container) => void
  readonly #onSeen: (container: Container) => void
  readonly #onCandidate: (container: Container) => void
  readonly #onHost: (cgroup_id: number) => void
  readonly #exists: ((root: string) => boolean) | undefined

  constructor(host: { readonly mnt: number; readonly pid: number }, options: ContainerTableOptions = {}) {
    this.#host = host
    this.#limits = options.limits ?? CONTAINER_LIMITS
    this.#onAdded = options.onAdded ?? (() => {})
    this.#onSeen = options.onSeen ?? (() => {})
    this.#onCandidate = options.onCandidate ?? (() => {})
    this.#onHost = options.onHost ?? (() => {})
    this.#exists = options.exists
  }

  get size(): number {
    return this.#by_key.size
  }

  values(): IterableIterator<Container> {
    return this.#by_key.values()
  }

  /** Container of a process that executes in a cgroup; undefined for the host's. `cgroup_id` 0 is not remembered. */
  at(cgroup_id: number, path: string, mnt: number, pid: number, now_ns: number): Container | undefined {
    let cgroup = cgroup_id === 0 ? undefined : this.#cgroups.get(cgroup_id)
    // A cgroup's id is not used again while the machine runs; its path changes only by rename (v1).
    if (cgroup === undefined || cgroup.path !== path) cgroup = this.#addCgroup(cgroup_id, path, now_ns)
    let container = cgroup.container ?? cgroup.plain
    if (container === undefined) {
      if (pid === this.#host.pid || mnt === this.#host.mnt || path === '/' || path === '') return undefined
      cgroup.plain = container = this.#addPlain(cgroup_id, path, now_ns)
    }
    // Known by now, it is the container's whatever its namespaces: who breaks out of them must not lose his name.
    if (container === undefined) return undefined
    container.used_ns = now_ns
    if (!container.seen) {
      container.seen = true
      this.#onSeen(container)
    }
    return container
  }

  /** The process that a mark in a line stands for (see Container.mark). */
  marked(key: number): Process | undefined {
    for (const container of this.#by_key.values()) {
      const process = container.marked(key)
      if (process !== undefined) return process
    }
    return undefined
  }

  /** By id, whole or its first characters; for requests by people. */
  byId(id: string): Container | undefined {
    for (const container of this.#by_key.values()) if (container.name.id.startsWith(id)) return container
    return undefined
  }

  /** A container whose cgroup has just appeared: nothing runs in it yet. */
  appear(cgroup_id: number, path: string, now_ns: number): Container | undefined {
    const declared = this.#cgroups.get(cgroup_id)
    if (declared?.path === path && declared.plain !== undefined) return declared.plain
    const cgroup = this.#addCgroup(cgroup_id, path, now_ns)
    const container = cgroup.container ?? this.#outer(path)
    if (container !== undefined) container.used_ns = now_ns
    else this.#suspect(cgroup_id, path, now_ns)
    return container
  }

  /** A container that its runtime has told of: it is one, whatever its cgroup's name. `id`: where the name has none. */
  declare(cgroup_id: number, path: string, id: string, now_ns: number): Container {
    const cgroup = this.#addCgroup(cgroup_id, path, now_ns)
    if (cgroup.container !== undefined) {
      cgroup.container.used_ns = now_ns
      return cgroup.container
    }
    const candidate = this.#candidates.get(cgroup_id)?.[0]
    this.#candidates.delete(cgroup_id)
    const name = candidate?.name ?? plainContainerName(path) ??
      { id, docker: '', runtime: '', pod_uid: '', root: path } satisfies ContainerName
    const former = this.#by_key.get(name.root)
    // One of that name which has ended is another.
    if (former !== undefined && former.cgroup_id !== cgroup_id) this.#remove(name.root, former)
    cgroup.plain = this.#container(name, cgroup_id, now_ns, candidate)
    return cgroup.plain
  }

  /** Forgets containers that ended long enough ago. */
  sweep(now_ns: number): void {
    for (const [cgroup_id, [, since_ns]] of this.#candidates) {
      if (since_ns > now_ns - this.#limits.candidate_ns) break
      this.#candidates.delete(cgroup_id)
      this.#onHost(cgroup_id)
    }
    const before_ns = now_ns - this.#limits.kept_ns
    for (const [key, container] of this.#by_key) {
      if (container.used_ns > before_ns || container.waiting) continue
      if (this.#exists?.(container.name.root) === true) {
        container.used_ns = now_ns
        continue
      }
      this.#remove(key, container)
    }
  }

  #remove(key: string, container: Container): void {
    this.#by_key.delete(key)
    this.counters.removed++
    this.#forgetCgroups(container)
  }

  #addCgroup(cgroup_id: number, path: string, now_ns: number): Cgroup {
    const name = containerName(path)
    const container = name === undefined ? undefined : this.#container(name, cgroup_id, now_ns)
    const cgroup: Cgroup = { path, container, plain: undefined }
    if (cgroup_id === 0) return cgroup
    if (this.#cgroups.size >= this.#limits.cgroups_max) this.#cgroups.delete(this.#cgroups.keys().next().value!)
    this.#cgroups.set(cgroup_id, cgroup)
    return cgroup
  }

  /** A name without an id is a container's if something with namespaces of its own executes in it soon. */
  #suspect(cgroup_id: number, path: string, now_ns: number): void {
    const name = plainContainerName(path)
    if (name === undefined || name.root !== path) {
      this.#onHost(cgroup_id)
      return
    }
    if (this.#candidates.size >= this.#limits.containers_max) return
    const candidate = new Container(name, cgroup_id)
    this.#candidates.set(cgroup_id, [candidate, now_ns])
    this.#onCandidate(candidate)
  }

  #outer(path: string): Container | undefined {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const outer = this.#by_key.get(path.slice(0, end))
      if (outer !== undefined) return outer
    }
    return undefined
  }

  /** A cgroup below that of a known container is part of it. */
  #addPlain(cgroup_id: number, path: string, now_ns: number): Container | undefined {
    const outer = this.#outer(path)
    if (outer !== undefined) return outer
    const candidate = this.#candidates.get(cgroup_id)?.[0]
    this.#candidates.delete(cgroup_id)
    const name = candidate?.name ?? plainContainerName(path)
    return name === undefined ? undefined : this.#container(name, cgroup_id, now_ns, candidate)
  }

  #container(name: ContainerName, cgroup_id: number, now_ns: number, candidate?: Container): Container {
    const known = this.#by_key.get(name.root)
    if (known !== undefined) return known
    if (this.#by_key.size >= this.#limits.containers_max) this.#evict()
    const container = candidate ?? new Container(name, cgroup_id)
    container.used_ns = now_ns
    this.#by_key.set(name.root, container)
    this.counters.added++
    this.#onAdded(container)
    return container
  }

  /** The one that was added first of those that nothing waits for. */
  #evict(): void {
    for (const [key, container] of this.#by_key) {
      if (container.waiting) continue
      this.#by_key.delete(key)
      this.#forgetCgroups(container)
      this.counters.evicted++
      return
    }
  }

  #forgetCgroups(container: Container): void {
    for (const [id, cgroup] of this.#cgroups) {
      if (cgroup.container === container || cgroup.plain === container) this.#cgroups.delete(id)
    }
  }
}
