// CelExpr: an expression over arguments into steps of a stack machine that the hook program runs.
import { EXPRESSION_OPERATOR, type ExpressionStep } from '../../ffi/wire.gen.ts'
import type { ArgumentType } from './argument_type.ts'

/** EXPRESSION_STEPS_MAX of bpf/config.h, for all expressions of a hook. */
export const EXPRESSION_STEPS_MAX = 64
const DEPTH_MAX = 16
const TEXT_MAX = 1024

type Kind = 'int' | 'uint' | 'bool'
type Token = { readonly text: string; readonly at: number }

/** Binary operators from loosest to tightest. */
const LEVELS = [['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-']] as const

/** Steps, or what is wrong. ARGUMENT steps hold the position in `types`. */
export function compileExpression(
  text: string,
  types: readonly (ArgumentType | null)[],
): readonly ExpressionStep[] | string {
  if (text.length > TEXT_MAX) return `${text.length} characters, at most ${TEXT_MAX}`
  const tokens = tokenize(text)
  if (typeof tokens === 'string') return tokens
  const steps: ExpressionStep[] = []
  try {
    const parser = { tokens, next: 0, steps, types }
    const kind = parseLevel(parser, 0, 0)
    const rest = parser.tokens[parser.next]
    if (rest !== undefined) return `unexpected ${JSON.stringify(rest.text)} at character ${rest.at + 1}`
    if (kind !== 'bool') return `its value is ${kind}, want bool`
  } catch (error) {
    if (error instanceof ExpressionError) return error.message
    throw error
  }
  return steps.length > EXPRESSION_STEPS_MAX ? `${steps.length} steps, at most ${EXPRESSION_STEPS_MAX}` : steps
}

class ExpressionError extends Error {
  override name = 'ExpressionError'
}

interface Parser {
  readonly tokens: readonly Token[]
  next: number
  readonly steps: ExpressionStep[]
  readonly types: readonly (ArgumentType | null)[]
}

function tokenize(text: string): Token[] | string {
  const tokens: Token[] = []
  const pattern = /\s*(?:(0x[0-9a-fA-F]+u?|\d+u?|[A-Za-z_]\w*|\|\||&&|[=!<>]=|[-+!<>(),]))/y
  while (pattern.lastIndex < text.trimEnd().length) {
    const at = pattern.lastIndex
    const match = pattern.exec(text)
    if (match === null) {
      return `unexpected ${JSON.stringify(text.slice(at).trimStart().slice(0, 1))} at character ${at + 1}`
    }
    tokens.push({ text: match[1]!, at: pattern.lastIndex - match[1]!.length })
  }
  return tokens
}

function push(parser: Parser, operator: keyof typeof EXPRESSION_OPERATOR, value = 0n): void {
  parser.steps.push({ operator: EXPRESSION_OPERATOR[operator], value: BigInt.asUintN(64, value) })
}

function parseLevel(parser: Parser, level: number, depth: number): Kind {
  if (depth > DEPTH_MAX) throw new ExpressionError(`nested more than ${DEPTH_MAX} levels deep`)
  const operators: readonly string[] | undefined = LEVELS[level]
  if (operators === undefined) return parseUnary(parser, depth)
  let kind = parseLevel(parser, level + 1, depth)
  for (;;) {
    const token = parser.tokens[parser.next]
    if (token === undefined || !operators.includes(token.text)) return kind
    parser.next++
    kind = combine(parser, token, kind, parseLevel(parser, level + 1, depth))
  }
}

function combine(parser: Parser, token: Token, left: Kind, right: Kind): Kind {
  if (left !== right) {
    throw new ExpressionError(`${left} ${token.text} ${right} at character ${token.at + 1}, want the same type`)
  }
  const logical = token.text === '&&' || token.text === '||'
  if (logical !== (left === 'bool') && !(left === 'bool' && (token.text === '==' || token.text === '!='))) {
    throw new ExpressionError(`${token.text} of ${left} at character ${token.at + 1}`)
  }
  const unsigned = left === 'uint'
  switch (token.text) {
    case '&&':
      push(parser, 'AND')
      return 'bool'
    case '||':
      push(parser, 'OR')
      return 'bool'
    case '+':
      push(parser, 'ADD')
      return left
    case '-':
      push(parser, 'SUBTRACT')
      return left
    case '==':
      push(parser, 'EQUAL')
      return 'bool'
    case '!=':
      push(parser, 'NOT_EQUAL')
      return 'bool'
    case '<':
      push(parser, unsigned ? 'LESS_UNSIGNED' : 'LESS_SIGNED')
      return 'bool'
    case '<=':
      push(parser, unsigned ? 'LESS_EQUAL_UNSIGNED' : 'LESS_EQUAL_SIGNED')
      return 'bool'
    // a > b is not (a <= b): nothing here can fail to compare.
    case '>':
      push(parser, unsigned ? 'LESS_EQUAL_UNSIGNED' : 'LESS_EQUAL_SIGNED')
      push(parser, 'NOT')
      return 'bool'
    default:
      push(parser, unsigned ? 'LESS_UNSIGNED' : 'LESS_SIGNED')
      push(parser, 'NOT')
      return 'bool'
  }
}

