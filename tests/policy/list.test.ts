import { expect, test } from 'bun:test'
import { patternOf } from '../../src/policy/list.ts'

test('patternOf() reads what Go reads of groups and case, but repeats no group', () => {
  expect(patternOf('^(ksys|vfs)_(read|write)?$')?.test('vfs_write')).toBe(true)
  expect(patternOf('^(ksys|vfs)_(read|write)?$')?.test('vfs_writev')).toBe(false)
  expect(patternOf('(?i)^KSYS_')?.test('ksys_read')).toBe(true)
  for (const pattern of ['(', '(a+)+', '(a|b)*c', '(a){9}', '(a)?'.repeat(5)]) {
    expect([pattern, patternOf(pattern)]).toEqual([pattern, undefined])
  }
})
