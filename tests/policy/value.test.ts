import { describe, expect, test } from 'bun:test'
import {
  capabilityNumber,
  parseCapabilities,
  parseCidr,
  parseConstant,
  parseFileType,
  parseInteger,
  parsePort,
  parseRange,
  parseSize,
} from '../../src/policy/value.ts'

describe('parseInteger()', () => {
  const table: readonly (readonly [string, number, boolean, bigint | undefined])[] = [
    ['10', 32, true, 10n],
    ['-1', 32, true, -1n],
    ['-1', 32, false, undefined],
    ['0x1f', 8, false, 31n],
    ['017', 32, true, 15n],
    ['0o17', 32, true, 15n],
    ['0b101', 32, true, 5n],
    ['0', 32, true, 0n],
    ['255', 8, false, 255n],
    ['256', 8, false, undefined],
    ['-129', 8, true, undefined],
    ['18446744073709551615', 64, false, 18446744073709551615n],
    ['18446744073709551616', 64, false, undefined],
    ['-9223372036854775808', 64, true, -9223372036854775808n],
    ['', 32, true, undefined],
    ['1_000', 32, true, 1000n],
    ['0x_1f', 32, true, 31n],
    ['-0_17', 32, true, -15n],
    ['1__000', 32, true, undefined],
    ['_1', 32, true, undefined],
    ['1_', 32, true, undefined],
    ['1.5', 32, true, undefined],
    ['ten', 32, true, undefined],
    [' 1', 32, true, undefined],
  ]
  for (const [text, bits, signed, want] of table) {
    test(`reads ${JSON.stringify(text)} as ${signed ? 'signed' : 'unsigned'} ${bits} bit`, () => {
      const found = parseInteger(text, bits, signed)
      expect('value' in found ? found.value : undefined).toBe(want)
    })
  }
})

test('parseSize() reads negative numbers as Tetragon has them of size_t, in 64 bits', () => {
  expect(parseSize('-1')).toEqual({ value: 2n ** 64n - 1n })
  expect(parseSize('-2147483648')).toEqual({ value: 2n ** 64n - 2n ** 31n })
  expect(parseSize('18446744073709551615')).toEqual({ value: 2n ** 64n - 1n })
  expect('wrong' in parseSize('-2147483649')).toBe(true)
})

describe('parseRange()', () => {
  test('reads both ends, which may be negative', () => {
    expect(parseRange('-10:-5', 32, true, false)).toEqual({ value: { min: -10n, max: -5n } })
    expect(parseRange('7', 32, true, true)).toEqual({ value: { min: 7n, max: 7n } })
    expect(parseRange('12:10', 32, true, true)).toEqual({ value: { min: 10n, max: 12n } })
    // In maps base 10, as in Tetragon; elsewhere a leading 0 says octal.
    expect(parseRange('-010:010', 32, true, true)).toEqual({ value: { min: -10n, max: 10n } })
    expect(parseRange('010:020', 32, true, false)).toEqual({ value: { min: 8n, max: 16n } })
    expect(parseRange('1_0:2_0', 32, true, false)).toEqual({ value: { min: 10n, max: 20n } })
    expect('wrong' in parseRange('1_0', 32, true, true)).toBe(true)
  })
  test('refuses a range that holds nothing, and one with three ends', () => {
    expect('wrong' in parseRange('5:4', 32, true, false)).toBe(true)
    expect('wrong' in parseRange('1:2:3', 32, true, false)).toBe(true)
    expect('wrong' in parseRange('7', 32, true, false)).toBe(true)
  })
})

