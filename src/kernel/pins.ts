// Pins: links of policies kept in bpffs, so that what they enforce goes on when the agent is gone. One directory per start of
// an agent ("generation"), in it one per version of a policy, and one for the base sensor that policies need to know
// processes by.
import fs from 'node:fs'
import path from 'node:path'
import { LibbpfError } from '../../ffi/error.ts'
import type { BpfLink } from '../../ffi/link.ts'

export const PIN_ROOT = '/sys/fs/bpf/thump'
/** Not a name that a policy can have here: `@` is encoded in those. */
const BASE = '@base'

export interface KeptPolicy {
  readonly generation: string
  /** NAME or NAMESPACE/NAME. */
  readonly policy: string
  readonly links: number
  readonly directory: string
}

export class Pins {
  readonly keeping: boolean
  readonly #root: string
  /** Directory of this start's pins. */
  readonly generation: string

  /** `keeping` false: pins nothing, but takes away what a former agent kept once it is replaced. */
  constructor(generation: string, keeping: boolean, root = PIN_ROOT) {
    this.generation = generation
    this.keeping = keeping
    this.#root = root
  }

  keepBase(links: readonly BpfLink[]): string[] {
    return this.keeping ? this.#pin(BASE, links) : []
  }

  /** Names of links that cannot be kept (kprobes on 5.10, for one). Throws what mkdir throws, without bpffs for one. */
  keep(policy: string, slot: number, links: readonly BpfLink[]): string[] {
    return this.keeping ? this.#pin(directoryName(policy, slot), links) : []
  }

  /** Before the links of this version are disposed: a pinned one would stay attached. */
  forget(policy: string, slot: number): void {
    if (this.keeping) removeDirectory(path.join(this.#root, this.generation, directoryName(policy, slot)))
  }

  /** Takes away what former agents kept of a policy that is enforced by this one now. */
  replaced(policy: string): void {
    for (const kept of this.leftOver()) if (kept.policy === policy) removePinned(kept, this.#root)
  }

  /** Of former agents. */
  leftOver(): KeptPolicy[] {
    return keptPolicies(this.#root).filter(({ generation }) => generation !== this.generation)
  }

  /** After a start, when policies have been read: base sensors that no policy needs any more. */
  sweep(): void {
    const needed = new Set(keptPolicies(this.#root).map(({ generation }) => generation))
    for (const generation of list(this.#root)) {
      if (generation === this.generation || needed.has(generation)) continue
      removeGeneration(path.join(this.#root, generation))
    }
  }

  /** At the end of this agent: without a policy nothing of it is worth keeping. */
  end(): void {
    if (!keptPolicies(this.#root).some(({ generation }) => generation === this.generation)) {
      removeGeneration(path.join(this.#root, this.generation))
    }
  }

  #pin(name: string, links: readonly BpfLink[]): string[] {
    const directory = path.join(this.#root, this.generation, name)
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    const refused: string[] = []
    links.forEach((link, i) => {
      try {
        link.pin(path.join(directory, String(i)))
      } catch (error) {
        if (!(error instanceof LibbpfError)) throw error
        refused.push(link.name)
      }
    })
    return refused
  }
}

/** What is pinned below `root`, by whichever agent. */
export function keptPolicies(root = PIN_ROOT): KeptPolicy[] {
  return list(root).flatMap((generation) =>
    list(path.join(root, generation)).filter((name) => name !== BASE).map((name) => {
      const directory = path.join(root, generation, name)
      return { generation, policy: policyName(name), links: list(directory).length, directory }
    })
  )
}

/** Detaches it, unless its agent is still there; with the last policy of a generation goes its base sensor. */
export function removePinned({ directory }: KeptPolicy, root = PIN_ROOT): void {
  removeDirectory(directory)
  const generation = path.dirname(directory)
  if (path.dirname(generation) === root && list(generation).every((name) => name === BASE)) removeGeneration(generation)
}

/** bpffs takes no dots in names. */
function directoryName(policy: string, slot: number): string {
  return `${encodeURIComponent(policy).replaceAll('.', '%2E')}@${slot}`
}

function policyName(directory: string): string {
  return decodeURIComponent(directory.slice(0, directory.lastIndexOf('@')))
}

function list(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory).sort() : []
}

function removeGeneration(directory: string): void {
  for (const name of list(directory)) removeDirectory(path.join(directory, name))
  if (fs.existsSync(directory)) fs.rmdirSync(directory)
}

function removeDirectory(directory: string): void {
  for (const name of list(directory)) fs.unlinkSync(path.join(directory, name))
  if (fs.existsSync(directory)) fs.rmdirSync(directory)
}
