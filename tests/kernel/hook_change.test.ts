/** Policies that change what a program does: registers at a function, memory at a static probe. */
import { afterAll, beforeAll, expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Elf } from '../../src/kernel/elf.ts'
import { TestAgent, type TestEvent } from './agent.ts'
import { testWhere } from './need.ts'
import { askPolicies, hookBodies, loadPolicy, policyYaml, unloadPolicy } from './policy.ts'

const CHANGE = path.resolve('build/program/user_change')
const [major = 0, minor = 0] = os.release().split('.').map(Number)
const NEW = major > 6 || (major === 6 && minor >= 18)
const LOCKED = lockedDown()
const no_writes = !NEW
  ? `no uprobe that writes registers: ${os.release()} is older than 6.18`
  : LOCKED
  ? 'kernel lockdown'
  : undefined
const arm = process.arch === 'arm64' ? 'Override in uprobes is for x86-64' : undefined

/** From integrity on, programs may not write what belongs to processes. */
function lockedDown(): boolean {
  const state = '/sys/kernel/security/lockdown'
  if (fs.existsSync(state)) return !fs.readFileSync(state, 'utf8').includes('[none]')
  const config = '/proc/config.gz'
  if (!fs.existsSync(config)) return false
  const text = new TextDecoder().decode(Bun.gunzipSync(fs.readFileSync(config)))
  return /^CONFIG_LOCK_DOWN_KERNEL_FORCE_(INTEGRITY|CONFIDENTIALITY)=y$/m.test(text)
}

/** One for all: each test takes its policy out again. */
let agent: TestAgent

beforeAll(async () => {
  agent = await TestAgent.start(['--allow-match-all'])
})

afterAll(async () => await agent[Symbol.asyncDispose]())

/** Until it is disposed. */
async function withPolicy(name: string, yaml: string): Promise<AsyncDisposable> {
  await loadPolicy(agent, yaml)
  return { [Symbol.asyncDispose]: async () => await unloadPolicy(agent, name) }
}

async function statusOf(...words: string[]): Promise<{ status: number; events: TestEvent[] }> {
  const events = await agent.run([CHANGE, ...words])
  const exit = events.find(({ kind }) => kind === 'process_exit')
  return { status: Number(exit?.body.status ?? 0), events }
}

function override(name: string, action: string, more = ''): string {
  return policyYaml(
    name,
    `
uprobes:
- path: ${CHANGE}
  symbols: [change_target]
  args:
  - {index: 0, type: int32}
  selectors:
  - matchArgs:
    - {index: 0, operator: Equal, values: ["5"]}
    matchActions:
    - action: Override
${action.split('\n').map((line) => `      ${line}`).join('\n')}
${more}`,
  )
}

testWhere(
  arm ?? no_writes,
  'Override leaves a function at once, with argError as its result, for calls that match',
  async () => {
    await using _policy = await withPolicy('leave', override('leave', 'argError: 42'))
    const changed = await statusOf('call', '5')
    expect(changed.status).toBe(42)
    expect(hookBodies(changed.events, 'leave')).toEqual([{
      kind: 'process_uprobe',
      path: CHANGE,
      symbol: 'change_target',
      policy_name: 'leave',
      args: [{ int_arg: 5 }],
      action: 'KPROBE_ACTION_OVERRIDE',
    }])
    expect(changed.events.find(({ kind }) => kind === 'process_uprobe')?.line.thump).toMatchObject({
      verdict: 'prevented',
    })
    const other = await statusOf('call', '6')
    expect(other.status).toBe(7)
    expect(hookBodies(other.events, 'leave')).toEqual([])
    await agent.requireNoLoss()
  },
)

testWhere(arm ?? no_writes, 'argRegs are written one after the other, parts of registers, too', async () => {
  await using _policy = await withPolicy(
    'registers',
    override('registers', 'argRegs: ["rax=0x1100", "al=7", "rdx=%rdi", "rax=3%rax", "rip=(%rsp)", "rsp=8%rsp"]'),
  )
  // 0x1100, then 0x1107, plus 3: exit statuses have eight bits.
  expect((await statusOf('call', '5')).status).toBe(0x0a)
  expect((await statusOf('call', '4')).status).toBe(5)
  await agent.requireNoLoss()
})

/** Of a function of the program: the address it is linked at, and where it lies in the file. */
function placeOf(symbol: string): { address: bigint; offset: bigint } {
  const elf = new Elf(fs.readFileSync(CHANGE))
  const address = elf.symbols().get(symbol)
  const offset = address === undefined ? undefined : elf.offsetOf(address)
  if (address === undefined || offset === undefined) throw new Error(`No ${symbol} in ${CHANGE}`)
  return { address, offset }
}

