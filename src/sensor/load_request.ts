// What the thread that loads BPF objects is asked, and what it answers: plain data between hook_load.ts and load_worker.ts.
import type { MovedObject } from '../../ffi/object.ts'
import type { PlanSource } from '../kernel/plan_facts.ts'
import type { LocatedMistake } from '../policy/error.ts'
import type { Plan } from '../policy/plan_type.ts'

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
  /** Maps of programs that become plain arrays, because the hook may not use them. */
  readonly plain: readonly string[]
  /** max_entries of maps that this load makes. */
  readonly entries: Readonly<Record<string, number>>
  /** Hash maps are made whole (preallocate.ts). */
  readonly preallocate: boolean
}

/** Text of a policy to plan for the kernel that `facts` are of. */
export interface PlanRequest {
  readonly id: number
  readonly yaml: string
  readonly source: string
  readonly facts: PlanSource
  readonly full_trampolines: ReadonlySet<string>
  readonly procfs: string
}

export type PlanAnswer =
  | { readonly id: number; readonly ok: true; readonly planned: Planned }
  | { readonly id: number; readonly ok: false; readonly message: string; readonly log: string }

export interface Planned {
  readonly plans: readonly Plan[]
  readonly errors: readonly LocatedMistake[]
  readonly warnings: readonly LocatedMistake[]
}

export interface ProgramLoaded {
  readonly name: string
  readonly verified_insns: number
  readonly jited_bytes: number
  readonly xlated_bytes: number
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
