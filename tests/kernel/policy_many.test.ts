/** Many policies at once: all of them work, and the memory of one does not depend on how many there are. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { bytesPerPolicy, loadMany, type ManySample } from './many.ts'

const POLICIES = 50
const KERNEL_BYTES_MAX = 1 << 20
/** Nobody else allocates there. */
const IN_GUEST = fs.readFileSync('/proc/cpuinfo', 'utf8').includes('QEMU')

test(`${POLICIES} policies of one shape all see one call, each for less than a megabyte of the kernel`, async () => {
  const report = await loadMany(POLICIES)
  const { machine, maps } = bytesPerPolicy(report)
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`
  const sorted = [...report.load_ms].sort((a, b) => a - b)
  console.log(
    `short form (bun scripts/many_policies.ts 200 is the long one): ${POLICIES} policies: load ${
      sorted[POLICIES >> 1]
    } ms (p50), ${sorted.at(-1)} ms (most); a further one takes ` +
      `${kib(report.kernel_memory_bytes.at(-1)!)} of programs and own maps, ${kib(maps)} of maps, ${
        kib(machine)
      } of the machine`,
  )
  expect(report.events).toEqual(report.events.map(() => 1))
  // Of the same shape: the same but for constants, be it the first or the last.
  expect(Math.max(...report.kernel_memory_bytes)).toBeLessThan(Math.min(...report.kernel_memory_bytes) * 1.1)
  expect(report.kernel_memory_bytes[0]).toBeLessThan(KERNEL_BYTES_MAX)
  expect(maps).toBeLessThan(KERNEL_BYTES_MAX)
  if (IN_GUEST) expect(machine).toBeLessThan(KERNEL_BYTES_MAX)
  const counts = report.samples.slice(1).map((sample) => countsPerPolicy(report.samples[0]!, sample))
  for (const { programs, maps, links } of counts) {
    expect({ programs, maps }).toEqual({ programs: 1, maps: counts[0]!.maps })
    // A kprobe is a link and its event.
    expect(links).toBeWithin(1, 2.01)
  }
  // What the kernel no longer takes into one function's trampoline is a kprobe, until there is room again.
  const ways = new Map<string, number>()
  for (const way of report.attach) ways.set(way, (ways.get(way) ?? 0) + 1)
  console.log(`attached: ${[...ways].map(([way, count]) => `${count} ${way}`).join(', ')}; then ${report.attach_after}`)
  expect(report.attach_after).toBe(report.attach[0]!)
  if (report.attach[0]!.startsWith('fentry')) {
    expect(ways.get(report.attach[0]!)).toBeLessThan(POLICIES)
    expect(ways.size).toBe(2)
  }
}, 400_000)

function countsPerPolicy(first: ManySample, sample: ManySample): { programs: number; maps: number; links: number } {
  const more = sample.policies - first.policies
  return {
    programs: (sample.programs - first.programs) / more,
    maps: (sample.maps - first.maps) / more,
    links: (sample.links - first.links) / more,
  }
}
