// Counters of the rings and faults of the maps, summed over CPUs, between the kernel's maps and the ledger.
import type { BpfMap } from '../../ffi/map.ts'
import { decodeRingCounters, EVENT_TYPE, FAULT, LOST_REASON, RING_ID } from '../../ffi/wire.gen.ts'

/** As KernelCounters of the ledger. */
export interface RingCount {
  readonly ring: string
  readonly type: string
  readonly policy: string
  attempted: number
  submitted: number
  readonly lost: Record<string, number>
}

const TYPES = Object.entries(EVENT_TYPE).filter(([name]) => name !== 'MAX')
const RINGS = Object.entries(RING_ID).filter(([name]) => name !== 'MAX')
const REASONS = Object.entries(LOST_REASON).filter(([name]) => name !== 'MAX')

/** One system call per type and ring; some 15 us in all. */
export function readRingCounters(map: BpfMap): RingCount[] {
  const bytes = new Uint8Array(new ArrayBuffer(map.value_bytes))
  const view = new DataView(bytes.buffer)
  const stride = (map.value_size + 7) & ~7
  const counts: RingCount[] = []
  for (const [type, type_number] of TYPES) {
    for (const [ring, ring_number] of RINGS) {
      const key = type_number * RING_ID.MAX + ring_number
      if (key >= map.max_entries || !map.lookupInto(key, bytes)) continue
      const lost: Record<string, number> = {}
      const count: RingCount = {
        ring: ring.toLowerCase(),
        type: type.toLowerCase(),
        policy: '',
        attempted: 0,
        submitted: 0,
        lost,
      }
      for (let at = 0; at < bytes.length; at += stride) {
        const one = decodeRingCounters(view, at)
        count.attempted += one.attempted
        count.submitted += one.submitted
        for (const [reason, number] of REASONS) {
          lost[reason.toLowerCase()] = (lost[reason.toLowerCase()] ?? 0) + (one.lost[number] ?? 0)
        }
      }
      counts.push(count)
    }
  }
  return counts
}

/** What could not be kept in a map, by fault. */
export function readFaults(map: BpfMap): Record<string, number> {
  const faults: Record<string, number> = {}
  const bytes = new Uint8Array(new ArrayBuffer(map.value_bytes))
  const view = new DataView(bytes.buffer)
  for (const [name, number] of Object.entries(FAULT)) {
    if (name === 'MAX' || !map.lookupInto(number, bytes)) continue
    let sum = 0
    for (let at = 0; at < bytes.length; at += 8) sum += Number(view.getBigUint64(at, true))
    faults[name.toLowerCase()] = sum
  }
  return faults
}
