// bun bench/hook_cost.ts [CALLS]: what one hit of a policy hook costs in the kernel (run_time_ns / run_cnt), as root; its output is
// docs/hook_cost.md. Worth most in a guest that has all attach kinds: `bun run guest --kernel 6.12 -- bun bench/hook_cost.ts`.
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

const RESULT = '\n  return: true\n  returnArg: {index: 0, type: long}'
/** Needs a kprobe, because trampolines have no registers. */
const REGISTER = '\n  data: [{type: uint64, source: pt_regs, resolve: rsp}]'

/** The same arguments and selectors, attached in the ways that the policy language has. */
const HOOKS: Readonly<Record<string, (selector: string) => string>> = {
  'system call': (selector) => kprobes('sys_lseek', '', selector),
  // The same, but where the kernel preempts (docs/kernels.md).
  'system call, in fentries': (selector) => kprobes('sys_lseek', '', selector).replace('kprobes:', 'fentries:'),
  'system call, registers wanted': (selector) => kprobes('sys_lseek', REGISTER, selector),
  'with its result, in fentries': (selector) => kprobes('sys_lseek', RESULT, selector).replace('kprobes:', 'fentries:'),
  'with its result': (selector) => kprobes('sys_lseek', RESULT, selector),
  'with its result, registers wanted': (selector) => kprobes('sys_lseek', RESULT + REGISTER, selector),
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
  // Nobody reads: only the kernel's side is measured.
  await using agent = await TestAgent.start(['--stdout', 'false'])
  console.log(`# What a hook costs

Written by \`bun bench/hook_cost.ts\` (in a guest: \`bun run guest --kernel 6.12 -- bun bench/hook_cost.ts\`): ${calls} calls of lseek each, kernel ${os.release()}, run_time_ns / run_cnt
of all programs of the hook together, some 20 ns of taking the time included. Times of an emulated guest compare with each other only.
What is attached to sys_enter runs at every system call of the machine, so that other processes' calls are in it, too.

| hook | attached by | selector | ns per run | runs | ns per call |
|---|---|---|---|---|---|`)
  for (const [name, spec] of Object.entries(HOOKS)) {
    for (const [what, selector] of Object.entries(SELECTORS)) console.log(await row(agent, name, what, spec(selector)))
  }
} finally {
  fs.writeFileSync(STATS, former)
}

async function row(agent: TestAgent, name: string, what: string, spec: string): Promise<string> {
  const answer = await askPolicies(agent, 'POST', '/v1/policies', policyYaml('cost', spec))
  if (answer.status !== 201) return `| ${name} | not on this kernel | | | | |`
  const before = await count(agent)
  await Bun.spawn([CALLS, 'repeat', String(calls), '1', '4711'], { stdout: 'ignore' }).exited
  const after = await count(agent)
  const { hooks } = await readPolicy(agent, 'cost')
  await unloadPolicy(agent, 'cost')
  const runs = after.run_count - before.run_count
  const spent_ns = after.run_time_ns - before.run_time_ns
  const attach = hooks.map((hook) => hook.attach.join(' + ')).join(', ')
  return `| ${name} | ${attach} | ${what} | ${(spent_ns / runs).toFixed(0)} | ${runs} | ${
    (spent_ns / calls).toFixed(0)
  } |`
}

async function count(agent: TestAgent): Promise<Counted['cost']> {
  return (await readPolicy(agent, 'cost') as unknown as Counted).cost
}
