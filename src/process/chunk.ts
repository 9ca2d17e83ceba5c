/** Between chunk_event records and the long text that they are parts of: held until the event that they belong to comes. */

import { CHUNK_KIND } from '../../ffi/wire.gen.ts'

export interface ChunkLimits {
  /** Bytes held for all events together. */
  readonly bytes_max: number
  /** Texts held at once. */
  readonly texts_max: number
  /** A text whose event has not come after this long is given up: its event was lost. */
  readonly age_max_ns: number
}

/** 32 MiB holds three executions with the largest argument vector that can be asked for (8 MiB) and many usual ones. */
export const CHUNK_LIMITS: ChunkLimits = { bytes_max: 32 * 2 ** 20, texts_max: 1024, age_max_ns: 10e9 }

interface Text {
  readonly id: number
  readonly ktime_ns: number
  readonly parts: (Uint8Array | undefined)[]
  bytes: number
}

export interface TakenText {
  readonly bytes: Buffer
  /** All `count` chunks were there. Else `bytes` ends before the first that is missing. */
  readonly complete: boolean
}

const NOTHING = Buffer.alloc(0)

/** What happened to chunks, for metrics. */
export interface ChunkCounters {
  received: number
  /** Texts given up because their event did not come. */
  expired: number
  /** Texts given up because others needed the room. */
  evicted: number
  /** Chunks dropped: an index beyond all bounds. */
  invalid: number
  /** Texts taken with a chunk missing. */
  incomplete: number
}

/** Chunks of one text above this are refused: 8 MiB in chunks of 16 KiB, with room. */
const INDEX_MAX = 4096

export class ChunkAssembler {
  readonly counters: ChunkCounters = { received: 0, expired: 0, evicted: 0, invalid: 0, incomplete: 0 }
  readonly #limits: ChunkLimits
  /** By kind: text by id, oldest first. */
  readonly #texts: readonly Map<number, Text>[] = [new Map(), new Map(), new Map(), new Map()]
  #bytes = 0
  #count = 0

  constructor(limits: ChunkLimits = CHUNK_LIMITS) {
    this.#limits = limits
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#count
  }

  /** Keeps a copy of `view[at, at + bytes)`. */
  add(kind: number, id: number, index: number, ktime_ns: number, view: DataView, at: number, bytes: number): void {
    this.counters.received++
    const texts = this.#texts[kind]
    if (texts === undefined || kind === 0 || index > INDEX_MAX) {
      this.counters.invalid++
      return
    }
    let text = texts.get(id)
    if (text === undefined) {
      this.expire(ktime_ns)
      text = { id, ktime_ns, parts: [], bytes: 0 }
      texts.set(id, text)
      this.#count++
    }
    const part = new Uint8Array(bytes)
    part.set(new Uint8Array(view.buffer, view.byteOffset + at, bytes))
    this.#bytes += bytes - (text.parts[index]?.length ?? 0)
    text.bytes += bytes - (text.parts[index]?.length ?? 0)
    while (text.parts.length < index) text.parts.push(undefined)
    text.parts[index] = part
    while ((this.#bytes > this.#limits.bytes_max || this.#count > this.#limits.texts_max) && this.#count > 1) {
      this.#evict(text)
    }
  }

  /** The text of `count` chunks, which is then forgotten. Chunks that are missing end it early. */
  take(kind: number, id: number, count: number): TakenText {
    const texts = this.#texts[kind]
    const text = texts?.get(id)
    if (texts === undefined || text === undefined) {
      this.counters.incomplete++
      return { bytes: NOTHING, complete: false }
    }
    this.#forget(texts, text)
    const parts: Uint8Array[] = []
    for (let i = 0; i < count; i++) {
      const part = text.parts[i]
      if (part === undefined) break
      parts.push(part)
    }
    const complete = parts.length === count
    if (!complete) this.counters.incomplete++
    return { bytes: Buffer.concat(parts), complete }
  }

  /** Gives up texts whose first chunk is older than the limit at `now_ns`. */
  expire(now_ns: number): void {
    for (const texts of this.#texts) {
      for (const text of texts.values()) {
        if (now_ns - text.ktime_ns <= this.#limits.age_max_ns) break
        this.#forget(texts, text)
        this.counters.expired++
      }
    }
  }

  /** The largest text but `keep` goes: it is the one that needs the room, and few lose by it. */
  #evict(keep: Text): void {
    let victim: Text | undefined
    let victim_of: Map<number, Text> | undefined
    for (const texts of this.#texts) {
      for (const text of texts.values()) {
        if (text === keep || (victim !== undefined && text.bytes <= victim.bytes)) continue
        victim = text
        victim_of = texts
      }
    }
    if (victim === undefined || victim_of === undefined) return
    this.#forget(victim_of, victim)
    this.counters.evicted++
  }

  #forget(texts: Map<number, Text>, text: Text): void {
    texts.delete(text.id)
    this.#count--
    this.#bytes -= text.bytes
  }
}

/** Kinds that the kernel sends, checked here so that a new one is not forgotten. */
export const CHUNK_KINDS: readonly number[] = [CHUNK_KIND.ARGS, CHUNK_KIND.ENVS, CHUNK_KIND.HOOK]
