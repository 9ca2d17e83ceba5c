// BaseSensor: exec, fork and exit of every process, from compiled objects to attached programs, maps and rings.
import { randomBytes } from 'node:crypto'
import { Btf } from '../../ffi/btf.ts'
import { Doorbell } from '../../ffi/doorbell.ts'
import { LibbpfError, UnsupportedError, VerifierError } from '../../ffi/error.ts'
import type { BpfLink } from '../../ffi/link.ts'
import type { BpfMap } from '../../ffi/map.ts'
import { BpfObject } from '../../ffi/object.ts'
import type { BpfProgram } from '../../ffi/program.ts'
import { RingBuffer } from '../../ffi/ring.ts'
import { DRAINED, RingPair } from '../../ffi/ring_pair.ts'
import { raiseMemlockLimit } from '../../ffi/system.ts'
import { decodeCgroupRate } from '../../ffi/wire.gen.ts'
import type { KeptBase, Pins } from '../kernel/pins.ts'
import { monotonicNs } from '../kernel/clock.ts'
import type { ProcfsProcess } from '../process/procfs.ts'
import { configureBase } from './base_config.ts'
import { type CgroupHierarchy, cgroupId, findHierarchy } from './cgroup.ts'
import { readFaults, readRingCounters, type RingCount } from './counters.ts'
import { ExistingProcesses } from './existing.ts'
import { hashKey } from './hash.ts'
import {
  type AdoptedBase,
  countUnread,
  keepBase,
  openKept,
  signatureOf,
  type Unread,
  withoutBaseline,
  writeNote,
} from './kept.ts'
import { type MapUse, mapUse } from './map_use.ts'
import { allocatesInTracepoints } from './preallocate.ts'
import { SharedMaps } from './shared_maps.ts'
import { type BaseSizes, mapEntries, type SizeFacts } from './size.ts'
import { checkWireSizes } from './wire_check.ts'

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

/** Exit first: an entry that begins while we attach must also end. */
const OBJECTS = ['cgroup', 'exit', 'fork', 'exec'] as const

export class BaseSensor implements Disposable {
  readonly maps: SharedMaps
  /** Key of the hashes in maps of strings; hook programs need the same. */
  hash_key_bytes: Uint8Array<ArrayBuffer> = Uint8Array.from(randomBytes(16))
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
  /** A former agent's, still attached; null: this one's own. */
  #adopted: AdoptedBase | null = null
  /** What lay in the rings then. */
  #unread: Unread | null = null
  readonly #started_ns = monotonicNs()
  #existing: ExistingProcesses | null = null
  #note: BpfMap | null = null

