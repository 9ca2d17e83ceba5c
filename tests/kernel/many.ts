// Many policies of one shape in one agent: what each takes of time and of the kernel's memory, and whether all of them work.
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { hookBodies, loadPolicy, type PolicyState, policyYaml, readPolicy, unloadPolicy } from './policy.ts'
import { type BpfUse, bpfUse } from './reload.ts'

const CALLS = path.resolve('build/program/hook_calls')

export interface ManyReport {
  /** By policy, in order. */
  readonly load_ms: readonly number[]
  /** From the request to its answer, plan and attachment included. */
  readonly total_ms: readonly number[]
  /** What the kernel says of the programs of one, and of the maps that only it has. */
  readonly kernel_memory_bytes: readonly number[]
  readonly samples: readonly ManySample[]
  /** How each was attached: `fentry __x64_sys_lseek`. */
  readonly attach: readonly string[]
  /** The same of one more, loaded after the first was unloaded. */
  readonly attach_after: string
  /** Events of each policy for one call that all of them match. */
  readonly events: readonly number[]
}

export interface ManySample extends BpfUse {
  readonly policies: number
  /** Of the whole machine: worth something in a guest only. */
  readonly used_bytes: number
}

/** All match whence 4711; each has a value of its own beside it. */
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

/** Samples are taken after the first policy, which makes the shared maps, and after each further fifth. */
export async function loadMany(count: number): Promise<ManyReport> {
  await using agent = await TestAgent.start()
  const load_ms: number[] = []
  const total_ms: number[] = []
  const kernel_memory_bytes: number[] = []
  const samples: ManySample[] = []
  const attach: string[] = []
  const first_free = memoryFree()
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await loadPolicy(agent, yaml(i))
    total_ms.push(Math.round(performance.now() - start))
    const state = await readPolicy(agent, `many-${i}`)
    load_ms.push(state.load_ms)
    kernel_memory_bytes.push(state.kernel_memory_bytes)
    attach.push(attachOf(state))
    if (i > 0 && (i + 1) % Math.max(1, Math.floor(count / 5)) !== 0) continue
    samples.push({ policies: i + 1, used_bytes: first_free - memoryFree(), ...bpfUse(agent.child.pid) })
  }
  const events = await agent.run([CALLS, 'lseek', '1', '4711', 'lseek', '1', '4712'])
  const answered = Array.from({ length: count }, (_, i) => hookBodies(events, `many-${i}`).length)
  await agent.requireNoLoss()
  await unloadPolicy(agent, 'many-0')
  await loadPolicy(agent, yaml(count))
  const attach_after = attachOf(await readPolicy(agent, `many-${count}`))
  return { load_ms, total_ms, kernel_memory_bytes, samples, attach, attach_after, events: answered }
}

function attachOf({ hooks }: PolicyState): string {
  return hooks.flatMap((hook) => hook.attach).join(' + ')
}

/** Memory per policy between the first sample and the last: of the machine without the agent's own, and of all maps. */
export function bytesPerPolicy({ samples }: ManyReport): { readonly machine: number; readonly maps: number } {
  const [first, last] = [samples[0]!, samples.at(-1)!]
  const more = last.policies - first.policies
  return {
    machine: (last.used_bytes - last.anonymous_bytes - first.used_bytes + first.anonymous_bytes) / more,
    maps: (last.map_bytes - first.map_bytes) / more,
  }
}

/** MemFree without what files are cached in. */
function memoryFree(): number {
  const text = fs.readFileSync('/proc/meminfo', 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024
  return of('MemFree') + of('Cached') + of('Buffers') - of('Shmem')
}
