/** The same hooks through every family of programs: paths, sockets and results are read and filtered alike, and nothing else comes. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { AttachKind } from '../../src/kernel/facts.ts'
import { objectFile } from '../../src/kernel/objects.ts'
import { probeFacts } from '../../src/kernel/probe.ts'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { hookBodies, loadPolicy, policyYaml, readPolicy } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')
/** Nobody listens there. */
const PORT = 47_11
const facts = probeFacts({ btf: '', procfs: '/proc', object: objectFile('probe') })
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-family-'))
const inside = path.join(directory, 'inside')
const outside = path.join(directory, 'outside')

/** What the kernel does not have of `kinds`, as it says itself. */
function missing(...kinds: readonly AttachKind[]): string | undefined {
  const kind = kinds.find((each) => !facts.attach[each].works)
  return kind === undefined ? undefined : `no ${kind}: ${facts.attach[kind].reason}`
}

interface Family {
  readonly name: string
  readonly kind: 'kprobes' | 'fentries'
  /** Kernel fact that is not there. */
  readonly missing: string | undefined
  /** Keys of the hook beyond those that all have. */
  readonly more: string
  /** By whether the result is wanted. */
  readonly attach: readonly [entry: readonly string[], result: readonly string[]]
}

const REGISTER = '\n  data: [{type: uint64, source: pt_regs, resolve: rsp}]'
const FAMILIES: readonly Family[] = [
  {
    name: 'fentry and fexit',
    kind: 'fentries',
    missing: missing('fentry', 'fexit'),
    more: '',
    attach: [['fentry'], ['fentry', 'fexit']],
  },
  {
    name: 'kprobe.multi and kretprobe.multi',
    kind: 'kprobes',
    missing: facts.preempts ? missing('kprobe_multi') : 'the kernel preempts nothing here, so that fentry comes first',
    more: '',
    attach: [['kprobe.multi'], ['kprobe.multi', 'kretprobe.multi']],
  },
  {
    name: 'kprobe and kretprobe',
    kind: 'kprobes',
    missing: missing('kprobe'),
    more: REGISTER,
    attach: [['kprobe'], ['kprobe', 'kretprobe']],
  },
]

beforeAll(() => {
  for (const each of [inside, outside]) {
    fs.mkdirSync(path.join(each, 'folder'), { recursive: true })
    fs.writeFileSync(path.join(each, 'file'), '')
  }
})
afterAll(() => fs.rmSync(directory, { recursive: true }))

function truncate(name: string, { kind, more }: Family, rest: string): string {
  return policyYaml(
    name,
    `
${kind}:
- call: vfs_truncate
  syscall: false${more}
  args: [{index: 0, type: path}, {index: 1, type: int64}]
${rest}`,
  )
}

async function attachOf(agent: TestAgent, policy: string): Promise<readonly (readonly string[])[]> {
  return (await readPolicy(agent, policy)).hooks.map(({ attach }) => attach)
}

const TRUNCATED = [inside, outside].flatMap((each) => ['file', 'folder'].map((name) => path.join(each, name)))

for (const family of FAMILIES) {
  const { name, attach } = family
  testWhere(family.missing, `paths and results by ${name}: inside and outside, done and failed`, async () => {
    await using agent = await TestAgent.start()
    const prefix = `selectors:\n  - matchArgs: [{index: 0, operator: Prefix, values: ["${inside}/"]}]`
    const result = 'return: true\n  returnArg: {index: 0, type: int}'
    const failed = '    matchReturnArgs: [{operator: Equal, values: ["-21", "-22"]}]'
    await loadPolicy(agent, truncate('entry', family, `  return: false\n  ${prefix}`))
    await loadPolicy(agent, truncate('result', family, `  ${result}\n  ${prefix}`))
    await loadPolicy(agent, truncate('failed', family, `  ${result}\n  ${prefix}\n${failed}`))
    await loadPolicy(agent, truncate('other', family, `  ${result}\n  ${prefix.replace('Prefix', 'NotPrefix')}`))
    const events = await agent.run([CALLS, ...TRUNCATED.flatMap((file) => ['truncate', file])])
    const seen = (policy: string) =>
      hookBodies(events, policy).map(({ function_name, args, return: value }) => ({
        function_name,
        path: (args as [{ path_arg: { path: string } }])[0].path_arg.path,
        length: (args as [unknown, { long_arg: string }])[1].long_arg,
        value,
      }))
    const wanted = (where: string, name: string, value?: number) => ({
      function_name: 'vfs_truncate',
      path: path.join(where, name),
      length: '7',
      value: value === undefined ? undefined : { int_arg: value },
    })
    const [done, is_folder] = [0, -os.constants.errno.EISDIR]
    expect(seen('entry')).toEqual([wanted(inside, 'file'), wanted(inside, 'folder')])
    expect(seen('result')).toEqual([wanted(inside, 'file', done), wanted(inside, 'folder', is_folder)])
    expect(seen('failed')).toEqual([wanted(inside, 'folder', is_folder)])
    expect(seen('other')).toEqual([wanted(outside, 'file', done), wanted(outside, 'folder', is_folder)])
    expect(await attachOf(agent, 'entry')).toEqual([[...attach[0]]])
    expect(await attachOf(agent, 'result')).toEqual([[...attach[1]]])
    await agent.requireNoLoss()
  })

  testWhere(family.missing, `sockets by ${name}: addresses and ports, and none but those`, async () => {
    await using agent = await TestAgent.start()
    const connect = (policy: string, filter: string) =>
      policyYaml(
        policy,
        `
${family.kind}:
- call: tcp_connect
  syscall: false${family.more}
  return: true
  args: [{index: 0, type: sock}]
  returnArg: {index: 0, type: int}
  selectors:
  - matchArgs: [{index: 0, ${filter}}]
    matchBinaries: [{operator: In, values: ["${CALLS}"]}]
`,
      )
    await loadPolicy(agent, connect('port', `operator: DPort, values: ["${PORT}"]`))
    await loadPolicy(agent, connect('address', 'operator: DAddr, values: [127.0.0.2/32]'))
    await loadPolicy(agent, connect('elsewhere', 'operator: NotDAddr, values: [127.0.0.0/8]'))
    const events = await agent.run([
      ...[CALLS, 'connect', '127.0.0.1', `${PORT}`, 'connect', '127.0.0.1', `${PORT + 1}`],
      ...['connect', '127.0.0.2', `${PORT + 2}`],
    ])
    const seen = (policy: string) =>
      hookBodies(events, policy).map(({ args, return: value }) => ({
        ...(args as [{ sock_arg: Record<string, unknown> }])[0].sock_arg,
        value,
      }))
    const sock = (daddr: string, dport: number) => ({
      family: 'AF_INET',
      type: 'SOCK_STREAM',
      protocol: 'IPPROTO_TCP',
      daddr,
      dport,
      value: { int_arg: 0 },
    })
    expect(seen('port')).toEqual([expect.objectContaining(sock('127.0.0.1', PORT))])
    expect(seen('address')).toEqual([expect.objectContaining(sock('127.0.0.2', PORT + 2))])
    expect(seen('elsewhere')).toEqual([])
    await agent.requireNoLoss()
  })
}

