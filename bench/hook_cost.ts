// bun bench/hook_cost.ts [CALLS]: what one hit of a policy hook costs in the kernel (run_time_ns / run_cnt), as root; a table for
// docs/benchmarks-hooks.md. Worth most in a guest that has all attach kinds: `bun run guest --kernel 6.12 -- bun bench/hook_cost.ts`.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { TestAgent } from '../tests/kernel/agent.ts'
import { askPolicies, policyYaml, readPolicy, unloadPolicy } from '../tests/kernel/policy.ts'

const STATS = '/proc/sys/kernel/bpf_stats_enabled'
const CALLS = path.resolve('build/program/hook_calls')
const calls = Number(process.argv[2] ?? 20_000)

const SELECTORS = {
  'matches nothing': '- matchArgs: [{index: 2, operator: Equal, values: ["99"]}]',
  'posts': '- matchArgs: [{index: 2, operator: Equal, values: ["4711"]}]',
} as const

/** The same arguments and selectors, attached in the ways that the policy language has. */
const HOOKS: Readonly<Record<string, (selector: string) => string>> = {
  'system call': (selector) => kprobes('sys_lseek', '', selector),
  'system call with its result': (selector) =>
    kprobes('sys_lseek', '\n  return: true\n  returnArg: {index: 0, type: long}', selector),
  'one of a list': (selector) =>
    `lists:\n- {name: seeks, type: syscalls, values: [sys_lseek, sys_dup3]}\n${kprobes('list:seeks', '', selector)}`,
}

function kprobes(call: string, more: string, selector: string): string {
  return `kprobes:\n- call: "${call}"\n  syscall: true${more}
  args: [{index: 0, type: int}, {index: 1, type: long}, {index: 2, type: int}]\n  selectors:\n  ${selector}`
}

interface Counted {
  readonly cost: { readonly run_count: number; readonly run_time_ns: number }
}

const former = fs.readFileSync(STATS, 'utf8').trim()
fs.writeFileSync(STATS, '1')
try {
  await using agent = await TestAgent.start()
  console.log(`${calls} calls each, kernel ${os.release()}. Times of an emulated guest compare with each other only.\n`)
  console.log('| hook | attached by | selector | ns per run | runs |\n|---|---|---|---|---|')
  for (const [name, spec] of Object.entries(HOOKS)) {
    for (const [what, selector] of Object.entries(SELECTORS)) {
      const answer = await askPolicies(agent, 'POST', '/v1/policies', policyYaml('cost', spec(selector)))
      if (answer.status !== 201) throw new Error(`Cannot load: ${JSON.stringify(answer.body)}`)
      const before = await count(agent)
      await agent.run([CALLS, 'repeat', String(calls), '1', '4711'], { timeout_ms: 60_000 })
      const after = await count(agent)
      const { hooks } = await readPolicy(agent, 'cost')
      const runs = after.run_count - before.run_count
      const ns = ((after.run_time_ns - before.run_time_ns) / runs).toFixed(0)
      console.log(
        `| ${name} | ${hooks.map(({ attach }) => attach.join(' + ')).join(', ')} | ${what} | ${ns} | ${runs} |`,
      )
      await unloadPolicy(agent, 'cost')
      agent.events.length = 0
    }
  }
  await agent.requireNoLoss()
} finally {
  fs.writeFileSync(STATS, former)
}

async function count(agent: TestAgent): Promise<Counted['cost']> {
  return (await readPolicy(agent, 'cost') as unknown as Counted).cost
}
