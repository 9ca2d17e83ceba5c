// CEL expressions over events: a tree compiled to closures once, evaluated on the event as a JSON object.

import { callFunction } from './cel_functions.ts'
import { CelError, type CelNode, parseCel } from './cel_parse.ts'
import {
  ABSENT,
  asBoolean,
  type CelValue,
  compare,
  equals,
  fieldOf,
  has,
  isMap,
  type Scope,
  typeName,
} from './cel_value.ts'

type Evaluate = (scope: Scope) => CelValue

export interface CelProgram {
  /** Variables (event kinds) that the expression names. */
  readonly variables: ReadonlySet<string>
  /** Throws CelError where the expression has no value, as for a division by zero. */
  evaluate(scope: Scope): CelValue
}

/** Compiles `text`; `variables` are the names it may use. Anything else is a CelError. */
export function compileCel(text: string, variables: ReadonlySet<string>): CelProgram {
  const used = new Set<string>()
  const evaluate = compile(parseCel(text), { variables, used, bound: [] })
  return { variables: used, evaluate }
}

interface Context {
  readonly variables: ReadonlySet<string>
  readonly used: Set<string>
  readonly bound: readonly string[]
}

function compile(node: CelNode, context: Context): Evaluate {
  switch (node.kind) {
    case 'literal':
      return () => node.value
    case 'name':
      return compileName(node.name, context)
    case 'select': {
      const constant = enumName(node)
      if (constant !== undefined) return () => constant
      const from = compile(node.from, context)
      return (scope) => fieldOf(from(scope), node.field)
    }
    case 'index': {
      const [from, index] = [compile(node.from, context), compile(node.index, context)]
      return (scope) => element(from(scope), index(scope))
    }
    case 'call':
      return compileCall(node, context)
    case 'list': {
      const items = node.items.map((item) => compile(item, context))
      return (scope) => items.map((item) => item(scope))
    }
    case 'map': {
      const entries = node.entries.map(([key, value]) => [compile(key, context), compile(value, context)] as const)
      return (scope) => Object.fromEntries(entries.map(([key, value]) => [String(key(scope)), value(scope)]))
    }
    case 'unary': {
      const of = compile(node.of, context)
      if (node.operator === '!') return (scope) => !asBoolean(of(scope))
      return (scope) => arithmetic('-', 0, of(scope))
    }
    case 'binary':
      return compileBinary(node.operator, compile(node.left, context), compile(node.right, context))
    case 'choose': {
      const [test, yes, no] = [compile(node.test, context), compile(node.yes, context), compile(node.no, context)]
      return (scope) => asBoolean(test(scope)) ? yes(scope) : no(scope)
    }
  }
}

function compileName(name: string, context: Context): Evaluate {
  if (!context.bound.includes(name)) {
    if (!context.variables.has(name)) {
      throw new CelError(
        `Cannot compile CEL expression: unknown variable "${name}", want an event such as process_exec`,
      )
    }
    context.used.add(name)
  }
  return (scope) => {
    const value = scope[name]
    return value === undefined ? ABSENT : value
  }
}

/** `tetragon.KprobeAction.KPROBE_ACTION_SIGKILL`: enums are their names, as in the JSON. */
function enumName(node: CelNode): string | undefined {
  if (node.kind !== 'select' || !/^[A-Z][A-Z0-9_]+$/.test(node.field)) return undefined
  const owner = node.from
  return owner.kind === 'select' && owner.from.kind === 'name' && owner.from.name === 'tetragon'
    ? node.field
    : undefined
}

function compileBinary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
  switch (operator) {
    case '||':
      return (scope) => either(left, right, scope, true)
    case '&&':
      return (scope) => either(left, right, scope, false)
    case '==':
      return (scope) => equals(left(scope), right(scope))
    case '!=':
      return (scope) => !equals(left(scope), right(scope))
    case '<':
      return (scope) => compare(left(scope), right(scope)) < 0
    case '<=':
      return (scope) => compare(left(scope), right(scope)) <= 0
    case '>':
      return (scope) => compare(left(scope), right(scope)) > 0
    case '>=':
      return (scope) => compare(left(scope), right(scope)) >= 0
    case 'in':
      return (scope) => contains(right(scope), left(scope))
    default:
      return (scope) => arithmetic(operator, left(scope), right(scope))
  }
}

