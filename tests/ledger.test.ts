import { expect, test } from 'bun:test'
import {
  imbalance,
  type KernelCounters,
  ledgerRows,
  lossAnswer,
  LossLedger,
  type StageCounters,
} from '../src/ledger.ts'

function kernel(lost: Record<string, number>, policy = ''): KernelCounters {
  const sum = Object.values(lost).reduce((total, count) => total + count, 0)
  return { ring: 'telemetry', type: 'hook', policy, attempted: 10 + sum, submitted: 10, lost }
}

const STAGE: StageCounters = {
  type: 'hook',
  received: 10,
  events: 7,
  without_event: { no_event: 2 },
  lost: { failed: 1 },
}

test('newLosses() tells each loss once, by place, policy and reason', () => {
  const ledger = new LossLedger()
  expect(ledger.newLosses([kernel({ ring_full: 0 })], [])).toEqual([])
  expect(ledger.newLosses([kernel({ ring_full: 3 }, 'net')], [STAGE])).toEqual([
    { where: 'telemetry', type: 'hook', policy: 'net', reason: 'ring_full', count: 3 },
    { where: 'agent', type: 'hook', policy: '', reason: 'failed', count: 1 },
  ])
  expect(ledger.newLosses([kernel({ ring_full: 3 }, 'net')], [STAGE])).toEqual([])
  expect(ledger.newLosses([kernel({ ring_full: 5 }, 'net')], [STAGE])).toEqual([
    { where: 'telemetry', type: 'hook', policy: 'net', reason: 'ring_full', count: 2 },
  ])
  expect(ledger.lost_total).toBe(6)
})

test('a policy that is loaded anew counts from the beginning, and what it lost before stays counted', () => {
  const ledger = new LossLedger()
  ledger.newLosses([kernel({ ring_full: 5 }, 'net')], [])
  expect(ledger.newLosses([], [])).toEqual([])
  expect(ledger.newLosses([kernel({ ring_full: 2 }, 'net')], [])).toEqual([])
  expect(ledger.newLosses([kernel({ ring_full: 3 }, 'net')], []).map(({ count }) => count)).toEqual([1])
  expect(ledger.lost_total).toBe(6)
})

test('lossAnswer() adds what sinks lost, not what they dropped on purpose, and names what does not add up', () => {
  const sink = {
    name: 'stdout',
    events: 7,
    written: 2,
    written_bytes: 99,
    queued: 1,
    queued_bytes: 9,
    dropped: { filter: 1, queue_full: 3 },
  }
  const rows = ledgerRows([kernel({ ring_full: 4 })], [STAGE], [sink])
  expect(lossAnswer(5, rows)).toEqual({ lost: 8, balanced: true, imbalance: [], rows })
  const wrong = ledgerRows([], [], [{ ...sink, events: 9 }])
  expect(lossAnswer(0, wrong).balanced).toBe(false)
  expect(imbalance(wrong)).toEqual(['stdout event: 9 came, 2 passed, 1 wait, 4 are accounted for'])
})
