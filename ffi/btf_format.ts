/** BTF as bytes (Documentation/bpf/btf.rst): finds the sections, in a raw file or an ELF file, and where each type begins. */

export const BTF_KIND = {
  VOID: 0,
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const

/** Bytes behind the 12-byte type header: fixed, and per element of vlen. */
const FIXED_BYTES = new Uint8Array([0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0])
const ELEMENT_BYTES = new Uint8Array([0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12])

const MAGIC = 0xeb9f
const HEADER_BYTES = 24
/** A type takes 12 bytes at least: bounds the table below. */
const TYPE_BYTES_MIN = 12

export class BtfFormatError extends Error {
  override name = 'BtfFormatError'
}

export interface BtfTables {
  /** The whole file. */
  readonly view: DataView
  readonly bytes: Buffer
  readonly strings_at: number
  readonly strings_size: number
  /** Position of type i + first_id in `view`. */
  readonly positions: Uint32Array
}

/** `name` is for messages. Throws BtfFormatError for what is not little-endian BTF or is cut. */
export function parseBtf(source: Uint8Array, name: string): BtfTables {
  const raw = isElf(source) ? elfSection(source, '.BTF', name) : source
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  if (raw.length < HEADER_BYTES || view.getUint16(0, true) !== MAGIC) {
    throw new BtfFormatError(`Cannot read BTF of "${name}": wrong magic number`)
  }
  const header_size = view.getUint32(4, true)
  const types_at = header_size + view.getUint32(8, true)
  const types_end = types_at + view.getUint32(12, true)
  const strings_at = header_size + view.getUint32(16, true)
  const strings_size = view.getUint32(20, true)
  if (types_end > raw.length || strings_at + strings_size > raw.length) {
    throw new BtfFormatError(`Cannot read BTF of "${name}": ${raw.length} bytes are less than its header says`)
  }
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  return { view, bytes, strings_at, strings_size, positions: typePositions(view, types_at, types_end, name) }
}

function typePositions(view: DataView, start: number, end: number, name: string): Uint32Array {
  const positions = new Uint32Array(Math.ceil((end - start) / TYPE_BYTES_MIN))
  let count = 0
  let at = start
  while (at + TYPE_BYTES_MIN <= end) {
    const info = view.getUint32(at + 4, true)
    const kind = info >>> 24 & 0x1f
    if (kind === 0 || kind >= FIXED_BYTES.length) {
      throw new BtfFormatError(`Cannot read BTF of "${name}": type kind ${kind} is not known`)
    }
    positions[count++] = at
    at += TYPE_BYTES_MIN + (FIXED_BYTES[kind] ?? 0) + (info & 0xffff) * (ELEMENT_BYTES[kind] ?? 0)
  }
  if (at !== end) throw new BtfFormatError(`Cannot read BTF of "${name}": its last type is cut`)
  return positions.subarray(0, count)
}

function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 64 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
}

/** A section of a 64-bit little-endian ELF file. */
function elfSection(bytes: Uint8Array, wanted: string, name: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const table_at = Number(view.getBigUint64(40, true))
  const [entry_size, count, names_index] = [
    view.getUint16(58, true),
    view.getUint16(60, true),
    view.getUint16(62, true),
  ]
  const end = table_at + entry_size * count
  if (bytes[4] !== 2 || bytes[5] !== 1 || entry_size < 64 || end > bytes.length || names_index >= count) {
    throw new BtfFormatError(`Cannot read ELF file "${name}": not 64-bit little-endian, or cut`)
  }
  const place = (index: number) => ({
    name: view.getUint32(table_at + index * entry_size, true),
    at: Number(view.getBigUint64(table_at + index * entry_size + 24, true)),
    size: Number(view.getBigUint64(table_at + index * entry_size + 32, true)),
  })
  const names = place(names_index)
  for (let i = 0; i < count; i++) {
    const section = place(i)
    const text_at = names.at + section.name
    if (buffer.toString('latin1', text_at, text_at + wanted.length + 1) !== wanted + '\0') continue
    if (section.at + section.size > bytes.length) break
    return bytes.subarray(section.at, section.at + section.size)
  }
  throw new BtfFormatError(`Cannot read BTF of "${name}": no ${wanted} section in that ELF file`)
}
