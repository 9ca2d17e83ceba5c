// HookSite: where a hook is attached, for as long as a version of its policy has it. Versions change by one store.
import type { BpfLink } from '../../ffi/link.ts'
import type { BpfMap } from '../../ffi/map.ts'
import type { BpfObject } from '../../ffi/object.ts'
import { HOOK_FLAG } from '../../ffi/wire.gen.ts'
import type { HookPlan, ProgramPlan } from '../policy/plan_type.ts'

/** A loaded object with all that it reads; lives as long as its version is there or its program is attached. */
export class HookObject {
  readonly object: BpfObject
  readonly #owned: DisposableStack
  #holders = 1

  constructor(object: BpfObject, owned: DisposableStack) {
    this.object = object
    this.#owned = owned
  }

  retain(): this {
    this.#holders++
    return this
  }

  release(): void {
    this.#holders--
    if (this.#holders === 0) this.#owned.dispose()
  }
}

export class HookSite implements Disposable {
  readonly key: string
  readonly links: readonly BpfLink[]
  /** Its program is attached, and jumps to the present version. */
  readonly first: HookObject
  readonly #versions: BpfMap | null

  constructor(key: string, first: HookObject, versions: BpfMap | null, links: readonly BpfLink[]) {
    this.key = key
    this.first = first.retain()
    this.#versions = versions
    this.links = links
  }

  /** From the next hit on `program` of `version` runs. One store: each hit is one version's. */
  switchTo(version: HookObject, program: string): void {
    if (this.#versions === null) throw new Error('Cannot change the version of a hook that has no map for it')
    if (version === this.first) this.#versions.delete(0)
    else this.#versions.updateProgram(0, version.object.program(program).fd)
  }

  [Symbol.dispose](): void {
    for (const link of this.links) link[Symbol.dispose]()
    this.first.release()
  }
}

/** The program that begins with a jump, and the map that it jumps through; null for hooks that cannot have another version. */
export function versioned(hook: HookPlan): { readonly program: ProgramPlan; readonly map: string } | null {
  const [program] = hook.programs
  if (program === undefined || hook.family === 'enforcer' || hook.family === 'loader') return null
  // Programs that override results cannot be in a map of programs.
  if (hook.family === 'kprobe' && (hook.config.flags & HOOK_FLAG.CAN_REFUSE) !== 0) return null
  // Nor those that write registers; and a second program that goes on with a record must run behind its own first.
  if ((hook.config.flags & (HOOK_FLAG.WRITES_REGISTERS | HOOK_FLAG.HASHES)) !== 0) return null
  return { program, map: program.half === 'both' ? 'hook_return_versions' : 'hook_versions' }
}

/**
 * Pure: hooks of two versions with the same key are hit by the same calls at the same place; '' for one that shares its
 * place with no other. The names are part of it, because the attached program knows which system calls it is for.
 */
export function siteKey(hook: HookPlan): string {
  const found = versioned(hook)
  if (found === null) return ''
  const { program, attach } = found.program
  const flags = hook.config.flags & (HOOK_FLAG.COOKIE | HOOK_FLAG.COMPAT)
  return JSON.stringify(
    [hook.family, program, attach, hook.names, hook.config.syscall_id, flags],
    (_, value: unknown) => typeof value === 'bigint' ? String(value) : value,
  )
}

/** Attached apart for each version, because each return half knows its own entry half's records. */
export function returnHalves(hook: HookPlan): readonly ProgramPlan[] {
  return hook.programs.filter(({ half }) => half === 'return')
}

export function entryHalves(hook: HookPlan): readonly ProgramPlan[] {
  return hook.programs.filter(({ half }) => half !== 'return')
}