test('what has no port has port 0: privileged, and other than any that is listed', async () => {
  await using agent = await TestAgent.start()
  const filters = {
    other: `NotSPort, values: ["${PORT}"]`,
    low: 'SPortPriv',
    high: 'NotSportPriv',
    away: 'NotSAddr, values: ["10.0.0.1"]',
  }
  for (const [name, filter] of Object.entries(filters)) {
    await loadPolicy(
      agent,
      policyYaml(
        name,
        `
kprobes:
- call: sys_connect
  args: [{index: 1, type: sockaddr}]
  selectors:
  - matchArgs: [{index: 1, operator: ${filter}}]
`,
      ),
    )
  }
  const events = await agent.run([CALLS, 'connect', '127.0.0.1', `${PORT}`, 'unix', '@nobody'])
  const seen = (policy: string) =>
    hookBodies(events, policy).map(({ args }) =>
      (args as { sockaddr_arg: { family: string } }[])[0]?.sockaddr_arg.family
    )
  expect(Object.keys(filters).map(seen)).toEqual([['AF_UNIX'], ['AF_UNIX'], ['AF_INET'], ['AF_INET']])
  await agent.requireNoLoss()
})

testWhere(missing('lsm'), 'LSM hooks read files and addresses, and tell of no others', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'lsm',
      `
lsmhooks:
- hook: file_open
  args: [{index: 0, type: file}]
  selectors:
  - matchArgs: [{index: 0, operator: Equal, values: ["${inside}/file"]}]
- hook: socket_connect
  args: [{index: 0, type: socket}, {index: 1, type: sockaddr}]
  selectors:
  - matchArgs: [{index: 1, operator: SPort, values: ["${PORT}"]}, {index: 0, operator: Protocol, values: [IPPROTO_TCP]}]
`,
    ),
  )
  const events = await agent.run([
    ...[CALLS, 'open', `${inside}/file`, 'open', `${outside}/file`],
    ...['connect', '127.0.0.1', `${PORT}`, 'connect', '127.0.0.1', `${PORT + 1}`],
  ])
  const [file, address, ...rest] = hookBodies(events, 'lsm')
  expect(rest).toEqual([])
  expect(file).toMatchObject({
    kind: 'process_lsm',
    function_name: 'file_open',
    args: [{ file_arg: { path: `${inside}/file` } }],
  })
  expect(address).toMatchObject({
    kind: 'process_lsm',
    function_name: 'socket_connect',
    args: [{}, { sockaddr_arg: { family: 'AF_INET', addr: '127.0.0.1', port: PORT } }],
  })
  await agent.requireNoLoss()
})

testWhere(missing('raw_tp'), 'raw tracepoints read sockets and states, and tell of no others', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'state',
      `
tracepoints:
- subsystem: sock
  event: inet_sock_set_state
  raw: true
  args: [{index: 0, type: sock}, {index: 2, type: int}]
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["2"]} # TCP_SYN_SENT
    - {index: 0, operator: DPort, values: ["${PORT}"]}
`,
    ),
  )
  const events = await agent.run([
    ...[CALLS, 'connect', '127.0.0.1', `${PORT}`, 'connect', '127.0.0.1', `${PORT + 1}`],
  ])
  expect(hookBodies(events, 'state')).toMatchObject([{
    kind: 'process_tracepoint',
    event: 'inet_sock_set_state',
    args: [{ sock_arg: { daddr: '127.0.0.1', dport: PORT } }, { int_arg: 2 }],
  }])
  await agent.requireNoLoss()
})
