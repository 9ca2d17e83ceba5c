import { describe, expect, test } from 'bun:test'
import { address6, addressText, goEscaped, permissionText } from '../../src/event/hook_text.ts'

function view(bytes: readonly number[]): DataView {
  return new DataView(Uint8Array.from(bytes).buffer)
}

function groups(...words: readonly number[]): DataView {
  return view(words.flatMap((word) => [word >> 8, word & 0xff]))
}

describe('permissionText()', () => {
  test.each([
    [0o100644, '-rw-r--r--'],
    [0o040755, 'drwxr-xr-x'],
    [0o104755, '-rwsr-xr-x'],
    [0o102710, '-rwx--s---'],
    [0o041777, 'drwxrwxrwt'],
    [0o105644, '-rwSr--r-T'],
    [0o010600, 'prw-------'],
    [0o140777, 'srwxrwxrwx'],
    [0, '---------'],
    // Anonymous inodes: epoll, eventfd, BPF maps.
    [0o600, 'rw-------'],
  ])('writes %o as ls does', (mode, text) => {
    expect(permissionText(mode)).toBe(text)
  })
})

describe('addresses', () => {
  test('are written as RFC 5952 says', () => {
    expect(address6(groups(0, 0, 0, 0, 0, 0, 0, 1), 0)).toBe('::1')
    expect(address6(groups(0, 0, 0, 0, 0, 0, 0, 0), 0)).toBe('::')
    expect(address6(groups(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), 0)).toBe('2001:db8::1:0:0:1')
    expect(address6(groups(0xfe80, 0, 1, 0, 0, 0, 0, 0), 0)).toBe('fe80:0:1::')
    expect(address6(groups(1, 0, 2, 3, 4, 5, 6, 7), 0)).toBe('1:0:2:3:4:5:6:7')
    expect(address6(groups(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1), 0)).toBe('::ffff:10.0.0.1')
  })

  test('of other families are called invalid', () => {
    expect(addressText(2, view([127, 0, 0, 1]), 0)).toBe('127.0.0.1')
    expect(addressText(1, view([1, 2, 3, 4]), 0)).toBe('invalid IP')
  })
})

test('goEscaped() quotes as Go does, and leaves what can be printed', () => {
  expect(goEscaped('a "b" \\ ünï\n\t\u0001\u200b')).toBe('a \\"b\\" \\\\ ünï\\n\\t\\x01\\u200b')
})
