// Values of CEL expressions, and what protobuf's JSON leaves out: absent members, which equal their type's default.

import { CelCidr, CelIp } from './cel_net.ts'
import { CelError } from './cel_parse.ts'

/** A member that the JSON does not carry: equal to null and to the zero of any type, as protobuf's defaults are. */
export const ABSENT: unique symbol = Symbol('absent')

export type CelValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | typeof ABSENT
  | CelIp
  | CelCidr
  | readonly CelValue[]
  | { readonly [key: string]: CelValue | undefined }

export type Scope = { readonly [name: string]: CelValue | undefined }

/** Members of type (u)int64: decimal strings in JSON, integers in CEL. */
const LARGE: ReadonlySet<string> = new Set([
  'size_arg',
  'long_arg',
  'cookie',
  'address',
  'offset',
  'ref_ctr_offset',
  'Config',
  'ProbeOffset',
  'orig_size',
  'number',
  'number_of_dropped_process_events',
  'count',
  'arg0',
  'arg1',
  'arg2',
  'arg3',
])

export function isMap(value: CelValue): value is { readonly [key: string]: CelValue | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof CelIp) &&
    !(value instanceof CelCidr)
}

export function fieldOf(value: CelValue, field: string): CelValue {
  if (value === ABSENT || value === null) return ABSENT
  // A wrapper (google.protobuf.UInt32Value) is a bare number in JSON; `.value` of it is itself.
  if (field === 'value' && (typeof value === 'number' || typeof value === 'boolean')) return value
  if (!isMap(value)) throw new CelError(`Cannot select "${field}" of ${typeName(value)}`)
  const found = Object.hasOwn(value, field) ? value[field] : undefined
  if (found === undefined) return ABSENT
  if (typeof found === 'string' && LARGE.has(field) && /^-?\d+$/.test(found)) {
    const number = Number(found)
    return Number.isSafeInteger(number) ? number : BigInt(found)
  }
  return found
}

export function has(value: CelValue, field: string): boolean {
  return isMap(value) && Object.hasOwn(value, field) && value[field] !== undefined
}

export function asBoolean(value: CelValue): boolean {
  if (typeof value === 'boolean') return value
  if (value === ABSENT) return false
  throw new CelError(`Cannot take ${typeName(value)} for true or false`)
}

export function equals(a: CelValue, b: CelValue): boolean {
  if (a === b) return true
  if (a === ABSENT) return isDefault(b)
  if (b === ABSENT) return isDefault(a)
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    return (typeof a === 'number' || typeof a === 'bigint') && (typeof b === 'number' || typeof b === 'bigint') &&
      compare(a, b) === 0
  }
  if (a instanceof CelIp || b instanceof CelIp) {
    return a instanceof CelIp && b instanceof CelIp && a.bits === b.bits && a.value === b.value
  }
  if (a instanceof CelCidr || b instanceof CelCidr) {
    return a instanceof CelCidr && b instanceof CelCidr && equals(a.ip, b.ip) && a.length === b.length
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equals(item, b[index] ?? null))
  }
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => equals(a[key] ?? ABSENT, b[key] ?? ABSENT))
  }
  return false
}

function isDefault(value: CelValue): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value === null || value === false || value === 0 || value === 0n || value === ''
}

/** Negative, zero or positive; ABSENT counts as the other side's zero. */
export function compare(a: CelValue, b: CelValue): number {
  const left = a === ABSENT ? zeroOf(b) : a
  const right = b === ABSENT ? zeroOf(a) : b
  const numeric = (value: CelValue) => typeof value === 'number' || typeof value === 'bigint'
  if ((numeric(left) && numeric(right)) || (typeof left === 'boolean' && typeof right === 'boolean')) {
    return Number(left as number > (right as number)) - Number(left as number < (right as number))
  }
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
  throw new CelError(`Cannot compare ${typeName(a)} with ${typeName(b)}`)
}

function zeroOf(value: CelValue): CelValue {
  return typeof value === 'string' ? '' : typeof value === 'boolean' ? false : 0
}

export function typeName(value: CelValue): string {
  if (value === ABSENT) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (value instanceof CelIp) return 'IP address'
  if (value instanceof CelCidr) return 'CIDR prefix'
  return typeof value === 'object' ? 'map' : typeof value
}
