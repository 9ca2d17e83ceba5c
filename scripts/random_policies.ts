// bun scripts/random_policies.ts [COUNT] [SEED] [BATCH]: loads random valid policies, as root, BATCH at a time; status 1 if one does not load.
import { TestAgent } from '../tests/kernel/agent.ts'
import { askPolicies, readPolicy, unloadPolicy } from '../tests/kernel/policy.ts'
import { randomOf } from '../tests/policy/mutate.ts'
import { randomPolicy } from '../tests/policy/random_policy.ts'

const count = Number(process.argv[2] ?? 1000)
const seed = Number(process.argv[3] ?? 1)
const batch = Number(process.argv[4] ?? 20)
/** Said by the plan where a kernel has no such hook: nothing was loaded. */
const NOT_HERE = /^Cannot attach /
const random = randomOf(seed)
const load_ms: number[] = []
let [failed, not_here] = [0, 0]
await using agent = await TestAgent.start(['--stdout', 'false'])
const loaded: string[] = []
for (let i = 0; i < count; i++) {
  const name = `random-${i}`
  const yaml = randomPolicy(name, random)
  const { status, body } = await askPolicies(agent, 'POST', '/v1/policies', yaml)
  if (status !== 201) {
    const mistakes = body as { message: string }[]
    if (mistakes.every(({ message }) => NOT_HERE.test(message))) not_here++
    else {
      failed++
      console.log(`${yaml}\n${JSON.stringify(body)}`)
    }
    continue
  }
  load_ms.push((await readPolicy(agent, name)).load_ms)
  loaded.push(name)
  if (loaded.length > batch) await unloadPolicy(agent, loaded.shift()!)
}
load_ms.sort((a, b) => a - b)
const at = (share: number) => load_ms[Math.min(load_ms.length - 1, Math.floor(load_ms.length * share))]
console.log(
  `${count} random policies of seed ${seed}: ${load_ms.length} loaded, ${failed} failed, ${not_here} have no hook on this kernel; ` +
    `load p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
)
process.exitCode = failed > 0 ? 1 : 0
