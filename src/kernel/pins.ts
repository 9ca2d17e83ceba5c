// Pins: links of policies kept in bpffs, so that what they enforce goes on when the agent is gone. One directory per start of
// an agent ("generation"), in it one per version of a policy, and two for the base sensor that policies need to know
// processes by: its links, and its maps, whose rings the next agent reads on.
import fs from 'node:fs'
import path from 'node:path'
import { LibbpfError } from '../../ffi/error.ts'
import type { BpfLink } from '../../ffi/link.ts'
import { BpfMap } from '../../ffi/map.ts'
import { pinBytes, pinnedBytes } from './pinned_bytes.ts'

export const PIN_ROOT = '/sys/fs/bpf/thump'
/** Not names that a policy can have here: `@` is encoded in those. */
const BASE = '@base'
const MAPS = '@maps'
/** Beside the links of a policy, or the maps of a base sensor: what the next agent wants to know of them. */
const STATE = 'state'
/** Beside the links of a policy: the map that switches it. */
const SWITCHES = 'switches'

export interface KeptPolicy {
  readonly generation: string
  /** NAME or NAMESPACE/NAME. */
  readonly policy: string
  readonly links: number
  readonly directory: string
}

/** Of a base sensor. */
export interface KeptBase {
  readonly generation: string
  readonly links: readonly string[]
  /** Paths by name. */
  readonly maps: Readonly<Record<string, string>>
  readonly state: Uint8Array<ArrayBuffer>
}

/** What is kept of a policy beside its links. */
export interface PolicyExtra {
  readonly state: Uint8Array<ArrayBuffer>
  /** One value per slot, all zero: off. */
  readonly switches: BpfMap
}

export class Pins {
  readonly keeping: boolean
  readonly #root: string
  /** Directory of this start's pins. */
  readonly generation: string

  readonly #onRefused: (policy: string, links: readonly string[]) => void

  /**
   * `keeping` false: pins nothing, but takes away what a former agent kept once it is replaced. `onRefused` is told of links
   * that end with the agent although they were to be kept.
   */
  constructor(
    generation: string,
    keeping: boolean,
    root = PIN_ROOT,
    onRefused: (policy: string, links: readonly string[]) => void = () => {},
  ) {
    this.#onRefused = onRefused
    this.generation = generation
    this.keeping = keeping
    this.#root = root
  }

  keepBase(
    links: readonly BpfLink[],
    maps: readonly (readonly [name: string, map: BpfMap])[],
    state: Uint8Array,
  ): void {
    if (!this.keeping) return
    this.#pin(BASE, links)
    const directory = this.#directory(MAPS)
    for (const [name, map] of maps) map.pin(path.join(directory, name))
    pinBytes(path.join(directory, STATE), state)
  }

  /** Names of links that cannot be kept (kprobes on 5.10, for one). Throws what mkdir throws, without bpffs for one. */
  keep(policy: string, slot: number, links: readonly BpfLink[], extra: () => PolicyExtra): string[] {
    if (!this.keeping) return []
    const name = directoryName(policy, slot)
    const refused = this.#pin(name, links)
    if (refused.length > 0) this.#onRefused(policy, refused)
    if (links.length > refused.length) {
      const { state, switches } = extra()
      pinBytes(path.join(this.#directory(name), STATE), state)
      switches.pin(path.join(this.#directory(name), SWITCHES))
    }
    return refused
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

  /** Of the former agent that started last; null: none, or one that kept no maps. */
  formerBase(): KeptBase | null {
    const started = (generation: string) => fs.statSync(path.join(this.#root, generation)).mtimeMs
    const generations = list(this.#root).filter((name) =>
      name !== this.generation && list(this.#in(name, MAPS)).length > 0
    )
    const [generation] = generations.sort((one, other) => started(other) - started(one))
    if (generation === undefined) return null
    const state = path.join(this.#in(generation, MAPS), STATE)
    if (!fs.existsSync(state)) return null // it ended while it was pinning
    const names = list(this.#in(generation, MAPS)).filter((name) => name !== STATE)
    return {
      generation,
      links: list(this.#in(generation, BASE)).map((name) => path.join(this.#in(generation, BASE), name)),
      maps: Object.fromEntries(names.map((name) => [name, path.join(this.#in(generation, MAPS), name)])),
      state: pinnedBytes(state),
    }
  }

  /** What former agents wrote of their policies, by the newest generation last. */
  formerStates(): Uint8Array<ArrayBuffer>[] {
    return this.leftOver().map(({ directory }) => path.join(directory, STATE)).filter((file) => fs.existsSync(file))
      .map(pinnedBytes)
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

  #in(generation: string, name: string): string {
    return path.join(this.#root, generation, name)
  }

  #directory(name: string): string {
    const directory = this.#in(this.generation, name)
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    return directory
  }

  #pin(name: string, links: readonly BpfLink[]): string[] {
    const directory = this.#directory(name)
    const refused: string[] = []
    links.forEach((link, i) => {
      try {
        link.pinAgain(path.join(directory, String(i)))
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
    list(path.join(root, generation)).filter((name) => !name.startsWith('@')).map((name) => {
      const directory = path.join(root, generation, name)
      const links = list(directory).filter((entry) => /^\d+$/.test(entry)).length
      return { generation, policy: policyName(name), links, directory }
    })
  )
}

/** Switches it off by one store, then detaches it; with the last policy of a generation goes its base sensor. */
export function removePinned({ directory }: KeptPolicy, root = PIN_ROOT): void {
  switchOff(directory)
  removeDirectory(directory)
  const generation = path.dirname(directory)
  if (path.dirname(generation) !== root) return
  if (list(generation).every((name) => name.startsWith('@'))) removeGeneration(generation)
}

function switchOff(directory: string): void {
  const file = path.join(directory, SWITCHES)
  if (!fs.existsSync(file)) return
  using switches = BpfMap.open(file)
  switches.update(Number(directory.slice(directory.lastIndexOf('@') + 1)), new Uint8Array(switches.value_bytes))
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
