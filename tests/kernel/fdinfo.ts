/** What /proc tells of a process' descriptors. */
import fs from 'node:fs'

/** Text by descriptor; one that is closed after the listing is left out. */
export function fdinfos(pid: number): Map<number, string> {
  const found = new Map<number, string>()
  for (const fd of fs.readdirSync(`/proc/${pid}/fdinfo`)) {
    try {
      found.set(Number(fd), fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return found
}
