import { describe, expect, test } from 'bun:test'
import { bytesBehind, decodeUtf8, quote } from '../../src/event/text.ts'

describe('quote()', () => {
  for (
    const text of ['', 'plain', 'a "b"', 'back\\slash', 'tab\tline\nnul\0', '\x1b[31m', 'ünï ✓ 😀', '\u2028', '\x7f']
  ) {
    test(`writes ${JSON.stringify(text)} so that it parses back`, () => {
      expect(JSON.parse(quote(text))).toBe(text)
    })
  }
})

describe('decodeUtf8() gives one U+FFFD per run of invalid bytes', () => {
  const cases: [string, number[], string][] = [
    ['valid text', [...Buffer.from('aé✓😀')], 'aé✓😀'],
    ['two bytes that begin nothing', [0xff, 0xfe, 0x20], '\ufffd '],
    ['a lone continuation', [0x61, 0x80, 0x62], 'a\ufffdb'],
    ['a sequence cut by text', [0xe6, 0x97, 0x61], '\ufffda'],
    ['a sequence cut by the end', [0x61, 0xf0, 0x9f, 0x98], 'a\ufffd'],
    ['an overlong slash', [0xc0, 0xaf], '\ufffd'],
    ['a surrogate', [0xed, 0xa0, 0x80, 0x61], '\ufffda'],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80], '\ufffd'],
    ['U+FFFD itself, twice', [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd], '\ufffd\ufffd'],
    ['U+FFFD beside an invalid byte', [0xef, 0xbf, 0xbd, 0xff], '\ufffd\ufffd'],
    ['runs apart', [0xff, 0x61, 0xff], '\ufffda\ufffd'],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
    ['nothing', [], ''],
  ]
  for (const [name, bytes, expected] of cases) {
    test(name, () => {
      const padded = Buffer.from([0x78, ...bytes, 0x79])
      expect(decodeUtf8(padded, 1, 1 + bytes.length)).toBe(expected)
    })
  }
})

test('bytesBehind() shows the bytes of the buffer that a view looks into', () => {
  const buffer = new ArrayBuffer(8)
  const view = new DataView(buffer, 4)
  view.setUint8(0, 42)
  expect(bytesBehind(view)[4]).toBe(42)
  view.setUint8(0, 43)
  expect(bytesBehind(view)[4]).toBe(43)
  expect(bytesBehind(new DataView(new ArrayBuffer(1)))).toHaveLength(1)
})
