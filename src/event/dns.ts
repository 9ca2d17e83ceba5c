/** DNS messages (RFC 1035) in captured bytes: what was asked and answered, as JSON for `thump.dns`. */

import { quote } from './text.ts'

const HEADER_BYTES = 12
const NAME_BYTES_MAX = 255
/** Pointers followed in one name: a real one needs few, a hostile one would go round for ever. */
const POINTERS_MAX = 16
/** Questions and answers that are shown; the counts of the header tell how many there were. */
const RECORDS_MAX = 32

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  41: 'OPT',
  43: 'DS',
  46: 'RRSIG',
  48: 'DNSKEY',
  52: 'TLSA',
  64: 'SVCB',
  65: 'HTTPS',
  252: 'AXFR',
  255: 'ANY',
  257: 'CAA',
}

const RESPONSE_CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

/** A place in a message that moves forward. */
interface Reader {
  readonly bytes: Uint8Array
  at: number
}

/**
 * JSON of one message, undefined where the bytes are none. Bytes that a packet's UDP header precedes are told by its port
 * and length. A message that was captured in part gives what is whole, with `"truncated":true`.
 */
export function dnsJson(captured: Uint8Array): string | undefined {
  const behind_header = udpPayload(captured)
  return (behind_header === undefined ? undefined : messageJson(behind_header)) ?? messageJson(captured)
}

function udpPayload(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 8 + HEADER_BYTES) return undefined
  const [source, destination, length] = [uint16(bytes, 0), uint16(bytes, 2), uint16(bytes, 4)]
  if ((source !== 53 && destination !== 53) || length < 8 + HEADER_BYTES) return undefined
  return bytes.subarray(8, length)
}

function messageJson(bytes: Uint8Array): string | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const flags = uint16(bytes, 2)
  const [questions, answers] = [uint16(bytes, 4), uint16(bytes, 6)]
  // One question is what every resolver sends; some multicast ones have none or several. Opcodes above 6 do not exist.
  if (questions > 16 || answers > 512 || (flags >> 11 & 15) > 6 || questions + answers === 0) return undefined
  const reader = { bytes, at: HEADER_BYTES }
  const asked: string[] = []
  const answered: string[] = []
  let whole = true
  for (let i = 0; i < questions && whole; i++) whole = question(reader, asked)
  if (questions > 0 && asked.length === 0) return undefined
  for (let i = 0; i < Math.min(answers, RECORDS_MAX) && whole; i++) whole = answer(reader, answered)
  const response = (flags & 0x8000) !== 0
  const code = flags & 15
  return `{"id":${uint16(bytes, 0)},"response":${response}` +
    (response ? `,"rcode":${quote(RESPONSE_CODES[code] ?? String(code))}` : '') +
    (asked.length === 0 ? '' : `,"questions":[${asked.join(',')}]`) +
    (answered.length === 0 ? '' : `,"answers":[${answered.join(',')}]`) +
    (whole && answers <= RECORDS_MAX ? '}' : ',"truncated":true}')
}

function question(reader: Reader, into: string[]): boolean {
  const name = readName(reader)
  if (name === undefined || reader.at + 4 > reader.bytes.length) return false
  const type = uint16(reader.bytes, reader.at)
  reader.at += 4
  into.push(`{"name":${quote(name)},"type":${quote(typeName(type))}}`)
  return true
}

function answer(reader: Reader, into: string[]): boolean {
  const { bytes } = reader
  const name = readName(reader)
  if (name === undefined || reader.at + 10 > bytes.length) return false
  const type = uint16(bytes, reader.at)
  const ttl = uint16(bytes, reader.at + 4) * 65536 + uint16(bytes, reader.at + 6)
  const size = uint16(bytes, reader.at + 8)
  const from = reader.at + 10
  if (from + size > bytes.length) return false
  const data = recordData(bytes, type, from, size)
  reader.at = from + size
  into.push(
    `{"name":${quote(name)},"type":${quote(typeName(type))},"ttl":${ttl}${
      data === '' ? '' : `,"data":${quote(data)}`
    }}`,
  )
  return true
}

/** Addresses and names; '' for what has no short text. */
function recordData(bytes: Uint8Array, type: number, from: number, size: number): string {
  if (type === 1 && size === 4) return bytes.subarray(from, from + 4).join('.')
  if (type === 28 && size === 16) return ipv6(bytes, from)
  if (type === 2 || type === 5 || type === 12) return readName({ bytes, at: from }) ?? ''
  if (type === 15 && size > 2) return readName({ bytes, at: from + 2 }) ?? ''
  return ''
}

/** Dotted name with `.` for the root; undefined where it leaves the message. Bytes are shown as RFC 4343 escapes them. */
function readName(reader: Reader): string | undefined {
  const { bytes } = reader
  const labels: string[] = []
  let at = reader.at
  let jumps = 0
  let length = 0
  for (;;) {
    if (at >= bytes.length) return undefined
    const size = bytes[at]!
    if (size === 0) break
    if (size >= 0xc0) {
      if (at + 1 >= bytes.length || ++jumps > POINTERS_MAX) return undefined
      if (jumps === 1) reader.at = at + 2
      at = (size & 0x3f) << 8 | bytes[at + 1]!
      continue
    }
    if (size > 63 || at + 1 + size > bytes.length) return undefined
    length += size + 1
    if (length > NAME_BYTES_MAX) return undefined
    labels.push(label(bytes, at + 1, size))
    at += size + 1
  }
  if (jumps === 0) reader.at = at + 1
  return labels.length === 0 ? '.' : labels.join('.')
}

function label(bytes: Uint8Array, from: number, size: number): string {
  let text = ''
  for (let i = from; i < from + size; i++) {
    const byte = bytes[i]!
    if (byte === 0x2e || byte === 0x5c) text += '\\' + String.fromCharCode(byte)
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += '\\' + String(byte).padStart(3, '0')
  }
  return text
}

function typeName(type: number): string {
  return TYPE_NAMES[type] ?? `TYPE${type}`
}

/** RFC 5952: the longest run of zero groups is left out. */
function ipv6(bytes: Uint8Array, from: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => uint16(bytes, from + 2 * i))
  let best = { at: -1, size: 1 }
  for (let at = 0; at < 8; at++) {
    let size = 0
    while (at + size < 8 && groups[at + size] === 0) size++
    if (size > best.size) best = { at, size }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.size).join(':')}`
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!
}
