// bun scripts/many_policies.ts [COUNT]: loads COUNT policies of one shape, as root, and shows time and kernel memory of each; one call
// must then give an event of every one. Status 1 if not.
import { bytesPerPolicy, loadMany } from '../tests/kernel/many.ts'

const count = Number(process.argv[2] ?? 200)
const report = await loadMany(count)
for (const { policies, programs, maps, links, map_bytes, used_bytes, anonymous_bytes } of report.samples) {
  console.log(
    `${policies} policies: ${programs} programs, ${maps} descriptors of maps (${
      mib(map_bytes)
    } in all), ${links} links; ` +
      `agent ${mib(anonymous_bytes)} of its own; the machine has ${mib(used_bytes)} less than before the first`,
  )
}
const { machine, maps } = bytesPerPolicy(report)
console.log(`load, ms each: ${report.load_ms.join(' ')}`)
console.log(`${count} policies: load ${spread(report.load_ms)}; request to answer ${spread(report.total_ms)}`)
console.log(
  `memory of a further policy: programs and own maps ${kib(report.kernel_memory_bytes.at(-1) ?? 0)}, all maps ${
    kib(maps)
  }, machine without the agent's own ${kib(machine)}`,
)
const answered = report.events.filter((events) => events === 1).length
console.log(`one call gave ${answered} events, one of each policy wanted`)
process.exitCode = answered === count ? 0 : 1

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`
}

function mib(size: number): string {
  return `${(size / 2 ** 20).toFixed(1)} MiB`
}

function kib(size: number): string {
  return `${(size / 1024).toFixed(1)} KiB`
}
