// Units: systemd's units that policies name. Each has a number that the kernel gives its cgroup as it is made, so that what is said
// about a unit holds from the first instruction of whenever it starts.
import { readdirSync, statSync } from 'node:fs'
import { idKey, type UnitMap, type WorkloadMap } from './workload_map.ts'

export interface UnitsOptions {
  /** Map cgroup_units: name to number. */
  readonly cgroup_units: () => UnitMap
  readonly cgroup_containers: () => WorkloadMap
  /** Where the hierarchy that names containers is mounted; null: nowhere. */
  readonly mount: string | null
  /** Whether a cgroup's path is that of a container or of something in one. */
  readonly isContainer: (path: string) => boolean
  readonly guarded: (change: () => void) => void
}

/** As UNIT_NUMBER in bpf/container.h: no cgroup has such an id. */
const FIRST = 2 ** 52
/** Bytes of a name in the kernel's map, NUL included. */
const NAME_BYTES = 64
/** Directories looked through for units that run already. */
const CGROUPS_MAX = 20_000

export class Units {
  readonly #options: UnitsOptions
  /** Never taken back: a unit that no policy names any more is the host's by what is written for its number. */
  readonly #numbers = new Map<string, number>()
  /** Cgroups of units and what is inside. */
  readonly #cgroups = new Map<number, number>()

  constructor(options: UnitsOptions) {
    this.#options = options
    options.guarded(() => {
      for (const [key, value] of options.cgroup_units().entries()) {
        const name = new TextDecoder().decode(key).replace(/\0+$/, '')
        this.#numbers.set(name, Number(new DataView(value.buffer).getBigUint64(value.byteOffset, true)))
      }
    })
    for (const name of this.#numbers.keys()) this.#findExisting(name)
  }

  entries(): IterableIterator<[string, number]> {
    return this.#numbers.entries()
  }

  /** The number of a unit that has none yet; undefined for one that has. It counts for nothing before begin(). */
  add(name: string): number | undefined {
    if (this.#numbers.has(name)) return undefined
    const number = FIRST + this.#numbers.size
    this.#numbers.set(name, number)
    return number
  }

  /** From here on its cgroups have the number, first those to come, then those that are there. */
  begin(name: string): void {
    const number = this.#numbers.get(name)
    if (number === undefined) return
    const { cgroup_units, guarded } = this.#options
    guarded(() => cgroup_units().update(nameKey(name), idKey(number)))
    this.#findExisting(name)
  }

  /** A cgroup was made: the kernel has given it its number by now. */
  made(cgroup_id: number, path: string): void {
    const number = this.#numbers.size === 0 ? undefined : this.#numberOf(path)
    if (number !== undefined) this.#cgroups.set(cgroup_id, number)
  }

  gone(cgroup_id: number): void {
    this.#cgroups.delete(cgroup_id)
  }

  /** The unit's number of a cgroup that is no container's. */
  at(cgroup_id: number): number | undefined {
    return this.#cgroups.get(cgroup_id)
  }

  /** The innermost that a policy names decides. */
  #numberOf(path: string): number | undefined {
    return path.split('/').map((component) => this.#numbers.get(component)).findLast((number) => number !== undefined)
  }

  #findExisting(name: string): void {
    const { mount, isContainer } = this.#options
    if (mount === null) return
    const waiting = ['']
    for (let looked = 0; waiting.length > 0 && looked < CGROUPS_MAX; looked++) {
      const parent = waiting.pop()!
      for (const child of directories(mount + parent)) {
        const path = `${parent}/${child}`
        // What runs in a container is its own matter, units and all.
        if (isContainer(path)) continue
        waiting.push(path)
        if (path.split('/').includes(name)) this.#tell(mount, path)
      }
    }
  }

  #tell(mount: string, path: string): void {
    const id = statSync(mount + path, { throwIfNoEntry: false })?.ino
    const number = this.#numberOf(path)
    if (id === undefined || number === undefined) return
    this.#cgroups.set(id, number)
    this.#options.guarded(() => this.#options.cgroup_containers().update(idKey(id), idKey(number)))
  }
}

function nameKey(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(NAME_BYTES))
  new TextEncoder().encodeInto(name, bytes.subarray(0, NAME_BYTES - 1))
  return bytes
}

function directories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) =>
      name
    )
  } catch {
    return [] // gone meanwhile, and with it what is inside
  }
}
