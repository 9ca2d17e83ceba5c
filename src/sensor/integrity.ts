// Integrity: what the agent loaded and attached, compared with what the kernel has of it now, and who else is at its hooks.
import fs from 'node:fs'
import { LibbpfError } from '../../ffi/error.ts'
import { kernelLink, kernelProgram, linkInfo, objectIds } from '../../ffi/kernel_objects.ts'
import type { BpfLink } from '../../ffi/link.ts'
import type { BpfMap } from '../../ffi/map.ts'
import type { BpfObject } from '../../ffi/object.ts'

/** What the agent has at a moment. Borrowed. */
export interface OwnParts {
  readonly links: readonly BpfLink[]
  readonly objects: readonly BpfObject[]
  /** Shared by objects. */
  readonly maps: readonly BpfMap[]
}

export type FindingKind = 'missing' | 'changed' | 'foreign'

/** Something that is not as it was loaded. */
export interface Finding {
  readonly kind: FindingKind
  /** The same finding has the same text at each look. */
  readonly text: string
}

export interface Look {
  readonly findings: readonly Finding[]
  readonly links: number
  readonly programs: number
  readonly maps: number
  /** '' or why nobody can say who else is there. */
  readonly blind: string
}

/** One thing of the agent, as it was when first seen and how to see it again. */
interface Known {
  readonly name: string
  readonly first: string
  readonly now: () => string
  /** Where a link is attached, '' where the kernel does not tell. */
  readonly target: string
  /** Id of a link, 0 for others. */
  readonly link_id: number
}

/** Links of the machine that one look compares: a node with more has other worries, and the rest is not compared. */
const LINKS_MAX = 4096
/** Findings of one look: beyond these they are left out. */
const FINDINGS_MAX = 256

export class Integrity {
  readonly #own: () => OwnParts
  /** By the object itself: names may come twice. */
  #known = new Map<object, readonly Known[]>()

  constructor(own: () => OwnParts) {
    this.#own = own
  }

  /** Remembers what is new as it is now, and forgets what is no longer the agent's. Cheap where nothing is new. */
  learn(): void {
    const { links, objects, maps } = this.#own()
    const next = new Map<object, readonly Known[]>()
    for (const link of links) next.set(link, this.#known.get(link) ?? [knownLink(link)])
    for (const object of objects) next.set(object, this.#known.get(object) ?? knownPrograms(object))
    for (const map of maps) next.set(map, this.#known.get(map) ?? [knownMap(map)])
    this.#known = next
  }

  look(): Look {
    this.learn()
    const all = [...this.#known.values()].flat()
    const changed = all.flatMap((known) => compare(known) ?? [])
    const links = all.filter(({ link_id }) => link_id > 0)
    const others = this.#others(links)
    const { objects, maps } = this.#own()
    return {
      findings: [...changed, ...others.findings].slice(0, FINDINGS_MAX),
      links: this.#own().links.length,
      programs: objects.reduce((sum, object) => sum + (this.#known.get(object)?.length ?? 0), 0),
      maps: maps.length,
      blind: others.blind,
    }
  }

  #others(own: readonly Known[]): { findings: Finding[]; blind: string } {
    const mine = new Set(own.map(({ link_id }) => link_id))
    const places = new Map(own.filter(({ target }) => target !== '').map(({ target, name }) => [target, name]))
    try {
      const ids = objectIds('link', LINKS_MAX).filter((id) => !mine.has(id))
      const findings = ids.flatMap((id) => {
        const link = kernelLink(id)
        const place = link === undefined ? undefined : places.get(link.target)
        if (link === undefined || place === undefined) return []
        const who = describe(link.program_id)
        return [{ kind: 'foreign' as const, text: `link ${id} has program ${link.program_id}${who} where ${place} is` }]
      })
      return { findings, blind: '' }
    } catch (error) {
      if (!(error instanceof LibbpfError)) throw error
      return { findings: [], blind: error.message }
    }
  }
}

/** '' for one that is gone, or that its owner protects as this agent does. */
function describe(program_id: number): string {
  try {
    const program = kernelProgram(program_id)
    return program === undefined ? '' : ` "${program.name}" (tag ${program.tag})`
  } catch (error) {
    if (!(error instanceof LibbpfError) || error.code !== 'EPERM') throw error
    return ''
  }
}

function compare({ name, first, now }: Known): Finding | undefined {
  let present: string
  try {
    present = now()
  } catch (error) {
    if (!(error instanceof LibbpfError)) throw error
    return { kind: 'missing', text: `${name} is gone, was ${first}: ${error.code}` }
  }
  return present === first ? undefined : { kind: 'changed', text: `${name} is ${present}, was ${first}` }
}

function knownLink(link: BpfLink): Known {
  const { name } = link
  const of = () => {
    const { id, type, program_id, target } = linkInfo(link.fd)
    return { id, target, text: `${type} link ${id} of program ${program_id}` }
  }
  try {
    const { id, target, text } = of()
    return { name, first: text, now: () => of().text, target, link_id: id }
  } catch (error) {
    if (!(error instanceof LibbpfError)) throw error
    // A perf event (probes before 5.15), of which the kernel tells nothing but what kind of file it is.
    const now = () => fileOf(link.fd)
    return { name, first: now(), now, target: '', link_id: 0 }
  }
}

function knownPrograms(object: BpfObject): Known[] {
  return object.programs.filter(({ autoload }) => autoload).map((program) => {
    const now = () => {
      const { id, tag } = program.info()
      return `program ${id} with tag ${tag}`
    }
    return { name: `program "${program.name}" of "${object.name}"`, first: now(), now, target: '', link_id: 0 }
  })
}

function knownMap(map: BpfMap): Known {
  const now = () => {
    const { id, type, key_size, value_size, max_entries } = map.info()
    return `map ${id} of type ${type}, ${max_entries} entries of ${key_size} and ${value_size} bytes`
  }
  return { name: `map "${map.name}"`, first: now(), now, target: '', link_id: 0 }
}

function fileOf(fd: number): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return 'no file' // closed, and that is what the finding says
  }
}
