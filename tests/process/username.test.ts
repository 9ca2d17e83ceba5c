import { describe, expect, test } from 'bun:test'
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePasswd, UserNames } from '../../src/process/username.ts'

describe('UserNames', () => {
  test('parsePasswd() takes the first name of a uid and skips what is no entry', () => {
    const names = parsePasswd('root:x:0:0::/root:/bin/sh\n# no\n\ntoor:x:0:0::/:\nbad:x:-1:0::/:\nu:x:1000:1::/:\n')
    expect([...names]).toEqual([[0, 'root'], [1000, 'u']])
  })
  test('name() reads again when the file was replaced, and keeps names while it is gone', () => {
    const dir = mkdtempSync(join(tmpdir(), 'thump-'))
    const path = join(dir, 'passwd')
    writeFileSync(path, 'one:x:1:1::/:/\n')
    const names = new UserNames(path)
    expect(names.name(1, 0)).toBe('one')
    expect(names.name(2, 0)).toBe('')
    writeFileSync(path + '.new', 'two:x:1:1::/:/\n')
    utimesSync(path + '.new', 1, 1)
    renameSync(path + '.new', path)
    expect(names.name(1, 1000)).toBe('one')
    expect(names.name(1, 6000)).toBe('two')
    rmSync(dir, { recursive: true })
    expect(names.name(1, 12_000)).toBe('two')
    expect(names.failures).toBe(1)
  })
})
