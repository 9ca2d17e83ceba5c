/** The memory of a ring map, mapped into this process. */

import { toArrayBuffer } from 'bun:ffi'
import { live } from './assert.ts'
import { LibbpfError } from './error.ts'
import { lastErrno, libc } from './library.ts'
import type { BpfMap } from './map.ts'
import { pageSize } from './system.ts'
import { MAP_TYPE } from './uapi.ts'

export interface RingMemory {
  /** The writable page: [0] is the consumer's position, [1] is free. */
  readonly consumer: BigInt64Array<ArrayBuffer>
  /** Read-only: the producer's position at 0, the data twice at `data_at`. */
  readonly view: DataView
  readonly data_at: number
  readonly size: number
  /** The CPU may swap loads: true but on x86-64. */
  readonly weak_order: boolean
  /** Afterwards access through the views throws instead of faulting. */
  unmap(): void
}

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1

/** Mapped data counts twice in RSS. */
export function mapRing(map: BpfMap): RingMemory {
  if (map.type !== MAP_TYPE.RINGBUF) throw new TypeError(`Cannot map "${map.name}": it is not a ring buffer`)
  const page = pageSize()
  const size = map.max_entries
  const consumer = mapPages(map, page, PROT_READ | PROT_WRITE, 0)
  let producer: typeof consumer
  try {
    producer = mapPages(map, page + 2 * size, PROT_READ, page)
  } catch (error) {
    libc().munmap(consumer.pointer, page)
    throw error
  }
  return {
    consumer: new BigInt64Array(consumer.buffer),
    view: new DataView(producer.buffer),
    data_at: page,
    size,
    weak_order: process.arch !== 'x64',
    unmap: () => {
      detach(consumer.buffer)
      detach(producer.buffer)
      libc().munmap(consumer.pointer, page)
      libc().munmap(producer.pointer, page + 2 * size)
    },
  }
}

function mapPages(map: BpfMap, length: number, protection: number, offset: number) {
  const pointer = libc().mmap(null, length, protection, MAP_SHARED, map.fd, offset)
  // MAP_FAILED comes as a bigint, too large for a number.
  if (typeof pointer !== 'number') throw new LibbpfError(`map ring "${map.name}"`, lastErrno())
  live(pointer, 'ring')
  return { pointer, buffer: toArrayBuffer(pointer, 0, length) }
}

/** Leaves views over `buffer` empty. The copy that takes the memory over is dropped and frees nothing. */
function detach(buffer: ArrayBuffer): void {
  structuredClone(buffer, { transfer: [buffer] })
}
