// Stack traces of hooks: from ids in the kernel's map `stacks` to the JSON of StackTraceEntry.
import type { KernelSymbol } from '../kernel/kallsyms.ts'
import type { UserSymbol } from '../kernel/user_symbols.ts'

export interface StackSources {
  /** Addresses of stack `id`, little-endian u64, top frame first, zeros behind the last; undefined if it is gone. */
  readonly read: (id: number) => Uint8Array | undefined
  readonly kernel: { find(address: bigint): KernelSymbol | undefined }
  readonly user: { find(pid: number, address: bigint, fresh: boolean): UserSymbol | undefined }
  /** --expose-stack-addresses. */
  readonly addresses: boolean
}

/** Reads and symbolises stacks; a hit whose stack is gone (the map was full, or it was replaced) counts in `missing`. */
export class StackTraces {
  readonly #sources: StackSources
  missing = 0

  constructor(sources: StackSources) {
    this.#sources = sources
  }

  /**
   * JSON array, '' if there is no stack. Frames of BPF programs on top are ours and are left out, and with `below_lsm` so is
   * the LSM hook that called them; frames of which nothing is known are left out as well, unless their addresses are shown.
   */
  kernel(id: number, below_lsm: boolean): string {
    const entries: string[] = []
    for (const address of this.#frames(id)) {
      const symbol = this.#sources.kernel.find(address)
      if (entries.length === 0 && (symbol?.bpf === true || (below_lsm && symbol?.name.startsWith('bpf_lsm_')))) continue
      if (symbol === undefined && !this.#sources.addresses) continue
      const name = symbol === undefined ? '' : `,"symbol":${JSON.stringify(symbol.name)}`
      entries.push(this.#entry(address, symbol?.offset ?? 0, name))
    }
    return entries.length === 0 ? '' : `[${entries.join(',')}]`
  }

  /** As kernel(); of a process that has ended nothing is known. */
  user(id: number, pid: number): string {
    const entries: string[] = []
    let fresh = true
    for (const address of this.#frames(id)) {
      const symbol = this.#sources.user.find(pid, address, fresh)
      fresh = false
      if (symbol === undefined && !this.#sources.addresses) continue
      let text = ''
      if (symbol !== undefined && symbol.name !== '') text += `,"symbol":${JSON.stringify(symbol.name)}`
      if (symbol !== undefined && symbol.module !== '') text += `,"module":${JSON.stringify(symbol.module)}`
      entries.push(this.#entry(address, symbol?.offset ?? 0, text))
    }
    return entries.length === 0 ? '' : `[${entries.join(',')}]`
  }

  #frames(id: number): bigint[] {
    const bytes = id < 0 ? undefined : this.#sources.read(id)
    if (bytes === undefined) {
      this.missing++
      return []
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const frames: bigint[] = []
    for (let at = 0; at + 8 <= bytes.byteLength; at += 8) {
      const address = view.getBigUint64(at, true)
      if (address !== 0n) frames.push(address)
    }
    return frames
  }

  /** Members in the order of the message: address, offset, symbol, module; zero is left out as protobuf JSON has it. */
  #entry(address: bigint, offset: number, text: string): string {
    const first = this.#sources.addresses ? `,"address":"${address}"` : ''
    const second = offset === 0 ? '' : `,"offset":"${offset}"`
    return `{${(first + second + text).slice(1)}}`
  }
}
