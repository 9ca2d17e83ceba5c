import { expect, test } from 'bun:test'
import { lossJson, LossLedger } from '../../src/event/loss.ts'

test('lossJson() names where, why, how many and when', () => {
  const json = lossJson({ ring: 'telemetry', policy: 'net', reason: 'ring_full' }, 17, 'a', 'b')
  expect(JSON.parse(json)).toEqual({
    ring: 'telemetry',
    policy: 'net',
    reason: 'ring_full',
    count: '17',
    from: 'a',
    to: 'b',
  })
})

test('LossLedger reports each loss once, with the time since which it may have happened', () => {
  const ledger = new LossLedger()
  const ring = { ring: 'reserved', reason: 'ring_full' } as const
  const queue = { queue: 'stdout', reason: 'queue_full' }
  ledger.observe(ring, 0, 't0')
  ledger.observe(queue, 0, 't0')
  expect(ledger.report('t0')).toEqual([])
  ledger.observe(ring, 0, 't1')
  ledger.observe(ring, 5, 't2')
  ledger.observe(ring, 7, 't3')
  expect(ledger.report('t3').map((json) => JSON.parse(json))).toEqual([
    { ring: 'reserved', reason: 'ring_full', count: '7', from: 't1', to: 't3' },
  ])
  expect(ledger.report('t4')).toEqual([])
  ledger.observe(ring, 8, 't5')
  expect(JSON.parse(ledger.report('t5')[0]!)).toMatchObject({ count: '1', from: 't3', to: 't5' })
  expect(ledger.totals()).toEqual([{ source: ring, count: 8 }, { source: queue, count: 0 }])
})
