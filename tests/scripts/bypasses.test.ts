import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { allKept, DOCUMENT, document } from '../../scripts/bypasses.ts'
import { CASES } from '../bypass/all.ts'
import { expected, KERNELS } from '../bypass/case.ts'

test('what is kept of each kernel is what is expected there', () => {
  const kept = allKept()
  expect(kept.size).toBeGreaterThan(0)
  for (const [kernel, { release, verdicts }] of kept) {
    expect(release.startsWith(`${kernel}.`)).toBe(true)
    const tried = CASES.filter(({ id }) => verdicts[id] !== undefined)
    expect(Object.keys(verdicts)).toEqual(tried.map(({ id }) => id))
    expect([kernel, verdicts]).toEqual([
      kernel,
      Object.fromEntries(tried.map((each) => [each.id, expected(each, kernel)])),
    ])
  }
})

test('no row is unexplained, and none is there twice', () => {
  const ids = CASES.map(({ id }) => id)
  expect([...new Set(ids)]).toEqual(ids)
  for (const each of CASES) {
    const ends = new Set(KERNELS.map((kernel) => expected(each, kernel)))
    const open = ends.has('gap') || ends.has('detected')
    expect([each.id, each.why !== undefined]).toEqual([each.id, open])
    expect([each.id, (each.tells ?? []).length > 0]).toEqual([each.id, ends.has('detected')])
    expect([each.id, ends.has('silent')]).toEqual([each.id, false])
  }
})

test('docs/bypasses.md is what scripts/bypasses.ts writes', () => {
  expect(fs.readFileSync(DOCUMENT, 'utf8')).toBe(document(allKept()))
})
