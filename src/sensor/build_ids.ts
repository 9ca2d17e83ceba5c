// What makes the kernel look for build ids in files that are mapped: a perf event on each CPU.
import fs from 'node:fs'
import { PerfEvent } from '../../ffi/perf_event.ts'

const ONLINE = '/sys/devices/system/cpu/online'

/** Until it is disposed, loader hooks see mappings; on CPUs that are online now. */
export function openBuildIds(): Disposable {
  using opened = new DisposableStack()
  for (const cpu of parseCpus(fs.readFileSync(ONLINE, 'utf8'))) opened.use(PerfEvent.buildIds(cpu))
  return opened.move()
}

/** Pure: `0-3,8` as the kernel lists CPUs. */
export function parseCpus(text: string): number[] {
  return text.trim().split(',').flatMap((part) => {
    if (!/^\d+(-\d+)?$/.test(part)) throw new Error(`Invalid list of CPUs: ${text.trim()}`)
    const [first = 0, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
