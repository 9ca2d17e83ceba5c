/**
 * A compiled BPF object: open, set up, load, attach its programs, dispose.
 *
 *   using stack = new DisposableStack()
 *   const object = stack.use(BpfObject.open('bpf/exec.bpf.o'))
 *   object.global('config').edit((view) => encodeConfig(view, 0, config))
 *   object.definition('events').setMaxEntries(1 << 24)
 *   object.load()
 *   const link = stack.use(object.program('exec').attach())
 *   object.map('events').lookup(0)
 *
 * `load()` blocks while the verifier works: long ones belong into a worker, which then passes `detachToNumbers()` to the
 * thread that adopts it. Programs and maps are borrowed from the object; links are not, dispose them first.
 */

import type { Pointer } from 'bun:ffi'
import { assert, live, type Returned } from './assert.ts'
import { Btf } from './btf.ts'
import { encodeCString, readCString } from './cstring.ts'
import { check, LibbpfError, VerifierError } from './error.ts'
import { lastErrno, libbpf } from './library.ts'
import { BpfMap } from './map.ts'
import { BpfMapDefinition } from './map_definition.ts'
import { copyFromC, copyToC, CStruct } from './memory.ts'
import { hideModuleTypes } from './module_types.ts'
import { BpfProgram, type Owner } from './program.ts'
import { BpfSection } from './section.ts'
import { VerifierLogs } from './verifier_log.ts'

export interface OpenOptions {
  /** For messages and the names of maps of global variables; the file's name if absent. */
  readonly name?: string
  /** BTF file to use in place of the kernel's own, for CO-RE only: trampolines, LSM and tp_btf need the kernel's. */
  readonly btf_path?: string
  /** Directory in bpffs for maps that their C definition pins by name. */
  readonly pin_root?: string
}

/** An object on its way to another thread of this process; `BpfObject.adopt()` makes it one again, once. */
export interface MovedObject {
  readonly object: number
  readonly name: string
  readonly loaded: boolean
}

const OPEN_OPTIONS_SIZE = 80
const PROGRAMS_MAX = 1024
const NAME_BYTES_MAX = 256

export class BpfObject implements Disposable {
  #handle: Pointer | null
  #loaded: boolean
  readonly name: string
  readonly #owner: Owner
  #btf: Btf | undefined

  private constructor(handle: Returned, name: string, loaded: boolean) {
    this.#handle = live(handle, 'BpfObject')
    this.#loaded = loaded
    this.name = name
    this.#owner = { name, assertLive: () => void live(this.#handle, 'BpfObject') }
  }

  /** Reads an ELF object from a file or bytes. Nothing reaches the kernel yet. */
  static open(source: string | Uint8Array, options: OpenOptions = {}): BpfObject {
    const name = options.name ?? (typeof source === 'string' ? fileName(source) : 'memory')
    const open = CStruct.options(OPEN_OPTIONS_SIZE).text(8, name).text(24, options.pin_root).text(48, options.btf_path)
    const symbols = libbpf()
    const handle = open.lend((bytes) =>
      typeof source === 'string'
        ? symbols.bpf_object__open_file(encodeCString(source), bytes)
        : symbols.bpf_object__open_mem(source, source.length, bytes)
    )
    if (handle === null) throw new LibbpfError(`open object "${name}"`, lastErrno())
    return new BpfObject(handle, name, false)
  }

  /** Takes over an object from another thread. Its programs and maps are asked for anew. */
  static adopt(moved: MovedObject): BpfObject {
    return new BpfObject(moved.object as Pointer, moved.name, moved.loaded)
  }

