/** Between raw kernel bytes and the strings of JSON. */

// deno-lint-ignore no-control-regex -- JSON escapes exactly these
const ESCAPED = /["\\\u0000-\u001f]/

/** JSON string literal of `text`, quotes included. */
export function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : '"' + text + '"'
}

/**
 * UTF-8 bytes as a string; each run of invalid bytes becomes one U+FFFD, as Go's strings.ToValidUTF8 has it (and so
 * Tetragon), where TextDecoder gives one per broken sequence.
 */
export function decodeUtf8(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from, to)
  return text.includes('\ufffd') ? decodeInvalid(bytes, from, to) : text
}

function decodeInvalid(bytes: Buffer, from: number, to: number): string {
  let text = ''
  let valid_from = from
  let at = from
  let invalid = false
  while (at < to) {
    const length = sequenceLength(bytes, at, to)
    if (length === 0) {
      if (!invalid) text += bytes.toString('utf8', valid_from, at) + '\ufffd'
      invalid = true
      at++
      valid_from = at
    } else {
      invalid = false
      at += length
    }
  }
  return text + bytes.toString('utf8', valid_from, to)
}

/** Length of the valid UTF-8 sequence at `at`, 0 if there is none (RFC 3629: no surrogates, no overlong forms). */
function sequenceLength(bytes: Buffer, at: number, to: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (at + length > to) return 0
  const second = bytes[at + 1]!
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < lowest || second > highest) return 0
  for (let i = 2; i < length; i++) {
    if ((bytes[at + i]! & 0xc0) !== 0x80) return 0
  }
  return length
}

let last_buffer: ArrayBufferLike | undefined
let last_bytes: Buffer = Buffer.alloc(0)

/** The whole buffer behind a view as a Buffer (index = offset in the buffer); one object per ring, not per record. */
export function bytesBehind(view: DataView): Buffer {
  if (view.buffer !== last_buffer) {
    last_buffer = view.buffer
    last_bytes = Buffer.from(view.buffer as ArrayBuffer)
  }
  return last_bytes
}
