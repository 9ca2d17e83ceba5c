// Processes that are older than the agent, from /proc into the kernel's maps, so that hooks and execs know them.
import fs from 'node:fs'
import { LibbpfError } from '../../ffi/error.ts'
import type { BpfMap } from '../../ffi/map.ts'
import { UPDATE } from '../../ffi/uapi.ts'
import {
  BINARY,
  BINARY_KEY_SIZE,
  BINARY_SIZE,
  decodeProcess,
  encodeLineageKey,
  encodeLineageNode,
  encodeProcess,
  EXEC_FLAG,
  LINEAGE_KEY_SIZE,
  LINEAGE_NODE_SIZE,
  PROCESS_FLAG,
  PROCESS_SIZE,
} from '../../ffi/wire.gen.ts'
import type { ProcfsProcess } from '../process/procfs.ts'
import { hashInto, type HashKey } from './hash.ts'

export interface ExistingMaps {
  readonly processes: BpfMap
  readonly binaries: BpfMap
  readonly lineages: BpfMap
  readonly lineage_nodes: BpfMap
}

/** As ID_USER_SPACE and LINEAGE_DEPTH_MAX in bpf/entry.h: programs end their ids in a CPU below this. */
const ID_USER_SPACE = 0xfff
const ID_SHIFT = 12
const LINEAGE_DEPTH_MAX = 32
const PATH_BYTES_MAX = 4096

interface Lineage {
  readonly id: number
  readonly binaries: ReadonlySet<number>
  readonly cut: boolean
}

const NO_LINEAGE: Lineage = { id: 0, binaries: new Set(), cut: false }

export class ExistingProcesses {
  readonly #maps: ExistingMaps
  readonly #hash_key: HashKey
  readonly #procfs: string
  readonly #cgroupId: (cgroup: string) => number
  #ids: number
  readonly #binaries = new Map<string, { id: number; key: Uint8Array<ArrayBuffer>; size: number }>()
  readonly #lineages = new Map<string, Lineage>()
  /** Entries that did not fit a map. */
  full = 0

  /** `first_id`: how many ids user space of a former agent gave whose maps these are. */
  constructor(
    maps: ExistingMaps,
    hash_key: HashKey,
    procfs: string,
    cgroupId: (cgroup: string) => number,
    first_id = 0,
  ) {
    this.#ids = first_id
    this.#maps = maps
    this.#hash_key = hash_key
    this.#procfs = procfs
    this.#cgroupId = cgroupId
  }

