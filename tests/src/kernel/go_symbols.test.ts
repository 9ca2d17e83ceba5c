import { expect, test } from 'bun:test'
import { goSymbols } from '../../../src/kernel/go_symbols.ts'

const NAMES = ['main.main', 'main.(*Server).Réply', 'runtime.main']
const OFFSETS = [0x40, 0x1c0, 0x900]
const TEXT = 0x401000n

function word(table: Buffer, index: number, value: number | bigint): void {
  table.writeBigUInt64LE(BigInt(value), 8 + index * 8)
}

function header(magic: number): Buffer {
  const table = Buffer.alloc(1024)
  table.writeUInt32LE(magic, 0)
  table[6] = 1
  table[7] = 8
  word(table, 0, NAMES.length)
  return table
}

/** Where each name stands, from `at` on. */
function writeNames(table: Buffer, at: number): number[] {
  let next = at
  return NAMES.map((name) => {
    const start = next
    next += table.write(name, next, 'utf8') + 1
    return start
  })
}

/** Go 1.18 and later: everything relative, entries of four bytes. */
function relative(magic: number, start: bigint): Buffer {
  const table = header(magic)
  const [names, functions] = [80, 300]
  word(table, 2, start)
  word(table, 3, names)
  word(table, 7, functions)
  writeNames(table, names).forEach((at, i) => {
    const place = 64 + i * 16
    table.writeUInt32LE(OFFSETS[i]!, functions + i * 8)
    table.writeUInt32LE(place, functions + i * 8 + 4)
    table.writeUInt32LE(OFFSETS[i]!, functions + place)
    table.writeInt32LE(at - names, functions + place + 4)
  })
  return table
}

/** Before: addresses of eight bytes; until 1.16 functions stand behind the count, and all is relative to the table. */
function absolute(magic: number): Buffer {
  const table = header(magic)
  const old = magic === 0xfffffffb
  const [names, functions] = old ? [0, 16] : [80, 300]
  if (!old) {
    word(table, 2, names)
    word(table, 6, functions)
  }
  writeNames(table, 80 + (old ? 600 : 0)).forEach((at, i) => {
    const place = 128 + i * 16
    table.writeBigUInt64LE(TEXT + BigInt(OFFSETS[i]!), functions + i * 16)
    table.writeBigUInt64LE(BigInt(place), functions + i * 16 + 8)
    table.writeBigUInt64LE(TEXT + BigInt(OFFSETS[i]!), functions + place)
    table.writeInt32LE(at - names, functions + place + 8)
  })
  return table
}

const WANTED = NAMES.map((name, i) => [name, TEXT + BigInt(OFFSETS[i]!)] as const)

for (
  const [version, table] of [
    ['1.2', absolute(0xfffffffb)],
    ['1.16', absolute(0xfffffffa)],
    ['1.18', relative(0xfffffff0, TEXT)],
    ['1.20', relative(0xfffffff1, TEXT)],
    ['1.20 without a start of its own', relative(0xfffffff1, 0n)],
  ] as const
) {
  test(`goSymbols() reads tables of Go ${version}`, () => expect([...goSymbols(table, TEXT)]).toEqual([...WANTED]))

  test(`goSymbols() gives what there is of a cut table of Go ${version}`, () => {
    for (let size = 0; size < table.length; size += 3) {
      const found = [...goSymbols(table.subarray(0, size), TEXT)]
      expect(found).toEqual([...WANTED.slice(0, found.length)])
    }
  })
}

test('goSymbols() gives nothing for what is no such table', () => {
  expect([...goSymbols(header(0xdeadbeef), TEXT)]).toEqual([])
  expect([...goSymbols(Buffer.alloc(0), TEXT)]).toEqual([])
  const small = relative(0xfffffff1, TEXT)
  small[7] = 4
  expect([...goSymbols(small, TEXT)]).toEqual([])
})
