/** A ring in plain buffers with a producer in TypeScript, laid out as kernel/bpf/ringbuf.c does. */

import type { RingMemory } from '../../ffi/ring_memory.ts'

const DATA_AT = 4096
const BUSY = 0x80000000
const DISCARD = 0x40000000

export interface SyntheticRing {
  readonly memory: RingMemory
  /** Position of the consumer as the kernel would read it. */
  consumed(): bigint
  produced(): bigint
  unmaps(): number
  /** Puts a record with ktime_ns at 8 and `tag` at 16; returns its position. `state` leaves it busy or discards it. */
  put(ktime_ns: bigint, tag: number, options?: { size?: number; state?: 'busy' | 'discarded' }): bigint
  /** Ends the writing of a busy record. */
  commit(position: bigint): void
}

/** `start`: where both positions begin. */
export function syntheticRing(size: number, start = 0n): SyntheticRing {
  const consumer = new BigInt64Array(new ArrayBuffer(4096))
  const buffer = new ArrayBuffer(DATA_AT + 2 * size)
  const view = new DataView(buffer)
  const bytes = new Uint8Array(buffer)
  let unmaps = 0
  consumer[0] = BigInt.asIntN(64, start)
  view.setBigUint64(0, start, true)
  const offset = (position: bigint) => Number(position & BigInt(size - 1))
  /** Memory is mapped twice; here both copies are written. */
  const write = (at: number, data: Uint8Array) => {
    for (let i = 0; i < data.length; i++) {
      const place = (at + i) % size
      bytes[DATA_AT + place] = bytes[DATA_AT + size + place] = data[i] ?? 0
    }
  }
  return {
    memory: { consumer, view, data_at: DATA_AT, size, weak_order: false, unmap: () => void unmaps++ },
    consumed: () => BigInt.asUintN(64, consumer[0] ?? 0n),
    produced: () => view.getBigUint64(0, true),
    unmaps: () => unmaps,
    put(ktime_ns, tag, options = {}) {
      const position = view.getBigUint64(0, true)
      const length = options.size ?? 24
      const record = new Uint8Array(8 + length)
      const fields = new DataView(record.buffer)
      const flag = options.state === 'busy' ? BUSY : options.state === 'discarded' ? DISCARD : 0
      fields.setUint32(0, (length | flag) >>> 0, true)
      if (length >= 20) {
        fields.setUint32(8, length, true)
        fields.setBigUint64(16, ktime_ns, true)
        fields.setUint32(24, tag, true)
      }
      const used = BigInt.asUintN(64, position - BigInt.asUintN(64, consumer[0] ?? 0n)) + BigInt(record.length + 7 & ~7)
      if (used > BigInt(size)) throw new Error('synthetic ring is full')
      write(offset(position), record)
      view.setBigUint64(0, BigInt.asUintN(64, position + BigInt(record.length + 7 & ~7)), true)
      return position
    },
    commit(position) {
      const at = DATA_AT + offset(position)
      const header = new Uint8Array(4)
      new DataView(header.buffer).setUint32(0, view.getUint32(at, true) & ~BUSY, true)
      write(offset(position), header)
    },
  }
}
