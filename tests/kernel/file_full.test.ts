// A full disk, on a small tmpfs of its own (needs root).

import { expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FileExporter } from '../../src/export/file.ts'

test('FileExporter survives a full disk, counts what it drops and goes on when there is room', async () => {
  const folder = mkdtempSync('/tmp/thump-full-')
  const mount = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder])
  expect(mount.stderr.toString()).toBe('')
  try {
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(128 << 10))
    const trouble: (string | undefined)[] = []
    const path = join(folder, 'events.log')
    await using file = await FileExporter.open({
      path,
      bytes_max: 1 << 20,
      age_ms_max: 0,
      backups_max: 0,
      compress: false,
      mode: 0o600,
      chunk_bytes: 16 << 10,
      queue_bytes: 64 << 10,
      lossLine: (count) => JSON.stringify({ lost: count }),
      onTrouble: (error) => trouble.push(error?.code),
    })
    const text = 'y'.repeat(90)
    for (let i = 0; i < 4_000; i++) {
      file.write(JSON.stringify({ i, text }))
      file.push()
      if (i % 100 === 0) await Bun.sleep(1)
    }
    expect(trouble).toEqual(['ENOSPC'])
    const dropped = file.counters.dropped['queue_full'] ?? 0
    expect(dropped).toBeGreaterThan(500)
    rmSync(join(folder, 'ballast'))
    for (let i = 0; i < 600 && trouble.length < 2; i++) await Bun.sleep(50)
    expect(trouble).toEqual(['ENOSPC', undefined])
    file.write(JSON.stringify({ i: 4_000, text }))
    await file.flush()

    const events = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) =>
      JSON.parse(line) as { i?: number; lost?: number }
    )
    expect(events.at(-2)).toEqual({ lost: dropped })
    const numbers = events.flatMap(({ i }) => i ?? [])
    expect(numbers.length + dropped).toBe(4_001)
    expect(numbers).toEqual([...Array(numbers.length - 1).keys(), 4_000])
    expect(file.counters.written + dropped).toBe(file.counters.events)
  } finally {
    Bun.spawnSync(['umount', '-l', folder])
    rmSync(folder, { recursive: true })
  }
})
