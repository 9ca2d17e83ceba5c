/** A map of an object that is not loaded yet: its size, type and what it shares are still open. Borrowed from the object. */

import type { Pointer } from 'bun:ffi'
import { live, type Returned } from './assert.ts'
import { encodeCString, readCString } from './cstring.ts'
import { check } from './error.ts'
import { libbpf } from './library.ts'
import type { BpfMap } from './map.ts'
import type { Owner } from './program.ts'

const NAME_BYTES_MAX = 256

export class BpfMapDefinition {
  readonly #owner: Owner
  readonly #handle: Pointer
  readonly name: string

  /** For `ffi/` itself. */
  constructor(owner: Owner, handle: Returned) {
    owner.assertLive()
    this.#owner = owner
    this.#handle = live(handle, 'BpfMapDefinition')
    this.name = readCString(libbpf().bpf_map__name(handle), NAME_BYTES_MAX)
  }

  #borrow(): Pointer {
    this.#owner.assertLive()
    return live(this.#handle, 'BpfMapDefinition')
  }

  get type(): number {
    return libbpf().bpf_map__type(this.#borrow())
  }

  get key_size(): number {
    return libbpf().bpf_map__key_size(this.#borrow())
  }

  get value_size(): number {
    return libbpf().bpf_map__value_size(this.#borrow())
  }

  get max_entries(): number {
    return libbpf().bpf_map__max_entries(this.#borrow())
  }

  get flags(): number {
    return libbpf().bpf_map__map_flags(this.#borrow())
  }

  /** For rings: bytes, a power of two and at least a page. */
  setMaxEntries(max_entries: number): void {
    check(libbpf().bpf_map__set_max_entries(this.#borrow(), max_entries), `size map "${this.name}" to ${max_entries}`)
  }

  setValueSize(bytes: number): void {
    check(libbpf().bpf_map__set_value_size(this.#borrow(), bytes), `set value size of map "${this.name}"`)
  }

  /** One of MAP_TYPE. */
  setType(type: number): void {
    check(libbpf().bpf_map__set_type(this.#borrow(), type), `set type of map "${this.name}"`)
  }

  /** Bits of MAP_FLAG; replaces what the object says. */
  setFlags(flags: number): void {
    check(libbpf().bpf_map__set_map_flags(this.#borrow(), flags), `set flags of map "${this.name}"`)
  }

  /** A map that no loaded program uses need not be made. */
  setAutocreate(autocreate: boolean): void {
    check(libbpf().bpf_map__set_autocreate(this.#borrow(), autocreate), `set autocreate of map "${this.name}"`)
  }

  /** Has load use an existing map instead of making one; the kind must be the same. libbpf duplicates the descriptor. */
  reuse(map: BpfMap): void {
    check(libbpf().bpf_map__reuse_fd(this.#borrow(), map.fd), `reuse map "${map.name}" as "${this.name}"`)
  }

  /** For maps of maps that do not define their inner map. `map` may be disposed after load. */
  setInnerMap(map: BpfMap): void {
    check(libbpf().bpf_map__set_inner_map_fd(this.#borrow(), map.fd), `set inner map of "${this.name}"`)
  }

  /** Load opens the map pinned there, or makes and pins it. */
  setPinPath(path: string): void {
    check(libbpf().bpf_map__set_pin_path(this.#borrow(), encodeCString(path)), `set pin path of map "${this.name}"`)
  }
}
