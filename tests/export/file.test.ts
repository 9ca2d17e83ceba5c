import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { FileExporter, type FileOptions } from '../../src/export/file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync('/tmp/thump-file-')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function options(changes: Partial<FileOptions> = {}): FileOptions {
  return {
    path: join(folder, 'events.log'),
    bytes_max: 1 << 20,
    age_ms_max: 0,
    backups_max: 0,
    compress: false,
    mode: 0o600,
    chunk_bytes: 4096,
    queue_bytes: 1 << 20,
    ...changes,
  }
}

/** Lines of all files of the folder, oldest file first. */
function allLines(): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('events')).sort((a, b) => {
    if (a === 'events.log' || b === 'events.log') return a === 'events.log' ? 1 : -1
    return a.replace(/\.gz$/, '') < b.replace(/\.gz$/, '') ? -1 : 1
  })
  return names.flatMap((name) => {
    const bytes = readFileSync(join(folder, name))
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').filter((line) => line !== '')
  })
}

const line = (i: number) => JSON.stringify({ i, text: 'x'.repeat(i % 90) })

describe('FileExporter', () => {
  test('loses and doubles nothing over rotations under load', async () => {
    const count = 30_000
    const expected: string[] = []
    {
      await using file = await FileExporter.open(options({ bytes_max: 100_000, queue_bytes: 64 << 20 }))
      for (let i = 0; i < count; i++) {
        expected.push(line(i))
        file.write(line(i))
        if (i % 50 === 0) {
          file.push()
          if (i % 1000 === 0) await Bun.sleep(1)
        }
      }
      await file.flush()
      expect(file.rotations).toBeGreaterThan(10)
      expect(file.counters).toMatchObject({
        events: count,
        written: count,
        queued: 0,
        queued_bytes: 0,
        dropped: { queue_full: 0, error: 0 },
      })
    }
    expect(allLines()).toEqual(expected)
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100_000)
  })

  test('keeps backups_max backups, compressed, with the mode asked for', async () => {
    {
      await using file = await FileExporter.open(
        options({ bytes_max: 4_000, backups_max: 2, compress: true, mode: 0o640, chunk_bytes: 1024 }),
      )
      for (let i = 0; i < 1_000; i++) {
        file.write(line(i))
        if (i % 10 === 0) await file.flush()
      }
    }
    const names = readdirSync(folder)
    expect(names.filter((name) => name.endsWith('.gz'))).toHaveLength(2)
    expect(names).toHaveLength(3)
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o640)
    const lines = allLines()
    expect(lines).toEqual(Array.from({ length: 1_000 }, (_, i) => line(i)).slice(-lines.length))
    expect(names.find((name) => name.endsWith('.gz'))).toMatch(
      /^events-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(\.\d+)?\.log\.gz$/,
    )
  })

  test('compresses what an earlier start left, and leaves other files alone', async () => {
    writeFileSync(join(folder, 'events-2026-01-02T03-04-05.678.log'), 'old\n')
    writeFileSync(join(folder, 'events-2026-01-02T03-04-05.679.log.gz.tmp'), 'partial')
    writeFileSync(join(folder, 'events-mine.log'), 'mine\n')
    await (await FileExporter.open(options({ compress: true, backups_max: 1 })))[Symbol.asyncDispose]()
    expect(readdirSync(folder).sort()).toEqual([
      'events-2026-01-02T03-04-05.678.log.gz',
      'events-mine.log',
      'events.log',
    ])
  })

  test('rotates by age, but not an empty file', async () => {
    await using file = await FileExporter.open(options({ age_ms_max: 30 }))
    await Bun.sleep(40)
    file.push()
    await file.flush()
    expect(readdirSync(folder)).toEqual(['events.log'])
    file.write('a')
    await file.flush()
    await Bun.sleep(40)
    file.push()
    await file.flush()
    expect(file.rotations).toBeGreaterThanOrEqual(1)
    expect(allLines()).toEqual(['a'])
  })

  test('appends to what is there and makes missing directories', async () => {
    const path = join(folder, 'a/b/events.log')
    mkdirSync(join(folder, 'a/b'), { recursive: true })
    writeFileSync(path, 'before\n')
    {
      await using file = await FileExporter.open(options({ path }))
      file.write('after')
    }
    expect(readFileSync(path, 'utf8')).toBe('before\nafter\n')
    await (await FileExporter.open(options({ path: join(folder, 'c/d/e.log') })))[Symbol.asyncDispose]()
    expect(existsSync(join(folder, 'c/d/e.log'))).toBe(true)
  })

  test('goes on in a new file when the file is deleted or renamed under it', async () => {
    await using file = await FileExporter.open(options())
    file.write('one')
    await file.flush()
    unlinkSync(join(folder, 'events.log'))
    file.write('two')
    await file.flush()
    expect(readFileSync(join(folder, 'events.log'), 'utf8')).toBe('two\n')
    renameSync(join(folder, 'events.log'), join(folder, 'moved'))
    file.write('three')
    await file.flush()
    expect(readFileSync(join(folder, 'events.log'), 'utf8')).toBe('three\n')
    expect(readFileSync(join(folder, 'moved'), 'utf8')).toBe('two\n')
  })

  test('survives the loss of its whole directory', async () => {
    const path = join(folder, 'sub/events.log')
    await using file = await FileExporter.open(options({ path }))
    rmSync(join(folder, 'sub'), { recursive: true })
    file.write('one')
    await file.flush()
    expect(readFileSync(path, 'utf8')).toBe('one\n')
  })

  test('opens anew when asked', async () => {
    await using file = await FileExporter.open(options())
    file.write('one')
    await file.flush()
    renameSync(join(folder, 'events.log'), join(folder, 'events.log.1'))
    file.reopen()
    await file.flush()
    expect(existsSync(join(folder, 'events.log'))).toBe(true)
  })

  test('counts what does not fit into the queue and says so when there is room', async () => {
    const lossLine = (count: number) => `lost ${count}`
    await using file = await FileExporter.open(options({ queue_bytes: 5_000, lossLine }))
    for (let i = 0; i < 200; i++) file.write('x'.repeat(99))
    await file.flush()
    file.write('last')
    await file.flush()
    const dropped = file.counters.dropped['queue_full'] ?? 0
    expect(dropped).toBe(150)
    expect(allLines().slice(-2)).toEqual([`lost ${dropped}`, 'last'])
    expect(file.counters.written + dropped).toBe(file.counters.events)
  })

  test('open() says why a file cannot be opened', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(FileExporter.open(options({ path: join(folder, 'file/x.log') }))).rejects.toThrow(/ENOTDIR|EEXIST/)
    mkdirSync(join(folder, 'dir'))
    await expect(FileExporter.open(options({ path: join(folder, 'dir') }))).rejects.toThrow('EISDIR')
    chmodSync(join(folder, 'dir'), 0o700)
  })
})
