/** TypeScript text for enums and structs of the wire: constants, interfaces, decoders and encoders. */

import { type BtfType, type Shape, sizeOf, type Types } from './wire_btf.ts'

/** What the generated functions call; part of the generated file, which imports nothing. */
export const WIRE_HELPERS =
  `/** u64 known to stay below 2^53; two u32 reads cost a third of a bigint (9-26 ns against 33-45). */
function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 4294967296, true)
  view.setUint32(at + 4, Math.floor(value / 4294967296), true)
}

/** Latin-1 text up to a NUL, at most \`size\` bytes, as in task_struct::comm. */
function readText(view: DataView, at: number, size: number): string {
  let text = ''
  for (let i = 0; i < size; i++) {
    const byte = view.getUint8(at + i)
    if (byte === 0) break
    text += String.fromCharCode(byte)
  }
  return text
}

function writeText(view: DataView, at: number, size: number, text: string): void {
  if (text.length >= size) throw new RangeError(\`Cannot encode "\${text}": \${text.length} characters, at most \${size - 1}\`)
  for (let i = 0; i < size; i++) view.setUint8(at + i, i < text.length ? text.charCodeAt(i) & 0xff : 0)
}

function readBytes(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size).slice()
}

function writeBytes(view: DataView, at: number, size: number, bytes: Uint8Array): void {
  if (bytes.length > size) throw new RangeError(\`Cannot encode \${bytes.length} bytes, at most \${size}\`)
  const target = new Uint8Array(view.buffer, view.byteOffset + at, size)
  target.fill(0)
  target.set(bytes)
}

function readArray<T>(view: DataView, at: number, count: number, stride: number, read: (view: DataView, at: number) => T): T[] {
  const values: T[] = []
  for (let i = 0; i < count; i++) values.push(read(view, at + i * stride))
  return values
}

/** Elements that are missing at the end are zero. */
function writeArray<T>(
  view: DataView,
  at: number,
  count: number,
  stride: number,
  values: readonly T[],
  write: (view: DataView, at: number, value: T) => void,
): void {
  if (values.length > count) throw new RangeError(\`Cannot encode \${values.length} elements, at most \${count}\`)
  new Uint8Array(view.buffer, view.byteOffset + at, count * stride).fill(0)
  for (let i = 0; i < values.length; i++) write(view, at + i * stride, values[i]!)
}`

export function enumText(type: BtfType): string {
  const names = type.values!.map((value) => value.name)
  const prefix = commonPrefix(names)
  const members = type.values!.map((value) => `  ${keyOf(value.name.slice(prefix.length))}: ${value.val},\n`)
  return `/** enum ${type.name} */\nexport const ${type.name.toUpperCase()} = {\n${members.join('')}} as const`
}

/** A key must not begin with a digit. */
function keyOf(name: string): string {
  return /^\d/.test(name) ? `'${name}'` : name
}

/** Longest prefix that ends in an underscore and that all names share. */
function commonPrefix(names: readonly string[]): string {
  let prefix = names[0]!
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix.slice(0, prefix.lastIndexOf('_') + 1)
}

export function structText(types: Types, struct: BtfType): string {
  const name = pascal(struct.name)
  const fields: string[] = []
  const decode: string[] = []
  const encode: string[] = []
  const offsets: string[] = []
  let end = 0
  struct.members!.forEach((member, index) => {
    const shape = types.member(struct, index)
    const at = member.bits_offset / 8
    if (at !== end) {
      throw new Error(`Cannot export ${struct.name}.${member.name}: ${at - end} bytes of padding before it`)
    }
    end = at + sizeOf(shape)
    if (/^pad\d*$/.test(member.name)) {
      encode.push(zero(at, sizeOf(shape)))
      return
    }
    fields.push(`  readonly ${member.name}: ${typeOf(shape)}\n`)
    offsets.push(`  ${member.name}: ${at},\n`)
    decode.push(`    ${member.name}: ${read(shape, `at + ${at}`)},\n`)
    encode.push(`  ${write(shape, `at + ${at}`, `value.${member.name}`)}\n`)
  })
  if (end !== struct.size) {
    throw new Error(`Cannot export ${struct.name}: ${struct.size! - end} bytes of padding at its end`)
  }
  const constant = struct.name.toUpperCase()
  return `export const ${constant}_SIZE = ${struct.size}

/** struct ${struct.name} */
export interface ${name} {
${fields.join('')}}

/** Byte offsets in struct ${struct.name}, for readers that want one member. */
export const ${constant}_AT = {
${offsets.join('')}} as const

export function decode${name}(view: DataView, at: number): ${name} {
  return {
${decode.join('')}  }
}

export function encode${name}(view: DataView, at: number, value: ${name}): void {
${encode.join('')}}`
}

function zero(at: number, size: number): string {
  return `  writeBytes(view, at + ${at}, ${size}, EMPTY)\n`.replace('EMPTY', 'new Uint8Array(0)')
}

function pascal(name: string): string {
  return name.split('_').map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
}

function typeOf(shape: Shape): string {
  switch (shape.kind) {
    case 'int':
      return shape.size === 8 && !shape.number ? 'bigint' : 'number'
    case 'text':
      return 'string'
    case 'bytes':
      return 'Uint8Array'
    case 'struct':
      return pascal(shape.type.name)
    case 'array':
      return `readonly ${typeOf(shape.element)}[]`
  }
}

function accessor(shape: Shape & { kind: 'int' }): string {
  return `${shape.size === 8 ? 'Big' : ''}${shape.signed ? 'Int' : 'Uint'}${shape.size * 8}`
}

function read(shape: Shape, at: string): string {
  switch (shape.kind) {
    case 'int':
      if (shape.number) return `readNumber(view, ${at})`
      return `view.get${accessor(shape)}(${at}${shape.size === 1 ? '' : ', true'})`
    case 'text':
      return `readText(view, ${at}, ${shape.size})`
    case 'bytes':
      return `readBytes(view, ${at}, ${shape.size})`
    case 'struct':
      return `decode${pascal(shape.type.name)}(view, ${at})`
    case 'array':
      return `readArray(view, ${at}, ${shape.count}, ${shape.stride}, (view, at) => ${read(shape.element, 'at')})`
  }
}

function write(shape: Shape, at: string, value: string): string {
  switch (shape.kind) {
    case 'int':
      if (shape.number) return `writeNumber(view, ${at}, ${value})`
      return `view.set${accessor(shape)}(${at}, ${value}${shape.size === 1 ? '' : ', true'})`
    case 'text':
      return `writeText(view, ${at}, ${shape.size}, ${value})`
    case 'bytes':
      return `writeBytes(view, ${at}, ${shape.size}, ${value})`
    case 'struct':
      return `encode${pascal(shape.type.name)}(view, ${at}, ${value})`
    case 'array':
      return `writeArray(view, ${at}, ${shape.count}, ${shape.stride}, ${value}, (view, at, value) => ${
        write(shape.element, 'at', 'value')
      })`
  }
}