const MOVES: readonly (readonly [string, () => string])[] = [
  ['symbol', () => 'argNewSymbol: change_other'],
  ['symbol and offset', () => 'argNewSymbol: change_other+0x0'],
  ['address', () => `argNewAddr: ${placeOf('change_other').address}`],
  ['file offset', () => `argNewOffset: ${placeOf('change_other').offset}`],
]
for (const [name, action] of MOVES) {
  testWhere(arm ?? no_writes, `Override goes on at a new ${name}`, async () => {
    await using _policy = await withPolicy('moved', override('moved', action()))
    const moved = await statusOf('call', '5')
    expect(moved.status).toBe(55)
    expect(hookBodies(moved.events, 'moved')).toMatchObject([{ action: 'KPROBE_ACTION_OVERRIDE' }])
    expect((await statusOf('call', '6')).status).toBe(7)
    await agent.requireNoLoss()
  })
}

testWhere(arm ?? no_writes, 'an address outside of what the file loads is refused', async () => {
  const yaml = override('nowhere', 'argNewAddr: 16')
  const { status, body } = await askPolicies(agent, 'POST', '/v1/policies', yaml)
  expect(status).toBe(422)
  expect(JSON.stringify(body)).toContain('Address 0x10 is in no loaded segment')
})

testWhere(arm ?? no_writes, 'of several functions each goes to the new one from where it is', async () => {
  await using _policy = await withPolicy(
    'both',
    override('both', 'argNewSymbol: change_other').replace('[change_target]', '[change_target, change_second]'),
  )
  expect((await statusOf('two', '5')).status).toBe(110)
  expect((await statusOf('two', '1')).status).toBe(5)
})

testWhere(arm ?? no_writes, 'monitor mode changes nothing and says what it would have', async () => {
  await using _policy = await withPolicy(
    'watching',
    override('watching', 'argError: 42', 'options: [{name: policy-mode, value: monitor}]'),
  )
  const { status, events } = await statusOf('call', '5')
  expect(status).toBe(6)
  const event = events.find(({ kind }) => kind === 'process_uprobe')
  expect(event?.body.action).toBe('KPROBE_ACTION_OVERRIDE')
  expect(event?.line.thump).toMatchObject({ verdict: 'monitored' })
})

testWhere(
  no_writes === undefined ? 'this kernel has uprobes that write registers' : undefined,
  'Override is refused with the reason',
  async () => {
    const { status, body } = await askPolicies(agent, 'POST', '/v1/policies', override('leave', 'argError: 42'))
    expect(status).toBe(422)
    expect(JSON.stringify(body)).toContain(LOCKED ? 'lockdown' : '6.18')
    expect((await statusOf('call', '5')).status).toBe(6)
  },
)

testWhere(
  LOCKED ? 'kernel lockdown' : undefined,
  'Set writes the variable that a static probe names, for calls that match',
  async () => {
    await using _policy = await withPolicy(
      'gate',
      policyYaml(
        'gate',
        `
usdts:
- path: ${CHANGE}
  provider: thump
  name: gate
  args:
  - {index: 0, type: int32}
  selectors:
  - matchArgs:
    - {index: 0, operator: Equal, values: ["5"]}
    matchActions:
    - {action: Set, argIndex: 0, argValue: 32}
`,
      ),
    )
    const changed = await statusOf('gate', '5')
    expect(changed.status).toBe(32)
    expect(hookBodies(changed.events, 'gate')).toEqual([{
      kind: 'process_usdt',
      path: CHANGE,
      provider: 'thump',
      name: 'gate',
      policy_name: 'gate',
      args: [{ int_arg: 5 }],
      action: 'KPROBE_ACTION_SET',
    }])
    const other = await statusOf('gate', '6')
    expect(other.status).toBe(6)
    expect(hookBodies(other.events, 'gate')).toEqual([])
    await agent.requireNoLoss()
  },
)

testWhere(
  arm ?? (LOCKED ? 'kernel lockdown' : undefined),
  'Set writes what two registers lead to',
  async () => {
    await using _policy = await withPolicy(
      'table',
      policyYaml(
        'table',
        `
usdts:
- path: ${CHANGE}
  provider: thump
  name: table
  args:
  - {index: 1, type: int32}
  selectors:
  - matchArgs:
    - {index: 1, operator: Equal, values: ["-12"]}
    matchActions:
    - {action: Set, argIndex: 1, argValue: 33}
`,
      ),
    )
    expect((await statusOf('table', '3')).status).toBe(33)
    expect((await statusOf('table', '2')).status).toBe(256 - 11)
    await agent.requireNoLoss()
  },
)
