/** Which addresses are in which set: IPv4, IPv6, IPv4 in IPv6, names of Unix sockets. */
import { expect } from 'bun:test'
import path from 'node:path'
import { TestAgent, type TestEvent } from './agent.ts'
import { testWhere } from './need.ts'
import { hookBodies, loadPolicy, NO_FUNCTIONS, policyYaml } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')
const SIX = '/proc/net/if_inet6'

/** A policy for each filter, on argument `index` of a function. */
async function watch(
  agent: TestAgent,
  filters: Readonly<Record<string, string>>,
  call: string,
  index: number,
  type: string,
): Promise<void> {
  for (const [name, filter] of Object.entries(filters)) {
    await loadPolicy(
      agent,
      policyYaml(
        name,
        `
kprobes:
- call: ${call}
  syscall: false
  args: [{index: ${index}, type: ${type}}]
  selectors:
  - matchArgs: [{index: ${index}, ${filter}}]
    matchBinaries: [{operator: In, values: ["${CALLS}"]}]
`,
      ),
    )
  }
}

/** What policies on connections with these filters saw, by the name of the policy. */
async function connections(
  agent: TestAgent,
  filters: Readonly<Record<string, string>>,
  type: 'sockaddr' | 'sockaddr_un',
  words: readonly string[],
  call = 'security_socket_connect',
): Promise<Record<string, unknown[]>> {
  await watch(agent, filters, call, 1, type)
  const events: TestEvent[] = await agent.run([CALLS, ...words])
  await agent.requireNoLoss()
  return Object.fromEntries(
    Object.keys(filters).map((name) => [
      name,
      hookBodies(events, name).map(({ args }) => {
        const [first] = args as Record<string, Record<string, unknown>>[]
        return type === 'sockaddr' ? first!.sockaddr_arg!.addr : first!.sockaddrun_arg!.path
      }),
    ]),
  )
}

const no_six = (await Bun.file(SIX).exists()) ? undefined : 'no IPv6'

testWhere(
  NO_FUNCTIONS ?? no_six,
  'a prefix of IPv6 is about IPv6 only; an IPv4 address in an IPv6 socket is both',
  async () => {
    await using agent = await TestAgent.start()
    const [four, six, mapped] = ['127.0.0.1', '::1', '::ffff:127.0.0.2']
    const seen = await connections(
      agent,
      {
        every: 'operator: SAddr, values: ["::/0", "0.0.0.0/0"]',
        six: 'operator: SAddr, values: ["::/0"]',
        short: 'operator: SAddr, values: ["::/64"]',
        'not-six': 'operator: NotSAddr, values: ["::/0"]',
        four: 'operator: SAddr, values: ["127.0.0.0/8"]',
        'not-four': 'operator: NotSAddr, values: ["0.0.0.0/0"]',
        mapped: 'operator: SAddr, values: ["::ffff:127.0.0.0/104"]',
      },
      'sockaddr',
      [four, six, mapped].flatMap((address) => ['connect', address, '9']),
    )
    expect(seen).toEqual({
      every: [four, six, mapped],
      six: [six, mapped],
      short: [six, mapped],
      'not-six': [four],
      four: [four, mapped],
      'not-four': [six],
      mapped: [four, mapped],
    })
  },
)

testWhere(NO_FUNCTIONS, 'the name of an abstract Unix socket is as long as the address says', async () => {
  await using agent = await TestAgent.start()
  const seen = await connections(
    agent,
    {
      whole: 'operator: Equal, values: [thump-none]',
      not: 'operator: NotEqual, values: [thump-none]',
      begin: 'operator: Prefix, values: [thump-none]',
      end: 'operator: Postfix, values: [none]',
      file: 'operator: Equal, values: [/nowhere/thump-none]',
      part: 'operator: SubString, values: [ump-n]',
      // The program has this behind the end of each name.
      behind: 'operator: SubString, values: [x]',
    },
    'sockaddr_un',
    ['@thump-none', '@thump-none-2', '/nowhere/thump-none'].flatMap((name) => ['unix', name]),
  )
  expect(seen).toEqual({
    whole: ['@thump-none'],
    not: ['@thump-none-2', '/nowhere/thump-none'],
    begin: ['@thump-none', '@thump-none-2'],
    end: ['@thump-none', '/nowhere/thump-none'],
    file: ['/nowhere/thump-none'],
    part: ['@thump-none', '@thump-none-2', '/nowhere/thump-none'],
    behind: [],
  })
})

testWhere(NO_FUNCTIONS, 'an address is read from the program where a function has its pointer', async () => {
  await using agent = await TestAgent.start()
  const filters = { here: 'operator: SAddr, values: [127.0.0.0/8]', there: 'operator: SAddr, values: [10.0.0.0/8]' }
  const words = ['connect', '127.0.0.1', '9']
  expect(await connections(agent, filters, 'sockaddr', words, '__sys_connect')).toEqual({
    here: ['127.0.0.1'],
    there: [],
  })
})

testWhere(NO_FUNCTIONS, 'protocols, families and states: as many as wanted, and ranges', async () => {
  await using agent = await TestAgent.start()
  const filters: Readonly<Record<string, string>> = {
    protocols: 'operator: Protocol, values: ["2", "6", "17", "41", "50"]',
    range: 'operator: Protocol, values: ["0:16"]',
    other: 'operator: Protocol, values: ["0:5", "7:300"]',
    families: 'operator: Family, values: [AF_UNIX, AF_INET6, "4", "6", "8"]',
    states: 'operator: State, values: [TCP_SYN_SENT, "4", "6", "8", TCP_LISTEN]',
    'not-listening': 'operator: State, values: ["1:9", "11:12"]',
  }
  await watch(agent, filters, 'tcp_connect', 0, 'sock')
  const events = await agent.run([CALLS, 'connect', '127.0.0.1', '9'])
  const seen = Object.keys(filters).filter((name) => hookBodies(events, name).length === 1)
  expect(seen).toEqual(['protocols', 'range', 'states', 'not-listening'])
  await agent.requireNoLoss()
})

testWhere(NO_FUNCTIONS, 'UntrackSock is told of a socket that was tracked, and of no other', async () => {
  await using agent = await TestAgent.start()
  const binaries = `matchBinaries: [{operator: In, values: ["${CALLS}"]}]`
  await loadPolicy(
    agent,
    policyYaml(
      'track',
      `
kprobes:
- call: sk_alloc
  syscall: false
  return: true
  args: [{index: 1, type: int}]
  returnArg: {index: 0, type: sock}
  returnArgAction: TrackSock
  selectors:
  - matchArgs: [{index: 1, operator: Equal, values: ["2"]}]
    ${binaries}
- call: sk_free
  syscall: false
  args: [{index: 0, type: sock}]
  selectors:
  - ${binaries}
    matchActions: [{action: UntrackSock, argSock: 0}]
`,
    ),
  )
  const events = await agent.run([CALLS, 'connect', '127.0.0.1', '9', 'unix', '@thump-none'])
  const freed = hookBodies(events, 'track').filter(({ function_name: name }) => name === 'sk_free')
  const seen = freed.map(({ args, action }) => {
    const [first] = args as [{ sock_arg: Record<string, unknown> }]
    return `${first.sock_arg.family} ${action}`
  })
  expect(seen).toContain('AF_INET KPROBE_ACTION_UNTRACKSOCK')
  const others = seen.filter((each) => each.startsWith('AF_UNIX'))
  expect([...new Set(others)]).toEqual(['AF_UNIX KPROBE_ACTION_POST'])
  await agent.requireNoLoss()
})
