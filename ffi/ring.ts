/**
 * A BPF ring buffer read in place: mapped once, walked with one DataView, nothing allocated per record.
 *
 * Layout (kernel/bpf/ringbuf.c): page 0 holds the consumer's position, page 1 the producer's, then the data, mapped twice in
 * a row so that no record is split. Positions are u64 that only grow; here each is two u32, so that they stay exact past
 * 2^53, and since a ring is smaller than 4 GiB the low words alone tell distances.
 *
 * Most callers want `RingPair.drain()` (ring_pair.ts), which merges two rings; `drain()` here reads a single one.
 */

import { assert } from './assert.ts'
import type { BpfMap } from './map.ts'
import { mapRing, type RingMemory } from './ring_memory.ts'

/** Borrows ring memory: `size` bytes at `at` are valid during the call only. */
export type Visit = (view: DataView, at: number, size: number) => void

/** What `peek()` found. */
export const HEAD = { END: 0, RECORD: 1, BUSY: 2 } as const

const BUSY_BIT = 0x80000000
const DISCARD_BIT = 0x40000000
const LENGTH_MASK = 0x3fffffff
const HEADER_BYTES = 8
/** The producer gets its space back at the latest when this part of the ring was read, not only at the end of a drain. */
const RELEASE_PARTS = 16

export class RingBuffer implements Disposable {
  #memory: RingMemory | undefined
  readonly #view: DataView
  readonly #consumer: BigInt64Array<ArrayBuffer>
  readonly #mask: number
  readonly #data_at: number
  readonly #release_bytes: number
  readonly #fence_each: boolean
  #low = 0
  #high = 0
  #released_low = 0
  #end = 0
  /** Of the record that `peek()` found. */
  at = 0
  length = 0
  /** Data bytes of the ring. */
  readonly size: number

  /** For tests: `memory` may be plain buffers. Others use `map()`. */
  constructor(memory: RingMemory) {
    const { view, consumer, data_at, size } = memory
    assert(size > 0 && (size & (size - 1)) === 0 && size <= 2 ** 30, `ring of ${size} bytes`)
    assert(view.byteLength === data_at + 2 * size, `view of ${view.byteLength} bytes over a ring of ${size}`)
    this.#memory = memory
    this.#view = view
    this.#consumer = consumer
    this.#mask = size - 1
    this.#data_at = data_at
    this.#release_bytes = Math.max(1, size / RELEASE_PARTS)
    this.#fence_each = memory.weak_order
    this.size = size
    const position = BigInt.asUintN(64, Atomics.load(consumer, 0))
    this.#low = this.#released_low = this.#end = Number(position & 0xffffffffn)
    this.#high = Number(position >> 32n)
  }

  /** Maps the memory of a ring map. The map may be disposed afterwards: the mapping holds the ring. */
  static map(map: BpfMap): RingBuffer {
    return new RingBuffer(mapRing(map))
  }

  /** Bytes that were produced and not yet consumed, headers and records being written included. */
  lag(): number {
    this.#assertLive()
    return (this.#view.getUint32(0, true) - this.#low) >>> 0
  }

  /** The part of the ring in use: 0 to 1. */
  fill(): number {
    return this.lag() / this.size
  }

  /**
   * Visits every committed record, oldest first, then releases them to the kernel.
   *
   * Stops after `records_max`, at a record still being written, and at what was there when called. Discarded records are
   * skipped. Returns the number visited. If `visit` throws, that record and those before it are released and the error
   * passes through.
   */
  drain(records_max: number, visit: Visit): number {
    this.begin()
    let count = 0
    try {
      while (count < records_max && this.peek() === HEAD.RECORD) {
        count++
        visit(this.#view, this.at, this.length)
        this.advance()
      }
    } catch (error) {
      this.advance()
      throw error
    } finally {
      this.release()
    }
    return count
  }

  get view(): DataView {
    return this.#view
  }

  /** Visits committed records without consuming them, up to one that is still being written. */
  look(visit: Visit): void {
    this.begin()
    let low = this.#low
    while (low !== this.#end) {
      const at = this.#data_at + (low & this.#mask)
      const header = this.#view.getUint32(at, true)
      if (header >= BUSY_BIT) return
      const length = header & LENGTH_MASK
      if ((header & DISCARD_BIT) === 0) visit(this.#view, at + HEADER_BYTES, length)
      low = (low + ((length + HEADER_BYTES + 7) & ~7)) >>> 0
    }
  }

  /** Takes the producer's position: `peek()` goes that far. */
  begin(): void {
    this.#assertLive()
    this.#end = this.#view.getUint32(0, true)
    this.#fence()
  }

  /** Finds the next committed record up to where `begin()` looked; `at` and `length` are then its own. */
  peek(): number {
    for (;;) {
      if (this.#low === this.#end) return HEAD.END
      const at = this.#data_at + (this.#low & this.#mask)
      const header = this.#view.getUint32(at, true)
      if (header >= BUSY_BIT) return HEAD.BUSY
      if (this.#fence_each) this.#fence()
      const length = header & LENGTH_MASK
      if (((length + HEADER_BYTES + 7) & ~7) > ((this.#end - this.#low) >>> 0)) {
        assert(false, `record of ${length} bytes with ${(this.#end - this.#low) >>> 0} in the ring`)
      }
      this.length = length
      if ((header & DISCARD_BIT) === 0) {
        this.at = at + HEADER_BYTES
        return HEAD.RECORD
      }
      this.advance()
    }
  }

  /** Goes past the record that `peek()` found. Its bytes may be overwritten from then on. */
  advance(): void {
    const before = this.#low
    this.#low = (before + ((this.length + HEADER_BYTES + 7) & ~7)) >>> 0
    if (this.#low < before) this.#high++
    if (((this.#low - this.#released_low) >>> 0) >= this.#release_bytes) this.release()
  }

  /**
   * Gives what was passed back to the kernel. One 64-bit store: the kernel must never see half a position. Sequentially
   * consistent, so that a record committed later finds this position and wakes the sleeper.
   */
  release(): void {
    if (this.#low === this.#released_low) return
    this.#released_low = this.#low
    Atomics.store(this.#consumer, 0, BigInt.asIntN(64, BigInt(this.#high) << 32n | BigInt(this.#low)))
  }

  [Symbol.dispose](): void {
    const memory = this.#memory
    this.#memory = undefined
    memory?.unmap()
  }

  /**
   * Keeps loads after it behind loads before it. On x86-64 loads stay in order by themselves, and this keeps the compiler
   * from changing it; on arm64 a load-acquire would not do, it takes a read-modify-write (untested, no such machine yet).
   * On the consumer's page because an atomic access to the others, which are read-only, faults in JIT-compiled code.
   */
  #fence(): void {
    Atomics.add(this.#consumer, FENCE_INDEX, 0n)
  }

  #assertLive(): void {
    if (this.#memory === undefined) throw new TypeError('RingBuffer used after dispose')
  }
}

/** A word of the consumer's page that means nothing to the kernel. */
const FENCE_INDEX = 1
