// An event on its way out as filters see it: the process objects beside the line, nothing parsed or copied.

import type { EventMeta, ProcessReference } from '../event/type.ts'
import { CAPABILITIES } from './capability.ts'
import { isObject, type JsonObject } from './json.ts'
import type { CapabilitiesView, EventView, PodView, ProcessView } from './view.ts'

/** Steps up the tree that ancestor filters look at. */
const ANCESTORS_MAX = 256

/** Reads through to the process cache's object; its getters cost nothing until a filter asks. */
class ProcessOfCache implements ProcessView {
  readonly reference: ProcessReference

  constructor(reference: ProcessReference) {
    this.reference = reference
  }

  get exec_id(): string {
    return this.reference.exec_id
  }
  get parent_exec_id(): string {
    return this.reference.parent_exec_id
  }
  get pid(): number {
    return this.reference.pid
  }
  get binary(): string {
    return this.reference.image.binary
  }
  get arguments(): string {
    return this.reference.image.arguments
  }
  get docker(): string {
    return this.reference.image.docker
  }
  get in_init_tree(): boolean {
    return this.reference.in_init_tree
  }
  get pod(): PodView | undefined {
    return this.reference.image.pod
  }
  get cap(): CapabilitiesView | undefined {
    const masks = this.reference.image.capabilities
    if (!masks) return undefined
    return {
      permitted: capabilityNames(masks.permitted),
      effective: capabilityNames(masks.effective),
      inheritable: capabilityNames(masks.inheritable),
    }
  }
}

class EventOfAgent implements EventView {
  readonly #line: string
  readonly #meta: EventMeta
  #process: ProcessView | undefined

  constructor(line: string, meta: EventMeta) {
    this.#line = line
    this.#meta = meta
  }

  get kind(): string {
    return this.#meta.type
  }
  /** The same object each time: one event may be asked by many filters. */
  get process(): ProcessView | undefined {
    return this.#process ??= viewOfReference(this.#meta.process)
  }
  get parent(): ProcessView | undefined {
    return viewOfReference(this.#meta.process?.parent)
  }
  get ancestors(): readonly ProcessView[] {
    const out: ProcessView[] = []
    let here = this.#meta.process?.parent?.parent
    while (here && out.length < ANCESTORS_MAX) {
      out.push(new ProcessOfCache(here))
      here = here.parent
    }
    return out
  }
  /** Policies are known as NAMESPACE/NAME; events carry the name. */
  get policy_name(): string | undefined {
    const policy = this.#meta.policy
    return policy?.slice(policy.indexOf('/') + 1)
  }
  get policy(): string | undefined {
    return this.#meta.policy
  }
  document(): JsonObject {
    const value: unknown = JSON.parse(this.#line)
    return isObject(value) ? value : {}
  }
}

export function viewOfMeta(line: string, meta: EventMeta): EventView {
  return new EventOfAgent(line, meta)
}

export function viewOfReference(reference: ProcessReference | undefined): ProcessView | undefined {
  return reference && new ProcessOfCache(reference)
}

/** For pid_set: the parent as the process cache has it. */
export function parentOf(process: ProcessView): ProcessView | undefined {
  return process instanceof ProcessOfCache ? viewOfReference(process.reference.parent) : undefined
}

const names_by_mask = new Map<bigint, readonly string[]>()
const MASKS_MAX = 1024

function capabilityNames(mask: bigint): readonly string[] {
  const known = names_by_mask.get(mask)
  if (known) return known
  const names = CAPABILITIES.filter((_, bit) => (mask >> BigInt(bit)) & 1n)
  if (names_by_mask.size >= MASKS_MAX) names_by_mask.clear()
  names_by_mask.set(mask, names)
  return names
}
