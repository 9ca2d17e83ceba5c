/** Layouts to the text of ffi/wire.gen.ts. */
import type { Enum, Layouts, Member, MemberType, Scalar, Struct } from './wire_btf.ts'

/** `headers` are named in the banner. */
export function generate(layouts: Layouts, constants: ReadonlyMap<string, number>, headers: readonly string[]): string {
  const names = new Set([...layouts.structs.map((struct) => pascal(struct.name))])
  if (names.size !== layouts.structs.length) {
    throw new Error('Cannot generate: two structs have the same name in PascalCase')
  }
  return [
    `// Generated from ${headers.join(', ')} by scripts/wire.ts. DO NOT EDIT.`,
    [...constants].map(([name, value]) => `export const ${name} = ${value}`).join('\n'),
    '/** Size in bytes of each struct, to compare with the BTF of a loaded object. */\n' +
    `export const WIRE_SIZES: Readonly<Record<string, number>> = {\n${
      layouts.structs.map((struct) => `  ${struct.name}: ${struct.size},\n`).join('')
    }}`,
    ...layouts.enums.map(enumText),
    ...layouts.structs.map(structText),
    HELPERS,
  ].join('\n\n') + '\n'
}

function enumText({ name, values }: Enum): string {
  const prefix = enumPrefix(name, values.map(([value]) => value))
  const lines = values.map(([value, number]) => `  ${value.slice(prefix.length)}: ${number},\n`)
  return `/** enum ${name} */\nexport const ${name.toUpperCase()} = {\n${lines.join('')}} as const`
}

/** What all values begin with, up to an underscore: the enum's name, or that of its family (HOOK_EVENT_ of enum hook_event_flag). */
function enumPrefix(name: string, values: readonly string[]): string {
  const own = `${name.toUpperCase()}_`
  if (values.every((value) => value.startsWith(own))) return own
  const words = (values[0] ?? '').split('_')
  for (let count = words.length - 1; count > 0; count--) {
    const prefix = words.slice(0, count).join('_') + '_'
    if (values.every((value) => value.startsWith(prefix) && !/^\d/.test(value.slice(prefix.length)))) return prefix
  }
  return ''
}

function structText(struct: Struct): string {
  const type = pascal(struct.name)
  const constant = struct.name.toUpperCase()
  const members = struct.members.filter((member) => !/^pad\d*$/.test(member.name))
  return [
    `export const ${constant}_SIZE = ${struct.size}`,
    `/** Offsets in struct ${struct.name}. */\nexport const ${constant} = {\n${
      members.map((member) => `  ${member.name}: ${member.offset},\n`).join('')
    }} as const`,
    `/** struct ${struct.name} */\nexport interface ${type} {\n${
      members.map((member) => `  readonly ${member.name}: ${typeText(member.type, member.number)}\n`).join('')
    }}`,
    `export function decode${type}(view: DataView, at: number): ${type} {\n  return {\n${
      members.map((member) => `    ${member.name}: ${decodeText(member.type, member.number, place(member.offset))},\n`)
        .join('')
    }  }\n}`,
    `export function encode${type}(view: DataView, at: number, value: ${type}): void {\n  clear(view, at, ${struct.size})\n${
      members.map(encodeMember).join('')
    }}`,
  ].join('\n')
}

function place(offset: number): string {
  return offset === 0 ? 'at' : `at + ${offset}`
}

const WIDE: readonly Scalar[] = ['u64', 's64']

function typeText(type: MemberType, number: boolean): string {
  switch (type.kind) {
    case 'scalar':
      return WIDE.includes(type.scalar) && !number ? 'bigint' : 'number'
    case 'struct':
      return pascal(type.name)
    case 'array':
      if (isScalar(type.element, 'char')) return 'string'
      if (isScalar(type.element, 'u8')) return 'Uint8Array'
      return `readonly ${typeText(type.element, number)}[]`
  }
}