/** `||` (decided by true) and `&&` (by false): a side that fails does not matter when the other decides. */
function either(left: Evaluate, right: Evaluate, scope: Scope, decides: boolean): boolean {
  let failure: unknown
  try {
    if (asBoolean(left(scope)) === decides) return decides
  } catch (error) {
    failure = error
  }
  if (asBoolean(right(scope)) === decides) return decides
  if (failure !== undefined) throw failure
  return !decides
}

function contains(container: CelValue, value: CelValue): boolean {
  if (container === ABSENT) return false
  if (Array.isArray(container)) return container.some((item) => equals(item, value))
  if (isMap(container)) return Object.hasOwn(container, String(value))
  throw new CelError(`Cannot evaluate "in": right side is ${typeName(container)}, want list or map`)
}

function element(from: CelValue, index: CelValue): CelValue {
  if (Array.isArray(from)) {
    const item = from[Number(index)]
    if (item === undefined) throw new CelError(`Cannot evaluate index ${String(index)}: list has ${from.length} items`)
    return item
  }
  if (isMap(from)) return fieldOf(from, String(index))
  if (from === ABSENT) throw new CelError('Cannot evaluate index: no such list')
  throw new CelError(`Cannot evaluate index: ${typeName(from)} is no list or map`)
}

function arithmetic(operator: string, left: CelValue, right: CelValue): CelValue {
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return left + right
    if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right]
  }
  const [a, b] = [left === ABSENT ? 0 : left, right === ABSENT ? 0 : right]
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    if (isNumeric(a) && isNumeric(b)) return calculateLarge(operator, BigInt(a), BigInt(b))
  } else if (typeof a === 'number' && typeof b === 'number') return calculate(operator, a, b)
  throw new CelError(`Cannot evaluate ${typeName(left)} ${operator} ${typeName(right)}`)
}

function isNumeric(value: CelValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function calculate(operator: string, a: number, b: number): number {
  const whole = Number.isInteger(a) && Number.isInteger(b)
  if (whole && b === 0 && (operator === '/' || operator === '%')) throw new CelError('Cannot divide by zero')
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return whole ? Math.trunc(a / b) : a / b
    default:
      return a % b
  }
}

function calculateLarge(operator: string, a: bigint, b: bigint): bigint {
  if (b === 0n && (operator === '/' || operator === '%')) throw new CelError('Cannot divide by zero')
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    default:
      return a % b
  }
}

const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])

function compileCall(node: CelNode & { kind: 'call' }, context: Context): Evaluate {
  if (node.name === 'has' && !node.on) {
    const target = node.args[0]
    if (target?.kind !== 'select') throw new CelError('Cannot compile has(): want one field selection, as has(a.b)')
    const from = compile(target.from, context)
    return (scope) => has(from(scope), target.field)
  }
  if (node.on && MACROS.has(node.name)) return compileMacro(node, node.on, context)
  const on = node.on ? compile(node.on, context) : undefined
  const args = node.args.map((arg) => compile(arg, context))
  const call = callFunction(node.name, on !== undefined, node.args)
  return on
    ? (scope) => call([on(scope), ...args.map((arg) => arg(scope))])
    : (scope) => call(args.map((arg) => arg(scope)))
}

/** `list.exists(x, x == 1)` and its kind. */
function compileMacro(node: CelNode & { kind: 'call' }, on: CelNode, context: Context): Evaluate {
  const [variable, test, transform] = node.args
  if (variable?.kind !== 'name' || !test || (transform && node.name !== 'map')) {
    throw new CelError(`Cannot compile ${node.name}(): want a variable and an expression`)
  }
  const name = variable.name
  const inner = { ...context, bound: [...context.bound, name] }
  const list = compile(on, context)
  const evaluate = compile(test, inner)
  const result = transform ? compile(transform, inner) : undefined
  return (scope) => {
    const from = list(scope)
    const items = from === ABSENT ? [] : Array.isArray(from) ? from : isMap(from) ? Object.keys(from) : undefined
    if (!items) throw new CelError(`Cannot evaluate ${node.name}(): ${typeName(from)} is no list or map`)
    const at = (item: CelValue): Scope => ({ ...scope, [name]: item })
    if (node.name === 'map') {
      return result
        ? items.filter((item) => asBoolean(evaluate(at(item)))).map((item) => result(at(item)))
        : items.map((item) => evaluate(at(item)))
    }
    const holds = (item: CelValue) => asBoolean(evaluate(at(item)))
    if (node.name === 'all') return items.every(holds)
    if (node.name === 'exists') return items.some(holds)
    const kept = items.filter(holds)
    return node.name === 'filter' ? kept : kept.length === 1
  }
}
