import { expect, test } from 'bun:test'
import { EXPRESSION_OPERATOR } from '../../ffi/wire.gen.ts'
import { argumentType } from '../../src/policy/argument_type.ts'
import { compileExpression } from '../../src/policy/expression.ts'

const types = [argumentType('int64')!, argumentType('uint64')!, argumentType('string')!]

/** The steps as words, as the kernel runs them. */
function steps(text: string): string {
  const found = compileExpression(text, types)
  if (typeof found === 'string') return found
  const names = new Map(Object.entries(EXPRESSION_OPERATOR).map(([name, value]) => [value as number, name]))
  return found.map(({ operator, value }) => {
    const name = names.get(operator)
    return name === 'CONSTANT' ? BigInt.asIntN(64, value) : name === 'ARGUMENT' ? `arg${value}` : name
  }).join(' ')
}

test('compileExpression() gives steps for a stack, operands first', () => {
  expect(steps('arg0 == 1')).toBe('arg0 1 EQUAL')
  expect(steps('arg0 + 2 - 3 < 10 && !(arg1 == 5u)')).toBe('arg0 2 ADD 3 SUBTRACT 10 LESS_SIGNED arg1 5 EQUAL NOT AND')
  expect(steps('arg1 > 7u || arg1 <= 2u')).toBe('arg1 7 LESS_EQUAL_UNSIGNED NOT arg1 2 LESS_EQUAL_UNSIGNED OR')
  expect(steps('int32(arg0) == -1')).toBe('arg0 INT32 0 1 SUBTRACT EQUAL')
  expect(steps('and(arg0, 0x40) != 0')).toBe('arg0 64 BIT_AND 0 NOT_EQUAL')
})

test('compileExpression() says what is wrong', () => {
  for (
    const [text, want] of [
      ['', 'ends too early'],
      ['arg0', 'its value is int, want bool'],
      ['arg0 == arg1', 'int == uint'],
      ['arg2 == 1', 'want an integer'],
      ['arg9 == 1', 'the hook has 3 args'],
      ['foo(arg0) == 1', 'unknown function'],
      ['bar == 1', 'unknown name'],
      ['arg0 == 1 )', 'unexpected ")"'],
      ['arg0 $ 1', 'unexpected "$"'],
      ['99999999999999999999 == arg0', 'does not fit 64 bits'],
      [`${'('.repeat(100)}arg0`, 'nested more than'],
      [Array(40).fill('arg0 == 1').join(' && '), 'steps, at most 64'],
    ] as const
  ) expect(steps(text)).toContain(want)
})
