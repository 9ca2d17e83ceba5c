/** CPU per record of walking a ring: alone, merged from two, and merged with a decode. On plain memory laid out as the kernel does. */

import { RingBuffer } from '../ffi/ring.ts'
import { RingPair } from '../ffi/ring_pair.ts'
import { syntheticRing } from '../tests/ffi/synthetic_ring.ts'

const RECORD_BYTES = 56
const RING_BYTES = 1 << 22
const RECORDS = RING_BYTES / (RECORD_BYTES + 8)
const ROUNDS = 200

let sum = 0

function visit(view: DataView, at: number, _size: number): void {
  sum += view.getUint16(at + 4, true)
}

function visitAndDecode(view: DataView, at: number, size: number): void {
  const record = {
    size,
    type: view.getUint16(at + 4, true),
    cpu: view.getUint16(at + 6, true),
    exec_id: view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * 4294967296,
    pid: view.getUint32(at + 24, true),
  }
  sum += record.type + record.pid
}

/** A ring that can be drained again and again: winding the consumer back makes its records new. */
function fullRing(): { ring: () => RingBuffer } {
  const source = syntheticRing(RING_BYTES)
  for (let i = 0; i < RECORDS; i++) source.put(BigInt(i), i, { size: RECORD_BYTES })
  return {
    ring: () => {
      source.memory.consumer[0] = 0n
      return new RingBuffer(source.memory)
    },
  }
}

function measure(name: string, records: number, run: () => number): { name: string; ns: number } {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const begin = Bun.nanoseconds()
    const count = run()
    const ns = (Bun.nanoseconds() - begin) / records
    if (count !== records) throw new Error(`${name}: ${count} of ${records} records`)
    if (ns < best) best = ns
  }
  return { name, ns: best }
}

export function benchRing(): { name: string; ns: number }[] {
  const [first, second] = [fullRing(), fullRing()]
  const now = () => BigInt(RECORDS)
  return [
    measure('ring: walk', RECORDS, () => first.ring().drain(Infinity, visit)),
    measure('ring: walk and decode', RECORDS, () => first.ring().drain(Infinity, visitAndDecode)),
    measure(
      'ring: walk two merged',
      2 * RECORDS,
      () => new RingPair(first.ring(), second.ring(), now).drain(Infinity, visit),
    ),
    measure(
      'ring: walk two merged in drains of 256',
      2 * RECORDS,
      () => {
        const pair = new RingPair(first.ring(), second.ring(), now)
        let total = 0
        for (let count = 1; count > 0;) total += count = pair.drain(256, visit)
        return total
      },
    ),
  ]
}

if (import.meta.main) {
  for (const { name, ns } of benchRing()) console.log(`${name.padEnd(40)} ${ns.toFixed(1)} ns/record`)
  if (sum < 0) throw new Error('not reached: keeps the work from being optimised away')
}
