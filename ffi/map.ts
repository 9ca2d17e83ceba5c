/**
 * A map that exists in the kernel, used through its descriptor: one of an object (borrowed: `object.map()`), or one made,
 * opened or duplicated here (owned: dispose it). Keys and values are bytes in the kernel's layout; a number stands for a
 * u32 key. Values of per-CPU maps are all CPUs' values side by side, see `perCpu()`.
 */

import { assert } from './assert.ts'
import { encodeCString } from './cstring.ts'
import { ERRNO } from './errno.ts'
import { check, LibbpfError } from './error.ts'
import { checkErrno, libbpf, libc } from './library.ts'
import { type MapInfo, mapInfo, memlockBytes } from './map_info.ts'
import { CStruct } from './memory.ts'
import { possibleCpus } from './system.ts'
import { MAP_TYPE, UPDATE } from './uapi.ts'

export interface MapOptions {
  readonly type: number
  /** At most 15 bytes count. */
  readonly name: string
  readonly key_size: number
  readonly value_size: number
  readonly max_entries: number
  /** Bits of MAP_FLAG. */
  readonly flags?: number
  /** For maps of maps: any map of the inner kind. */
  readonly inner?: BpfMap
}

export type MapKey = Uint8Array | number

const CREATE_OPTIONS_SIZE = 48
const PER_CPU: ReadonlySet<number> = new Set([MAP_TYPE.PERCPU_HASH, MAP_TYPE.PERCPU_ARRAY, MAP_TYPE.LRU_PERCPU_HASH])

export class BpfMap implements Disposable {
  #fd: number
  readonly #owned: boolean
  readonly #assertOwner: () => void
  readonly name: string
  readonly type: number
  readonly key_size: number
  /** Of one CPU's value in a per-CPU map. */
  readonly value_size: number
  /** Bytes that lookup and update carry: value_size, or for per-CPU maps value_size rounded up to 8 times possible CPUs. */
  readonly value_bytes: number
  readonly max_entries: number

  private constructor(fd: number, owned: boolean, assertOwner: () => void) {
    this.#fd = fd
    this.#owned = owned
    this.#assertOwner = assertOwner
    const info = mapInfo(fd)
    this.name = info.name
    this.type = info.type
    this.key_size = info.key_size
    this.value_size = info.value_size
    this.value_bytes = PER_CPU.has(info.type) ? roundUp8(info.value_size) * possibleCpus() : info.value_size
    this.max_entries = info.max_entries
  }

  static create(options: MapOptions): BpfMap {
    const extra = CStruct.options(CREATE_OPTIONS_SIZE).u32(28, options.flags ?? 0)
    if (options.inner !== undefined) extra.u32(24, options.inner.fd)
    const name = encodeCString(options.name)
    const fd = extra.lend((bytes) =>
      libbpf().bpf_map_create(
        options.type,
        name,
        options.key_size,
        options.value_size,
        options.max_entries,
        bytes,
      )
    )
    return BpfMap.own(check(fd, `create map "${options.name}"`))
  }

  /** Opens a map pinned in bpffs. */
  static open(path: string): BpfMap {
    return BpfMap.own(check(libbpf().bpf_obj_get(encodeCString(path)), `open pinned map "${path}"`))
  }

  static fromId(id: number): BpfMap {
    return BpfMap.own(check(libbpf().bpf_map_get_fd_by_id(id), `open map ${id}`))
  }

  /** Takes over a descriptor: it is closed with this object. */
  static own(fd: number): BpfMap {
    return new BpfMap(fd, true, () => {})
  }

  /** For `ffi/` itself: a map whose descriptor belongs to an object. */
  static borrow(fd: number, assertOwner: () => void): BpfMap {
    return new BpfMap(fd, false, assertOwner)
  }

