/** Policies on functions of programs. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { Elf } from '../../src/kernel/elf.ts'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { hookBodies, loadPolicy, policyYaml } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')

test('arguments of a function of a program are read and filtered', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'function',
      `
uprobes:
- path: ${CALLS}
  symbols: [hook_probe]
  args:
  - {index: 0, type: int64}
  - {index: 1, type: string}
  selectors:
  - matchArgs:
    - {index: 0, operator: Equal, values: ["-7"]}
`,
    ),
  )
  const events = await agent.run([CALLS, 'probe', '-7', 'seven', 'probe', '8', 'eight'])
  expect(hookBodies(events, 'function')).toEqual([{
    kind: 'process_uprobe',
    path: CALLS,
    symbol: 'hook_probe',
    policy_name: 'function',
    args: [{ long_arg: '-7' }, { string_arg: 'seven' }],
    action: 'KPROBE_ACTION_POST',
  }])
  await agent.requireNoLoss()
})

test('functions are found by offset and by address, which the event tells in place of the symbol', async () => {
  const elf = new Elf(fs.readFileSync(CALLS))
  const address = elf.symbols().get('hook_probe')!
  const offset = elf.offsetOf(address)!
  await using agent = await TestAgent.start()
  const probe = (name: string, where: string) =>
    policyYaml(name, `uprobes: [{path: ${CALLS}, ${where}, args: [{index: 0, type: int}]}]`)
  await loadPolicy(agent, probe('offset', `offsets: [${offset}]`))
  await loadPolicy(agent, probe('address', `addrs: [${address}]`))
  await loadPolicy(agent, probe('behind', 'symbols: [hook_probe+0x0]'))
  const events = await agent.run([CALLS, 'probe', '9', 'nine', 'lseek', '1', '1'])
  const told = { kind: 'process_uprobe', path: CALLS, args: [{ int_arg: 9 }], action: 'KPROBE_ACTION_POST' }
  const at = { ...told, offset: String(offset) }
  expect(hookBodies(events, 'offset')).toEqual([{ ...at, policy_name: 'offset' }])
  expect(hookBodies(events, 'address')).toEqual([{ ...at, policy_name: 'address' }])
  expect(hookBodies(events, 'behind')).toEqual([{ ...told, symbol: 'hook_probe+0x0', policy_name: 'behind' }])
  await agent.requireNoLoss()
})

test('what an argument points to is read by the types of btfPath, and filtered', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'members',
      `
uprobes:
- path: ${CALLS}
  btfPath: ${path.resolve('build/bpf/uprobe.bpf.o')}
  symbols: [hook_probe]
  args:
  - {index: 1, btfType: address_key, resolve: prefix_bits}
  - {index: 1, btfType: address_key, resolve: "bytes[1]"}
  selectors:
  - matchArgs:
    - {args: [1], operator: Equal, values: ["${'j'.charCodeAt(0)}"]}
`,
    ),
  )
  const events = await agent.run([CALLS, 'probe', '1', 'abcdefghij', 'probe', '2', 'abcdefghik'])
  expect(hookBodies(events, 'members')).toMatchObject([{
    symbol: 'hook_probe',
    args: [{ uint_arg: Buffer.from('abcd').readUInt32LE() }, { uint_arg: 'j'.charCodeAt(0) }],
  }])
  await agent.requireNoLoss()
})

test('what the argument of a static probe points to is read, from a register and from memory', async () => {
  const program = path.resolve('build/program/user_change')
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'point',
      `
usdts:
- path: ${program}
  btfPath: ${path.resolve('build/bpf/uprobe.bpf.o')}
  provider: thump
  name: point
  args:
  - {index: 0, btfType: address_key, resolve: prefix_bits}
  - {index: 1, btfType: address_key, resolve: "bytes[1]"}
  - {index: 1, type: string}
  selectors:
  - matchArgs: [{args: [1], operator: Equal, values: ["${'j'.charCodeAt(0)}"]}]
`,
    ),
  )
  const events = await agent.run(['/bin/sh', '-c', `${program} point abcdefghij; ${program} point abcdefghik; :`])
  expect(hookBodies(events, 'point')).toMatchObject([{
    provider: 'thump',
    name: 'point',
    args: [
      { uint_arg: Buffer.from('abcd').readUInt32LE() },
      { uint_arg: 'j'.charCodeAt(0) },
      { string_arg: 'abcdefghij' },
    ],
  }])
  await agent.requireNoLoss()
})

testWhere(
  process.arch === 'arm64' ? 'the program has such places on x86-64 only' : undefined,
  'arguments of a static probe are found by two registers, and by the name of a variable',
  async () => {
    const program = path.resolve('build/program/user_change')
    await using agent = await TestAgent.start()
    await loadPolicy(
      agent,
      policyYaml(
        'table',
        `
usdts:
- path: ${program}
  provider: thump
  name: table
  args:
  - {index: 0, type: int64}
  - {index: 1, type: int32}
  - {index: 2, type: int32}
  selectors:
  - matchArgs: [{args: [1], operator: Equal, values: ["-11"]}]
`,
      ),
    )
    const events = await agent.run(['/bin/sh', '-c', `${program} table 1; ${program} table 2; ${program} table 3; :`])
    expect(hookBodies(events, 'table')).toMatchObject([{
      name: 'table',
      args: [{ long_arg: `${2 ** 40}` }, { int_arg: -11 }, { int_arg: 77 }],
    }])
    await agent.requireNoLoss()
  },
)

/** A stripped Go program that is at hand wherever this is developed. */
const GO_PROGRAM = path.resolve(`node_modules/@typescript/typescript-linux-${process.arch}/lib/tsc`)

testWhere(
  fs.existsSync(GO_PROGRAM) ? undefined : 'no stripped Go program',
  'functions of a stripped Go program are found by name',
  async () => {
    await using agent = await TestAgent.start()
    await loadPolicy(agent, policyYaml('go', `uprobes: [{path: ${GO_PROGRAM}, symbols: [main.main]}]`))
    const events = await agent.run([GO_PROGRAM, '--version'], { timeout_ms: 60_000 })
    expect(hookBodies(events, 'go')).toEqual([{
      kind: 'process_uprobe',
      path: GO_PROGRAM,
      symbol: 'main.main',
      policy_name: 'go',
      action: 'KPROBE_ACTION_POST',
    }])
  },
)
