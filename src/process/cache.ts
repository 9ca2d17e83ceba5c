/** The processes that events refer to: by the kernel's number of each image, bounded, with their parents. */

import { NumberMap } from './number_map.ts'
import type { Process } from './process.ts'

export interface CacheLimits {
  /** Processes known at once (Tetragon's --process-cache-size). */
  readonly processes_max: number
  /** Ended processes kept for late events. */
  readonly ended_max: number
  /** How long, in nanoseconds. The drain delivers an exit after the hook events before it, so this is for stragglers. */
  readonly grace_ns: number
  /** Images of one pid that are kept when it executes one program after the other without forking. */
  readonly generations_max: number
}

export const CACHE_LIMITS: CacheLimits = {
  processes_max: 65536,
  ended_max: 4096,
  grace_ns: 5e9,
  generations_max: 16,
}

export interface CacheCounters {
  added: number
  removed: number
  /** Dropped to make room though ended and without children: only lateness was lost. */
  evicted_ended: number
  /** Dropped to make room while alive: its later events come out marked unknown. */
  evicted_alive: number
  /** Former images of a pid left out of the chain of ancestors. */
  spliced: number
  /** Ended because another process with the pid appeared: the exit record was lost. */
  stale: number
  /** Look-ups that found nothing, by what asked. */
  missed_parent: number
  missed_process: number
}

export class ProcessCache {
  readonly counters: CacheCounters = {
    added: 0,
    removed: 0,
    evicted_ended: 0,
    evicted_alive: 0,
    spliced: 0,
    stale: 0,
    missed_parent: 0,
    missed_process: 0,
  }
  readonly #limits: CacheLimits
  readonly #processes = new NumberMap<Process>()
  /** The newest image of each pid that is alive. */
  readonly #living = new NumberMap<Process>()
  /** Ended processes in order of their end; from #ended_from on still waiting. */
  #ended: Process[] = []
  #ended_from = 0
  /** Where in #processes room is looked for next. */
  #hand = 0

  constructor(limits: CacheLimits = CACHE_LIMITS) {
    this.#limits = limits
  }

  get size(): number {
    return this.#processes.size
  }

  get capacity(): number {
    return this.#limits.processes_max
  }

  get ended(): number {
    return this.#ended.length - this.#ended_from
  }

  get(key: number): Process | undefined {
    return this.#processes.get(key)
  }

  /** The image that runs as `pid` now, as far as records told. */
  living(pid: number): Process | undefined {
    return this.#living.get(pid)
  }

  /** In no order. */
  values(): IterableIterator<Process> {
    return this.#processes.values()
  }

  /** Adds an image at `now_ns`; what ran under its pid before has ended with that. */
  add(process: Process, now_ns: number): void {
    if (this.#processes.size >= this.#limits.processes_max) this.#makeRoom(now_ns)
    this.#processes.set(process.key, process)
    this.counters.added++
    if (process.parent !== undefined) process.parent.references++
    const former = this.#living.get(process.pid)
    this.#living.set(process.pid, process)
    if (former !== undefined) {
      if (process.origin === 'fork') this.counters.stale++
      this.end(former, now_ns)
    }
    if (process.generation > this.#limits.generations_max) this.#splice(process)
  }

  /** It exited or was replaced: it stays for late events and for its children. */
  end(process: Process, now_ns: number): void {
    if (process.ended) return
    process.ended = true
    process.ended_ns = now_ns
    if (this.#living.get(process.pid) === process) this.#living.delete(process.pid)
    this.#ended.push(process)
    this.sweep(now_ns)
  }

  /** Frees what ended long enough ago. Runs with every end; call it now and then on a quiet machine. */
  sweep(now_ns: number): void {
    const ended = this.#ended
    const before_ns = now_ns - this.#limits.grace_ns
    while (this.#ended_from < ended.length) {
      const process = ended[this.#ended_from]!
      if (process.ended_ns > before_ns && ended.length - this.#ended_from <= this.#limits.ended_max) break
      this.#ended_from++
      process.graced = true
      if (process.references === 0) this.#remove(process)
    }
    // Moving what waits to the front of a new array once per `ended_max` ends costs one copy per process.
    if (this.#ended_from >= this.#limits.ended_max) {
      this.#ended = ended.slice(this.#ended_from)
      this.#ended_from = 0
    }
  }

  /** Parents of the parent, nearest first, without `<kernel>`: Tetragon's `ancestors`. */
  ancestors(process: Process): Process[] {
    const ancestors: Process[] = []
    let ancestor = process.parent?.parent
    while (ancestor !== undefined && ancestor.pid !== 0) {
      ancestors.push(ancestor)
      ancestor = ancestor.parent
    }
    return ancestors
  }

  /** Looks through all: for requests by people, not for events. */
  find(exec_id: string): Process | undefined {
    for (const process of this.#processes.values()) {
      if (process.exec_id === exec_id) return process
    }
    return undefined
  }

  /** The same. */
  children(parent: Process): Process[] {
    const children: Process[] = []
    for (const process of this.#processes.values()) {
      if (process.parent === parent) children.push(process)
    }
    return children
  }

  #remove(process: Process): void {
    let leaving: Process | undefined = process
    while (leaving !== undefined && !leaving.removed) {
      leaving.removed = true
      this.#processes.delete(leaving.key)
      if (this.#living.get(leaving.pid) === leaving) this.#living.delete(leaving.pid)
      this.counters.removed++
      const parent: Process | undefined = leaving.parent
      if (parent === undefined) return
      parent.references--
      leaving = parent.graced && parent.references === 0 ? parent : undefined
    }
  }

  /** First those that wait for late events only, then the next in turn that no child needs, then any. */
  #makeRoom(now_ns: number): void {
    while (this.#ended_from < this.#ended.length) {
      const process = this.#ended[this.#ended_from++]!
      process.graced = true
      if (process.references > 0) continue
      this.counters.evicted_ended++
      this.#remove(process)
      this.sweep(now_ns)
      return
    }
    let victim: Process | undefined
    for (let looked = 0; looked < 64; looked++) {
      const { value, next } = this.#processes.next(this.#hand)
      this.#hand = next
      if (value === undefined) break
      if (victim === undefined || value.references < victim.references) victim = value
      if (victim.references === 0) break
    }
    if (victim === undefined) return
    if (victim.ended) this.counters.evicted_ended++
    else this.counters.evicted_alive++
    // Children keep it for their `parent`, but not what stands above it: a chain must not live on by its youngest.
    this.#remove(victim)
    victim.cut(undefined)
  }

  /** Takes the oldest former image of a long row out of it, if only its successor needs it. */
  #splice(process: Process): void {
    let kept = process
    for (let i = 0; i < this.#limits.generations_max; i++) {
      const parent = kept.parent
      if (parent === undefined || parent.pid !== process.pid) return
      kept = parent
    }
    const oldest = kept.parent
    if (oldest === undefined || oldest.pid !== process.pid || oldest.references !== 1 || oldest.removed) return
    if (oldest.generation === 0) return
    kept.cut(oldest.parent)
    if (oldest.parent !== undefined) oldest.parent.references++
    oldest.graced = true
    this.counters.spliced++
    this.#remove(oldest)
  }
}
