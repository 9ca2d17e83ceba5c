// BaseSensor: exec, fork and exit of every process, from compiled objects to attached programs, maps and rings.
import { randomBytes } from 'node:crypto'
import { Btf } from '../../ffi/btf.ts'
import { Doorbell } from '../../ffi/doorbell.ts'
import { LibbpfError, UnsupportedError, VerifierError } from '../../ffi/error.ts'
import type { BpfLink } from '../../ffi/link.ts'
import { BpfObject } from '../../ffi/object.ts'
import type { BpfProgram } from '../../ffi/program.ts'
import { RingBuffer } from '../../ffi/ring.ts'
import { DRAINED, RingPair } from '../../ffi/ring_pair.ts'
import { raiseMemlockLimit } from '../../ffi/system.ts'
import { decodeCgroupRate, encodeBaseConfig, WIRE_SIZES } from '../../ffi/wire.gen.ts'
import type { Pins } from '../kernel/pins.ts'
import type { ProcfsProcess } from '../process/procfs.ts'
import { type CgroupHierarchy, cgroupId, findHierarchy } from './cgroup.ts'
import { readFaults, readRingCounters, type RingCount } from './counters.ts'
import { ExistingProcesses } from './existing.ts'
import { hashKey } from './hash.ts'
import { allocatesInTracepoints } from './preallocate.ts'
import { SharedMaps } from './shared_maps.ts'
import { type BaseSizes, mapEntries, type SizeFacts } from './size.ts'

export interface BaseOptions extends SizeFacts {
  /** Path of a compiled object by the name of its source. */
  readonly objectFile: (name: string) => string
  /** As --btf; '' for the kernel's own. */
  readonly btf: string
  readonly argument_bytes: number
  readonly environment: boolean
  readonly cgroup_rate: { readonly events: number; readonly interval_ns: number } | null
  readonly procfs: string
}

export type CredentialSource = 'sched_prepare_exec' | 'fentry' | 'kprobe'

/** Best first; by the section of the program that does it. */
const CREDENTIAL_SECTIONS: readonly (readonly [CredentialSource, string])[] = [
  ['sched_prepare_exec', 'raw_tp/sched_prepare_exec'],
  ['fentry', 'fentry/security_bprm_committing_creds'],
  ['kprobe', 'kprobe/security_bprm_committing_creds'],
]

export interface MapUse {
  readonly name: string
  readonly entries: number
  readonly capacity: number
  /** Kernel memory: all of a preallocated map, what is in use of others. */
  readonly bytes: number
}

const COUNTED_MAPS = [
  ...['processes', 'exited', 'binaries', 'lineages', 'lineage_nodes', 'gains'],
  ...['cgroup_containers', 'cgroup_units', 'policy_cgroups', 'cgroup_rates'],
]

/** Exit first: an entry that begins while we attach must also end. */
const OBJECTS = ['cgroup', 'exit', 'fork', 'exec'] as const

export class BaseSensor implements Disposable {
  readonly maps: SharedMaps
  /** Key of the hashes in maps of strings; hook programs need the same. */
  readonly hash_key_bytes: Uint8Array = randomBytes(16)
  readonly sizes: BaseSizes
  readonly hierarchy: CgroupHierarchy
  readonly #stack = new DisposableStack()
  readonly #options: BaseOptions
  /** Of the kernel, while loading: some 20 MB, and nobody asks later. */
  #btf: Btf | null
  #links = new DisposableStack()
  readonly #attached: BpfLink[] = []
  #objects: BpfObject[] = []
  #credential_source: CredentialSource | null = null
  #rings: { reserved: RingBuffer; telemetry: RingBuffer; pair: RingPair } | null = null

