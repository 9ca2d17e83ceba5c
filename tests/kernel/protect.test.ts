/** --protect-agent: what others try on the agent is refused and told; it still ends for whom it should. */
import { expect, test } from 'bun:test'
import fs from 'node:fs'
import { PIN_ROOT } from '../../src/kernel/pins.ts'
import { TestAgent, type TestEvent } from './agent.ts'
import { call, NO_REFUSING, policyOf } from './enforce.ts'
import { fdinfos } from './fdinfo.ts'
import { testWhere } from './need.ts'

/** Tries something from a process that is no parent of the agent; gives "done" or the errno's name. */
function attack(...words: (string | number)[]): string {
  const child = Bun.spawnSync(['build/program/attack', ...words.map(String)])
  expect(child.exitCode).toBe(0)
  return child.stdout.toString().trim()
}

/** Numbers in a process' fdinfo: of its links, programs or maps. */
function numbers(pid: number, kind: 'link_id' | 'prog_id' | 'map_id'): number[] {
  return [...fdinfos(pid).values()].flatMap((text) => {
    const found = new RegExp(`^${kind}:\\s*(\\d+)`, 'm').exec(text)
    return found === null ? [] : [Number(found[1])]
  })
}

/** `function argument` of what was refused, in order of arrival. */
function refusals(events: readonly TestEvent[]): string[] {
  return events.flatMap(({ kind, body, line, process }) => {
    if (body['policy_name'] !== 'thump-protect-agent') return []
    const thump = line['thump'] as Record<string, unknown>
    expect([kind, body['action'], thump['verdict']]).toEqual([
      'process_lsm',
      'KPROBE_ACTION_OVERRIDE',
      'prevented',
    ])
    expect(process?.exec_id).toBeString()
    const [argument] = body['args'] as Record<string, unknown>[]
    const [value] = Object.values(argument ?? {})
    return [
      `${body['function_name']} ${argument?.['label']} ${
        argument?.['label'] === 'program' || argument?.['label'] === 'map' ? 'id' : value
      }`,
    ]
  })
}

async function settled(agent: TestAgent, count: number): Promise<string[]> {
  const until = performance.now() + 90_000
  while (refusals(agent.events).length < count && performance.now() < until) await Bun.sleep(50)
  await Bun.sleep(200) // what there would be too much of comes by then
  return refusals(agent.events)
}

/** On a function that is called seldom: a busy one has runs that the kernel leaves out, which are counted as lost. */
const POLICY = policyOf(
  'protected-policy',
  `  kprobes:
  - call: security_sb_umount
    syscall: false
`,
)

testWhere(NO_REFUSING, 'signals, ptrace and access to BPF objects are refused to others and told', async () => {
  await using agent = await TestAgent.start(['--protect-agent'])
  await call(agent, 'POST', '/v1/policies', POLICY)
  const { pid } = agent.child
  const [thread = 0] = fs.readdirSync(`/proc/${pid}/task`).map(Number).filter((tid) => tid !== pid)
  const [link = 0] = numbers(pid, 'link_id')
  const programs = numbers(pid, 'prog_id')
  const maps = numbers(pid, 'map_id')
  expect([thread, link, programs.length, maps.length].every((number) => number > 0)).toBe(true)
  expect(attack('kill', pid, 0)).toBe('done') // asks whether it is there
  expect([
    attack('kill', pid, 9),
    attack('kill', pid, 19),
    attack('tgkill', pid, thread),
    attack('pidfd', pid),
    attack('limit', pid),
    attack('close', pid, 5),
    attack('getfd', pid, 5),
    attack('write', pid),
    attack('link', pid, link),
  ]).toEqual(new Array(9).fill('EPERM'))
  // The write to the pipe succeeds, the signal is not sent.
  expect(attack('sigio', pid)).toBe('done')
  // What was loaded before the protection, by it, and for a policy after it.
  for (const id of new Set(programs)) expect([id, attack('program', pid, id)]).toEqual([id, 'EPERM'])
  for (const id of new Set(maps)) expect([id, attack('map', pid, id)]).toEqual([id, 'EPERM'])
  const count = new Set(programs).size + new Set(maps).size
  const told = await settled(agent, 10 + count)
  const sigio = 'file_send_sigiotask signal 15' // of the write, and of the closing of the other end
  expect(told.filter((each, i) => each !== sigio || told[i - 1] !== sigio)).toEqual([
    'task_kill signal 9',
    'task_kill signal 19',
    'task_kill signal 15',
    'task_kill signal 15',
    'task_setrlimit resource 0',
    'ptrace_access_check mode 18',
    'ptrace_access_check mode 18',
    'ptrace_access_check mode 18',
    'bpf command BPF_LINK_DETACH',
    sigio,
    ...new Array(new Set(programs).size).fill('bpf_prog program id'),
    ...new Array(new Set(maps).size).fill('bpf_map map id'),
  ])
  await agent.requireNoLoss()
  expect(await agent.stop()).toBe(0) // by whoever started it
})

