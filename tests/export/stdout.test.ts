import { afterEach, expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { StdoutExporter, type StdoutOptions } from '../../src/export/stdout.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-stdout-'))
let count = 0
let opened: number[] = []

afterEach(() => {
  for (const fd of opened) {
    try {
      fs.closeSync(fd)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EBADF')) throw error
    }
  }
  opened = []
})

/** A pipe of 64 KiB whose reading end does not wait. */
function pipe(): { reader: number; writer: number } {
  const name = path.join(directory, `fifo${count++}`)
  Bun.spawnSync(['mkfifo', name])
  const reader = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  const writer = fs.openSync(name, fs.constants.O_WRONLY)
  opened.push(reader, writer)
  return { reader, writer }
}

function exporter(fd: number, changes: Partial<StdoutOptions> = {}): StdoutExporter {
  return new StdoutExporter({ fd, chunk_bytes: 4096, queue_bytes: 1 << 20, ...changes })
}

function readSome(fd: number): Buffer {
  const buffer = Buffer.alloc(1 << 20)
  try {
    return buffer.subarray(0, fs.readSync(fd, buffer))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return Buffer.alloc(0)
    throw error
  }
}

async function readAll(fd: number, done: Promise<void>): Promise<string> {
  const parts: Buffer[] = []
  let finished = false
  void done.then(() => finished = true)
  while (!finished) {
    parts.push(readSome(fd))
    await Bun.sleep(1)
  }
  parts.push(readSome(fd))
  return Buffer.concat(parts).toString()
}

test('StdoutExporter writes lines of every length in order to a pipe', async () => {
  const { reader, writer } = pipe()
  const out = exporter(writer, { queue_bytes: 8 << 20 })
  const lines = Array.from({ length: 3000 }, (_, i) => `${i} ${'é'.repeat(i % 700)}`)
  lines.push('x'.repeat(300_000))
  for (const line of lines) {
    out.write(line)
    out.push()
  }
  const text = await readAll(reader, out.flush())
  expect(text === lines.join('\n') + '\n').toBe(true)
  expect(out.counters.written).toBe(lines.length)
  expect(out.counters.queued).toBe(0)
  await out[Symbol.asyncDispose]()
})

test('StdoutExporter appends to a regular file without moving what stands there', async () => {
  const name = path.join(directory, 'file')
  const fd = fs.openSync(name, 'w')
  opened.push(fd)
  fs.writeSync(fd, 'before\n')
  const out = exporter(fd)
  out.write('{}')
  await out[Symbol.asyncDispose]()
  expect(fs.readFileSync(name, 'utf8')).toBe('before\n{}\n')
})

test('StdoutExporter counts what a stopped reader cannot take, and tells it afterwards', async () => {
  const { reader, writer } = pipe()
  const out = exporter(writer, { lossLine: (lost) => `lost ${lost}`, queue_bytes: 128 << 10 })
  const line = 'y'.repeat(999)
  const started = performance.now()
  for (let i = 0; i < 2000; i++) {
    out.write(line)
    out.push()
  }
  // Who waited for the reader here would wait without end.
  expect(performance.now() - started).toBeLessThan(10_000)
  const { counters } = out
  expect(counters.dropped.queue_full).toBeGreaterThan(1500)
  expect(counters.events).toBe(counters.written + counters.queued + counters.dropped.queue_full!)
  const text = await readAll(reader, out.flush().then(() => out.flush()))
  const got = text.trimEnd().split('\n')
  expect(got.at(-1)).toBe(`lost ${counters.dropped.queue_full}`)
  expect(got.slice(0, -1).every((each) => each === line)).toBe(true)
  expect(counters.written).toBe(got.length)
  expect(counters.events).toBe(counters.written + counters.dropped.queue_full!)
})

test('StdoutExporter says once that its reader is gone, counts on, and never throws', async () => {
  const { reader, writer } = pipe()
  const errors: string[] = []
  const out = exporter(writer, { onClosed: (error) => errors.push(String(error.code)) })
  fs.closeSync(reader)
  for (let i = 0; i < 10; i++) {
    out.write('{}')
    out.push()
  }
  await out.flush()
  expect(errors).toEqual(['EPIPE'])
  expect(out.open).toBe(false)
  expect(out.counters.dropped.closed).toBe(10)
})

test('StdoutExporter reports a descriptor that is not open', () => {
  const errors: string[] = []
  const out = exporter(987, { onClosed: (error) => errors.push(String(error.code)) })
  out.write('{}')
  out.push()
  expect(errors).toEqual(['EBADF'])
})
