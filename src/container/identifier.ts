// Identifier: from a container that appeared to what all sources together know of it, within a bounded time.
import type { ContainerName } from '../process/container.ts'
import type { Container, ContainerInfo } from '../process/container_entry.ts'
import type { ContainerTable } from '../process/container_table.ts'
import type { ContainerSource } from './type.ts'

export interface IdentifierOptions {
  /** In order of trust: what the first knows counts. */
  readonly sources: readonly ContainerSource[]
  readonly wait_ms: number
  /** Called when events of a container need not wait any longer. */
  readonly onSettled: (container: Container) => void
  /** Called when something about a container became known or changed. */
  readonly onLearned?: (container: Container) => void
}

export interface IdentifierCounters {
  /** Known at once, without waiting. */
  known: number
  /** Became known while its events waited. */
  awaited: number
  /** Sent without, because the time was over or nobody knew; `partial`: with less than all. */
  unknown: number
  partial: number
  /** Became known after that. */
  late: number
  /** Gave way to a flood of events that waited. */
  crowded: number
}

export class Identifier implements Disposable {
  readonly counters: IdentifierCounters = { known: 0, awaited: 0, unknown: 0, partial: 0, late: 0, crowded: 0 }
  readonly #options: IdentifierOptions
  readonly #waiting = new Map<Container, ReturnType<typeof setTimeout>>()
  /** Answers are on their way. */
  readonly #asked = new Set<Container>()
  /** Who waits until it is known, in known(). */
  readonly #wanted = new Map<Container, readonly ((known: boolean) => void)[]>()
  #table: ContainerTable | null = null
  /** What asking gave, by source, for containers that are kept. */
  readonly #answers = new WeakMap<Container, (ContainerInfo | undefined)[]>()

  constructor(options: IdentifierOptions) {
    this.#options = options
    for (const source of options.sources) source.onChange = (affects) => this.#onChange(affects)
  }

  get sources(): readonly ContainerSource[] {
    return this.#options.sources
  }

  attach(table: ContainerTable): void {
    this.#table = table
  }

  /** A container has appeared: who is asked now may have answered when its first process runs. */
  add(container: Container): void {
    const able = this.#able(container)
    if (!this.#learn(container)) this.#ask(container, able)
  }

  /** Its first process has executed: if it is still not known, its events wait from here on. */
  see(container: Container): void {
    const able = this.#able(container)
    if (able.length === 0 && container.info.pod === undefined) return
    if (this.#learn(container) || able.length === 0) {
      this.counters.known++
      return
    }
    const { wait_ms } = this.#options
    if (wait_ms === 0 || !able.some((source) => source.status.state === 'active')) return
    container.waiting = true
    if (this.#table !== null) this.#table.waiting++
    this.#waiting.set(container, setTimeout(() => this.#giveUp(container), wait_ms))
    if (!this.#asked.has(container)) this.#ask(container, able)
  }

  /** Who may come to know more than look() says now. */
  #able({ name }: Container): ContainerSource[] {
    return this.#options.sources.filter((source) => {
      return source.tells_all !== true && source.status.state !== 'absent' && source.covers(name)
    })
  }

  #ask(container: Container, able: readonly ContainerSource[]): void {
    const asked = able.filter((source) => source.ask !== undefined)
    const asking = asked.map(async (source) => {
      const info = await source.ask!(container.name)
      if (info === undefined) return
      this.#answersOf(container)[this.#options.sources.indexOf(source)] = info
      this.#onAnswer(container)
    })
    if (asked.length === 0) return
    this.#asked.add(container)
    void Promise.all(asking).then(() => {
      this.#asked.delete(container)
      // A source that hears of changes by itself may still come to know.
      if (asked.length < able.length) return
      this.#giveUp(container)
      for (const wanted of this.#wanted.get(container) ?? []) wanted(false)
    })
  }