  private constructor(options: BaseOptions) {
    this.#options = options
    this.sizes = mapEntries(options)
    this.#btf = options.btf === '' ? Btf.open() : Btf.open(options.btf)
    this.maps = this.#stack.use(new SharedMaps(this.sizes.entries, !allocatesInTracepoints(this.#btf)))
    this.hierarchy = findHierarchy(options.procfs, this.#btf)
  }

  /** Loads all programs; nothing is attached yet. Throws LibbpfError, VerifierError or UnsupportedError. */
  static load(options: BaseOptions): BaseSensor {
    raiseMemlockLimit() // fails where it is not needed as well; if it was, loading says so
    const sensor = new BaseSensor(options)
    try {
      for (const name of OBJECTS) sensor.#loadBest(name)
      sensor.#mapRings()
      sensor.#btf = null
      return sensor
    } catch (error) {
      sensor[Symbol.dispose]()
      throw error
    }
  }

  /** Null: gains of privileges at exec are not seen on this kernel. */
  get credential_source(): CredentialSource | null {
    return this.#credential_source
  }

  /** Borrowed. */
  get objects(): readonly BpfObject[] {
    return this.#objects
  }

  /** Borrowed; empty before attach(). */
  get links(): readonly BpfLink[] {
    return this.#attached
  }

  attach(pins?: Pins): void {
    for (const object of this.#objects) {
      for (const program of object.programs) {
        if (program.autoload && !isCredentialProgram(program)) this.#attached.push(this.#links.use(program.attach()))
      }
    }
    pins?.keepBase(this.#attached)
  }

  /** Programs run no more; maps and rings stay readable. */
  detach(): void {
    this.#attached.length = 0
    this.#links.dispose()
    this.#links = new DisposableStack()
  }

  /** Both rings in order, for the pipeline. */
  get source(): { drain: RingPair['drain']; readonly more: boolean } {
    const { pair } = this.#ringPair()
    return {
      drain: (records_max, visit) => pair.drain(records_max, visit),
      get more() {
        return pair.state !== DRAINED.DONE
      },
    }
  }

  get rings(): readonly { readonly name: string; readonly size: number; lag(): number }[] {
    const { reserved, telemetry } = this.#ringPair()
    return [
      { name: 'reserved', size: reserved.size, lag: () => reserved.lag() },
      { name: 'telemetry', size: telemetry.size, lag: () => telemetry.lag() },
    ]
  }

  /** Rings `onRing` once per arming, when a ring holds records. */
  doorbell(onRing: () => void, onFailed: (error: unknown) => void): Promise<Doorbell> {
    return Doorbell.start([this.maps.get('events_reserved'), this.maps.get('events_telemetry')], onRing, onFailed)
  }

  counters(): RingCount[] {
    return readRingCounters(this.maps.get('counters'))
  }

  /** Entries that did not fit a map, by fault. */
  faults(): Record<string, number> {
    return readFaults(this.maps.get('faults'))
  }

  /** How full the hash maps are that grow with what happens on the machine, and what the kernel keeps for them. */
  mapUse(): MapUse[] {
    return COUNTED_MAPS.filter((name) => this.maps.has(name)).map((name) => {
      const map = this.maps.get(name)
      return { name, entries: map.count(), capacity: map.max_entries, bytes: map.memlockBytes() }
    })
  }

  /** When a cgroup last went beyond --cgroup-rate (CLOCK_MONOTONIC); undefined: it did not, or long ago. */
  rateExceededNs(cgroup_id: number): bigint | undefined {
    const key = new Uint8Array(new BigUint64Array([BigInt(cgroup_id)]).buffer)
    const value = this.maps.get('cgroup_rates').lookup(key)
    if (value === undefined) return undefined
    return decodeCgroupRate(new DataView(value.buffer), 0).exceeded_ns
  }

  /** Writes older processes into the kernel's maps; gives those that the kernel did not know. After attach(). */
  addExisting(processes: readonly ProcfsProcess[]): ProcfsProcess[] {
    const maps = {
      processes: this.maps.get('processes'),
      binaries: this.maps.get('binaries'),
      lineages: this.maps.get('lineages'),
      lineage_nodes: this.maps.get('lineage_nodes'),
    }
    const existing = new ExistingProcesses(maps, hashKey(this.hash_key_bytes), this.#options.procfs, (cgroup) => {
      return cgroupId(this.hierarchy, cgroup)
    })
    return existing.add(processes)
  }

  [Symbol.dispose](): void {
    this.detach()
    this.#stack.dispose()
  }

  /** Tries the ways to see credentials before exec, best first, and at last none. */
  #loadBest(name: string): void {
    const ways: (CredentialSource | null)[] = [...CREDENTIAL_SECTIONS.map(([source]) => source), null]
    const refusals: unknown[] = []
    for (const source of ways) {
      if (source === 'sched_prepare_exec' && this.#btf?.findTypedef('btf_trace_sched_prepare_exec') === undefined) {
        continue
      }
      try {
        if (this.#loadObject(name, source)) return
      } catch (error) {
        // The next way helps only against what came of this way's own program.
        const other_program = error instanceof VerifierError && !error.program.startsWith('gain_')
        if (source === null || other_program || !(error instanceof LibbpfError || error instanceof VerifierError)) {
          throw error
        }
        refusals.push(error)
      }
    }
    throw new AggregateError(refusals, `Cannot load object "${name}"`)
  }

  /** False if the object has no program for this source of credentials. */
  #loadObject(name: string, source: CredentialSource | null): boolean {
    const { objectFile, btf } = this.#options
    using stack = new DisposableStack()
    const object = stack.use(BpfObject.open(objectFile(name), { ...(btf === '' ? {} : { btf_path: btf }) }))
    checkWireSizes(object)
    let chosen = false
    for (const program of object.programs) {
      const candidate = CREDENTIAL_SECTIONS.find(([, section]) => program.section === section)
      const copy = /_again_\d$/.test(program.name)
      if (candidate === undefined) {
        if (copy) program.setAutoload(this.#tracepointsPreemptible())
        continue
      }
      program.setAutoload(candidate[0] === source && (!copy || this.#tracepointsPreemptible()))
      if (candidate[0] === source) chosen = true
    }
    if (source !== null && !chosen) return false
    this.#configure(object, source)
    this.maps.prepare(object)
    object.load()
    // Loading proves little for a kprobe: attaching does. It stays attached, for before 5.13 a trampoline's program can be attached
    // only once (commit f3a95075549e); what it keeps before the others are attached is bounded and never read.
    for (const program of chosen ? object.programs : []) {
      if (program.autoload && isCredentialProgram(program)) this.#attached.push(this.#links.use(program.attach()))
    }
    this.maps.collect(object)
    if (chosen) this.#credential_source = source
    this.#objects.push(object)
    this.#stack.adopt(stack.move(), (owned) => owned.dispose())
    return true
  }

  #configure(object: BpfObject, source: CredentialSource | null): void {
    const { argument_bytes, environment, cgroup_rate } = this.#options
    for (const name of object.mapNames) {
      if (name.endsWith('.rodata.config')) {
        object.global('base').edit((view) => {
          encodeBaseConfig(view, 0, {
            args_max: argument_bytes,
            envs_max: environment ? argument_bytes : 0,
            cgroup_subsystem: this.hierarchy.subsystem,
            exit_has_group_dead: this.#exitHasGroupDead() ? 1 : 0,
            credentials_observed: source === null ? 0 : 1,
            preemptible: this.#tracepointsPreemptible() ? 1 : 0,
            cgroup_rate: cgroup_rate?.events ?? 0,
            cgroup_rate_interval_ns: BigInt(cgroup_rate?.interval_ns ?? 0),
          })
        })
      }
      if (name.endsWith('.rodata.cgroup')) {
        object.global('cgroup_hierarchy').edit((view) => view.setUint32(0, this.hierarchy.id, true))
      }
      if (name.endsWith('.rodata.hash')) object.global('hash_key').write(this.hash_key_bytes)
    }
  }

  /**
   * Tracepoints are preemptible since 7.0 (commit a46023d5616e), which shows nowhere; the second argument of
   * sched_process_exit came with the same release.
   */
  #tracepointsPreemptible(): boolean {
    return this.#exitHasGroupDead()
  }

  /** sched_process_exit has a second argument since 7.0; the first parameter of the prototype is the tracer's own. */
  #exitHasGroupDead(): boolean {
    const btf = this.#btf
    const id = btf?.findTypedef('btf_trace_sched_process_exit')
    if (btf === null || id === undefined) throw new UnsupportedError('raw tracepoint sched_process_exit', '5.10')
    const pointer = btf.resolve(id)
    return pointer.kind === 'pointer' && btf.function(pointer.to).parameters.length > 2
  }

  #mapRings(): void {
    const reserved = this.#stack.use(RingBuffer.map(this.maps.get('events_reserved')))
    const telemetry = this.#stack.use(RingBuffer.map(this.maps.get('events_telemetry')))
    this.#rings = { reserved, telemetry, pair: new RingPair(reserved, telemetry) }
  }

  #ringPair(): { reserved: RingBuffer; telemetry: RingBuffer; pair: RingPair } {
    if (this.#rings === null) throw new TypeError('BaseSensor used before it was loaded')
    return this.#rings
  }
}

function isCredentialProgram(program: BpfProgram): boolean {
  return CREDENTIAL_SECTIONS.some(([, section]) => program.section === section)
}

/** Refuses an object that was compiled from other layouts than the decoders. */
export function checkWireSizes(object: BpfObject): void {
  for (const [name, size] of Object.entries(WIRE_SIZES)) {
    const found = object.btf().findStruct(name)
    if (found !== undefined && found.size !== size) {
      throw new Error(
        `Object "${object.name}" does not fit this agent: struct ${name} has ${found.size} bytes, wanted ${size}; compile it again (bun run bpf)`,
      )
    }
  }
}
