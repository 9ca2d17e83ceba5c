// bun scripts/reload_policies.ts [CHANGES] [PAUSE_US] [entry|return]: hot reload at length, as root, of a hook without and with its result.
// Ends with status 1 if a call was missed or doubled; on a kernel that preempts, if one was missed that was not counted as lost.
import { readHostFacts } from '../src/kernel/host.ts'
import { type BpfUse, reloadUnderLoad } from '../tests/kernel/reload.ts'

const changes = Number(process.argv[2] ?? 1000)
const pause_us = Number(process.argv[3] ?? 300)
const { preempts } = readHostFacts()
let failed = false
const halves = process.argv[4]
for (const returns of halves === undefined ? [false, true] : [halves === 'return']) {
  const report = await reloadUnderLoad({
    changes,
    seconds_max: Infinity,
    threads: 2,
    pause_us,
    returns,
    sample_every: Math.max(1, Math.floor(changes / 10)),
  })
  const { calls, missed, doubled, lost, attach } = report
  console.log(
    `${changes} changes, ${attach.join(' + ')}: ${calls} calls, ${missed} missed, ${doubled} doubled, ${lost} lost`,
  )
  console.log(`  live: ${spread(report.changes.map((change) => change.live_ms))}`)
  console.log(`  load: ${spread(report.changes.map(({ load_ms }) => load_ms))}`)
  console.log(`  live without load: ${spread(report.changes.map((change) => change.live_ms - change.load_ms))}`)
  for (const sample of report.samples) console.log(`  ${describe(sample)}`)
  failed ||= missed > lost || doubled > 0 || (lost > 0 && !preempts)
}
process.exitCode = failed ? 1 : 0

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`
}

function describe({ programs, maps, links, map_bytes, anonymous_bytes }: BpfUse): string {
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  return `${programs} programs, ${maps} maps (${mib(map_bytes)}), ${links} links; agent ${
    mib(anonymous_bytes)
  } of its own`
}