  get fd(): number {
    this.#assertOwner()
    if (this.#fd < 0) throw new TypeError('BpfMap used after dispose')
    return this.#fd
  }

  /** An owned map of its own descriptor, which lives on when the object is gone. */
  duplicate(): BpfMap {
    return BpfMap.own(checkErrno(libc().dup(this.fd), `duplicate descriptor of map "${this.name}"`))
  }

  /** A copy of the value, or undefined if there is none. */
  lookup(key: MapKey): Uint8Array<ArrayBuffer> | undefined {
    const value = new Uint8Array(new ArrayBuffer(this.value_bytes))
    return this.lookupInto(key, value) ? value : undefined
  }

  /** Reads into `value` (`value_bytes` long); false if there is none. */
  lookupInto(key: MapKey, value: Uint8Array): boolean {
    this.#assertValue(value)
    return this.#found(libbpf().bpf_map_lookup_elem(this.fd, this.#key(key), value), 'look up in')
  }

  lookupAndDelete(key: MapKey): Uint8Array<ArrayBuffer> | undefined {
    const value = new Uint8Array(new ArrayBuffer(this.value_bytes))
    const rc = libbpf().bpf_map_lookup_and_delete_elem(this.fd, this.#key(key), value)
    return this.#found(rc, 'take from') ? value : undefined
  }

  /** `flags` is one of UPDATE. EEXIST, ENOENT and E2BIG (map full) come as LibbpfError. */
  update(key: MapKey, value: Uint8Array, flags: number = UPDATE.ANY): void {
    this.#assertValue(value)
    const rc = libbpf().bpf_map_update_elem(this.fd, this.#key(key), value, flags)
    check(rc, `update map "${this.name}"`)
  }

  /** Puts `inner` into a map of maps. */
  updateMap(key: MapKey, inner: BpfMap): void {
    assert(this.value_size === 4, `map "${this.name}" holds no maps`)
    this.update(key, new Uint8Array(new Uint32Array([inner.fd]).buffer))
  }

  /** Puts the program of descriptor `fd` into a map of programs: one store for whoever jumps there. */
  updateProgram(key: MapKey, fd: number): void {
    assert(this.type === MAP_TYPE.PROG_ARRAY, `map "${this.name}" holds no programs`)
    this.update(key, new Uint8Array(new Uint32Array([fd]).buffer))
  }

  /** False if there was none. */
  delete(key: MapKey): boolean {
    return this.#found(libbpf().bpf_map_delete_elem(this.fd, this.#key(key)), 'delete from')
  }

  /**
   * Copies of all keys, in the kernel's order, each by a system call. If the present key is deleted meanwhile a hash starts
   * over, so at most twice `max_entries` keys come, some perhaps twice.
   */
  *keys(): Generator<Uint8Array<ArrayBuffer>> {
    let key: Uint8Array<ArrayBuffer> | null = null
    for (let i = 0; i < this.max_entries * 2; i++) {
      const next: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(this.key_size))
      if (!this.#found(libbpf().bpf_map_get_next_key(this.fd, key, next), 'list')) return
      yield next.slice()
      key = next
    }
  }

  /**
   * Entries of a hash, by walking its keys: a system call of some 0.5 us each and no garbage. What comes and goes meanwhile
   * is counted or not, and a walk that had to start over ends at max_entries.
   */
  count(): number {
    let key: Uint8Array<ArrayBuffer> | null = null
    let next: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(this.key_size))
    let other: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(this.key_size))
    for (let count = 0; count < this.max_entries; count++) {
      if (!this.#found(libbpf().bpf_map_get_next_key(this.fd, key, next), 'list')) return count
      key = next
      next = other
      other = key
    }
    return this.max_entries
  }

  /** Pairs of copies; keys that vanish meanwhile are left out. */
  *entries(): Generator<[key: Uint8Array<ArrayBuffer>, value: Uint8Array<ArrayBuffer>]> {
    for (const key of this.keys()) {
      const value = this.lookup(key)
      if (value !== undefined) yield [key, value]
    }
  }

  /** Removes every entry; returns how many there were. */
  clear(): number {
    let deleted = 0
    for (const key of [...this.keys()]) if (this.delete(key)) deleted++
    return deleted
  }

  /** One CPU's part of a value of a per-CPU map, borrowed. */
  perCpu(value: Uint8Array<ArrayBuffer>, cpu: number): DataView {
    const stride = roundUp8(this.value_size)
    assert((cpu + 1) * stride <= value.length, `CPU ${cpu} of map "${this.name}"`)
    return new DataView(value.buffer, value.byteOffset + cpu * stride, this.value_size)
  }

  /** User space cannot write any more. */
  freeze(): void {
    check(libbpf().bpf_map_freeze(this.fd), `freeze map "${this.name}"`)
  }

  pin(path: string): void {
    check(libbpf().bpf_obj_pin(this.fd, encodeCString(path)), `pin map "${this.name}" at "${path}"`)
  }

  info(): MapInfo {
    return mapInfo(this.fd)
  }

  /** Kernel memory of the map as its fdinfo has it: allocated up front, or since 6.4 in use. */
  memlockBytes(): number {
    return memlockBytes(this.fd)
  }

  [Symbol.dispose](): void {
    const fd = this.#fd
    this.#fd = -1
    if (this.#owned && fd >= 0) checkErrno(libc().close(fd), `close map "${this.name}"`)
  }

  #found(rc: number, verb: string): boolean {
    if (rc === -(ERRNO.ENOENT ?? 0)) return false
    if (rc < 0) throw new LibbpfError(`${verb} map "${this.name}"`, -rc)
    return true
  }

  /** C reads key_size bytes whatever it is given: lengths are checked here. */
  #key(key: MapKey): Uint8Array {
    const bytes = typeof key === 'number' ? new Uint8Array(new Uint32Array([key]).buffer) : key
    if (bytes.length !== this.key_size) {
      throw new TypeError(`Cannot use a key of ${bytes.length} bytes in map "${this.name}": keys have ${this.key_size}`)
    }
    return bytes
  }

  #assertValue(value: Uint8Array): void {
    if (value.length === this.value_bytes) return
    throw new TypeError(
      `Cannot use a value of ${value.length} bytes in map "${this.name}": values have ${this.value_bytes}`,
    )
  }
}

function roundUp8(size: number): number {
  return (size + 7) & ~7
}
