import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PolicyFiles } from '../../src/sensor/watch.ts'

test('PolicyFiles gives texts with the signature beside them, and again when a signature comes later', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-signed-'))
  const file = path.join(directory, 'a.yaml')
  const seen: (string | null)[] = []
  const failures: unknown[] = []
  using files = new PolicyFiles({
    directories: [directory],
    file_bytes_max: 1000,
    signed: true,
    onFile: (_, text) => Promise.resolve(void seen.push(text)),
    onFailure: (_, error) => void failures.push(error),
  })
  fs.writeFileSync(file, 'text\n')
  await files.look()
  fs.writeFileSync(`${file}.sig`, Buffer.alloc(64, 7))
  await files.look()
  const base64 = Buffer.alloc(64, 7).toString('base64')
  expect(seen).toEqual(['text\n', `# thump-signature: ${base64}\ntext\n`])
  fs.writeFileSync(`${file}.sig`, 'no signature')
  await files.look()
  expect([seen.length, String(failures[0])]).toEqual([2, expect.stringContaining('want 64 bytes')])
  fs.rmSync(directory, { recursive: true })
})
