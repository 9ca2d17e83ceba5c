/** Policies on system calls: whole events, filters with both halves, actions; whatever attach kind the kernel gives them. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { askPolicies, hookBodies, loadPolicy, NO_FUNCTIONS, policyYaml, readPolicy } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')

const LSEEK = `
kprobes:
- call: sys_lseek
  syscall: true
`

test('arguments and result of a system call are in one event', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'whole',
      `${LSEEK}
  message: seek
  tags: [test.one]
  return: true
  args:
  - {index: 0, type: int, label: descriptor}
  - {index: 1, type: long}
  - {index: 2, type: int}
  returnArg: {index: 0, type: long}
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["4711"]}
    - {index: 1, operator: GT, values: ["-6"]}
`,
    ),
  )
  const events = await agent.run([CALLS, 'lseek', '-5', '4711', 'lseek', '-6', '4711', 'lseek', '-5', '4712'])
  expect(hookBodies(events, 'whole')).toEqual([{
    kind: 'process_kprobe',
    function_name: expect.stringMatching(/sys_lseek$/),
    args: [{ int_arg: -1, label: 'descriptor' }, { long_arg: '-5' }, { int_arg: 4711 }],
    return: { long_arg: expect.stringMatching(/^-(9|22)$/) },
    action: 'KPROBE_ACTION_POST',
    policy_name: 'whole',
    return_action: 'KPROBE_ACTION_POST',
    message: 'seek',
    tags: ['test.one'],
  }])
  const { hits, posted, lost, hooks } = await readPolicy(agent, 'whole')
  expect({ posted, lost, decided: hooks[0]?.selectors[0]?.hits }).toEqual({ posted: 1, lost: 0, decided: 1 })
  expect(hits).toBeGreaterThanOrEqual(3)
  const row = (await agent.loss()).rows.find(({ where, kind }) => where === 'kernel hooks' && kind === 'hook whole')
  expect(row?.total).toBeGreaterThanOrEqual(hits)
  expect(row?.lost).toEqual({ recursion: 0, scratch: 0, unmerged: 0 })
  await agent.requireNoLoss()
})

test('a plan says what the verifier made of the policy if it is loaded, and nothing of another one', async () => {
  await using agent = await TestAgent.start()
  const yaml = policyYaml('planned', `${LSEEK}  args: [{index: 1, type: long}]`)
  const text = async (body: string) => {
    const answer = await askPolicies(agent, 'POST', '/v1/policies/plan', body)
    return (answer.body as { text: string }[])[0]?.text ?? ''
  }
  expect(await text(yaml)).toMatch(/^policy planned: 1 hooks/)
  expect(await text(yaml)).not.toContain('verified')
  await loadPolicy(agent, yaml)
  expect(await text(yaml)).toMatch(
    / {4}loaded {2}hook_\w+: (\d+ instructions verified|instructions verified: not told), \d+ bytes/,
  )
  expect(await text(yaml.replace('index: 1', 'index: 2'))).not.toContain('verified')
})

test('a result decides, too', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'result',
      `
kprobes:
- call: sys_openat
  syscall: true
  return: true
  args:
  - {index: 1, type: string}
  returnArg: {index: 0, type: int}
  selectors:
  - matchArgs:
    - {index: 1, operator: Prefix, values: [/etc/]}
    matchReturnArgs:
    - {operator: Equal, values: ["-2"]}
`,
    ),
  )
  const absent = '/etc/no-such-file'
  const events = await agent.run([CALLS, 'open', '/etc/passwd', 'open', absent, 'open', '/tmp/no-such-file'])
  expect(hookBodies(events, 'result').map(({ args, return: result }) => ({ args, result }))).toEqual([
    { args: [{ string_arg: absent }], result: { int_arg: -2 } },
  ])
  await agent.requireNoLoss()
})

const STRINGS: readonly (readonly [string, string, readonly string[]])[] = [
  ['Equal', '/tmp/a.txt', ['/tmp/a.txt']],
  ['NotEqual', '/tmp/a.txt', ['/tmp/ab.txt', '/tmp/x/a.log', '/var/a.txt']],
  ['Prefix', '/tmp/a', ['/tmp/a.txt', '/tmp/ab.txt']],
  ['NotPrefix', '/tmp/a', ['/tmp/x/a.log', '/var/a.txt']],
  ['Postfix', 'a.txt', ['/tmp/a.txt', '/var/a.txt']],
  ['SubString', '/x/', ['/tmp/x/a.log']],
]
const OPENED = ['/tmp/a.txt', '/tmp/ab.txt', '/tmp/x/a.log', '/var/a.txt']

test('operators on strings choose exactly the calls that they name', async () => {
  await using agent = await TestAgent.start()
  for (const [operator, value] of STRINGS) {
    await loadPolicy(
      agent,
      policyYaml(
        operator.toLowerCase(),
        `
kprobes:
- call: sys_openat
  syscall: true
  args:
  - {index: 1, type: string}
  selectors:
  - matchArgs:
    - {index: 1, operator: ${operator}, values: ["${value}"]}
    matchBinaries:
    - {operator: In, values: ["${CALLS}"]}
`,
      ),
    )
  }
  const events = await agent.run([CALLS, ...OPENED.flatMap((file) => ['open', file])])
  for (const [operator, value, wanted] of STRINGS) {
    const seen = hookBodies(events, operator.toLowerCase()).map(({ args }) => (args as { string_arg: string }[])[0])
    expect({ operator, value, seen: seen.map((arg) => arg?.string_arg).filter((file) => OPENED.includes(file ?? '')) })
      .toEqual({ operator, value, seen: [...wanted] })
  }
  await agent.requireNoLoss()
})

test('followChildren covers children that are older than the policy, and nobody else', async () => {
  await using agent = await TestAgent.start()
  // A program of its own: the tests themselves may descend from the system's shell.
  const shell = `/tmp/thump-shell-${process.pid}`
  fs.copyFileSync(fs.realpathSync('/bin/sh'), shell)
  fs.chmodSync(shell, 0o755)
  // The child waits for a line before it makes its call, so it is older than the policy.
  const script = `read line; ${CALLS} lseek 1 4711; true`
  const parent = Bun.spawn(['/usr/bin/env', shell, '-c', `sh -c '${script}'; true`], {
    stdin: 'pipe',
    stdout: 'ignore',
  })
  await agent.waitFor(({ kind, process }) =>
    kind === 'process_exec' && process?.arguments?.startsWith('-c "read line') === true
  )
  await loadPolicy(
    agent,
    policyYaml(
      'children',
      `${LSEEK}
  args:
  - {index: 2, type: int}
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["4711"]}
    matchBinaries:
    - {operator: In, values: ["${shell}"], followChildren: true}
`,
    ),
  )
  parent.stdin.write('\n')
  await parent.stdin.end()
  await parent.exited
  const alone = await agent.run([CALLS, 'lseek', '2', '4711'])
  expect(hookBodies(alone, 'children')).toEqual([])
  const seen = hookBodies(agent.events, 'children')
  expect(seen.map(({ args }) => args)).toEqual([[{ int_arg: 4711 }]])
  await agent.requireNoLoss()
  fs.rmSync(shell)
})

test('rateLimit lets one of many repeats through and counts the others', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'limited',
      `${LSEEK}
  args:
  - {index: 1, type: long}
  - {index: 2, type: int}
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["4711"]}
    matchActions:
    - {action: Post, rateLimit: 1m, rateLimitScope: process}
`,
    ),
  )
  const events = await agent.run([CALLS, 'repeat', '100', '1', '4711', 'repeat', '50', '2', '4711'])
  expect(hookBodies(events, 'limited').map(({ args }) => args)).toEqual([
    [{ long_arg: '1' }, { int_arg: 4711 }],
    [{ long_arg: '2' }, { int_arg: 4711 }],
  ])
  const { posted, suppressed } = await readPolicy(agent, 'limited')
  expect({ posted, suppressed }).toEqual({ posted: 2, suppressed: 148 })
  await agent.requireNoLoss()
})

test('NoPost counts and stays silent', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'silent',
      `${LSEEK}
  args:
  - {index: 2, type: int}
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["4711"]}
    matchActions:
    - {action: NoPost}
`,
    ),
  )
  const events = await agent.run([CALLS, 'repeat', '10', '1', '4711'])
  expect(hookBodies(events, 'silent')).toEqual([])
  const { posted, hooks } = await readPolicy(agent, 'silent')
  expect({ posted, decided: hooks[0]?.selectors[0]?.hits }).toEqual({ posted: 0, decided: 10 })
  await agent.requireNoLoss()
})

test('stack traces of kernel and program stand in the event', async () => {
  await using agent = await TestAgent.start()
  await loadPolicy(
    agent,
    policyYaml(
      'stacks',
      `${LSEEK}
  args:
  - {index: 2, type: int}
  selectors:
  - matchArgs:
    - {index: 2, operator: Equal, values: ["4711"]}
    matchActions:
    - {action: Post, kernelStackTrace: true, userStackTrace: true}
`,
    ),
  )
  // The program lives on until its names were asked for.
  const events = await agent.run([CALLS, 'lseek', '1', '4711', 'lseek', '1', '4712', 'sleep', '5'])
  const bodies = hookBodies(events, 'stacks')
  expect(bodies.length).toBe(1)
  const [body] = bodies
  const kernel = body!.kernel_stack_trace as { symbol?: string }[]
  const user = body!.user_stack_trace as { address?: string }[]
  expect(kernel.some(({ symbol }) => /syscall/.test(symbol ?? ''))).toBe(true)
  expect(user.length).toBeGreaterThan(0)
  await agent.requireNoLoss()
})

const no_compat = process.arch === 'arm64'
  ? 'no program here makes 32-bit calls'
  : Bun.spawnSync([CALLS, 'lseek32', '0', '0']).exitCode === 0
  ? undefined
  : 'no 32-bit system calls: CONFIG_IA32_EMULATION is not set'

testWhere(no_compat, '32-bit calls: their numbers, and their registers; calls of 64 bits are others', async () => {
  await using agent = await TestAgent.start()
  const hook = (name: string, call: string) =>
    policyYaml(
      name,
      `
kprobes:
- call: ${call}
  syscall: true
  args:
  - {index: 1, type: int}
  - {index: 2, type: int}
  selectors:
  - matchArgs: [{index: 2, operator: Equal, values: ["4711", "2"]}]
`,
    )
  await loadPolicy(agent, hook('narrow', 'i386/sys_lseek'))
  await loadPolicy(agent, hook('wide', 'sys_lseek'))
  // 19 is readv there, and its third parameter the number of buffers, 2.
  const words = [
    'lseek',
    '1',
    '4711',
    'lseek32',
    '-2',
    '4711',
    'lseek32',
    '3',
    '4712',
    'readv',
    'bunfig.toml',
    '4',
    '4',
  ]
  const events = await agent.run([CALLS, ...words])
  expect(hookBodies(events, 'narrow')).toEqual([{
    kind: 'process_kprobe',
    function_name: expect.stringMatching(/^__ia32_(compat_)?sys_lseek$/),
    args: [{ int_arg: -2 }, { int_arg: 4711 }],
    action: 'KPROBE_ACTION_POST',
    policy_name: 'narrow',
    return_action: 'KPROBE_ACTION_POST',
  }])
  expect(hookBodies(events, 'wide')).toMatchObject([{ args: [{ int_arg: 1 }, { int_arg: 4711 }] }])
  await agent.requireNoLoss()
})

testWhere(NO_FUNCTIONS, 'registers of a system call are those of its caller', async () => {
  await using agent = await TestAgent.start()
  const spec = `${LSEEK}
  args: [{index: 2, type: int}]
  data: [{type: int, source: pt_regs, resolve: esi}]
  selectors:
  - matchArgs: [{index: 2, operator: Equal, values: ["4711"]}]
    matchData: [{index: 0, operator: Equal, values: ["-5"]}]
`
  await loadPolicy(agent, policyYaml('registers', spec))
  const events = await agent.run([CALLS, 'lseek', '-5', '4711', 'lseek', '-6', '4711'])
  expect(hookBodies(events, 'registers')).toMatchObject([{ args: [{ int_arg: 4711 }], data: [{ int_arg: -5 }] }])
  await agent.requireNoLoss()
})
