// bun scripts/random_policies.ts [COUNT] [SEED] [BATCH]: loads random valid policies, as root, BATCH at a time; status 1 if one does not load.
import { loadRandom } from '../tests/kernel/random.ts'

const count = Number(process.argv[2] ?? 1000)
const seed = Number(process.argv[3] ?? 1)
const { load_ms, insns_most, failed, not_here } = await loadRandom(count, seed, Number(process.argv[4] ?? 20))
for (const { yaml, answer } of failed) console.log(`${yaml}\n${JSON.stringify(answer)}`)
const at = (share: number) => load_ms[Math.min(load_ms.length - 1, Math.floor(load_ms.length * share))]
console.log(
  `${count} random policies of seed ${seed}: ${load_ms.length} loaded, ${failed.length} failed, ${not_here} have no hook on this kernel; ` +
    `load p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms; at most ${insns_most} instructions verified`,
)
process.exitCode = failed.length > 0 ? 1 : 0
