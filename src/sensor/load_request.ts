// What the thread that loads BPF objects is asked, and what it answers: plain data between hook_load.ts and load_worker.ts.
import type { MovedObject } from '../../ffi/object.ts'

export interface ProgramRequest {
  readonly name: string
  /** Kernel function or LSM hook of a trampoline; '' for the others. */
  readonly target: string
}

export interface LoadRequest {
  readonly id: number
  readonly file: string
  /** Name for messages. */
  readonly name: string
  /** As --btf; '' for the kernel's own. */
  readonly btf: string
  /** struct hook_config, encoded. */
  readonly config: Uint8Array
  readonly hash_key: Uint8Array
  /** Programs to load; the object's others are left out. */
  readonly programs: readonly ProgramRequest[]
  /** Descriptors of maps that exist, by name. */
  readonly reuse: Readonly<Record<string, number>>
  /** max_entries of maps that this load makes. */
  readonly entries: Readonly<Record<string, number>>
}

export interface ProgramLoaded {
  readonly name: string
  readonly verified_insns: number
  readonly jited_bytes: number
}

export type LoadAnswer =
  | {
    readonly id: number
    readonly ok: true
    readonly object: MovedObject
    readonly load_ms: number
    readonly programs: readonly ProgramLoaded[]
  }
  | { readonly id: number; readonly ok: false; readonly message: string; readonly log: string }
