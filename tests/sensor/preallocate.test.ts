import { expect, test } from 'bun:test'
import { preallocatedEntries } from '../../src/sensor/preallocate.ts'

test.each([
  ['few entries stay', 100, 8, 8, 100],
  ['many small ones are cut at 8 MiB', 1 << 20, 16, 1, 116_508],
  ['paths as well', 16_384, 16, 4104, 2012],
  ['one larger than the bound', 5, 8, 16 << 20, 1],
])('preallocatedEntries(): %s', (_, max_entries, key_size, value_size, wanted) => {
  expect(preallocatedEntries(max_entries, key_size, value_size)).toBe(wanted)
})
