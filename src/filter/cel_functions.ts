// Functions and methods of CEL: the standard ones, strings, and the Kubernetes ip() and cidr() libraries.

import { CelCidr, CelIp, IP_TESTS, parseIp } from './cel_net.ts'
import { CelError, type CelNode } from './cel_parse.ts'
import { ABSENT, type CelValue, isMap, typeName } from './cel_value.ts'
import { compileRegex } from './regex.ts'

type Call = (args: readonly CelValue[]) => CelValue

interface Definition {
  readonly least: number
  readonly most: number
  readonly call: Call
}

function define(least: number, call: Call, most = least): Definition {
  return { least, most, call }
}

const METHODS: Readonly<Record<string, Definition>> = {
  startsWith: define(2, ([on, what]) => text(on).startsWith(text(what))),
  endsWith: define(2, ([on, what]) => text(on).endsWith(text(what))),
  contains: define(2, ([on, what]) => text(on).includes(text(what))),
  matches: define(2, ([on, pattern]) => compileRegex(text(pattern)).test(text(on))),
  size: define(1, ([on]) => size(on)),
  lowerAscii: define(1, ([on]) => text(on).replace(/[A-Z]+/g, (upper) => upper.toLowerCase())),
  upperAscii: define(1, ([on]) => text(on).replace(/[a-z]+/g, (lower) => lower.toUpperCase())),
  trim: define(1, ([on]) => text(on).trim()),
  split: define(2, ([on, by]) => text(on).split(text(by))),
  indexOf: define(2, ([on, what]) => text(on).indexOf(text(what))),
  replace: define(3, ([on, what, by]) => text(on).replaceAll(text(what), () => text(by))),
  substring: define(2, ([on, from, to]) => text(on).slice(Number(from), to === undefined ? undefined : Number(to)), 3),
  join: define(1, ([on, by]) => list(on).map(text).join(by === undefined ? '' : text(by)), 2),
  family: define(1, ([on]) => (address(on).bits === 32 ? 4 : 6)),
  containsIP: define(2, ([on, what]) => prefix(on).contains(address(what))),
  containsCIDR: define(2, ([on, what]) => {
    const [outer, inner] = [prefix(on), prefix(what)]
    return inner.length >= outer.length && outer.contains(inner.ip)
  }),
  ip: define(1, ([on]) => prefix(on).ip),
  prefixLength: define(1, ([on]) => prefix(on).length),
  ...Object.fromEntries(Object.entries(IP_TESTS).map(([name, test]) => [name, define(1, ([on]) => test(address(on)))])),
}

const FUNCTIONS: Readonly<Record<string, Definition>> = {
  size: define(1, ([of]) => size(of)),
  ip: define(1, ([of]) => new CelIp(text(of))),
  cidr: define(1, ([of]) => new CelCidr(text(of))),
  isIP: define(1, ([of]) => parseIp(text(of)) !== undefined),
  'ip.isCanonical': define(1, ([of]) => new CelIp(text(of)).canonical === text(of)),
  matches: define(2, ([on, pattern]) => compileRegex(text(pattern)).test(text(on))),
  string: define(1, ([of]) => of instanceof CelIp ? of.text : of === ABSENT || of === undefined ? '' : String(of)),
  int: define(1, ([of]) => integer(of)),
  uint: define(1, ([of]) => integer(of)),
  double: define(1, ([of]) => Number(scalar(of))),
  bool: define(1, ([of]) => of === true || of === 'true'),
  dyn: define(1, ([of]) => of ?? null),
}

/**
 * The function or method of that name; the receiver is the first of its arguments.
 * A literal pattern of matches() is compiled once, here.
 */
export function callFunction(name: string, method: boolean, args: readonly CelNode[]): Call {
  const table = method ? METHODS : FUNCTIONS
  const found = Object.hasOwn(table, name) ? table[name] : undefined
  if (!found) throw new CelError(`Cannot compile CEL expression: unknown ${method ? 'method' : 'function'} "${name}"`)
  const given = args.length + (method ? 1 : 0)
  if (given < found.least || given > found.most) {
    throw new CelError(`Cannot compile CEL expression: ${name}() with ${args.length} arguments`)
  }
  const last = args.at(-1)
  if (last?.kind === 'literal' && typeof last.value === 'string') {
    const value = last.value
    if (name === 'matches') {
      const regex = compileRegex(value)
      return ([on]) => regex.test(text(on))
    }
    if (!method && (name === 'ip' || name === 'cidr')) {
      const constant = name === 'ip' ? new CelIp(value) : new CelCidr(value)
      return () => constant
    }
  }
  return found.call
}

function text(value: CelValue | undefined): string {
  if (value === ABSENT || value === null) return ''
  if (typeof value === 'string') return value
  throw new CelError(`Cannot take ${value === undefined ? 'nothing' : typeName(value)} for a string`)
}

function scalar(value: CelValue | undefined): string | number | bigint {
  if (value === ABSENT || value === undefined) return 0
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
  throw new CelError(`Cannot take ${typeName(value)} for a number`)
}

function integer(value: CelValue | undefined): number | bigint {
  const from = scalar(value)
  if (typeof from === 'bigint') return from
  if (typeof from === 'string' && !/^-?\d+$/.test(from)) throw new CelError(`Cannot take "${from}" for an integer`)
  const number = Math.trunc(Number(from))
  return Number.isSafeInteger(number) || typeof from === 'number' ? number : BigInt(from)
}

function list(value: CelValue | undefined): readonly CelValue[] {
  if (Array.isArray(value)) return value
  if (value === ABSENT) return []
  throw new CelError('Cannot take it for a list')
}

function size(value: CelValue | undefined): number {
  if (value === ABSENT) return 0
  if (typeof value === 'string') return [...value].length
  if (Array.isArray(value)) return value.length
  if (value !== undefined && isMap(value)) return Object.keys(value).length
  throw new CelError('Cannot take the size of it')
}

function address(value: CelValue | undefined): CelIp {
  return value instanceof CelIp ? value : new CelIp(text(value))
}

function prefix(value: CelValue | undefined): CelCidr {
  return value instanceof CelCidr ? value : new CelCidr(text(value))
}
