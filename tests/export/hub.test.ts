import { expect, test } from 'bun:test'
import type { EventMeta } from '../../src/event/type.ts'
import { Hub } from '../../src/export/hub.ts'
import type { Delivery } from '../../src/export/subscription.ts'

function hub(changes: Partial<ConstructorParameters<typeof Hub>[0]> = {}): Hub {
  return new Hub({
    boot: 'b00t',
    history_events_max: 4,
    history_bytes_max: 1 << 20,
    queue_events_max: 3,
    queue_bytes_max: 1 << 20,
    subscribers_max: 2,
    flush_ms_max: 200,
    ...changes,
  })
}

const meta = (seq: number): EventMeta => ({
  type: 'process_exec',
  seq,
  ktime_ns: 0,
  process: undefined,
  policy: undefined,
})
const shown = (deliveries: readonly Delivery[]): unknown[] =>
  deliveries.map((each) => 'event' in each ? each.event.meta.seq : [each.lost.reason, each.lost.count])

test('Hub shares lines among subscribers and keeps each at its own pace', async () => {
  const stream = hub()
  const quick = stream.subscribe(() => true, null)!
  const slow = stream.subscribe(() => true, null)!
  expect(stream.subscribe(() => true, null)).toBeNull()
  const seen: unknown[] = []
  for (let seq = 1; seq <= 6; seq++) {
    stream.write(`line ${seq}`, meta(seq))
    seen.push(...shown(await quick.take(10)))
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6])
  expect(shown(await slow.take(10))).toEqual([1, 2, 3])
  stream.write('line 7', meta(7))
  expect(shown(await slow.take(10))).toEqual([['slow', 3], 7])
  expect(stream.counters).toMatchObject({ events: 14, queued: 1, dropped: { slow: 3 } })
})

test.each([
  ['b00t-5', [6, 7]],
  ['b00t-3', [4, 5, 6, 7]],
  ['b00t-1', [['history', 2], 4, 5, 6, 7]],
  ['other-5', [['boot', null], 4, 5, 6, 7]],
  ['nonsense', [['boot', null], 4, 5, 6, 7]],
  ['b00t-7', []],
])('Hub replays what came after %s', async (since, expected: unknown[]) => {
  const stream = hub({ queue_events_max: 10 })
  for (let seq = 1; seq <= 7; seq++) stream.write(`line ${seq}`, meta(seq))
  expect(shown(await stream.subscribe(() => true, since)!.take(10))).toEqual(expected)
})

test('Hub.flush() lets subscribers take what waits for them, but does not wait for one that never does', async () => {
  // So long that nobody would wait for it here.
  const patient = hub({ flush_ms_max: 3_600_000 })
  const taker = patient.subscribe(() => true, null)!
  patient.write('last', meta(1))
  const flushed = patient.flush()
  expect(shown(await taker.take(10))).toEqual([1])
  await flushed
  const stream = hub()
  const subscription = stream.subscribe(() => true, null)!
  stream.write('taken', meta(1))
  expect(shown(await subscription.take(10))).toEqual([1])
  stream.write('nobody takes this', meta(2))
  await stream.flush()
  await stream[Symbol.asyncDispose]()
  const { events, written, queued, dropped } = stream.counters
  expect([events, written, queued, dropped.closed]).toEqual([2, 1, 0, 1])
})