  private constructor(options: BaseOptions) {
    this.#options = options
    this.sizes = mapEntries(options)
    this.#btf = options.btf === '' ? Btf.open() : Btf.open(options.btf)
    this.maps = this.#stack.use(new SharedMaps(this.sizes.entries, !allocatesInTracepoints(this.#btf)))
    this.hierarchy = findHierarchy(options.procfs, this.#btf)
  }

  /**
   * Loads all programs, or takes those of `former` that are attached already; else nothing is attached yet. Throws
   * LibbpfError, VerifierError or UnsupportedError.
   */
  static load(options: BaseOptions, former: KeptBase | null = null): BaseSensor {
    raiseMemlockLimit() // fails where it is not needed as well; if it was, loading says so
    const sensor = new BaseSensor(options)
    try {
      if (former === null || !sensor.#adopt(former)) { for (const name of OBJECTS) sensor.#loadBest(name) }
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

  /** Unread records of a former agent that are read on; null: there was none to go on with. */
  get unread(): Unread | null {
    return this.#unread
  }

  attach(pins?: Pins): void {
    for (const object of this.#objects) {
      for (const program of object.programs) {
        if (program.autoload && !isCredentialProgram(program)) this.#attached.push(this.#links.use(program.attach()))
      }
    }
    if (pins?.keeping !== true) return
    const state = {
      signature: this.#signature(),
      hash_key: this.hash_key_bytes,
      credential_source: this.#credential_source,
    }
    this.#note = this.#stack.use(keepBase(pins, this.#attached, this.maps, state))
  }

  /** For the agent that may come after this one: what was told so far. */
  note(): void {
    if (this.#note === null) return
    writeNote(this.#note, readRingCounters(this.maps.get('counters')), this.#existing?.ids_used ?? 0)
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
    const counts = readRingCounters(this.maps.get('counters'))
    return this.#unread === null ? counts : withoutBaseline(counts, this.#unread.baseline)
  }

  /** Entries that did not fit a map, by fault. */
  faults(): Record<string, number> {
    return readFaults(this.maps.get('faults'))
  }

  mapUse(): MapUse[] {
    return mapUse(this.maps)
  }

  /** When a cgroup last went beyond --cgroup-rate (CLOCK_MONOTONIC); undefined: it did not, or long ago. */
  rateExceededNs(cgroup_id: number): bigint | undefined {
    const key = new Uint8Array(new BigUint64Array([BigInt(cgroup_id)]).buffer)
    const value = this.maps.get('cgroup_rates').lookup(key)
    if (value === undefined) return undefined
    return decodeCgroupRate(new DataView(value.buffer), 0).exceeded_ns
  }

  /**
   * Writes older processes into the kernel's maps; gives those that the rings do not tell of: those that the kernel did not
   * know, and those that a former agent's programs saw starting. After attach().
   */
  addExisting(processes: readonly ProcfsProcess[]): ProcfsProcess[] {
    const maps = {
      processes: this.maps.get('processes'),
      binaries: this.maps.get('binaries'),
      lineages: this.maps.get('lineages'),
      lineage_nodes: this.maps.get('lineage_nodes'),
    }
    const first_id = this.#adopted?.note.user_ids ?? 0
    const key = hashKey(this.hash_key_bytes)
    this.#existing = new ExistingProcesses(maps, key, this.#options.procfs, (cgroup) => {
      return cgroupId(this.hierarchy, cgroup)
    }, first_id)
    const added = this.#existing.add(processes)
    if (this.#unread === null) return added
    const oldest_ns = this.#unread.oldest_ns
    const before_ns = oldest_ns > 0n && oldest_ns < this.#started_ns ? oldest_ns : this.#started_ns
    return this.#existing.withKnown(processes, new Set(added), before_ns)
  }

  [Symbol.dispose](): void {
    this.note()
    this.detach()
    this.#stack.dispose()
  }

  /** False where the former agent's programs are not those that this one would load. */
  #adopt(former: KeptBase): boolean {
    const adopted = this.#adopted = openKept(former, this.#signature(), this.#stack, this.#links)
    if (adopted === null) return false
    this.#credential_source = adopted.state.credential_source
    this.hash_key_bytes = adopted.state.hash_key
    for (const [name, map] of adopted.maps) this.maps.add(name, map)
    this.#attached.push(...adopted.links)
    return true
  }

  #signature(): string {
    const { objectFile, argument_bytes, environment, cgroup_rate, btf } = this.#options
    const { id, subsystem } = this.hierarchy
    const settings = [this.sizes.entries, argument_bytes, environment, cgroup_rate, btf, id, subsystem]
    return signatureOf(OBJECTS.map(objectFile), settings)
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
    configureBase(object, this.#options, {
      hierarchy: this.hierarchy,
      hash_key: this.hash_key_bytes,
      credentials_observed: source !== null,
      group_dead: this.#exitHasGroupDead(),
      preemptible: this.#tracepointsPreemptible(),
    })
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
    if (this.#adopted === null) return
    this.#unread = countUnread(this.maps.get('counters'), { reserved, telemetry }, this.#adopted.note)
  }

  #ringPair(): { reserved: RingBuffer; telemetry: RingBuffer; pair: RingPair } {
    if (this.#rings === null) throw new TypeError('BaseSensor used before it was loaded')
    return this.#rings
  }
}

function isCredentialProgram(program: BpfProgram): boolean {
  return CREDENTIAL_SECTIONS.some(([, section]) => program.section === section)
}
