import { expect, test } from 'bun:test'
import { encodeThrottleEvent, EVENT_TYPE, THROTTLE_EVENT_SIZE } from '../../ffi/wire.gen.ts'
import { THROTTLE_QUIET_NS, Throttles } from '../../src/process/throttle.ts'
import { testTracker } from './record.ts'

const SECOND = 1_000_000_000n

function record(cgroup_id: number, cgroup: string, ktime_ns: bigint): DataView {
  const view = new DataView(new ArrayBuffer(THROTTLE_EVENT_SIZE))
  const header = { size: THROTTLE_EVENT_SIZE, type: EVENT_TYPE.THROTTLE, cpu: 0, ktime_ns }
  encodeThrottleEvent(view, 0, { header, cgroup_id, exec_id: 1, cgroup })
  return view
}

function create(exceeded: Map<number, bigint>): Throttles {
  const tracker = testTracker()
  return new Throttles({
    line: (type, json, ktime_ns) => tracker.plainLine(type, json, ktime_ns),
    exceededNs: (cgroup_id) => exceeded.get(cgroup_id),
  })
}

function bodies(lines: readonly { readonly line: string }[]): unknown[] {
  return lines.map(({ line }) => JSON.parse(line).process_throttle)
}

test('a cgroup over its rate gives START, and STOP once nothing was beyond it for five seconds', () => {
  const exceeded = new Map([[7, 10n * SECOND]])
  const throttles = create(exceeded)
  const start = throttles.onRecord(record(7, 'docker-0123.scope', 10n * SECOND), 0)!
  expect(bodies([start])).toEqual([{ type: 'THROTTLE_START', cgroup: 'docker-0123.scope' }])
  exceeded.set(7, 12n * SECOND)
  expect(throttles.ended(16n * SECOND)).toEqual([])
  expect(throttles.size).toBe(1)
  expect(bodies(throttles.ended(12n * SECOND + THROTTLE_QUIET_NS))).toEqual([
    { type: 'THROTTLE_STOP', cgroup: 'docker-0123.scope' },
  ])
  expect(throttles.ended(100n * SECOND)).toEqual([])
})

test('a cgroup that the kernel has forgotten ends five seconds after its record', () => {
  const throttles = create(new Map())
  throttles.onRecord(record(7, 'x', SECOND), 0)
  expect(throttles.ended(5n * SECOND)).toEqual([])
  expect(throttles.ended(6n * SECOND).length).toBe(1)
})

test('names are cut at their NUL or at 128 bytes; the root has none; invalid bytes are replaced', () => {
  const throttles = create(new Map())
  const name = (view: DataView) => JSON.parse(throttles.onRecord(view, 0)!.line).process_throttle.cgroup
  expect(name(record(1, '', SECOND))).toBe('/')
  expect(name(record(1, 'x'.repeat(127), SECOND))).toBe('x'.repeat(127))
  const view = record(1, '', SECOND)
  new Uint8Array(view.buffer).fill(0xff, 32)
  expect(name(view)).toBe('\ufffd')
})