function parseUnary(parser: Parser, depth: number): Kind {
  if (depth > DEPTH_MAX) throw new ExpressionError(`nested more than ${DEPTH_MAX} levels deep`)
  const token = parser.tokens[parser.next++]
  if (token === undefined) throw new ExpressionError('it ends too early')
  if (token.text === '!') {
    if (parseUnary(parser, depth + 1) !== 'bool') {
      throw new ExpressionError(`! of a number at character ${token.at + 1}`)
    }
    push(parser, 'NOT')
    return 'bool'
  }
  if (token.text === '-') {
    push(parser, 'CONSTANT', 0n)
    const kind = parseUnary(parser, depth + 1)
    if (kind !== 'int') throw new ExpressionError(`- of ${kind} at character ${token.at + 1}`)
    push(parser, 'SUBTRACT')
    return 'int'
  }
  if (token.text === '(') {
    const kind = parseLevel(parser, 0, depth + 1)
    expect(parser, ')')
    return kind
  }
  if (/^\d/.test(token.text)) {
    const unsigned = token.text.endsWith('u')
    const value = BigInt(unsigned ? token.text.slice(0, -1) : token.text)
    if (value >= 1n << (unsigned ? 64n : 63n)) throw new ExpressionError(`${token.text} does not fit 64 bits`)
    push(parser, 'CONSTANT', value)
    return unsigned ? 'uint' : 'int'
  }
  if (token.text === 'true' || token.text === 'false') {
    push(parser, 'CONSTANT', token.text === 'true' ? 1n : 0n)
    return 'bool'
  }
  return parseName(parser, token, depth)
}

function parseName(parser: Parser, token: Token, depth: number): Kind {
  const argument = /^arg(\d{1,2})$/.exec(token.text)
  if (argument !== null) {
    const position = Number(argument[1])
    const type = parser.types[position]
    if (type === undefined) throw new ExpressionError(`${token.text}: the hook has ${parser.types.length} args`)
    if (type !== null && type.shape !== 'integer') {
      throw new ExpressionError(`${token.text} has type ${type.name}, want an integer`)
    }
    push(parser, 'ARGUMENT', BigInt(position))
    return type === null || type.signed ? 'int' : 'uint'
  }
  const given: Kind[] = []
  expect(
    parser,
    '(',
    `unknown name ${JSON.stringify(token.text)}, want arg0, arg1, ... or int32, uint32, and, or, xor, not`,
  )
  do given.push(parseLevel(parser, 0, depth + 1))
  while (parser.tokens[parser.next]?.text === ',' && parser.next++ > 0)
  expect(parser, ')')
  const numbers = given.every((kind) => kind !== 'bool')
  const fits = (count: number) => given.length === count && numbers && given.every((kind) => kind === given[0])
  switch (token.text) {
    case 'int32':
    case 'uint32':
      if (!fits(1)) break
      push(parser, token.text === 'int32' ? 'INT32' : 'UINT32')
      return token.text === 'int32' ? 'int' : 'uint'
    case 'not':
      if (!fits(1)) break
      push(parser, 'BIT_NOT')
      return given[0]!
    case 'and':
    case 'or':
    case 'xor':
      if (!fits(2)) break
      push(parser, token.text === 'and' ? 'BIT_AND' : token.text === 'or' ? 'BIT_OR' : 'BIT_XOR')
      return given[0]!
    default:
      throw new ExpressionError(
        `unknown function ${JSON.stringify(token.text)}, want int32, uint32, and, or, xor or not`,
      )
  }
  throw new ExpressionError(`wrong arguments of ${token.text}: (${given.join(', ')})`)
}

function expect(parser: Parser, text: string, otherwise = `missing ${JSON.stringify(text)}`): void {
  if (parser.tokens[parser.next]?.text !== text) throw new ExpressionError(otherwise)
  parser.next++
}
