import { expect, test } from 'bun:test'
import { addTally, emptyTally, formatTally, parseTally, readReport } from '../../scripts/suite.ts'

test('parseTally() reads what formatTally() writes', () => {
  const tally = {
    passed: 40,
    failed: 1,
    skipped: 3,
    failures: ['a.test.ts: b', 'a.test.ts: c: d'],
    repeats: ['e.test.ts: f'],
    reasons: new Map([['no kprobe: CONFIG_KPROBES (off)', 2], ['no LSM', 1]]),
  }
  expect(formatTally('6.12', tally)).toBe(
    'FAILED: a.test.ts: b\nFAILED: a.test.ts: c: d\nPASSED AGAIN: e.test.ts: f\n' +
      '6.12: 40 passed, 1 failed, 3 skipped (no kprobe: CONFIG_KPROBES (off): 2; no LSM: 1)',
  )
  expect(parseTally(formatTally('kernel 6.12', tally))).toEqual(tally)
  expect(parseTally(formatTally('x', emptyTally()))).toEqual(emptyTally())
  expect(parseTally('40 passed, 1 failed')).toBeUndefined()
})

test('addTally() adds counts by reason', () => {
  const sum = { ...emptyTally(), passed: 1, skipped: 1, failures: ['a'], reasons: new Map([['no LSM', 1]]) }
  addTally(sum, {
    passed: 2,
    failed: 1,
    skipped: 2,
    failures: ['b'],
    repeats: ['c'],
    reasons: new Map([['no LSM', 1], ['no BTF', 1]]),
  })
  expect(sum).toEqual({
    passed: 3,
    failed: 1,
    skipped: 3,
    failures: ['a', 'b'],
    repeats: ['c'],
    reasons: new Map([['no LSM', 2], ['no BTF', 1]]),
  })
})

test('readReport() counts passes, failures and skips with their reason', () => {
  const tally = readReport(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="3" failures="1" skipped="1">
  <testsuite name="tests/k.test.ts">
    <testcase name="a &lt;b&gt;" classname="" time="0.00" file="tests/k.test.ts" line="2" assertions="0" />
    <testcase name="x (skipped: no &quot;kprobe&quot;)" classname="" time="0" file="tests/k.test.ts" line="3" assertions="0">
      <skipped />
    </testcase>
    <testcase name="fails" classname="" time="0.1" file="tests/k.test.ts" line="4" assertions="1">
      <failure type="AssertionError" message="1 &lt; 2">text</failure>
    </testcase>
  </testsuite>
</testsuites>`)
  expect(tally).toEqual({
    ...emptyTally(),
    passed: 1,
    failed: 1,
    skipped: 1,
    failures: ['tests/k.test.ts: fails'],
    reasons: new Map([['no "kprobe"', 1]]),
  })
})
