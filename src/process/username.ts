/** Names of users from a passwd file, reread when it changed. */

import { readFileSync, statSync } from 'node:fs'

/** How long a look at the file's time of change holds. */
const CHECK_INTERVAL_MS = 5000

export class UserNames {
  readonly #path: string
  #names = new Map<number, string>()
  #changed_ms = -1
  #checked_ms = -Infinity
  /** Reads that failed: the file was missing or not readable. */
  failures = 0

  constructor(path = '/etc/passwd') {
    this.#path = path
  }

  /** Name of `uid`, or '' where the file has none (or cannot be read). `now_ms` is any clock that goes forward. */
  name(uid: number, now_ms: number): string {
    if (now_ms - this.#checked_ms >= CHECK_INTERVAL_MS) this.#check(now_ms)
    return this.#names.get(uid) ?? ''
  }

  #check(now_ms: number): void {
    this.#checked_ms = now_ms
    try {
      const changed_ms = statSync(this.#path).mtimeMs
      if (changed_ms === this.#changed_ms) return
      this.#names = parsePasswd(readFileSync(this.#path, 'utf8'))
      this.#changed_ms = changed_ms
    } catch {
      // Counted, and names read before stay: a passwd file is replaced by rename, so this is short or for good.
      this.failures++
    }
  }
}

/** First name of each uid (name:password:uid:…), as getpwuid(3) finds it. */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>()
  for (const line of text.split('\n')) {
    const [name, , uid_text] = line.split(':')
    if (name === undefined || name === '' || uid_text === undefined || !/^[0-9]+$/.test(uid_text)) continue
    const uid = Number(uid_text)
    if (!names.has(uid)) names.set(uid, name)
  }
  return names
}
