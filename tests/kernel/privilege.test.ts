/** The capabilities of the DaemonSet: enough for everything, and the agent says what goes missing without each. */
import { afterAll, expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parse } from 'yaml'
import type { Feature } from '../../src/kernel/facts.ts'
import { type AgentOptions, TestAgent } from './agent.ts'
import { testWhere } from './need.ts'

const ROOT = path.join(import.meta.dirname, '../..')
/** A copy of a program that only another user may read. */
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-privilege-'))
const PROGRAM = path.join(directory, 'private/write')
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

interface DaemonSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          { readonly securityContext: { readonly capabilities: { readonly add: string[] } } },
        ]
      }
    }
  }
}

const manifest = parse(fs.readFileSync(path.join(ROOT, 'deploy/base/daemonset.yaml'), 'utf8')) as DaemonSet
const CAPABILITIES = manifest.spec.template.spec.containers[0].securityContext.capabilities.add

/** Those of CAP_LAST_CAP that a bounding set has, by number. */
function bounded(bit: number): boolean {
  const mask = /^CapBnd:\s+([0-9a-f]+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))![1]!
  return (BigInt(`0x${mask}`) >> BigInt(bit) & 1n) === 1n
}

/** Without more privileges than a container with these capabilities has; the usual limit of locked memory. */
function as(capabilities: readonly string[]): AgentOptions {
  const names = capabilities.filter((name) => name !== 'SYS_RESOURCE' || bounded(24)).map((name) => name.toLowerCase())
  const set = ['-all', ...names.map((name) => `+${name}`)].join(',')
  return {
    prefix: [
      'prlimit',
      '--memlock=65536:65536',
      'setpriv',
      `--bounding-set=${set}`,
      '--inh-caps=-all',
      '--no-new-privs',
    ],
  }
}

async function coverage(agent: TestAgent): Promise<Map<string, Feature>> {
  const features = await (await agent.request('/v1/coverage')).json() as Feature[]
  return new Map(features.map((feature) => [feature.name, feature]))
}

