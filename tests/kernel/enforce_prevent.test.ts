/** The two policies of the tutorials: what they forbid does not happen, and who tried is killed. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { TestAgent } from './agent.ts'
import { activeOpens, attempt, call, COUNT, formOf, NO_REFUSING, policyOf, tellsOf } from './enforce.ts'
import { testWhere } from './need.ts'

const DIRECTORY = '/etc/thump-enforce'
const FILE = `${DIRECTORY}/file`
const CONTENT = 'not to be changed\n'

const FILE_POLICY = policyOf(
  'file-monitoring-filtered',
  `  kprobes:
  - call: security_file_permission
    syscall: false
    return: true
    args:
    - {index: 0, type: file}
    - {index: 1, type: int}
    returnArg: {index: 0, type: int}
    selectors:
    - matchArgs:
      - {index: 0, operator: Prefix, values: ["${DIRECTORY}"]}
      - {index: 1, operator: Equal, values: ["2"]}
      matchActions:
      - action: Sigkill
`,
)

const NETWORK_POLICY = policyOf(
  'network-egress',
  `  kprobes:
  - call: tcp_connect
    syscall: false
    args:
    - {index: 0, type: sock}
    selectors:
    - matchArgs:
      - {index: 0, operator: NotDAddr, values: ["127.0.0.1", "10.0.0.0/8"]}
      matchActions:
      - action: Sigkill
`,
)

function prepare(): void {
  fs.mkdirSync(DIRECTORY, { recursive: true })
  fs.writeFileSync(FILE, CONTENT)
}

testWhere(
  NO_REFUSING,
  'writes below /etc do not happen, by appending, in place, by processes and by threads',
  async () => {
    prepare()
    await using agent = await TestAgent.start()
    await call(agent, 'POST', '/v1/policies', FILE_POLICY)
    for (const operation of ['append', 'in-place', 'threads-append', 'threads-in-place']) {
      const from = agent.events.length
      const { count } = await attempt({ how: 'fork', operation, target: FILE })
      expect([operation, count]).toEqual([operation, { k: COUNT }])
      const several = operation.startsWith('threads')
      const tells = await tellsOf(agent, 'file-monitoring-filtered', from, (found) => found.length >= COUNT)
      if (several) expect(tells.length).toBeGreaterThanOrEqual(COUNT)
      else expect(tells.length).toBe(COUNT)
      const kinds = new Set(tells.map((each) => `${each.function} ${each.action} ${each.verdict}`))
      expect([...kinds]).toEqual(['security_file_permission KPROBE_ACTION_SIGKILL prevented'])
    }
    const shell = Bun.spawnSync([
      'sh',
      '-c',
      `sh -c 'echo y >> ${FILE}'; echo $?; dd if=/dev/zero of=${FILE} conv=notrunc count=1; echo $?`,
    ])
    expect(shell.stdout.toString()).toBe('137\n137\n')
    expect(fs.readFileSync(FILE, 'utf8')).toBe(CONTENT)
    console.log(`each of 4 ways to write refused and killed every time (${formOf(COUNT)})`)
    await agent.requireNoLoss()
    fs.rmSync(DIRECTORY, { recursive: true })
  },
)

testWhere(NO_REFUSING, 'connections outside of the allowed networks send no SYN, fast open included', async () => {
  using listener = Bun.listen({ hostname: '0.0.0.0', port: 0, socket: { data() {} } })
  const target = `127.0.0.2:${listener.port}`
  await using agent = await TestAgent.start()
  const plain = await attempt({ how: 'fork', operation: 'connect', target, count: 4 })
  expect(plain.count).toEqual({ d: 4 })
  await call(agent, 'POST', '/v1/policies', NETWORK_POLICY)
  for (const operation of ['connect', 'fast-open', 'threads-connect']) {
    const from = agent.events.length
    const opens = activeOpens()
    const { count } = await attempt({ how: 'fork', operation, target })
    expect([operation, count]).toEqual([operation, { k: COUNT }])
    expect(activeOpens() - opens).toBe(0)
    const tells = await tellsOf(agent, 'network-egress', from, (found) => found.length >= COUNT)
    if (operation.startsWith('threads')) expect(tells.length).toBeGreaterThanOrEqual(COUNT)
    else expect(tells.length).toBe(COUNT)
    const kinds = new Set(tells.map((each) => {
      const sock = each.args[0]?.['sock_arg']
      return `${each.function} ${each.action} ${each.verdict} ${sock?.['daddr']}:${sock?.['dport']} ${
        sock?.['protocol']
      }`
    }))
    expect([...kinds]).toEqual([`tcp_connect KPROBE_ACTION_SIGKILL prevented ${target} IPPROTO_TCP`])
  }
  console.log(`each of 3 ways to connect refused and killed every time, no SYN (${formOf(COUNT)})`)
  const opens = activeOpens()
  const allowed = await attempt({ how: 'fork', operation: 'connect', target: `127.0.0.1:${listener.port}`, count: 8 })
  expect(allowed.count).toEqual({ d: 8 })
  expect(activeOpens() - opens).toBe(8)
  await agent.requireNoLoss()
})
