// Operators of argument filters: spellings, what they become in the kernel, and which values and types they take.
import { FILTER_OPERATOR } from '../../ffi/wire.gen.ts'
import type { ArgumentShape } from './argument_type.ts'

export type ValueKind =
  | 'equal'
  | 'number'
  | 'range'
  | 'map'
  | 'text'
  | 'address'
  | 'port'
  | 'none'
  | 'protocol'
  | 'family'
  | 'state'
  | 'file_type'
  | 'expression'

export interface Operator {
  readonly name: string
  readonly wire: number
  readonly negate: boolean
  readonly values: ValueKind
  readonly shapes: readonly ArgumentShape[]
}

const TEXT: readonly ArgumentShape[] = ['text', 'file']
const UNIX: readonly ArgumentShape[] = [...TEXT, 'sockaddr_un']
const NET: readonly ArgumentShape[] = ['sock', 'skb']
const SOURCE: readonly ArgumentShape[] = [...NET, 'sockaddr']
const NUMBER: readonly ArgumentShape[] = ['integer', 'mask']

type Row = readonly [
  spellings: string,
  wire: keyof typeof FILTER_OPERATOR,
  values: ValueKind,
  shapes: readonly ArgumentShape[],
]

/** Names by `|`; the first is the canonical one; each has a form with Not unless `values` say otherwise. */
const ROWS: readonly (readonly [negatable: boolean, ...Row])[] = [
  [true, 'Equal|Eq', 'EQUAL', 'equal', [...NUMBER, ...UNIX]],
  [false, 'GT|GreaterThan', 'GREATER', 'number', ['integer']],
  [false, 'LT|LessThan', 'LESS', 'number', ['integer']],
  [false, 'Mask', 'MASK', 'number', NUMBER],
  [true, 'InRange', 'RANGE', 'range', ['integer']],
  [true, 'InMap', 'VALUES', 'map', ['integer']],
  [true, 'Prefix', 'PREFIXES', 'text', UNIX],
  [true, 'Postfix', 'POSTFIXES', 'text', UNIX],
  [false, 'SubString', 'SUBSTRINGS', 'text', UNIX],
  [false, 'SubStringIgnCase', 'SUBSTRINGS_CASELESS', 'text', UNIX],
  [true, 'SAddr', 'SOURCE_ADDRESS', 'address', SOURCE],
  [true, 'DAddr', 'DESTINATION_ADDRESS', 'address', NET],
  [true, 'SPort', 'SOURCE_PORT', 'port', SOURCE],
  [true, 'DPort', 'DESTINATION_PORT', 'port', NET],
  [true, 'SPortPriv', 'SOURCE_PORT', 'none', SOURCE],
  [true, 'DPortPriv', 'DESTINATION_PORT', 'none', NET],
  [false, 'Protocol', 'PROTOCOL', 'protocol', NET],
  [false, 'Family', 'FAMILY', 'family', [...SOURCE, 'sockaddr_un']],
  [false, 'State', 'STATE', 'state', ['sock']],
  [false, 'CapabilitiesGained', 'CAPABILITIES_GAINED', 'none', ['mask']],
  [true, 'FileType', 'FILE_TYPE', 'file_type', ['file']],
  [false, 'CelExpr', 'EXPRESSION', 'expression', [
    'integer',
    'mask',
    'text',
    'file',
    'sock',
    'skb',
    'sockaddr',
    'sockaddr_un',
    'none',
  ]],
]

const OPERATORS = new Map<string, Operator>()
const NAMES: string[] = []
for (const [negatable, spellings, wire, values, shapes] of ROWS) {
  const names = spellings.split('|')
  const add = (name: string, spelling: string, negate: boolean) =>
    OPERATORS.set(spelling.toLowerCase(), { name, wire: FILTER_OPERATOR[wire], negate, values, shapes })
  for (const spelling of names) add(names[0]!, spelling, false)
  NAMES.push(names[0]!)
  if (!negatable) continue
  NAMES.push(`Not${names[0]}`)
  for (const spelling of names) add(`Not${names[0]}`, `Not${spelling}`, true)
}
OPERATORS.set('neq', OPERATORS.get('notequal')!)

export const OPERATOR_NAMES: readonly string[] = NAMES

/** In any case and spelling that Tetragon knows. */
export function findOperator(spelling: string): Operator | undefined {
  return OPERATORS.get(spelling.toLowerCase())
}
