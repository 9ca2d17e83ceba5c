// Processes below certain pids, learnt from the events themselves and from the cache where there is one.

import type { EventView, ProcessView } from './view.ts'

/** Descendants remembered per filter; beyond, the oldest are forgotten. */
const MEMBERS_MAX = 65_536
/** Steps up the tree for a process that no event announced. */
const DEPTH_MAX = 256

export class PidSet {
  readonly #pids: ReadonlySet<number>
  readonly #parentOf: ((process: ProcessView) => ProcessView | undefined) | undefined
  /** exec_ids below one of the pids, in order of arrival. */
  readonly #members = new Set<string>()

  constructor(pids: readonly number[], parentOf?: (process: ProcessView) => ProcessView | undefined) {
    this.#pids = new Set(pids)
    this.#parentOf = parentOf
  }

  /** True if the event's process or one above it has one of the pids. Must see every event to know all descendants. */
  has(event: EventView): boolean {
    const process = event.process
    if (!process) return false
    const found = this.#is(process) || (event.parent !== undefined && this.#is(event.parent)) ||
      (process.parent_exec_id !== undefined && this.#members.has(process.parent_exec_id)) ||
      (event.ancestors ?? []).some((ancestor) => this.#is(ancestor)) || this.#climb(process)
    if (found && process.exec_id !== undefined) this.#remember(process.exec_id)
    return found
  }

  #is(process: ProcessView): boolean {
    return (process.pid !== undefined && this.#pids.has(process.pid)) ||
      (process.exec_id !== undefined && this.#members.has(process.exec_id))
  }

  #climb(process: ProcessView): boolean {
    if (!this.#parentOf) return false
    let here = this.#parentOf(process)
    for (let step = 0; here && step < DEPTH_MAX; step++) {
      if (this.#is(here)) return true
      here = this.#parentOf(here)
    }
    return false
  }

  #remember(exec_id: string): void {
    if (this.#members.has(exec_id)) return
    if (this.#members.size >= MEMBERS_MAX) {
      const [oldest] = this.#members
      if (oldest !== undefined) this.#members.delete(oldest)
    }
    this.#members.add(exec_id)
  }
}
