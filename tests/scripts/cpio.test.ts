import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CpioWriter } from '../../scripts/cpio.ts'

/** Entries of a newc archive: name, mode, content. */
function entriesOf(bytes: Buffer): [string, number, string][] {
  const entries: [string, number, string][] = []
  const align = (at: number) => (at + 3) & ~3
  for (let at = 0; bytes.toString('latin1', at, at + 6) === '070701';) {
    const field = (index: number) =>
      Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
    const name_end = at + 110 + field(11)
    const content = align(name_end)
    entries.push([
      bytes.toString('utf8', at + 110, name_end - 1),
      field(1),
      bytes.toString('utf8', content, content + field(6)),
    ])
    at = align(content + field(6))
  }
  return entries
}

function withDirectory(body: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'thump-cpio-'))
  try {
    body(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('CpioWriter writes parents once, before what is in them, and pads to 512 bytes', () => {
  withDirectory((directory) => {
    const path = join(directory, 'a.cpio')
    {
      using archive = new CpioWriter(path)
      archive.file('usr/bin/é', 'two', 0o755)
      archive.file('usr/bin/b', 'b')
      archive.file('usr/bin/b', 'a second file of that name is left out')
      archive.symlink('bin', 'usr/bin')
    }
    const bytes = readFileSync(path)
    expect(bytes.length % 512).toBe(0)
    expect(entriesOf(bytes)).toEqual([
      ['usr', 0o040755, ''],
      ['usr/bin', 0o040755, ''],
      ['usr/bin/é', 0o100755, 'two'],
      ['usr/bin/b', 0o100644, 'b'],
      ['bin', 0o120777, 'usr/bin'],
      ['TRAILER!!!', 0, ''],
    ])
  })
})

test('CpioWriter copies files, links and directories of the host with their modes', () => {
  withDirectory((directory) => {
    mkdirSync(join(directory, 'empty'), { mode: 0o700 })
    writeFileSync(join(directory, 'run'), '#!/bin/sh\n', { mode: 0o750 })
    symlinkSync('run', join(directory, 'link'))
    const path = join(directory, 'a.cpio')
    {
      using archive = new CpioWriter(path)
      for (const name of ['empty', 'run', 'link']) archive.copy(join(directory, name), `in/${name}`)
    }
    expect(entriesOf(readFileSync(path)).slice(1, -1)).toEqual([
      ['in/empty', 0o040700, ''],
      ['in/run', 0o100750, '#!/bin/sh\n'],
      ['in/link', 0o120777, 'run'],
    ])
  })
})
