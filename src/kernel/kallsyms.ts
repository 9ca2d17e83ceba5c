// Kernel symbols from /proc/kallsyms, for stack traces: which function an address lies in.
import { readFileSync } from 'node:fs'

export interface KernelSymbol {
  readonly name: string
  /** Bytes from its beginning. */
  readonly offset: number
  /** Code of a BPF program or trampoline. */
  readonly bpf: boolean
}

/** Lines of the table; a kernel with all its modules has some 250,000. */
const SYMBOLS_MAX = 2_000_000
/** Bit of an entry in #at: its symbol is BPF code. */
const BPF = 0x8000_0000

/** Kernel addresses are canonical: the lower 48 bits tell them apart, and fit a number. */
function low48(address: bigint): number {
  return Number(address & 0xffff_ffff_ffffn)
}

/** Symbols of text, sorted once; some 30 ms and 8 MB, and only when a stack is asked for. */
export class KernelSymbols {
  readonly #path: string
  #addresses = new Float64Array(0)
  /** Where each name begins in #text, with BPF. */
  #at = new Uint32Array(0)
  #text = Buffer.alloc(0)
  #stale = true

  constructor(path: string) {
    this.#path = path
  }

  /** Programs were loaded or removed: read the table anew before the next answer. */
  invalidate(): void {
    this.#stale = true
  }

  /** Undefined for an address below all functions, and where the kernel hides addresses (kptr_restrict). */
  find(address: bigint): KernelSymbol | undefined {
    if (this.#stale) this.#read()
    const wanted = low48(address)
    let [low, high] = [0, this.#addresses.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#addresses[middle]! <= wanted) low = middle + 1
      else high = middle
    }
    if (low === 0) return undefined
    const place = this.#at[low - 1]!
    const from = place & ~BPF
    const name = this.#text.toString('latin1', from, nameEnd(this.#text, from))
    return { name, offset: wanted - this.#addresses[low - 1]!, bpf: (place & BPF) !== 0 }
  }

  #read(): void {
    const text = readFileSync(this.#path)
    const found: { address: number; at: number }[] = []
    let line = 0
    while (line < text.length && found.length < SYMBOLS_MAX) {
      let end = text.indexOf(10, line)
      if (end < 0) end = text.length
      // "ffffffff81000000 T name[\t[module]]"
      const type = text[line + 17]! | 0x20
      if (type === 0x74 /* t */ || type === 0x77 /* w */) {
        const address = parseInt(text.toString('latin1', line + 4, line + 16), 16)
        const bpf = end - line > 6 && text.toString('latin1', end - 5, end) === '[bpf]'
        // A hidden address reads as zero.
        if (address > 0) found.push({ address, at: (line + 19 | (bpf ? BPF : 0)) >>> 0 })
      }
      line = end + 1
    }
    // Of several names for one address the first in the table counts, as with Tetragon.
    found.sort((a, b) => a.address - b.address || (b.at & ~BPF) - (a.at & ~BPF))
    this.#text = text
    this.#addresses = Float64Array.from(found, ({ address }) => address)
    this.#at = Uint32Array.from(found, ({ at }) => at)
    this.#stale = false
  }
}

function nameEnd(text: Buffer, from: number): number {
  let end = from
  while (end < text.length && text[end] !== 9 && text[end] !== 10 && text[end] !== 32) end++
  return end
}
