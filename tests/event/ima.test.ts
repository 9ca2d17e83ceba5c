import { expect, test } from 'bun:test'
import { encodeImaHashValue, IMA_HASH_VALUE_SIZE } from '../../ffi/wire.gen.ts'
import { imaHash } from '../../src/event/ima.ts'

function shown(algorithm: number, size = IMA_HASH_VALUE_SIZE): string {
  const view = new DataView(new ArrayBuffer(4 + IMA_HASH_VALUE_SIZE))
  encodeImaHashValue(view, 4, { algorithm, bytes: Uint8Array.from({ length: 64 }, (_, i) => i) })
  return imaHash(view, 4, size)
}

test('imaHash() names the algorithm and has as many bytes as it gives', () => {
  expect(shown(1)).toBe('md5:000102030405060708090a0b0c0d0e0f')
  expect(shown(2)).toBe('sha1:000102030405060708090a0b0c0d0e0f10111213')
  expect(shown(4)).toBe(`sha256:${Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('hex')}`)
  expect(shown(6)).toBe(`sha512:${Buffer.from(Array.from({ length: 64 }, (_, i) => i)).toString('hex')}`)
  expect(shown(13).split(':').map((part) => part.length)).toEqual([5, 128])
  expect(shown(17)).toStartWith('sm3:')
})

test('imaHash() is empty where the kernel had no hash, and for what is not whole', () => {
  expect(shown(-1)).toBe('')
  expect(shown(-95)).toBe('')
  expect(shown(99)).toBe('')
  expect(shown(4, 8)).toBe('')
})
