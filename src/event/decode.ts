/** Looks at a record's header before anything else is read: what it is, and whether it can be what it says. */

import {
  CGROUP_EVENT_SIZE,
  CHUNK_EVENT_SIZE,
  EVENT_HEADER_SIZE,
  EVENT_TYPE,
  EXEC_EVENT_SIZE,
  EXIT_EVENT_SIZE,
  FORK_EVENT_SIZE,
  THROTTLE_EVENT_SIZE,
} from '../../ffi/wire.gen.ts'

/** Records by what became of them; `decode` in the loss ledger is the sum of the last three. */
export interface RecordCounters {
  /** By event_type. */
  readonly received: number[]
  /** A type that this agent does not know. */
  unknown: number
  /** header.size is not that of the struct: the object and the agent are of different builds. */
  mismatched: number
  /** The record ends before its struct, or its blob, does. */
  short: number
}

export function createRecordCounters(): RecordCounters {
  return { received: new Array<number>(EVENT_TYPE.MAX).fill(0), unknown: 0, mismatched: 0, short: 0 }
}

/** Size of the fixed struct by event_type; 0 where its own decoder checks. */
const SIZES: readonly number[] = createSizes()

function createSizes(): number[] {
  const sizes = new Array<number>(EVENT_TYPE.MAX).fill(-1)
  sizes[EVENT_TYPE.EXEC] = EXEC_EVENT_SIZE
  sizes[EVENT_TYPE.FORK] = FORK_EVENT_SIZE
  sizes[EVENT_TYPE.EXIT] = EXIT_EVENT_SIZE
  sizes[EVENT_TYPE.CHUNK] = CHUNK_EVENT_SIZE
  sizes[EVENT_TYPE.HOOK] = 0
  sizes[EVENT_TYPE.THROTTLE] = THROTTLE_EVENT_SIZE
  sizes[EVENT_TYPE.TEST] = 0
  sizes[EVENT_TYPE.CGROUP] = CGROUP_EVENT_SIZE
  return sizes
}

/** event_type of the record `view[at, at + size)`, or 0 where it cannot be read, which is counted. Never throws. */
export function recordType(view: DataView, at: number, size: number, counters: RecordCounters): number {
  if (size < EVENT_HEADER_SIZE || at + size > view.byteLength) {
    counters.short++
    return 0
  }
  const struct_size = view.getUint32(at, true)
  const type = view.getUint16(at + 4, true)
  const expected = SIZES[type] ?? -1
  if (expected === -1) {
    counters.unknown++
    return 0
  }
  if (expected !== 0 && struct_size !== expected) {
    counters.mismatched++
    return 0
  }
  if (struct_size > size) {
    counters.short++
    return 0
  }
  counters.received[type]!++
  return type
}
