/** The older language: descriptors that a policy follows; sockets whose later events belong to who opened them. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'
import { hookBodies, loadPolicy, NO_FUNCTIONS, policyYaml } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')

function follow(file: string, copy: boolean): string {
  return policyYaml(
    'follow',
    `
kprobes:
- call: fd_install
  syscall: false
  args:
  - {index: 0, type: int}
  - {index: 1, type: file}
  selectors:
  - matchArgs:
    - {index: 1, operator: Equal, values: [${file}]}
    matchActions:
    - {action: FollowFD, argFd: 0, argName: 1}
- call: sys_write
  syscall: true
  args:
  - {index: 0, type: fd}
  - {index: 1, type: char_buf, sizeArgIndex: 3}
  - {index: 2, type: size_t}
- call: sys_close
  syscall: true
  args:
  - {index: 0, type: fd}
  selectors:
  - matchActions:
    - {action: UnfollowFD, argFd: 0, argName: 0}
${
      copy
        ? `- call: sys_dup2
  syscall: true
  args:
  - {index: 0, type: fd}
  - {index: 1, type: int}
  selectors:
  - matchActions:
    - {action: CopyFD, argFd: 0, argName: 1}
`
        : ''
    }`,
  )
}

function bytes(text: string): { bytes_arg: string } {
  return { bytes_arg: Buffer.from(text).toString('base64') }
}

/** What was written to followed descriptors, and what was done with them otherwise. */
async function run(copy: boolean): Promise<{ written: unknown[]; names: string[] }> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'follow-'))
  try {
    await using agent = await TestAgent.start()
    const file = path.join(directory, 'file')
    await loadPolicy(agent, follow(file, copy))
    const events = await agent.run([CALLS, 'follow', file])
    expect(events.find(({ kind }) => kind === 'process_exit')?.body.status).toBeUndefined()
    await agent.requireNoLoss()
    const bodies = hookBodies(events, 'follow')
    const named = bodies.map((body) => ({ body, name: String(body.function_name).replace(/^__\w+?_sys_/, '') }))
    const written = named.filter(({ name }) => name === 'write').map(({ body }) => (body.args as unknown[])[1])
    return { written, names: named.map(({ name }) => name) }
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
}

testWhere(NO_FUNCTIONS, 'FollowFD: only what is done with the descriptor of that file is told', async () => {
  const { written, names } = await run(false)
  expect(written).toEqual([bytes('one')])
  expect(names).toEqual(['fd_install', 'write', 'close'])
})

testWhere(NO_FUNCTIONS, 'CopyFD: a duplicate is followed, too, until it is closed', async () => {
  const { written, names } = await run(true)
  expect(written).toEqual([bytes('one'), bytes('two')])
  expect(names).toEqual(['fd_install', 'write', 'dup2', 'write', 'close', 'close'])
})

testWhere(NO_FUNCTIONS, 'TrackSock: what happens to a socket in interrupts belongs to who connected it', async () => {
  await using agent = await TestAgent.start()
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  await loadPolicy(
    agent,
    policyYaml(
      'owner',
      `
kprobes:
- call: tcp_connect
  syscall: false
  args:
  - {index: 0, type: sock}
  selectors:
  - matchArgs:
    - {index: 0, operator: DPort, values: ["${server.port}"]}
    matchActions:
    - {action: TrackSock, argSock: 0}
- call: tcp_rcv_established
  syscall: false
  args:
  - {index: 0, type: sock}
  selectors:
  - matchArgs:
    - {index: 0, operator: DPort, values: ["${server.port}"]}
`,
    ),
  )
  const events = await agent.run([CALLS, 'dial', `${server.port}`])
  const bodies = hookBodies(events, 'owner')
  const names = bodies.map(({ function_name }) => function_name)
  expect(names[0]).toBe('tcp_connect')
  // At least the acknowledgement of what it sent; all of them are the client's, whoever the CPU was busy with.
  expect(names.slice(1)).not.toEqual([])
  expect(new Set(names.slice(1))).toEqual(new Set(['tcp_rcv_established']))
  const strangers = agent.events.filter(({ kind, body, process }) =>
    kind === 'process_kprobe' && body.function_name === 'tcp_rcv_established' &&
    process?.binary !== CALLS
  )
  expect(strangers).toEqual([])
})