  /** Gives the object up for `adopt()` in another thread; this one and what was borrowed from it is then as if disposed. */
  detachToNumbers(): MovedObject {
    const object = live(this.#handle, 'BpfObject')
    this.#handle = null
    return { object, name: this.name, loaded: this.#loaded }
  }

  get loaded(): boolean {
    return this.#loaded
  }

  /** All programs, in the order of the file. */
  get programs(): readonly BpfProgram[] {
    const handle = live(this.#handle, 'BpfObject')
    const programs: BpfProgram[] = []
    let at: Returned = null
    while ((at = libbpf().bpf_object__next_program(handle, at)) !== null) {
      assert(programs.length < PROGRAMS_MAX, `more than ${PROGRAMS_MAX} programs in "${this.name}"`)
      programs.push(new BpfProgram(this.#owner, at))
    }
    return programs
  }

  program(name: string): BpfProgram {
    const handle = live(this.#handle, 'BpfObject')
    const program = libbpf().bpf_object__find_program_by_name(handle, encodeCString(name))
    if (program === null) throw new LibbpfError(`find program "${name}" in object "${this.name}"`, lastErrno())
    return new BpfProgram(this.#owner, program)
  }

  /** Names of all maps, those of global variables (`exec.bpf.rodata`) included. */
  get mapNames(): readonly string[] {
    const handle = live(this.#handle, 'BpfObject')
    const names: string[] = []
    let at: Returned = null
    while ((at = libbpf().bpf_object__next_map(handle, at)) !== null) {
      assert(names.length < PROGRAMS_MAX, `more than ${PROGRAMS_MAX} maps in "${this.name}"`)
      names.push(readCString(libbpf().bpf_map__name(at), NAME_BYTES_MAX))
    }
    return names
  }

  hasMap(name: string): boolean {
    const handle = live(this.#handle, 'BpfObject')
    return libbpf().bpf_object__find_map_by_name(handle, encodeCString(name)) !== null
  }

  /** A map before load, to be sized, shared or left out. */
  definition(name: string): BpfMapDefinition {
    this.#assertNotLoaded(`change map "${name}"`)
    return new BpfMapDefinition(this.#owner, this.#map(name))
  }

  /** A map after load. Borrowed: it dies with the object; `duplicate()` outlives it. */
  map(name: string): BpfMap {
    const fd = check(libbpf().bpf_map__fd(this.#map(name)), `use map "${name}" of object "${this.name}"`)
    return BpfMap.borrow(fd, this.#owner.assertLive)
  }

  /** `.rodata`, `.data`, `.bss` or a named one like `.rodata.config`, before load. */
  section(name: string): BpfSection {
    const map = this.#map(name)
    const size = new CStruct(8)
    const pointer = size.lend((bytes) => libbpf().bpf_map__initial_value(map, bytes))
    if (pointer === null) throw new LibbpfError(`find section "${name}" in object "${this.name}"`, lastErrno())
    const start = live(pointer, 'section')
    const bytes = Number(size.getU64(0))
    const memory = {
      read: () => {
        this.#assertNotLoaded(`read section "${name}"`)
        return copyFromC(start, bytes)
      },
      write: (at: number, data: Uint8Array) => {
        this.#assertNotLoaded(`write section "${name}"`)
        assert(at >= 0 && at + data.length <= bytes, `${data.length} bytes at ${at} of section "${name}" (${bytes})`)
        copyToC(start, at, data)
      },
    }
    return new BpfSection(name, memory, 0, bytes)
  }

  /** One global variable by name, wherever it lies, before load. */
  global(name: string): BpfSection {
    const place = this.btf().findVariable(name)
    if (place === undefined) throw new LibbpfError(`find variable "${name}" in object "${this.name}"`, 2)
    const section = this.section(place.section)
    const memory = { read: () => section.read(), write: (at: number, bytes: Uint8Array) => section.write(bytes, at) }
    return new BpfSection(name, memory, place.offset, place.size)
  }

  /** The object's own types; for comparing sizes of exported structs. */
  btf(): Btf {
    const handle = live(this.#handle, 'BpfObject')
    if (this.#btf !== undefined) return this.#btf
    const btf = libbpf().bpf_object__btf(handle)
    const size = new CStruct(4)
    const bytes = btf === null ? null : size.lend((length) => libbpf().btf__raw_data(btf, length))
    if (bytes === null) throw new LibbpfError(`read types of object "${this.name}"`, 2)
    this.#btf = new Btf(copyFromC(live(bytes, 'BTF'), size.getU32(0)), this.name)
    return this.#btf
  }

  /**
   * Makes the maps and has the kernel verify and compile every program with autoload. Throws VerifierError with the log of
   * the program that was refused, else LibbpfError; the object can then only be disposed.
   *
   * Programs are first loaded without a log; only for one that fails libbpf asks again with one.
   */
  load(): void {
    const handle = live(this.#handle, 'BpfObject')
    this.#assertNotLoaded('load')
    hideModuleTypes()
    const programs = this.programs.filter((program) => program.autoload)
    using logs = new VerifierLogs(programs)
    const rc = libbpf().bpf_object__load(handle)
    this.#loaded = true
    if (rc >= 0) return
    const cause = new LibbpfError(`load object "${this.name}"`, -rc)
    const refused = logs.refused()
    throw refused === undefined ? cause : new VerifierError(refused.program, refused.summary, refused.log, cause)
  }

  /** Unloads programs and maps, except what links, pins or duplicates still hold. */
  [Symbol.dispose](): void {
    const handle = this.#handle
    if (handle === null) return
    this.#handle = null
    libbpf().bpf_object__close(live(handle, 'BpfObject'))
  }

  #map(name: string): Pointer {
    const handle = live(this.#handle, 'BpfObject')
    const map = libbpf().bpf_object__find_map_by_name(handle, encodeCString(name))
    if (map === null) throw new LibbpfError(`find map "${name}" in object "${this.name}"`, lastErrno())
    return live(map, 'BpfMap')
  }

  #assertNotLoaded(action: string): void {
    this.#owner.assertLive()
    if (this.#loaded) throw new TypeError(`Cannot ${action} of object "${this.name}": it was loaded already`)
  }
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.o$/, '')
}
