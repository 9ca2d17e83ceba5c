import { expect, test } from 'bun:test'
import { patternOf } from '../../src/policy/list.ts'

/** What the pattern finds among the names, or what is wrong with it. */
function found(pattern: string, names: readonly string[]): readonly string[] | string {
  const compiled = patternOf(pattern)
  return typeof compiled === 'string' ? compiled : names.filter((name) => compiled.test(name))
}

test('patternOf() reads what Go reads of groups, case and classes', () => {
  const names = ['vfs_write', 'vfs_writev', 'ksys_read', 'tcp_connect', 'tcp_connected', 'tcp_v4_connect']
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['^(ksys|vfs)_(read|write)?$', ['vfs_write', 'ksys_read']],
    ['(?i)^KSYS_', ['ksys_read']],
    ['^[[:alpha:]]+_connect$', ['tcp_connect']],
    ['\\Atcp_connect\\z', ['tcp_connect']],
    ['^(?P<family>tcp|udp)_connect', ['tcp_connect', 'tcp_connected']],
    ['\\Qtcp_v4\\E', ['tcp_v4_connect']],
  ]
  for (const [pattern, want] of table) expect([pattern, found(pattern, names)]).toEqual([pattern, want])
})

test('patternOf() says what is wrong, and repeats no group', () => {
  expect(patternOf('(a+)+$')).toBe('a group is repeated')
  expect(patternOf('a?'.replace('a', '(a)').repeat(5))).toBe('more than 4 groups may be left out')
  expect(patternOf('vfs(?=_)')).toBe('at character 4: look-around is not supported')
  expect(patternOf('(')).toBe('missing closing )')
})
