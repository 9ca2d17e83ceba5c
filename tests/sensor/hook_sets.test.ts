import { describe, expect, test } from 'bun:test'
import { parseCidr } from '../../src/policy/value.ts'
import { hashInto, hashKey } from '../../src/sensor/hash.ts'
import { setKeys, SetNumbers } from '../../src/sensor/hook_sets.ts'

const KEY = hashKey(new Uint8Array(16).map((_, i) => i))

/** The ranges that the trie's keys of one set stand for. */
function blocks(min: bigint, max: bigint): [bigint, bigint][] {
  return setKeys({ map: 'ranges', values: [{ min, max }] }, 7, KEY).map((key) => {
    const view = new DataView(key.buffer)
    const bits = BigInt(view.getUint32(0, true) - 32)
    const from = view.getBigUint64(8)
    return [from, from + (1n << (64n - bits)) - 1n]
  })
}

describe('setKeys()', () => {
  test.each([
    [0n, 0n],
    [5n, 7n],
    [1n, 65535n],
    [0n, 0xffff_ffff_ffff_ffffn],
    [1n, 0xffff_ffff_ffff_fffen],
    [0xffff_ffff_ffff_fff0n, 0xffff_ffff_ffff_ffffn],
  ])('cuts the range %p to %p into blocks without gap or overlap', (min, max) => {
    let next = min
    for (const [from, to] of blocks(min, max)) {
      expect(from).toBe(next)
      next = to + 1n
    }
    expect(next).toBe(max + 1n)
    expect(blocks(min, max).length).toBeLessThanOrEqual(126)
  })

  test('puts the number of the set first, big-endian in tries', () => {
    const [prefix] = setKeys({ map: 'prefixes', values: ['/etc/'] }, 0x01020304, KEY)
    expect([...prefix!.subarray(0, 13)]).toEqual([32 + 40, 0, 0, 0, 1, 2, 3, 4, ...new TextEncoder().encode('/etc/')])
    const [postfix] = setKeys({ map: 'postfixes', values: ['.so'] }, 1, KEY)
    expect(new TextDecoder().decode(postfix!.subarray(8, 11))).toBe('os.')
  })

  test('maps IPv4 into IPv6, in a set that no prefix of IPv6 is in', () => {
    const keyOf = (text: string) => {
      const parsed = parseCidr(text)
      if ('wrong' in parsed) throw new Error(parsed.wrong)
      const [key] = setKeys({ map: 'addresses', values: [parsed.value] }, 1, KEY)
      const view = new DataView(key!.buffer)
      return { bits: view.getUint32(0, true), set: view.getUint32(4), bytes: [...key!.subarray(18, 24)] }
    }
    expect(keyOf('10.0.0.0/8')).toEqual({ bits: 32 + 104, set: 0x40000001, bytes: [0xff, 0xff, 10, 0, 0, 0] })
    expect(keyOf('0.0.0.0/0')).toEqual({ bits: 32 + 96, set: 0x40000001, bytes: [0xff, 0xff, 0, 0, 0, 0] })
    expect(keyOf('::ffff:10.1.0.0/112')).toEqual({ bits: 32 + 112, set: 0x40000001, bytes: [0xff, 0xff, 10, 1, 0, 0] })
    expect(keyOf('::/0')).toEqual({ bits: 32, set: 1, bytes: [0, 0, 0, 0, 0, 0] })
    expect(keyOf('::ffff:0:0/95')).toEqual({ bits: 32 + 95, set: 1, bytes: [0xff, 0xfe, 0, 0, 0, 0] })
    expect(keyOf('::1')).toEqual({ bits: 32 + 128, set: 1, bytes: [0, 0, 0, 0, 0, 1] })
  })

  test('keys a string by hash and size, each value once', () => {
    const keys = setKeys({ map: 'strings', values: ['a', 'b', 'a'] }, 9, KEY)
    expect(keys.length).toBe(2)
    const view = new DataView(keys[0]!.buffer)
    expect([view.getUint32(16, true), view.getUint32(20, true)]).toEqual([9, 1])
  })

  test('refuses a prefix that no trie key can hold', () => {
    expect(() => setKeys({ map: 'prefixes', values: ['x'.repeat(253)] }, 1, KEY)).toThrow('253 bytes, at most 252')
  })
})

describe('hashInto()', () => {
  /** The same with BigInt, word for word as bpf/hash.h has it. */
  function reference(key: Uint8Array, text: Uint8Array): [bigint, bigint] {
    const mask = (1n << 64n) - 1n
    const k = new DataView(key.buffer)
    const [k0, k1] = [k.getBigUint64(0, true), k.getBigUint64(8, true)]
    const v = [
      k0 ^ 0x736f6d6570736575n,
      k1 ^ 0x646f72616e646f6dn ^ 0xeen,
      k0 ^ 0x6c7967656e657261n,
      k1 ^ 0x7465646279746573n,
    ] as [bigint, bigint, bigint, bigint]
    const rotate = (x: bigint, bits: bigint) => ((x << bits) | (x >> (64n - bits))) & mask
    const round = () => {
      v[0] = v[0] + v[1] & mask
      v[1] = rotate(v[1], 13n) ^ v[0]
      v[0] = rotate(v[0], 32n)
      v[2] = v[2] + v[3] & mask
      v[3] = rotate(v[3], 16n) ^ v[2]
      v[0] = v[0] + v[3] & mask
      v[3] = rotate(v[3], 21n) ^ v[0]
      v[2] = v[2] + v[1] & mask
      v[1] = rotate(v[1], 17n) ^ v[2]
      v[2] = rotate(v[2], 32n)
    }
    const word = (m: bigint) => {
      v[3] ^= m
      round()
      v[0] ^= m
    }
    const padded = new Uint8Array(Math.ceil((text.length + 1) / 8) * 8)
    padded.set(text)
    padded[padded.length - 1] = text.length & 0xff
    const view = new DataView(padded.buffer)
    for (let i = 0; i < padded.length; i += 8) word(view.getBigUint64(i, true))
    v[2] ^= 0xeen
    for (let i = 0; i < 3; i++) round()
    const low = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xddn
    for (let i = 0; i < 3; i++) round()
    return [low, v[0] ^ v[1] ^ v[2] ^ v[3]]
  }

  test('is SipHash-1-3 of 128 bits for every length around the words', () => {
    const key = crypto.getRandomValues(new Uint8Array(16))
    for (let length = 0; length < 40; length++) {
      const text = crypto.getRandomValues(new Uint8Array(length))
      const view = new DataView(new ArrayBuffer(16))
      hashInto(hashKey(key), text, view, 0)
      expect([view.getBigUint64(0, true), view.getBigUint64(8, true)]).toEqual(reference(key, text))
    }
  })
})

test('SetNumbers never gives a number twice', () => {
  const numbers = new SetNumbers()
  expect([numbers.take(3), numbers.take(0), numbers.take(1)]).toEqual([1, 4, 4])
})
