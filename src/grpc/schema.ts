// The service description, loaded once: message types by name, and what of them needs a form other than the JSON's.

import { join } from 'node:path'
import protobuf from 'protobufjs'

const root = new protobuf.Root()
root.loadSync(join(import.meta.dir, 'tetragon.proto'), { keepCase: true })
root.resolveAll()

export const SERVICE = root.lookupService('tetragon.FineGuidanceSensors')
export const EVENT_LOG_SERVICE = root.lookupService('tetragon.EventLogService')

export function messageType(name: string): protobuf.Type {
  return root.lookupType(`tetragon.${name}`)
}

/** Largest request that is decoded, in bytes: a policy with thousands of values stays below. */
export const REQUEST_BYTES_MAX = 4 << 20

type Convert = (value: unknown) => unknown

const converters = new Map<protobuf.Type, (value: unknown) => unknown>()

/**
 * An object as protobuf JSON has it, in the form that protobufjs encodes: wrappers in a message of their own, times as
 * seconds and nanoseconds. Members that the description does not know are left out, so that what Thump adds to events
 * does not reach old clients. Enums may be names or numbers, bytes base64: protobufjs takes both.
 */
export function fromJson(type: protobuf.Type, value: unknown): unknown {
  let convert = converters.get(type)
  if (!convert) {
    const members = new Map<string, Convert>()
    converters.set(type, convert = (object) => convertObject(members, object)) // before its members: types may nest
    for (const field of type.fieldsArray) members.set(field.name, fieldConverter(field))
  }
  return convert(value)
}

function convertObject(members: ReadonlyMap<string, Convert>, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const out: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) {
    const convert = members.get(key)
    if (convert) out[key] = convert(member)
  }
  return out
}

function fieldConverter(field: protobuf.Field): Convert {
  const one = valueConverter(field)
  if (field.map) return (value) => value
  if (field.repeated) return (value) => Array.isArray(value) ? value.map(one) : []
  return one
}

function valueConverter(field: protobuf.Field): Convert {
  const resolved = field.resolvedType
  if (!(resolved instanceof protobuf.Type)) return (value) => value
  const name = resolved.fullName
  if (name === '.google.protobuf.Timestamp') return timestamp
  if (/^\.google\.protobuf\.(?:UInt32|Int32|Bool)Value$/.test(name)) return (value) => ({ value })
  return (value) => fromJson(resolved, value)
}

function timestamp(value: unknown): unknown {
  const match = /^(.*T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(String(value))
  if (!match) return undefined
  return { seconds: Date.parse(`${match[1]}Z`) / 1000, nanos: Number((match[2] ?? '').padEnd(9, '0')) }
}

/** A decoded request with snake_case members, enums as names, 64-bit numbers as decimal strings, wrappers unwrapped. */
export function toJson(type: protobuf.Type, message: protobuf.Message): Record<string, unknown> {
  const object: unknown = type.toObject(message, { enums: String, longs: String, defaults: false })
  return unwrap(type, object) as Record<string, unknown>
}

function unwrap(type: protobuf.Type, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const resolved = type.fields[key]?.resolvedType
      if (!(resolved instanceof protobuf.Type)) return [key, member]
      return [
        key,
        Array.isArray(member) ? member.map((item) => unwrapOne(resolved, item)) : unwrapOne(resolved, member),
      ]
    }),
  )
}

function unwrapOne(type: protobuf.Type, value: unknown): unknown {
  if (!/^\.google\.protobuf\.\w+Value$/.test(type.fullName)) return unwrap(type, value)
  // protobufjs leaves a wrapped zero out.
  const wrapped = typeof value === 'object' && value !== null && 'value' in value ? value.value : undefined
  return wrapped ?? (type.name === 'BoolValue' ? false : 0)
}
