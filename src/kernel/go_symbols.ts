// Functions of Go programs, which stay in their table of program counters (.gopclntab) when symbols are stripped.

/** First word of the table: Go 1.2, 1.16, 1.18, 1.20. */
const GO_1_2 = 0xfffffffb
const GO_1_16 = 0xfffffffa
const GO_1_18 = 0xfffffff0
const GO_1_20 = 0xfffffff1

const FUNCTIONS_MAX = 4_000_000

interface Layout {
  readonly count: number
  /** Places in the table. */
  readonly names: number
  readonly functions: number
  /** What entries are relative to. */
  readonly base: bigint
  /** Bytes of an address or offset in an entry. */
  readonly word: 4 | 8
}

/** Names with their virtual addresses; `text` is where the program's code begins. Nothing for tables that it cannot read. */
export function* goSymbols(table: Buffer, text: bigint): Generator<readonly [name: string, address: bigint]> {
  const layout = readLayout(table, text)
  if (layout === undefined) return
  const { names, functions, base, word } = layout
  const count = Math.min(layout.count, FUNCTIONS_MAX)
  for (let i = 0; i < count; i++) {
    const at = functions + i * 2 * word
    if (at + 2 * word > table.length) return
    const entry = word === 4 ? BigInt(table.readUInt32LE(at)) : table.readBigUInt64LE(at)
    const place = functions + (word === 4 ? table.readUInt32LE(at + 4) : Number(table.readBigUInt64LE(at + 8)))
    // The entry again, then where the name stands.
    if (place + word + 4 > table.length) return
    const start = names + table.readInt32LE(place + word)
    const end = start < 0 || start >= table.length ? -1 : table.indexOf(0, start)
    if (end > start) yield [table.toString('utf8', start, end), base + entry]
  }
}

function readLayout(table: Buffer, text: bigint): Layout | undefined {
  // Addresses of four bytes are for other machines than those that this runs on.
  if (table.length < 72 || table[7] !== 8) return undefined
  const word = (index: number) => Number(table.readBigUInt64LE(8 + index * 8))
  switch (table.readUInt32LE(0)) {
    case GO_1_2:
      return { count: word(0), names: 0, functions: 16, base: 0n, word: 8 }
    case GO_1_16:
      return { count: word(0), names: word(2), functions: word(6), base: 0n, word: 8 }
    case GO_1_18:
    case GO_1_20: {
      const start = table.readBigUInt64LE(24)
      return { count: word(0), names: word(3), functions: word(7), base: start === 0n ? text : start, word: 4 }
    }
    default:
      return undefined
  }
}
