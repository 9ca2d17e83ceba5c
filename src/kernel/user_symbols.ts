// Symbols of running programs, for stack traces: which file and function an address of a process lies in.
import { readFileSync, statSync } from 'node:fs'
import { Elf, ElfError } from './elf.ts'

export interface UserSymbol {
  /** Path of the file as the process sees it; '' for memory without a file. */
  readonly module: string
  /** Bytes from the beginning of the file. */
  readonly offset: number
  /** '' where the file has no symbol there. */
  readonly name: string
}

interface Mapping {
  readonly from: bigint
  readonly to: bigint
  readonly file_offset: bigint
  readonly path: string
}

/** Sorted by offset; `places`: where each stood in the file's tables, whose first function counts. */
interface FileSymbols {
  readonly offsets: Float64Array
  readonly ends: Float64Array
  readonly places: Uint32Array
  readonly names: readonly string[]
}

/** Files whose symbols are kept, and the size above which a file is not read. */
const FILES_MAX = 64
const FILE_BYTES_MAX = 256 * 2 ** 20
/** Processes whose mappings are kept. */
const PROCESSES_MAX = 64

/** Functions that begin before an address and are asked whether it is inside of them: one may contain others. */
const LOOK_BACK = 64

const NO_SYMBOLS: FileSymbols = {
  offsets: new Float64Array(0),
  ends: new Float64Array(0),
  places: new Uint32Array(0),
  names: [],
}

/** Reads /proc/PID/maps when a trace comes: a process that has ended by then gives no symbols. */
export class UserSymbols {
  readonly #procfs: string
  readonly #mappings = new Map<number, readonly Mapping[]>()
  readonly #files = new Map<string, FileSymbols>()
  /** Traces of processes that were gone, files that could not be read. */
  readonly failures = { gone: 0, unreadable: 0 }

  constructor(procfs: string) {
    this.#procfs = procfs
  }

  /** `fresh` tells the first frame of a trace, before which the process may have mapped more. */
  find(pid: number, address: bigint, fresh: boolean): UserSymbol | undefined {
    if (fresh) this.#mappings.delete(pid)
    const mapping = this.#mappingsOf(pid).find(({ from, to }) => address >= from && address < to)
    if (mapping === undefined) return undefined
    const offset = Number(address - mapping.from + mapping.file_offset)
    if (!mapping.path.startsWith('/')) return { module: mapping.path, offset, name: '' }
    return { module: mapping.path, offset, name: nameAt(this.#symbolsOf(pid, mapping.path), offset) }
  }

  #mappingsOf(pid: number): readonly Mapping[] {
    const known = this.#mappings.get(pid)
    if (known !== undefined) return known
    if (this.#mappings.size >= PROCESSES_MAX) this.#mappings.delete(this.#mappings.keys().next().value!)
    const mappings = this.#readMappings(pid)
    this.#mappings.set(pid, mappings)
    return mappings
  }

  #readMappings(pid: number): Mapping[] {
    let text: string
    try {
      text = readFileSync(`${this.#procfs}/${pid}/maps`, 'utf8')
    } catch {
      this.failures.gone++
      return []
    }
    const mappings: Mapping[] = []
    for (const line of text.split('\n')) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+\s*(.*)$/.exec(line)
      if (match === null) continue
      const [, from, to, file_offset, path] = match
      mappings.push({
        from: BigInt(`0x${from}`),
        to: BigInt(`0x${to}`),
        file_offset: BigInt(`0x${file_offset}`),
        path: path!.replace(/ \(deleted\)$/, ''),
      })
    }
    return mappings
  }

  #symbolsOf(pid: number, path: string): FileSymbols {
    const file = `${this.#procfs}/${pid}/root${path}`
    let key: string
    try {
      const { dev, ino, mtimeMs, size } = statSync(file)
      if (size > FILE_BYTES_MAX) return NO_SYMBOLS
      key = `${dev} ${ino} ${mtimeMs}`
    } catch {
      this.failures.unreadable++
      return NO_SYMBOLS
    }
    const known = this.#files.get(key)
    if (known !== undefined) return known
    if (this.#files.size >= FILES_MAX) this.#files.delete(this.#files.keys().next().value!)
    const symbols = this.#readSymbols(file)
    this.#files.set(key, symbols)
    return symbols
  }

  #readSymbols(file: string): FileSymbols {
    try {
      const elf = new Elf(readFileSync(file))
      const found: { offset: number; end: number; place: number; name: string }[] = []
      for (const [place, { name, address, size }] of elf.functions().entries()) {
        const offset = elf.offsetOf(address)
        if (offset !== undefined) found.push({ offset: Number(offset), end: Number(offset + size), place, name })
      }
      found.sort((a, b) => a.offset - b.offset)
      return {
        offsets: Float64Array.from(found, ({ offset }) => offset),
        ends: Float64Array.from(found, ({ end }) => end),
        places: Uint32Array.from(found, ({ place }) => place),
        names: found.map(({ name }) => name),
      }
    } catch (error) {
      // A mapped file that is no program (a font, a database) has no functions.
      if (!(error instanceof ElfError)) this.failures.unreadable++
      return NO_SYMBOLS
    }
  }
}

/** The first function of the file's tables that the offset is inside of; '' for none: what lies behind one is not it. */
function nameAt({ offsets, ends, places, names }: FileSymbols, offset: number): string {
  let [low, high] = [0, offsets.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (offsets[middle]! <= offset) low = middle + 1
    else high = middle
  }
  let best = -1
  for (let i = low - 1; i >= Math.max(0, low - LOOK_BACK); i--) {
    if (offset < ends[i]! && (best < 0 || places[i]! < places[best]!)) best = i
  }
  return best < 0 ? '' : names[best]!
}