const paranoid = Number(fs.readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'))

function isParanoid({ reason }: Feature): boolean {
  return reason.includes(`kernel.perf_event_paranoid is ${paranoid}`)
}

function without(capability: string): string[] {
  return CAPABILITIES.filter((name) => name !== capability)
}

const POLICY = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: private-program
spec:
  uprobes:
  - path: ${PROGRAM}
    symbols: [main]
`

/** One policy per kind of hook that this machine may have, by the feature that says so. */
const KINDS: Readonly<Record<string, string>> = {
  'system call hooks': '{kprobes: [{call: sys_setns, syscall: true, args: [{index: 0, type: int}]}]}',
  'function hooks (kprobes:)': '{kprobes: [{call: __audit_inode_child, syscall: false}]}',
  'return values':
    '{kprobes: [{call: security_bprm_check, syscall: false, return: true, returnArg: {index: 0, type: int}}]}',
  'process events': '{tracepoints: [{subsystem: task, event: task_rename, raw: true}]}',
  'tracepoint policies': '{tracepoints: [{subsystem: task, event: task_rename}]}',
  'LSM hooks (lsmhooks:)': '{lsmhooks: [{hook: bprm_check_security, args: [{index: 0, type: linux_binprm}]}]}',
}

async function load(agent: TestAgent, body = POLICY): Promise<{ readonly status: number; readonly text: string }> {
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const answer = await agent.request('/v1/policies', { method: 'POST', headers: { authorization }, body })
  return { status: answer.status, text: await answer.text() }
}

function makePrivate(): void {
  fs.mkdirSync(path.dirname(PROGRAM), { recursive: true })
  fs.copyFileSync(path.join(ROOT, 'build/program/setns'), PROGRAM)
  fs.chmodSync(PROGRAM, 0o700)
  fs.chmodSync(path.dirname(PROGRAM), 0o700)
  fs.chownSync(PROGRAM, 65_534, 65_534)
  fs.chownSync(path.dirname(PROGRAM), 65_534, 65_534)
}

/** A function that a loaded module has, and nobody else; undefined where there is none that could be hooked. */
function moduleFunction(): string | undefined {
  let text: string
  try {
    text = fs.readFileSync('/sys/kernel/tracing/available_filter_functions', 'utf8')
  } catch {
    return undefined // a kernel without such tracing
  }
  const times = new Map<string, number>()
  for (const [, name] of text.matchAll(/^(\S+)/gm)) times.set(name!, (times.get(name!) ?? 0) + 1)
  const found = [...text.matchAll(/^([a-z]\w+) \[(\w+)\]$/gm)]
  return found.find(([, name, module]) => times.get(name!) === 1 && fs.existsSync(`/sys/kernel/btf/${module}`))?.[1]
}

const module_function = moduleFunction()
const old = os.release().startsWith('5.10.')
const hidden = fs.existsSync(path.join(ROOT, 'build/program/setns')) ? undefined : 'no build/program/setns'

test('with the capabilities of the DaemonSet every feature is as with all', async () => {
  const [all, some] = [await TestAgent.start(), await TestAgent.start([], as(CAPABILITIES))]
  await using _ = all
  await using __ = some
  const [expected, found] = [await coverage(all), await coverage(some)]
  // 65,536 bytes: what lifts the limit is not in every machine's bounding set.
  for (const features of [expected, found]) features.delete('locked memory')
  // Only all capabilities show who else is at hooks; two agents find each other there.
  expect(found.get('integrity')!.reason).toContain('as they were loaded; foreign programs cannot be told: ')
  for (const features of [expected, found]) features.delete('integrity')
  const uprobes = found.get('user functions (uprobes:, usdts:)')!
  if (uprobes.state === 'absent') {
    expect(uprobes.reason).toStartWith('this kernel wants CAP_SYS_ADMIN for uprobes')
    for (const features of [expected, found]) features.delete(uprobes.name)
  }
  // Kernels of Debian 11 and 12: some is done in another way, none is silently missing.
  for (const feature of [...found.values()].filter(isParanoid)) {
    expect([feature.name, feature.state === 'active']).toEqual([feature.name, false])
    for (const features of [expected, found]) features.delete(feature.name)
  }
  // One by one in the way that is left.
  if (paranoid > 2) { for (const features of [expected, found]) features.delete('many functions at once (list:)') }
  expect([...found.values()]).toEqual([...expected.values()])
  expect(some.stderr).not.toContain('missing privilege')
  const events = await some.run(['/bin/true', 'seen'])
  expect(events.map(({ kind }) => kind)).toEqual(['process_exec', 'process_exit'])
})

test('with the capabilities of the DaemonSet policies load, whatever their hooks name that this kernel lacks', async () => {
  await using agent = await TestAgent.start([], as(CAPABILITIES))
  const found = await coverage(agent)
  const answers: Record<string, unknown> = {}
  const expected: Record<string, unknown> = {}
  for (const [feature, spec] of Object.entries(KINDS)) {
    if (isParanoid(found.get(feature)!) || found.get(feature)!.state === 'absent') continue
    const name = feature.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')
    const body = `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: ${name}}\nspec: ${spec}\n`
    const { status, text } = await load(agent, body)
    answers[feature] = status === 201 ? status : text
    expected[feature] = 201
  }
  expect(answers).toEqual(expected)
  expect(answers['system call hooks']).toBe(201)
  expect(answers['process events']).toBe(201)
  if (found.get('tracepoint policies')!.state === 'active') return
  const { status, text } = await load(
    agent,
    `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: classic}\nspec: ${
      KINDS['tracepoint policies']
    }\n`,
  )
  expect([status, text]).toMatchObject([422, expect.stringContaining('kernel.perf_event_paranoid is')])
})

testWhere(
  module_function === undefined ? 'no function of a module that can be traced' : undefined,
  'a function of a module is hooked by kprobe, or by a trampoline where CAP_SYS_ADMIN shows the module',
  async () => {
    const spec = `{kprobes: [{call: ${module_function}, syscall: false}]}`
    const body = `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: of-module}\nspec: ${spec}\n`
    const answer = async (capabilities: readonly string[]) => {
      await using agent = await TestAgent.start([], as(capabilities))
      const { status, text } = await load(agent, body)
      return status === 201 ? 'loaded' : text
    }
    expect([module_function, await answer([...CAPABILITIES, 'SYS_ADMIN'])]).toEqual([module_function, 'loaded'])
    const some = await answer(CAPABILITIES)
    if (paranoid <= 2) expect([module_function, some]).toEqual([module_function, 'loaded'])
    else {
      expect(some).toContain('a trampoline at a function of a module takes CAP_SYS_ADMIN')
      expect(some).toContain('wants CAP_SYS_ADMIN for kprobes')
    }
  },
)

test.each([
  ['BPF', 'programs and maps cannot be loaded'],
  ['PERFMON', 'programs cannot be attached to tracepoints and functions'],
  ['SYS_PTRACE', 'containers cannot be told from the host'],
])('without CAP_%s it does not start, and says what that is for', async (capability, text) => {
  await using agent = await TestAgent.start([], { ...as(without(capability)), wait: false })
  expect(await agent.exited()).toBe(3)
  expect(agent.stderr).toContain(`Missing CAP_${capability}: `)
  expect(agent.stderr).toContain(text)
})

test('without CAP_SYSLOG: no names in kernel stack traces, and nothing else', async () => {
  await using agent = await TestAgent.start([], as(without('SYSLOG')))
  const features = await coverage(agent)
  expect(features.get('names in kernel stack traces')).toMatchObject({
    state: 'absent',
    reason: '/proc/kallsyms shows no addresses without CAP_SYSLOG',
  })
  expect(await agent.logged(['missing privilege'])).toEqual([expect.stringContaining('without CAP_SYSLOG')])
})

testWhere(hidden, 'without CAP_DAC_READ_SEARCH: no uprobes in programs that only their owner may read', async () => {
  makePrivate()
  {
    await using agent = await TestAgent.start([], as([...without('DAC_READ_SEARCH'), 'SYS_ADMIN']))
    expect((await coverage(agent)).get('files that only their owner may read')?.state).toBe('absent')
    expect(await agent.logged(['needs CAP_DAC_READ_SEARCH'])).toHaveLength(1)
    expect(await load(agent)).toMatchObject({ status: 422, text: expect.stringContaining(PROGRAM) })
  }
  await using agent = await TestAgent.start([], as([...CAPABILITIES, 'SYS_ADMIN']))
  expect(await load(agent)).toMatchObject({ status: 201 })
})

test('without CAP_SYS_RESOURCE: before 5.11 it does not start and names the limit, after that nothing is lost', async () => {
  await using agent = await TestAgent.start([], { ...as(without('SYS_RESOURCE')), wait: false })
  if (old) {
    expect(await agent.exited()).toBe(3)
    expect(agent.stderr).toContain('ulimit -l unlimited, or CAP_SYS_RESOURCE')
    return
  }
  await agent.ready()
  expect((await coverage(agent)).get('locked memory')).toMatchObject({
    state: 'fallback',
    reason: expect.stringContaining('limit 65536 bytes without CAP_SYS_RESOURCE'),
  })
  expect(agent.stderr).not.toContain('missing privilege')
})
