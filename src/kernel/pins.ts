// Pins: links of policies kept in bpffs, so that what they enforce goes on when the agent is gone. One directory per start of
// an agent ("generation"), in it one per version of a policy, and two for the base sensor that policies need to know
// processes by: its links, and its maps, whose rings the next agent reads on.
import fs from 'node:fs'
import path from 'node:path'
import { LibbpfError } from '../../ffi/error.ts'
import type { BpfLink } from '../../ffi/link.ts'
import { BpfMap } from '../../ffi/map.ts'
import { ownerLives, ownerText } from './owner.ts'
import { pinBytes, pinnedBytes } from './pinned_bytes.ts'

export const PIN_ROOT = '/sys/fs/bpf/thump'
/** Not names that a policy can have here: `@` is encoded in those. */
const BASE = '@base'
const MAPS = '@maps'
/** What MAPS is called once an agent has taken it over: only one can. */
const CLAIMED = '@claimed'
/** Beside the links of a base sensor: whose they are. */
const OWNER = 'owner'
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
  /** Its agent runs. */
  readonly alive: boolean
}

/** Of a base sensor whose agent is gone. */
export interface KeptBase {
  readonly state: Uint8Array<ArrayBuffer>
  /** Takes it over; null: another agent was faster. */
  claim(): ClaimedBase | null
}

export interface ClaimedBase {
  readonly links: readonly string[]
  /** Paths by name. */
  readonly maps: Readonly<Record<string, string>>
}

/** What is kept of a policy beside its links. */
export interface PolicyExtra {
  readonly state: Uint8Array<ArrayBuffer>
  /** One value per slot, all zero: off. */
  readonly switches: BpfMap
}

export interface PinsOptions {
  /** Directory of this start's pins. */
  readonly generation: string
  /** False: pins nothing, but takes away what a former agent kept once it is replaced. */
  readonly keeping: boolean
  readonly root?: string
  readonly procfs?: string
  /** Told of links that end with the agent although they were to be kept. */
  readonly onRefused?: (policy: string, links: readonly string[]) => void
}

export class Pins {
  readonly keeping: boolean
  readonly generation: string
  readonly #root: string
  readonly #procfs: string
  readonly #onRefused: (policy: string, links: readonly string[]) => void

  constructor(options: PinsOptions) {
    this.generation = options.generation
    this.keeping = options.keeping
    this.#root = options.root ?? PIN_ROOT
    this.#procfs = options.procfs ?? '/proc'
    this.#onRefused = options.onRefused ?? (() => {})
  }

  keepBase(
    links: readonly BpfLink[],
    maps: readonly (readonly [name: string, map: BpfMap])[],
    state: Uint8Array,
  ): void {
    if (!this.keeping) return
    this.#pin(BASE, links)
    pinBytes(path.join(this.#directory(BASE), OWNER), new TextEncoder().encode(ownerText(this.#procfs)))
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
    if (links.length === refused.length) this.forget(policy, slot)
    else {
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

  /** Of agents that are gone. */
  leftOver(): KeptPolicy[] {
    return keptPolicies(this.#root, this.#procfs).filter(({ generation, alive }) =>
      generation !== this.generation && !alive
    )
  }

  /** Of the agent that started last of those that are gone; null: none, or one that kept no maps. */
  formerBase(): KeptBase | null {
    if (!this.keeping) return null // what it reads would be nobody's after it
    const started = (generation: string) => fs.statSync(this.#in(generation, MAPS)).mtimeMs
    const [generation] = list(this.#root).filter((name) => {
      return name !== this.generation && fs.existsSync(path.join(this.#in(name, MAPS), STATE)) && !this.#lives(name)
    }).sort((one, other) => started(other) - started(one))
    if (generation === undefined) return null
    return {
      state: pinnedBytes(path.join(this.#in(generation, MAPS), STATE)),
      claim: () => this.#claim(generation),
    }
  }

  #claim(generation: string): ClaimedBase | null {
    const [base, claimed] = [this.#in(generation, BASE), this.#in(generation, CLAIMED)]
    try {
      fs.renameSync(this.#in(generation, MAPS), claimed)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
    return {
      links: list(base).filter((name) => name !== OWNER).map((name) => path.join(base, name)),
      maps: Object.fromEntries(
        list(claimed).filter((name) => name !== STATE).map((name) => [name, path.join(claimed, name)]),
      ),
    }
  }

  #lives(generation: string): boolean {
    return generationLives(path.join(this.#root, generation), this.#procfs)
  }

  /** What former agents wrote of their policies, by the newest generation last. */
  formerStates(): Uint8Array<ArrayBuffer>[] {
    return this.leftOver().map(({ directory }) => path.join(directory, STATE)).filter((file) => fs.existsSync(file))
      .map(pinnedBytes)
  }

  /** After a start, when policies have been read: base sensors that no policy needs any more. */
  sweep(): void {
    const needed = new Set(keptPolicies(this.#root, this.#procfs).map(({ generation }) => generation))
    for (const generation of list(this.#root)) {
      if (generation === this.generation || needed.has(generation) || this.#lives(generation)) continue
      removeGeneration(path.join(this.#root, generation))
    }
  }

  /** At the end of this agent: without a policy nothing of it is worth keeping. */
  end(): void {
    if (!keptPolicies(this.#root, this.#procfs).some(({ generation }) => generation === this.generation)) {
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
export function keptPolicies(root = PIN_ROOT, procfs = '/proc'): KeptPolicy[] {
  return list(root).flatMap((generation) => {
    const alive = generationLives(path.join(root, generation), procfs)
    return list(path.join(root, generation)).filter((name) => !name.startsWith('@')).map((name) => {
      const directory = path.join(root, generation, name)
      const links = list(directory).filter((entry) => /^\d+$/.test(entry)).length
      return { generation, policy: policyName(name), links, directory, alive }
    })
  })
}

function generationLives(directory: string, procfs: string): boolean {
  const owner = path.join(directory, BASE, OWNER)
  return fs.existsSync(owner) && ownerLives(procfs, new TextDecoder().decode(pinnedBytes(owner)))
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