  /**
   * Writes all that the kernel does not know yet and gives those back. Programs must be attached already: who starts
   * meanwhile is then known to the kernel (NOEXIST leaves that alone) and comes by the rings; who ended meanwhile, or
   * whose pid is another process by now, is found by looking at its start again.
   */
  add(processes: readonly ProcfsProcess[]): ProcfsProcess[] {
    const by_pid = new Map(processes.map((process) => [process.pid, process]))
    return processes.filter((process) => this.#add(process, by_pid))
  }

  get ids_used(): number {
    return this.#ids
  }

  /** `added`, and what the kernel knew already and saw starting before `before_ns`: by its number and with its time. */
  withKnown(
    processes: readonly ProcfsProcess[],
    added: ReadonlySet<ProcfsProcess>,
    before_ns: bigint,
  ): ProcfsProcess[] {
    return processes.flatMap((process) => {
      if (added.has(process)) return [process]
      const value = this.#maps.processes.lookup(process.pid)
      if (value === undefined) return []
      const { exec_id, ktime_ns } = decodeProcess(new DataView(value.buffer), 0)
      return ktime_ns < before_ns ? [{ ...process, key: exec_id, start_ns: Number(ktime_ns) }] : []
    })
  }

  #add(process: ProcfsProcess, by_pid: ReadonlyMap<number, ProcfsProcess>): boolean {
    const lineage = this.#lineage(process, by_pid, 0)
    const binary = process.kernel_thread ? undefined : this.#binary(process.binary)
    const bytes = new Uint8Array(new ArrayBuffer(PROCESS_SIZE))
    const key = new DataView((binary?.key ?? new Uint8Array(BINARY_KEY_SIZE)).buffer)
    encodeProcess(new DataView(bytes.buffer), 0, {
      exec_id: process.pid,
      parent_exec_id: process.ppid,
      ktime_ns: BigInt(process.start_ns),
      start_ns: 0n,
      cgroup_id: this.#cgroupId(process.cgroup),
      binary: { hash: [key.getBigUint64(0, true), key.getBigUint64(8, true)] },
      credentials: process.credentials,
      namespaces: process.namespaces,
      pid: process.pid,
      parent_pid: process.ppid,
      ns_pid: process.ns_pid,
      flags: PROCESS_FLAG.PROCFS | (process.kernel_thread ? PROCESS_FLAG.KERNEL_THREAD : 0) |
        ((process.flags & EXEC_FLAG.IN_INIT_TREE) !== 0 ? PROCESS_FLAG.IN_INIT_TREE : 0) |
        (lineage.cut ? PROCESS_FLAG.LINEAGE_CUT : 0),
      binary_id: binary?.id ?? 0,
      lineage_id: lineage.id,
      binary_size: binary?.size ?? 0,
      auid: process.auid,
    })
    if (!this.#insert(this.#maps.processes, process.pid, bytes)) return false
    if (this.#startOf(process.pid) === process.start_ns) return true
    this.#maps.processes.delete(process.pid)
    return false
  }

  /** False if there is such an entry; a full map is counted, and the process is known to user space only. */
  #insert(map: BpfMap, key: Uint8Array | number, value: Uint8Array): boolean {
    try {
      map.update(key, value, UPDATE.NOEXIST)
      return true
    } catch (error) {
      if (!(error instanceof LibbpfError)) throw error
      if (error.code === 'EEXIST') return false
      if (error.code !== 'E2BIG' && error.code !== 'ENOMEM') throw error
      this.full++
      return true
    }
  }

  #binary(path: string): { id: number; key: Uint8Array<ArrayBuffer>; size: number } | undefined {
    const known = this.#binaries.get(path)
    if (known !== undefined) return known
    const text = new TextEncoder().encode(path)
    if (text.length === 0 || text.length >= PATH_BYTES_MAX) return undefined
    const key = new Uint8Array(new ArrayBuffer(BINARY_KEY_SIZE))
    hashInto(this.#hash_key, text, new DataView(key.buffer), 0)
    const value = new Uint8Array(new ArrayBuffer(BINARY_SIZE))
    const view = new DataView(value.buffer)
    view.setUint32(BINARY.id, this.#nextId(), true)
    view.setUint32(BINARY.size, text.length, true)
    value.set(text, BINARY.path)
    const id = this.#intern(this.#maps.binaries, key, value)
    const binary = { id, key, size: text.length }
    this.#binaries.set(path, binary)
    return binary
  }

  #lineage(process: ProcfsProcess, by_pid: ReadonlyMap<number, ProcfsProcess>, depth: number): Lineage {
    const parent_process = depth > 4096 ? undefined : by_pid.get(process.ppid)
    const parent = parent_process === undefined ? NO_LINEAGE : this.#lineage(parent_process, by_pid, depth + 1)
    const binary = process.kernel_thread ? undefined : this.#binary(process.binary)
    if (binary === undefined || binary.id === 0 || parent.binaries.has(binary.id)) return parent
    const name = `${parent.id} ${binary.id}`
    const known = this.#lineages.get(name)
    if (known !== undefined) return known
    if (parent.binaries.size >= LINEAGE_DEPTH_MAX) return { ...parent, cut: true }
    const id = this.#internLineage(parent.id, binary)
    const lineage = { id, binaries: new Set([...parent.binaries, binary.id]), cut: parent.cut }
    this.#lineages.set(name, lineage)
    return lineage
  }

  /** The node is written first: who finds the id in map lineages must find the node. */
  #internLineage(parent: number, binary: { id: number; key: Uint8Array<ArrayBuffer> }): number {
    const id = this.#nextId()
    const node = new Uint8Array(new ArrayBuffer(LINEAGE_NODE_SIZE))
    const hash = new DataView(binary.key.buffer)
    const binary_key = { hash: [hash.getBigUint64(0, true), hash.getBigUint64(8, true)] }
    encodeLineageNode(new DataView(node.buffer), 0, { binary: binary_key, binary_id: binary.id, parent })
    this.#insert(this.#maps.lineage_nodes, id, node)
    const key = new Uint8Array(new ArrayBuffer(LINEAGE_KEY_SIZE))
    encodeLineageKey(new DataView(key.buffer), 0, { parent, binary: binary.id })
    const value = new Uint8Array(new ArrayBuffer(4))
    new DataView(value.buffer).setUint32(0, id, true)
    return this.#intern(this.#maps.lineages, key, value)
  }

  /** Adds the value, whose first u32 is an id, or gives the id of the one that is there; 0 if the map is full. */
  #intern(map: BpfMap, key: Uint8Array, value: Uint8Array<ArrayBuffer>): number {
    this.#insert(map, key, value)
    const present = map.lookup(key)
    return present === undefined ? 0 : new DataView(present.buffer).getUint32(0, true)
  }

  #nextId(): number {
    return (this.#ids++ << ID_SHIFT | ID_USER_SPACE) >>> 0
  }

  /** Start of whoever has the pid now, in nanoseconds since boot by the clock tick; -1 if nobody has. */
  #startOf(pid: number): number {
    try {
      const stat = fs.readFileSync(`${this.#procfs}/${pid}/stat`, 'utf8')
      return Math.round(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) * 1e7)
    } catch {
      return -1 // it ended
    }
  }
}
