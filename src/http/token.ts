// The bearer token and the file that it is kept in.
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

/**
 * Reads the token of `file`, or writes a fresh one (mode 0600) where the file is missing or empty. Throws what the file
 * system throws, and Error for a file that others may read or whose content is no token.
 */
export function loadToken(file: string): string {
  const present = readIfPresent(file)
  if (present !== '') {
    if (!/^[\x21-\x7e]{8,512}$/.test(present)) {
      throw new Error(`Token file "${file}" must hold one word of 8 to 512 printable characters`)
    }
    return present
  }
  const token = randomBytes(32).toString('hex')
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
  // A new file under another name, then renamed: never half written, never readable for others in between.
  const fresh = `${file}.${process.pid}`
  fs.rmSync(fresh, { force: true })
  fs.writeFileSync(fresh, token + '\n', { mode: 0o600, flag: 'wx' })
  fs.renameSync(fresh, file)
  return token
}

function readIfPresent(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