testWhere(NO_REFUSING, 'thump agent stop with the token ends a protected agent, without it not', async () => {
  await using agent = await TestAgent.start(['--protect-agent'])
  const stop = (token: string) =>
    Bun.spawnSync([
      process.execPath,
      'src/cli/thump.ts',
      'agent',
      'stop',
      '--server',
      `unix:${agent.socket}`,
      '--token-file',
      token,
    ])
  const wrong = `${agent.directory}/wrong`
  fs.writeFileSync(wrong, 'wrong')
  expect(stop(wrong).exitCode).toBe(1)
  await Bun.sleep(300)
  expect(agent.child.exitCode).toBeNull()
  expect(stop(agent.token_file).exitCode).toBe(0)
  expect(await agent.exited()).toBe(0)
  expect(agent.stderr).toContain('a client asked for it')
})

testWhere(NO_REFUSING, 'pins of a protected agent stay; those of former ones can be removed', async () => {
  await using agent = await TestAgent.start(['--protect-agent', '--keep-sensors-on-exit'])
  await call(agent, 'POST', '/v1/policies', POLICY)
  const [generation = ''] = fs.readdirSync(PIN_ROOT)
  const [policy = ''] = fs.readdirSync(`${PIN_ROOT}/${generation}`).filter((name) => !name.startsWith('@'))
  const directory = `${PIN_ROOT}/${generation}/${policy}`
  const links = fs.readdirSync(directory)
  const [link = ''] = links
  expect(() => fs.unlinkSync(`${directory}/${link}`)).toThrow('EPERM')
  expect(() => fs.renameSync(directory, `/sys/fs/bpf/elsewhere`)).toThrow('EPERM')
  expect(() => fs.renameSync(PIN_ROOT, `/sys/fs/bpf/elsewhere`)).toThrow('EPERM')
  expect(attack('umount', agent.child.pid)).toBe('EPERM')
  expect(fs.readdirSync(directory)).toEqual(links)
  fs.mkdirSync(`${PIN_ROOT}/former`)
  fs.rmdirSync(`${PIN_ROOT}/former`)
  expect(await settled(agent, 4)).toEqual([
    `inode_unlink name ${link}`,
    `inode_rename name ${policy}`,
    'inode_rename name thump',
    'sb_umount flags 0',
  ])
  await call(agent, 'DELETE', '/v1/policies/protected-policy')
  expect(fs.existsSync(directory)).toBe(false)
  expect(await agent.stop()).toBe(0)
  expect(fs.existsSync(`${PIN_ROOT}/${generation}`)).toBe(false)
})

const can_refuse = NO_REFUSING === undefined ? 'it can be had here' : undefined

testWhere(can_refuse, '--protect-agent without BPF LSM: the agent does not start, and says why', async () => {
  await using agent = await TestAgent.start(['--protect-agent'], { wait: false })
  expect(await agent.exited()).toBe(3)
  expect(agent.stderr).toContain('Cannot protect the agent (--protect-agent)')
})

test('without --protect-agent coverage says that it is not set, and others may signal the agent', async () => {
  await using agent = await TestAgent.start()
  const list = await (await agent.request('/v1/coverage')).json() as { name: string; state: string }[]
  expect(list.find(({ name }) => name === 'self-protection')?.state).toBe('absent')
  expect(attack('kill', agent.child.pid, 15)).toBe('done')
  expect(await agent.child.exited).toBe(0)
})
