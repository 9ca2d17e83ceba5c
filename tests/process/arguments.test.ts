import { describe, expect, test } from 'bun:test'
import { environmentJson, joinArguments, splitEnvironment } from '../../src/process/arguments.ts'

describe('joinArguments()', () => {
  const cases: [string, string[], string][] = [
    ['none', [], ''],
    ['one', ['a'], 'a'],
    ['plain ones', ['a', 'b', 'c'], 'a b c'],
    ['a space in the first', ['a b', 'c'], ' "a b" c'],
    ['a space later', ['c', 'a b'], 'c "a b"'],
    ['quotes inside stay', ['say "hi there"'], ' "say "hi there""'],
    ['empty ones before anything vanish', ['', '', 'a'], 'a'],
    ['empty ones between leave a space', ['a', '', 'b'], 'a  b'],
    ['empty ones at the end leave a space', ['a', ''], 'a '],
    ['empty before one with a space', ['', 'a b', '', 'c'], ' "a b"  c'],
    ['only spaces', [' '], ' " "'],
    ['tabs and newlines are no spaces', ['a\tb', 'c\nd'], 'a\tb c\nd'],
  ]
  for (const [name, args, expected] of cases) {
    test(name, () => expect(joinArguments(args.map((arg) => arg + '\0').join(''), false)).toBe(expected))
  }
  test('loses empty ones at the end where there is no working directory behind them', () => {
    expect(joinArguments('a\0\0\0', true)).toBe('a')
    expect(joinArguments('\0\0', true)).toBe('')
  })
  test('takes a text that was cut inside an argument', () => {
    expect(joinArguments('a\0bc', false)).toBe('a bc')
    expect(joinArguments('a b\0bc', false)).toBe(' "a b" bc')
  })
})

describe('splitEnvironment()', () => {
  test('splits at the first equals sign', () => {
    expect(splitEnvironment('A=1\0B=x=y\0C=\0', undefined)).toEqual([
      { Key: 'A', Value: '1' },
      { Key: 'B', Value: 'x=y' },
      { Key: 'C', Value: '' },
    ])
  })
  test('calls what has none invalid', () => {
    expect(splitEnvironment('what\0', undefined)).toEqual([{ Key: 'invalid', Value: 'what' }])
  })
  test('keeps the names asked for', () => {
    expect(splitEnvironment('A=1\0B=2\0', new Set(['B']))).toEqual([{ Key: 'B', Value: '2' }])
  })
  test('prints without default values', () => {
    expect(environmentJson([{ Key: 'A', Value: '' }, { Key: '', Value: 'x"' }])).toBe('[{"Key":"A"},{"Value":"x\\""}]')
    expect(environmentJson([])).toBe('[]')
  })
})
