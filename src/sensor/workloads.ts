// Workloads: which containers each filter of a policy is for, kept true in the kernel as containers come, change and go.
import { readdirSync, statSync } from 'node:fs'
import { encodePolicyCgroupKey, POLICY_CGROUP_KEY_SIZE } from '../../ffi/wire.gen.ts'
import type { Plan, WorkloadPlan } from '../policy/plan_type.ts'
import { matchesContainer, matchesHost, unitsOf, type WorkloadSubject } from '../policy/workload.ts'
import type { Container } from '../process/container_entry.ts'
import { Units } from './units.ts'
import { idKey, type UnitMap, type WorkloadMap } from './workload_map.ts'

export interface WorkloadsOptions {
  /** Map policy_cgroups. */
  readonly policy_cgroups: () => WorkloadMap
  /** Map cgroup_containers. */
  readonly cgroup_containers: () => WorkloadMap
  /** Map cgroup_units. */
  readonly cgroup_units: () => UnitMap
  /** Where the hierarchy that names containers is mounted; null: nowhere. */
  readonly mount: string | null
  /** Whether a cgroup's path is that of a container or of something in one. */
  readonly isContainer: (path: string) => boolean
  /** A map is full, or the kernel refused otherwise. */
  readonly onFailure: (error: unknown) => void
}

interface Known {
  readonly container: Container
  /** Id of the container's own cgroup. */
  readonly id: number
  subject: WorkloadSubject
  /** Filters that stand in the kernel for it. */
  readonly filters: Set<number>
}

interface Filter {
  readonly match: WorkloadPlan
  readonly namespace: string
}

const HOST = 0
/** Cgroups below a container's own that are looked for when it is older than the agent. */
const NESTED_MAX = 4096
const ONE = new Uint8Array([1])

export class Workloads {
  readonly #options: WorkloadsOptions
  readonly #containers = new Map<number, Known>()
  readonly #by_container = new WeakMap<Container, Known>()
  readonly #filters = new Map<number, Filter>()
  readonly #plans = new Map<number, number>()
  readonly #units: Units
  #last = 0

  constructor(options: WorkloadsOptions) {
    this.#options = options
    this.#units = new Units({ ...options, guarded: (change) => this.#guarded(change) })
  }

