import { describe, expect, test } from 'bun:test'
import { compileRegex, RegexError } from '../../src/filter/regex.ts'

const CASES: readonly [pattern: string, yes: readonly string[], no: readonly string[]][] = [
  ['curl', ['/usr/bin/curl', 'curl'], ['/usr/bin/wget']],
  ['^/usr/(s?bin)/', ['/usr/bin/x', '/usr/sbin/x'], ['/opt/usr/bin/x']],
  ['(?i)curl', ['CURL', 'curl'], ['cur']],
  ['a(?i)b|c', ['aB', 'C'], ['A', 'Ab'.replace('b', 'x')]],
  ['(a(?i)b)c', ['aBc'], ['aBC', 'ABc']],
  ['(?i:a)b', ['Ab'], ['AB']],
  ['(?s)a.b', ['a\nb'], ['ab']],
  ['a.b', ['a\rb', 'a\u2028b'], ['a\nb']],
  ['(?m)^x$', ['a\nx\nb'], ['a\rx\rb']],
  ['x$', ['ax'], ['x\n']],
  ['[[:alpha:]]+[[:digit:]]', ['ab1'], ['a b', '1']],
  ['^[[:^digit:]]+$', ['ab'], ['a1']],
  ['^[^[:space:]]$', ['x'], [' ', '\u000b']],
  ['^\\s$', [' ', '\t'], ['\u000b', '\u00a0']],
  ['^[\\S]$', ['\u00a0', '\u000b'], [' ']],
  ['^\\pL+$', ['ünï', '日本'], ['a1']],
  ['^\\p{Greek}\\PL$', ['α1'], ['a1', 'αa']],
  ['^[\\p{Lu}\\d]+$', ['A1'], ['a']],
  ['(?P<name>a+)b', ['aab'], ['b']],
  ['\\Qa.b\\E', ['a.b'], ['axb']],
  ['\\Aab\\z', ['ab'], ['xab', 'ab\n']],
  ['^\\x41\\x{1F600}\\101$', ['A😀A'], ['AA']],
  ['^[]a]$', [']', 'a'], ['b']],
  ['^[a-]$', ['-'], ['b']],
  ['^[\\-\\]]$', ['-', ']'], ['\\']],
  ['^a{2,3}$', ['aa', 'aaa'], ['a']],
  ['^a{,2}$', ['a{,2}'], ['aa']],
  ['^{}]$', ['{}]'], []],
  ['\\bfoo\\b', ['a foo b'], ['foobar']],
  ['^(?U)a+$', ['aaa'], ['b']],
  ['^\\/etc\\/passwd\\:', ['/etc/passwd:'], ['/etc/shadow:']],
  ['', ['', 'x'], []],
]

describe('compileRegex()', () => {
  for (const [pattern, yes, no] of CASES) {
    test(`matches as RE2 does: ${JSON.stringify(pattern)}`, () => {
      const regex = compileRegex(pattern)
      for (const text of yes) expect([text, regex.test(text)]).toEqual([text, true])
      for (const text of no) expect([text, regex.test(text)]).toEqual([text, false])
    })
  }

  const REFUSED = [
    'a(?=b)',
    'a(?!b)',
    '(?<=a)b',
    '(?<!a)b',
    '(a)\\1',
    '(?P<n>a)\\k<n>',
    '(?P<n>a)(?P=n)',
    '(?>a)',
    'a**',
    'a++',
    '*a',
    '(a',
    'a)',
    '[a',
    'a{1001}',
    'a{3,2}',
    '\\',
    '\\y',
    '\\Z',
    '[[:nope:]]',
    '[z-a]',
    '(?x)a',
    '\\p{Nope}',
    '(?)',
  ]
  for (const pattern of REFUSED) {
    test(`refuses what RE2 refuses: ${JSON.stringify(pattern)}`, () => {
      expect(() => compileRegex(pattern)).toThrow(RegexError)
    })
  }
})
