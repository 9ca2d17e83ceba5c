import { expect, test } from 'bun:test'
import { imbalance, ledgerRows, LossLedger } from '../../src/ledger.ts'
import { policyCount } from '../../src/sensor/hook_counts.ts'

const HOOK = { hits: 10, merge_lost: 0, scratch_lost: 0, recursion_misses: 0 }

test('policyCount() adds up the hooks of a policy, and what left no trace is a loss by reason', () => {
  const count = policyCount('ns/net', [HOOK, { hits: 5, merge_lost: 1, scratch_lost: 2, recursion_misses: 3 }])
  expect(count).toEqual({
    ring: 'hooks',
    type: 'hook',
    policy: 'ns/net',
    attempted: 20,
    submitted: 14,
    lost: { recursion: 3, scratch: 2, unmerged: 1 },
  })
  const rows = ledgerRows([count], [], [])
  expect(rows.map(({ where, kind }) => [where, kind])).toEqual([['kernel hooks', 'hook ns/net']])
  expect(imbalance(rows)).toEqual([])
  expect(new LossLedger().newLosses([count], []).map(({ reason, policy }) => `${policy} ${reason}`)).toEqual([
    'ns/net recursion',
    'ns/net scratch',
    'ns/net unmerged',
  ])
})

test('policyCount() of hooks that missed nothing is no loss', () => {
  expect(new LossLedger().newLosses([policyCount('net', [HOOK])], [])).toEqual([])
})