describe('parseCidr()', () => {
  const mapped = (...four: number[]) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...four]
  test('keeps IPv4 as a mapped address and clears what the prefix does not cover', () => {
    expect(parseCidr('127.0.0.1/8')).toEqual({ value: { bytes: mapped(127, 0, 0, 0), bits: 104 } })
    expect(parseCidr('10.1.2.3')).toEqual({ value: { bytes: mapped(10, 1, 2, 3), bits: 128 } })
    expect(parseCidr('10.255.255.255/9')).toEqual({ value: { bytes: mapped(10, 128, 0, 0), bits: 105 } })
    expect(parseCidr('0.0.0.0/0')).toEqual({ value: { bytes: mapped(0, 0, 0, 0), bits: 96 } })
  })
  test('reads IPv6 in its short forms', () => {
    const one = new Array<number>(15).fill(0).concat(1)
    expect(parseCidr('::1')).toEqual({ value: { bytes: one, bits: 128 } })
    expect(parseCidr('fc00::/7')).toEqual({ value: { bytes: [252, ...new Array<number>(15).fill(0)], bits: 7 } })
    expect('value' in parseCidr('2001:db8::1.2.3.4')).toBe(true)
  })
  test('drops the zone of an IPv6 address', () => {
    expect(parseCidr('fe80::1%eth0')).toEqual(parseCidr('fe80::1'))
    for (const text of ['fe80::1%', 'fe80::1%eth0/64', '10.0.0.1%eth0']) expect('wrong' in parseCidr(text)).toBe(true)
  })
  for (
    const text of [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '01.2.3.4',
      '1.2.3.4/33',
      '1.2.3.4/-1',
      '::1/129',
      ':::',
      '1::2::3',
      'g::',
      '1.2.3.4/8/8',
      '${CIDR}',
    ]
  ) {
    test(`refuses ${JSON.stringify(text)}`, () => expect('wrong' in parseCidr(text)).toBe(true))
  }
})

test('parsePort() reads ports and ranges', () => {
  expect(parsePort('80')).toEqual({ value: { min: 80n, max: 80n } })
  expect(parsePort('8000:8999')).toEqual({ value: { min: 8000n, max: 8999n } })
  expect(parsePort('90:80')).toEqual({ value: { min: 80n, max: 90n } })
  expect(parsePort('0022')).toEqual({ value: { min: 22n, max: 22n } })
  expect(parsePort('0080')).toEqual({ value: { min: 80n, max: 80n } })
  for (const text of ['http', '65536', '-1', '']) expect('wrong' in parsePort(text)).toBe(true)
})

test('parseConstant() reads names, numbers and ranges', () => {
  const one = (number: bigint) => ({ value: { min: number, max: number } })
  expect(parseConstant('IPPROTO_UDP', 'protocol')).toEqual(one(17n))
  expect(parseConstant('AF_INET6', 'family')).toEqual(one(10n))
  expect(parseConstant('2', 'family')).toEqual(one(2n))
  expect(parseConstant('017', 'protocol')).toEqual(one(17n))
  expect(parseConstant('6:17', 'protocol')).toEqual({ value: { min: 6n, max: 17n } })
  expect(parseConstant('TCP_SYN_RECV', 'state')).toEqual(one(3n))
  expect('wrong' in parseConstant('toString', 'state')).toBe(true)
})

test('parseFileType() and capabilityNumber() know their names only', () => {
  expect(parseFileType('regular')).toEqual({ value: 8n })
  expect('wrong' in parseFileType('constructor')).toBe(true)
  expect(capabilityNumber('CAP_SYS_ADMIN')).toBe(21)
  expect(capabilityNumber('BPF')).toBe(39)
  expect(capabilityNumber('CAP_NO_SUCH')).toBe(-1)
  expect(capabilityNumber(' cap_net_raw')).toBe(13)
})

test('parseCapabilities() reads masks and names', () => {
  expect(parseCapabilities('0x1ffffffffff')).toEqual({ value: 0x1ffffffffffn })
  expect(parseCapabilities('CAP_SYS_ADMIN')).toEqual({ value: 1n << 21n })
  expect(parseCapabilities('CAP_CHOWN, cap_net_raw')).toEqual({ value: 0x2001n })
  for (const text of ['', 'CAP_CHOWN,', 'CAP_NO_SUCH', '-1']) expect('wrong' in parseCapabilities(text)).toBe(true)
})
