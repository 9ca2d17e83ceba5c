// SharedMaps: maps that several BPF objects name; the first object that is loaded makes them, the others are given them.
import type { BpfMap } from '../../ffi/map.ts'
import type { BpfObject } from '../../ffi/object.ts'
import { preallocate } from './preallocate.ts'

export class SharedMaps implements Disposable {
  readonly #maps = new Map<string, BpfMap>()
  readonly #entries: Readonly<Record<string, number>>
  /** This kernel must not allocate entries while programs run. */
  readonly preallocate: boolean

  /** `entries` sets max_entries of maps by name, for the object that makes them. */
  constructor(entries: Readonly<Record<string, number>>, preallocate = false) {
    this.#entries = entries
    this.preallocate = preallocate
  }

  /** Before load: gives the object what is there already, and sizes what it is going to make. */
  prepare(object: BpfObject): void {
    for (const name of object.mapNames) {
      if (isSection(name)) continue
      const shared = this.#maps.get(name)
      const entries = this.#entries[name]
      const definition = object.definition(name)
      if (shared !== undefined) {
        definition.reuse(shared)
        continue
      }
      if (entries !== undefined) definition.setMaxEntries(entries)
      if (this.preallocate) preallocate(definition)
    }
  }

  /** After load: keeps what the object made for those to come. */
  collect(object: BpfObject): void {
    for (const name of object.mapNames) {
      if (!isSection(name) && !this.#maps.has(name)) this.#maps.set(name, object.map(name).duplicate())
    }
  }

  /** Takes over a map that somebody else made. */
  add(name: string, map: BpfMap): void {
    if (this.#maps.has(name)) throw new Error(`Map "${name}" is shared already`)
    this.#maps.set(name, map)
  }

  has(name: string): boolean {
    return this.#maps.has(name)
  }

  /** Borrowed: lives as long as this. Throws Error for a map that no loaded object has. */
  get(name: string): BpfMap {
    const map = this.#maps.get(name)
    if (map === undefined) throw new Error(`No loaded object has a map "${name}"`)
    return map
  }

  /** Borrowed. */
  get all(): readonly BpfMap[] {
    return [...this.#maps.values()]
  }

  get names(): readonly string[] {
    return [...this.#maps.keys()]
  }

  [Symbol.dispose](): void {
    for (const map of this.#maps.values()) map[Symbol.dispose]()
    this.#maps.clear()
  }
}

/** Maps of global variables (`exec.rodata`) belong to one object each. */
function isSection(name: string): boolean {
  return name.includes('.')
}
