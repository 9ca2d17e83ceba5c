/** The shipped policies on DNS and TLS with real traffic: what is asked and meant stands in `thump`, other traffic nowhere. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { TestAgent, type TestEvent } from './agent.ts'
import { testWhere } from './need.ts'
import { loadPolicy, NO_FUNCTIONS } from './policy.ts'

/** A question for the address of www.example.org. */
const QUESTION = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 119, 119, 119, 7, 101, 120, 97, 109, 112, 108, 101, 3]
  .concat([111, 114, 103, 0, 0, 1, 0, 1])

/** Asks port 53 and another one, then greets a server that does not answer. */
const CLIENT = `
import dgram from 'node:dgram'
import tls from 'node:tls'
const question = Buffer.from(${JSON.stringify(QUESTION)})
const sock = dgram.createSocket('udp4')
await new Promise((done) => sock.bind(0, '127.0.0.1', done))
for (const port of [5399, 53]) await new Promise((done) => sock.send(question, port, '127.0.0.1', done))
sock.close()
const port = Number(process.argv.at(-1))
const connection = tls.connect({ host: '127.0.0.1', port, servername: 'meant.example.net', ALPNProtocols: ['h2'] })
connection.on('error', () => process.exit(0))
connection.on('close', () => process.exit(0))
`

function told(events: readonly TestEvent[], member: string): Record<string, unknown>[] {
  return events.flatMap(({ line }) => {
    const found = (line.thump as Record<string, unknown> | undefined)?.[member]
    return found === undefined ? [] : [found as Record<string, unknown>]
  })
}

testWhere(NO_FUNCTIONS, 'a DNS question and the server name of a TLS greeting are told, each once', async () => {
  await using agent = await TestAgent.start()
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: (socket) => void socket.end() } })
  for (const name of ['dns', 'tls-server-name']) {
    await loadPolicy(agent, fs.readFileSync(`policies/${name}.yaml`, 'utf8'))
  }
  const events = await agent.run([process.execPath, '-e', CLIENT, `${server.port}`], { timeout_ms: 60_000 })
  expect(told(events, 'dns')).toEqual([
    { id: 0x1234, response: false, questions: [{ name: 'www.example.org', type: 'A' }] },
  ])
  expect(told(events, 'tls')).toEqual([
    { server_name: 'meant.example.net', alpn: ['h2'] },
  ])
  const sent = events.filter(({ body }) => body.policy_name === 'dns' && body.message === 'DNS question')
  expect(sent.length).toBe(1)
  await agent.requireNoLoss()
})
