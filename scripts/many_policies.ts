// bun scripts/many_policies.ts [COUNT]: loads COUNT policies of one shape, as root, and shows time and kernel memory of each; one call
// must then give an event of every one. Status 1 if not.
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from '../tests/kernel/agent.ts'
import { hookBodies, loadPolicy, policyYaml, readPolicy } from '../tests/kernel/policy.ts'
import { bpfUse } from '../tests/kernel/reload.ts'

const CALLS = path.resolve('build/program/hook_calls')
const count = Number(process.argv[2] ?? 200)

function yaml(i: number): string {
  return policyYaml(
    `many-${i}`,
    `kprobes:
- call: sys_lseek
  syscall: true
  args: [{index: 1, type: long}, {index: 2, type: int}]
  selectors:
  - matchArgs: [{index: 2, operator: Equal, values: ["4711", "${10_000 + i}"]}]`,
  )
}

await using agent = await TestAgent.start()
const load_ms: number[] = []
const first_free = memoryFree()
for (let i = 0; i < count; i++) {
  await loadPolicy(agent, yaml(i))
  load_ms.push((await readPolicy(agent, `many-${i}`)).load_ms)
  if ((i + 1) % Math.max(1, Math.floor(count / 5)) !== 0) continue
  const now = memoryFree()
  const { programs, maps, links } = bpfUse(agent.child.pid)
  console.log(
    `${i + 1} policies: ${programs} programs, ${maps} descriptors of maps, ${links} links; machine ${
      mib(first_free - now)
    } ` +
      'less free than before the first',
  )
}
const state = await readPolicy(agent, 'many-0') as unknown as { kernel_memory_bytes: number }
const events = await agent.run([CALLS, 'lseek', '1', '4711'])
const answered = Array.from({ length: count }, (_, i) => hookBodies(events, `many-${i}`).length)
await agent.requireNoLoss()
load_ms.sort((a, b) => a - b)
const at = (share: number) => load_ms[Math.min(count - 1, Math.floor(count * share))]
console.log(`${count} policies: load p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`)
console.log(
  `kernel memory of one, as its programs and own maps say: ${(state.kernel_memory_bytes / 1024).toFixed(1)} KiB`,
)
console.log(`one call gave ${answered.filter((n) => n === 1).length} events, one of each policy wanted`)
process.exitCode = answered.every((n) => n === 1) ? 0 : 1

/** Of the whole machine: worth something in a guest only. */
function memoryFree(): number {
  return Number(/^MemFree:\s+(\d+)/m.exec(fs.readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024
}

function mib(size: number): string {
  return `${(size / 2 ** 20).toFixed(1)} MiB`
}
