/**
 * Text between C and JavaScript: NUL-terminated strings for calls, and UTF-8 out of records.
 *
 * Bytes that are no UTF-8 become U+FFFD, one for a whole run of them, as Go's strings.ToValidUTF8 does (and so
 * Tetragon's output); TextDecoder would give one for each. Plain ASCII, nearly all there is, never meets a decoder.
 */

import { read } from 'bun:ffi'
import { isUtf8 } from 'node:buffer'
import { live, type Returned } from './assert.ts'

const REPLACEMENT = '\ufffd'

/** The bytes of `text` and a NUL. The caller holds them for as long as C may look. Throws TypeError for a NUL inside. */
export function encodeCString(text: string): Uint8Array {
  if (text.includes('\0')) throw new TypeError(`Cannot pass ${JSON.stringify(text)} to C: it has a NUL inside`)
  return Buffer.from(text + '\0', 'utf8')
}

/** Reads a NUL-terminated string that C owns; at most `max` bytes. NULL reads as the empty string. */
export function readCString(pointer: Returned, max: number): string {
  if (pointer === null) return ''
  const start = live(pointer, 'C string')
  const bytes: number[] = []
  for (let i = 0; i < max; i++) {
    const byte = read.u8(start, i)
    if (byte === 0) break
    bytes.push(byte)
  }
  return Buffer.from(bytes).toString('utf8')
}

/** Text of at most `size` bytes at `at`, up to the first NUL. Never reads past `size`. */
export function decodeText(view: DataView, at: number, size: number): string {
  let length = 0
  while (length < size && view.getUint8(at + length) !== 0) length++
  return decodeUtf8(view, at, length)
}

/** Up to here joining characters beats a call into Buffer (55 ns; 7 ns per character, Bun 1.4.5). */
const SHORT = 8

/** All `size` bytes at `at` as text, NULs included. */
export function decodeUtf8(view: DataView, at: number, size: number): string {
  if (size <= SHORT) {
    let text = ''
    for (let i = 0; i < size; i++) {
      const byte = view.getUint8(at + i)
      if (byte >= 0x80) return decodeBytes(bytesOf(view).subarray(at, at + size))
      text += String.fromCharCode(byte)
    }
    return text
  }
  const bytes = bytesOf(view)
  if (at + size > bytes.length) throw new RangeError(`${size} bytes at ${at} of ${bytes.length}`)
  for (let i = at; i < at + size; i++) {
    if ((bytes[i] ?? 0) >= 0x80) return decodeBytes(bytes.subarray(at, at + size))
  }
  return bytes.toString('latin1', at, at + size)
}

let last_view: DataView | undefined
let last_bytes: Buffer = Buffer.alloc(0)

/** One Buffer over the same memory as `view`: records of a ring share one view, so this is made once. */
function bytesOf(view: DataView): Buffer {
  if (view !== last_view) {
    last_view = view
    last_bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  }
  return last_bytes
}

/** Bytes as UTF-8, each run of invalid ones as one U+FFFD. */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf8(buffer)) return buffer.toString('utf8', 0, buffer.length)
  let text = ''
  let valid_from = 0
  let i = 0
  while (i < buffer.length) {
    const length = sequenceLength(buffer, i)
    if (length > 0) {
      i += length
      continue
    }
    text += buffer.toString('utf8', valid_from, i) + REPLACEMENT
    while (i < buffer.length && sequenceLength(buffer, i) === 0) i++
    valid_from = i
  }
  return text + buffer.toString('utf8', valid_from, buffer.length)
}

/** Bytes of the UTF-8 sequence at `at`, 0 if there is none (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (at + length > bytes.length) return 0
  const second = bytes[at + 1] ?? 0
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}
