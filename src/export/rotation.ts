// Rotated files: names with a time in them, compression, and how many are kept.

import { createReadStream, createWriteStream } from 'node:fs'
import { access, chmod, readdir, rename, rm, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

export interface BackupOptions {
  readonly path: string
  /** 0: all. */
  readonly backups_max: number
  readonly compress: boolean
  readonly mode: number
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/

/** Renames `events.log` to `events-2026-01-02T03-04-05.678.log`, the form that Tetragon's files have; gives the new path. */
export async function rotateAway(path: string): Promise<string> {
  const extension = extname(path)
  const stem = path.slice(0, path.length - extension.length)
  // Two rotations within a millisecond: the later one takes the next, because names in order are files in order.
  for (let time_ms = Date.now();; time_ms++) {
    const stamp = new Date(time_ms).toISOString().slice(0, -1).replaceAll(':', '-')
    const backup = `${stem}-${stamp}${extension}`
    if ((await exists(backup)) || (await exists(`${backup}.gz`))) continue
    await rename(path, backup)
    return backup
  }
}

/** Compresses backups that are not yet, also those of an earlier start, and removes the oldest beyond backups_max. */
export async function tidyBackups(options: BackupOptions): Promise<void> {
  const folder = dirname(options.path)
  const extension = extname(options.path)
  const prefix = `${basename(options.path, extension)}-`
  const backups = (await readdir(folder)).flatMap((name) => {
    const partial = name.endsWith('.gz.tmp')
    const plain = partial ? name.slice(0, -7) : name.endsWith('.gz') ? name.slice(0, -3) : name
    if (!plain.startsWith(prefix) || !plain.endsWith(extension)) return []
    const stamp = plain.slice(prefix.length, plain.length - extension.length)
    return STAMP.test(stamp) ? [{ name, plain, partial }] : []
  })
  for (const { name, partial } of backups) if (partial) await rm(join(folder, name), { force: true })
  const whole = backups.filter(({ partial }) => !partial).sort((a, b) => (a.plain < b.plain ? 1 : -1))
  const surplus = options.backups_max > 0 ? whole.splice(options.backups_max) : []
  for (const { name } of surplus) await rm(join(folder, name), { force: true })
  if (!options.compress) return
  for (const { name } of whole) if (!name.endsWith('.gz')) await compressFile(join(folder, name), options.mode)
}

/** Under its final name only when it is complete, so that a crash leaves either file whole. */
async function compressFile(path: string, mode: number): Promise<void> {
  const partial = `${path}.gz.tmp`
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(partial, { mode }))
    await chmod(partial, mode)
    await rename(partial, `${path}.gz`)
  } catch (error) {
    await rm(partial, { force: true }) // a full disk: the plain file stays
    throw error
  }
  await unlink(path)
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false // ENOENT; anything else shows when the name is used
  }
}
