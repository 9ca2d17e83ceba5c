// Guard: who no policy kills. The agent, its parents and PID 1 by number, what the operator lists by the path of its program.
import fs from 'node:fs'
import { BINARY_KEY_SIZE } from '../../ffi/wire.gen.ts'
import { hashInto, hashKey } from './hash.ts'
import type { SharedMaps } from './shared_maps.ts'

/** As protected_pids and protected_binaries of bpf/guard.h. */
export const PROTECTED_MAX = 1024
/** Longest chain of parents that is followed. */
const PARENTS_MAX = 64
const PATH_BYTES_MAX = 4095

export class Guard {
  readonly #pids: readonly number[]
  readonly #binaries: readonly string[]
  readonly #hash_key_bytes: Uint8Array

  constructor(pids: readonly number[], binaries: readonly string[], hash_key_bytes: Uint8Array) {
    this.#pids = pids
    this.#binaries = binaries
    this.#hash_key_bytes = hash_key_bytes
  }

  /** Into the maps that hooks ask; they exist once a hook was loaded. Safe to repeat. */
  write(maps: SharedMaps): void {
    if (!maps.has('protected_pids')) return
    const yes = Uint8Array.of(1)
    for (const pid of this.#pids) maps.get('protected_pids').update(pid, yes)
    const key = hashKey(this.#hash_key_bytes)
    for (const path of this.#binaries) {
      const bytes = new Uint8Array(BINARY_KEY_SIZE)
      hashInto(key, new TextEncoder().encode(path), new DataView(bytes.buffer), 0)
      maps.get('protected_binaries').update(bytes, yes)
    }
  }
}

/** Throws RangeError for a program that cannot be protected. */
export function guardOf(procfs: string, binaries: readonly string[], hash_key_bytes: Uint8Array): Guard {
  return new Guard(protectedPids(procfs), protectedBinaries(binaries), hash_key_bytes)
}

/** PID 1, this process and its parents, numbered as in the pid namespace of that procfs. */
export function protectedPids(procfs: string): number[] {
  const pids = new Set([1])
  let pid = Number(fs.readlinkSync(`${procfs}/self`))
  for (let i = 0; i < PARENTS_MAX && pid > 0 && !pids.has(pid); i++) {
    pids.add(pid)
    pid = parentOf(procfs, pid)
  }
  return [...pids]
}

/** 0 where there is none, or it is gone already. */
function parentOf(procfs: string, pid: number): number {
  let stat: string
  try {
    stat = fs.readFileSync(`${procfs}/${pid}/stat`, 'latin1')
  } catch {
    return 0 // it ended in the meantime: nobody is left to protect
  }
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

/** The paths and what symbolic links among them lead to, as the kernel names running programs. Throws RangeError. */
export function protectedBinaries(paths: readonly string[]): string[] {
  const all = paths.flatMap((path) => {
    if (!path.startsWith('/') || path.length > PATH_BYTES_MAX) {
      throw new RangeError(`Cannot protect program "${path}": not an absolute path of at most ${PATH_BYTES_MAX} bytes`)
    }
    return fs.existsSync(path) ? [path, fs.realpathSync(path)] : [path]
  })
  const different = [...new Set(all)]
  if (different.length > PROTECTED_MAX) {
    throw new RangeError(`Cannot protect ${different.length} programs, at most ${PROTECTED_MAX}`)
  }
  return different
}