  /** Filters of a plan, numbered from what is returned on; they hold from now on. */
  add({ workloads, namespace }: Pick<Plan, 'workloads' | 'namespace'>): number {
    const first = this.#last + 1
    this.#last += workloads.length
    this.#plans.set(first, workloads.length)
    workloads.forEach((match, i) => {
      const filter = { match, namespace }
      this.#filters.set(first + i, filter)
      if (matchesHost(match, namespace)) this.#write(HOST, first + i)
      for (const known of this.#containers.values()) this.#apply(known, first + i, filter)
      for (const [unit, number] of this.#units.entries()) {
        if (matchesHost(match, namespace, unit)) this.#write(number, first + i)
      }
    })
    for (const unit of workloads.flatMap(unitsOf)) this.#addUnit(unit)
    return first
  }

  remove(first: number): void {
    const count = this.#plans.get(first) ?? 0
    for (let number = first; number < first + count; number++) {
      this.#filters.delete(number)
      this.#erase(HOST, number)
      for (const [, unit] of this.#units.entries()) this.#erase(unit, number)
      for (const known of this.#containers.values()) if (known.filters.delete(number)) this.#erase(known.id, number)
    }
    this.#plans.delete(first)
  }

  /** A container was seen, or something became known of it. */
  update(container: Container): void {
    const known = this.#by_container.get(container) ?? this.#register(container)
    if (known === undefined) return
    known.subject = subjectOf(container)
    for (const [number, filter] of this.#filters) this.#apply(known, number, filter)
  }

  /** A cgroup has been made, a container's or not. */
  made(cgroup_id: number, path: string): void {
    this.#units.made(cgroup_id, path)
  }

  /** A cgroup that is no container's, though by its name it might have been. A unit's goes on as such. */
  host(cgroup_id: number): void {
    this.#forget(cgroup_id)
    const unit = this.#units.at(cgroup_id)
    if (unit !== undefined) this.#tell(cgroup_id, unit)
    else this.#guarded(() => void this.#options.cgroup_containers().delete(idKey(cgroup_id)))
  }

  /** A cgroup that a container made inside, or its own, made anew: it was ended and started again. */
  nested(cgroup_id: number, container: Container): void {
    if (!this.#by_container.has(container)) this.update(container)
    const known = this.#by_container.get(container)
    if (known !== undefined && known.id !== cgroup_id) this.#tell(cgroup_id, known.id)
  }

  /** Its cgroup is gone. */
  gone(cgroup_id: number): void {
    this.#units.gone(cgroup_id)
    this.#forget(cgroup_id)
  }

  #forget(cgroup_id: number): void {
    const known = this.#containers.get(cgroup_id)
    if (known === undefined) return
    for (const number of known.filters) this.#erase(cgroup_id, number)
    this.#containers.delete(cgroup_id)
    this.#by_container.delete(known.container)
  }

  /** How many containers a plan's first filter is for, and of how many; for people. */
  matched(first: number): { readonly matched: number; readonly containers: number } {
    let matched = 0
    for (const { filters } of this.#containers.values()) if (filters.has(first)) matched++
    return { matched, containers: this.#containers.size }
  }

  /** What is said of it stands before the kernel gives its number to anything. */
  #addUnit(unit: string): void {
    const number = this.#units.add(unit)
    if (number === undefined) return
    for (const [filter, { match, namespace }] of this.#filters) {
      if (matchesHost(match, namespace, unit)) this.#write(number, filter)
    }
    this.#units.begin(unit)
  }

  #register(container: Container): Known | undefined {
    const id = this.#rootId(container)
    if (id === 0) return undefined
    const known: Known = { container, id, subject: subjectOf(container), filters: new Set() }
    this.#containers.set(id, known)
    this.#by_container.set(container, known)
    this.#tell(id, id)
    for (const nested of this.#nested(container.name.root)) this.#tell(nested, id)
    return known
  }

  #rootId({ name, cgroup_id }: Container): number {
    const { mount } = this.#options
    if (mount === null) return cgroup_id
    return statSync(mount + name.root, { throwIfNoEntry: false })?.ino ?? cgroup_id
  }

  *#nested(root: string): Generator<number> {
    const { mount } = this.#options
    if (mount === null) return
    let left = NESTED_MAX
    const waiting = [mount + root]
    for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
      let names: string[]
      try {
        names = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) =>
          name
        )
      } catch {
        continue // gone meanwhile, and with it what is inside
      }
      for (const name of names) {
        const path = `${directory}/${name}`
        const id = statSync(path, { throwIfNoEntry: false })?.ino
        if (id === undefined || left-- <= 0) continue
        // A container in a container is itself.
        if (this.#containers.has(id)) continue
        waiting.push(path)
        yield id
      }
    }
  }

  #apply(known: Known, number: number, { match, namespace }: Filter): void {
    const wanted = matchesContainer(match, namespace, known.subject)
    if (wanted === known.filters.has(number)) return
    if (wanted) {
      known.filters.add(number)
      this.#write(known.id, number)
    } else {
      known.filters.delete(number)
      this.#erase(known.id, number)
    }
  }

  #tell(cgroup_id: number, container_id: number): void {
    this.#guarded(() => this.#options.cgroup_containers().update(idKey(cgroup_id), idKey(container_id)))
  }

  #write(cgroup_id: number, filter: number): void {
    this.#guarded(() => this.#options.policy_cgroups().update(filterKey(cgroup_id, filter), ONE))
  }

  #erase(cgroup_id: number, filter: number): void {
    this.#guarded(() => void this.#options.policy_cgroups().delete(filterKey(cgroup_id, filter)))
  }

  #guarded(change: () => void): void {
    try {
      change()
    } catch (error) {
      this.#options.onFailure(error)
    }
  }
}

function subjectOf({ name, info }: Container): WorkloadSubject {
  const plain = name.docker === '' ? name.id : undefined
  return {
    namespace: info.pod?.namespace ?? '',
    labels: info.pod?.labels ?? {},
    pod: info.pod?.name,
    container: info.name ?? plain,
    image: info.image,
  }
}

function filterKey(cgroup_id: number, filter: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(POLICY_CGROUP_KEY_SIZE))
  encodePolicyCgroupKey(new DataView(bytes.buffer), 0, { cgroup_id, filter })
  return bytes
}
