// Stack traces of hooks, put together: the kernel's map of stacks, the kernel's symbols, and those of programs.
import type { Config } from '../config.ts'
import type { StackReader } from '../event/hook.ts'
import { KernelSymbols } from '../kernel/kallsyms.ts'
import { UserSymbols } from '../kernel/user_symbols.ts'
import type { SharedMaps } from '../sensor/shared_maps.ts'
import { StackTraces } from '../sensor/stack.ts'

export interface Stacks extends StackReader {
  /** BPF programs came or went, and with them symbols. */
  invalidate(): void
  /** Reads the kernel's symbols anew. */
  prepare(): void
}

export function createStacks(maps: SharedMaps, config: Pick<Config, 'procfs' | 'stack_addresses'>): Stacks {
  const symbols = new KernelSymbols(`${config.procfs}/kallsyms`)
  const key = new Uint32Array(1)
  const traces = new StackTraces({
    read: (id) => {
      key[0] = id
      return maps.has('stacks') ? maps.get('stacks').lookup(new Uint8Array(key.buffer)) : undefined
    },
    kernel: symbols,
    user: new UserSymbols(config.procfs),
    addresses: config.stack_addresses,
  })
  return {
    kernel: (id, below_lsm) => traces.kernel(id, below_lsm),
    user: (id, pid) => traces.user(id, pid),
    invalidate: () => symbols.invalidate(),
    prepare: () => {
      symbols.invalidate()
      symbols.find(0n)
    },
  }
}
