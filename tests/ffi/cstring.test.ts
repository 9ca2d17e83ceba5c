import { expect, test } from 'bun:test'
import { decodeBytes, decodeText, decodeUtf8, encodeCString, readCString } from '../../ffi/cstring.ts'

function viewOf(...bytes: number[]): DataView {
  return new DataView(new Uint8Array(bytes).buffer)
}

function latin1(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0))
}

test('encodeCString() ends with one NUL and refuses one inside', () => {
  expect([...encodeCString('aé')]).toEqual([0x61, 0xc3, 0xa9, 0])
  expect([...encodeCString('')]).toEqual([0])
  expect(() => encodeCString('a\0b')).toThrow('"a\\u0000b"')
})

test('readCString() of NULL is empty', () => {
  expect(readCString(null, 10)).toBe('')
})

test('decodeText() stops at NUL or size, whichever comes first', () => {
  expect(decodeText(viewOf(...latin1('comm'), 0, 0x78), 0, 6)).toBe('comm')
  expect(decodeText(viewOf(...latin1('sixteen_bytes_xx'), 0x79), 0, 16)).toBe('sixteen_bytes_xx')
  expect(decodeText(viewOf(0, 0x61), 0, 2)).toBe('')
  expect(decodeText(viewOf(0x61, 0x62), 1, 1)).toBe('b')
})

test('decodeUtf8() keeps NULs and never reads past the view', () => {
  expect(decodeUtf8(viewOf(0x61, 0, 0x62), 0, 3)).toBe('a\0b')
  expect(() => decodeUtf8(viewOf(0x61), 0, 2)).toThrow()
  expect(() => decodeUtf8(viewOf(...latin1('x'.repeat(40))), 20, 30)).toThrow()
})

test('decodeUtf8() of short and long texts, ASCII or not', () => {
  for (const text of ['', 'a', 'short', 'x'.repeat(8), 'x'.repeat(9), 'x'.repeat(5000), 'é', `${'x'.repeat(500)}€𝄞`]) {
    const bytes = new TextEncoder().encode(`<<${text}>>`)
    const view = new DataView(bytes.buffer)
    expect(decodeUtf8(view, 2, bytes.length - 4)).toBe(text)
  }
})

const INVALID: readonly [name: string, bytes: readonly number[], text: string][] = [
  ['a run of invalid bytes is one U+FFFD', [0xff, 0xfe, 0x20], '\ufffd '],
  ['two runs are two', [0xff, 0x61, 0xff, 0xff, 0x62], '\ufffda\ufffdb'],
  ['a cut sequence at the end', [0x61, 0xe2, 0x82], 'a\ufffd'],
  ['a cut sequence before ASCII', [0xe2, 0x82, 0x61], '\ufffda'],
  ['a lone continuation byte', [0x80], '\ufffd'],
  ['an overlong form', [0xc0, 0xaf, 0x2f], '\ufffd/'],
  ['an overlong form of three', [0xe0, 0x80, 0xaf, 0x2f], '\ufffd/'],
  ['a surrogate', [0xed, 0xa0, 0x80, 0x2e], '\ufffd.'],
  ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80, 0x2e], '\ufffd.'],
  ['a run next to a U+FFFD that was sent as such', [0xff, 0xef, 0xbf, 0xbd], '\ufffd\ufffd'],
  ['valid text around', [0xc3, 0xa9, 0xff, 0xf0, 0x9d, 0x84, 0x9e], 'é\ufffd𝄞'],
]
for (const [name, bytes, text] of INVALID) {
  test(`decodeBytes() replaces as Go does: ${name}`, () => {
    expect(decodeBytes(new Uint8Array(bytes))).toBe(text)
    expect(decodeUtf8(viewOf(0, ...bytes, 0), 1, bytes.length)).toBe(text)
    const long = [...latin1('x'.repeat(100)), ...bytes]
    expect(decodeUtf8(viewOf(...long), 0, long.length)).toBe('x'.repeat(100) + text)
  })
}