function decodeText(type: MemberType, number: boolean, at: string): string {
  switch (type.kind) {
    case 'scalar':
      if (number) return `readNumber(view, ${at})`
      return `view.get${accessor(type.scalar)}(${at}${littleEndian(type.scalar)})`
    case 'struct':
      return `decode${pascal(type.name)}(view, ${at})`
    case 'array':
      if (isScalar(type.element, 'char')) return `readText(view, ${at}, ${type.length})`
      if (isScalar(type.element, 'u8')) return `readBytes(view, ${at}, ${type.length})`
      return `Array.from({ length: ${type.length} }, (_, i) => ${
        decodeText(type.element, number, `${at} + i * ${sizeOf(type.element)}`)
      })`
  }
}

function encodeMember(member: Member): string {
  return encodeText(member.type, member.number, place(member.offset), `value.${member.name}`, member.name)
}

function encodeText(type: MemberType, number: boolean, at: string, value: string, name: string): string {
  switch (type.kind) {
    case 'scalar':
      if (number) return `  writeNumber(view, ${at}, ${value})\n`
      return `  view.set${accessor(type.scalar)}(${at}, ${value}${littleEndian(type.scalar)})\n`
    case 'struct':
      return `  encode${pascal(type.name)}(view, ${at}, ${value})\n`
    case 'array':
      if (isScalar(type.element, 'char')) return `  writeText(view, ${at}, ${type.length}, ${value}, '${name}')\n`
      if (isScalar(type.element, 'u8')) return `  writeBytes(view, ${at}, ${type.length}, ${value}, '${name}')\n`
      return `  checkLength(${value}.length, ${type.length}, '${name}')\n  ${value}.forEach((item, i) => {\n  ${
        encodeText(type.element, number, `${at} + i * ${sizeOf(type.element)}`, 'item', name)
      }  })\n`
  }
}

function isScalar(type: MemberType, scalar: Scalar): boolean {
  return type.kind === 'scalar' && type.scalar === scalar
}

function sizeOf(type: MemberType): number {
  switch (type.kind) {
    case 'scalar':
      return type.scalar === 'char' ? 1 : Number(type.scalar.slice(1)) / 8
    case 'struct':
      return type.size
    case 'array':
      return type.length * sizeOf(type.element)
  }
}

function accessor(scalar: Scalar): string {
  if (scalar === 'char') return 'Uint8'
  const bits = Number(scalar.slice(1))
  return `${bits === 64 ? 'Big' : ''}${scalar.startsWith('s') ? 'Int' : 'Uint'}${bits}`
}

function littleEndian(scalar: Scalar): string {
  return sizeOf({ kind: 'scalar', scalar }) === 1 ? '' : ', true'
}

function pascal(name: string): string {
  return name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

const HELPERS = `function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x100000000
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / 0x100000000), true)
}

const utf8 = new TextDecoder()

function readText(view: DataView, at: number, size: number): string {
  let text = ''
  for (let i = 0; i < size; i++) {
    const byte = view.getUint8(at + i)
    if (byte === 0) break
    if (byte >= 0x80) return readWide(view, at, size)
    text += String.fromCharCode(byte)
  }
  return text
}

function readWide(view: DataView, at: number, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, size)
  const end = bytes.indexOf(0)
  // One mark for each run of invalid bytes, as everywhere else.
  return utf8.decode(end === -1 ? bytes : bytes.subarray(0, end)).replace(/\\ufffd+/g, '\\ufffd')
}

function readBytes(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size).slice()
}

function writeText(view: DataView, at: number, size: number, value: string, name: string): void {
  const bytes = new TextEncoder().encode(value)
  if (bytes.length >= size) throw new RangeError(\`Cannot encode "\${name}": \${bytes.length} bytes, at most \${size - 1}\`)
  new Uint8Array(view.buffer, view.byteOffset + at, size).set(bytes)
}

function writeBytes(view: DataView, at: number, size: number, value: Uint8Array, name: string): void {
  checkLength(value.length, size, name)
  new Uint8Array(view.buffer, view.byteOffset + at, size).set(value)
}

/** Fewer elements than there is room for leave zeroes. */
function checkLength(length: number, max: number, name: string): void {
  if (length > max) throw new RangeError(\`Cannot encode "\${name}": \${length} elements, at most \${max}\`)
}

function clear(view: DataView, at: number, size: number): void {
  new Uint8Array(view.buffer, view.byteOffset + at, size).fill(0)
}`
