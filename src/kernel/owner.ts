// Whose pins these are: the agent's number and start, which together no later process has.
import fs from 'node:fs'

/** Of this process, numbered as in the pid namespace of that procfs. */
export function ownerText(procfs: string): string {
  const pid = fs.readlinkSync(`${procfs}/self`)
  return `${pid} ${startOf(procfs, pid)}`
}

export function ownerLives(procfs: string, text: string): boolean {
  const [pid = '', start = ''] = text.split(' ')
  return start !== '' && startOf(procfs, pid) === start
}

/** Clock ticks since boot; '' for a process that is not there, or has ended and only waits to be collected. */
function startOf(procfs: string, pid: string): string {
  try {
    const stat = fs.readFileSync(`${procfs}/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19] ?? ''
  } catch {
    return '' // nobody there
  }
}