  /** True as soon as nothing is missing any more, false when nobody has more to tell or the time is over. */
  async known(container: Container, wait_ms: number): Promise<boolean> {
    if (isComplete(container.name, container.info)) return true
    const able = this.#able(container)
    if (!able.some((source) => source.status.state === 'active')) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), wait_ms)
    const waiting = this.#wanted.get(container) ?? []
    this.#wanted.set(container, [...waiting, resolve])
    if (!this.#asked.has(container)) this.#ask(container, able)
    const known = await promise
    clearTimeout(timer)
    this.#wanted.delete(container)
    return known
  }

  /** Too many events wait: what is known now must do. */
  crowded(container: Container): void {
    if (!container.waiting) return
    this.counters.crowded++
    this.#giveUp(container)
  }

  /** Lets go of all that waits, at the end. */
  settleAll(): void {
    for (const container of [...this.#waiting.keys()]) this.#giveUp(container)
  }

  [Symbol.dispose](): void {
    this.settleAll()
    for (const source of this.#options.sources) source[Symbol.dispose]()
  }

  /** Also what is known already may have changed: labels, an image that was resolved. */
  #onChange(affects: (name: ContainerName) => boolean): void {
    for (const container of this.#table?.values() ?? []) if (affects(container.name)) this.#onAnswer(container)
  }

  #onAnswer(container: Container): void {
    const before = container.version
    const complete = this.#learn(container)
    if (container.waiting) {
      if (!complete) return
      this.counters.awaited++
      this.#settle(container)
    } else if (complete && container.version !== before && before === 1) {
      this.counters.late++
    }
  }

  #giveUp(container: Container): void {
    if (!container.waiting) return
    if (container.info.pod === undefined && container.info.name === undefined) this.counters.unknown++
    else this.counters.partial++
    this.#settle(container)
  }

  #settle(container: Container): void {
    const timer = this.#waiting.get(container)
    if (timer !== undefined) clearTimeout(timer)
    this.#waiting.delete(container)
    if (this.#table !== null) this.#table.waiting--
    container.settle()
    this.#options.onSettled(container)
  }

  /** Puts together what everybody knows; true if nothing is missing. */
  #learn(container: Container): boolean {
    const { name } = container
    const { sources } = this.#options
    const answers = this.#answersOf(container)
    const infos = sources.map((source, i) => (source.covers(name) ? source.look(name) : undefined) ?? answers[i])
    const told = merge(infos)
    const own = told.name
    // Kubelets tell of a container's id a second after its start; its health checks begin before that.
    const info = own === undefined ? told : merge([told, ...sources.map((source) => source.written?.(name, own))])
    if (!same(info, container.info)) {
      container.learn(info)
      this.#options.onLearned?.(container)
    }
    const complete = isComplete(name, info)
    if (complete) { for (const wanted of this.#wanted.get(container) ?? []) wanted(true) }
    return complete
  }

  #answersOf(container: Container): (ContainerInfo | undefined)[] {
    let answers = this.#answers.get(container)
    if (answers === undefined) this.#answers.set(container, answers = [])
    return answers
  }
}

/** Fields of the first that has them; a pod is taken whole, and a partial one gives way to the same told by another. */
export function merge(infos: readonly (ContainerInfo | undefined)[]): ContainerInfo {
  let merged: ContainerInfo = {}
  for (const info of infos) {
    if (info === undefined) continue
    const mine = merged.pod
    const other = info.pod
    const pod = mine === undefined || (mine.partial === true && mine.uid === other?.uid) ? other ?? mine : mine
    merged = { ...info, ...merged, ...(pod === undefined ? {} : { pod }) }
  }
  return merged
}

function isComplete(name: ContainerName, info: ContainerInfo): boolean {
  if (name.pod_uid === '' && info.pod === undefined) return info.name !== undefined
  return info.pod !== undefined && info.pod.partial !== true && (info.name !== undefined || info.sandbox === true)
}

function same(one: ContainerInfo, other: ContainerInfo): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
