import { afterAll, beforeAll, expect, test } from 'bun:test'
import net from 'node:net'
import { Hono } from 'hono'
import { bodyText } from '../../src/http/body.ts'
import { listen, type Listener } from '../../src/http/listen.ts'
import type { PolicyRegistry } from '../../src/http/policy_registry.ts'
import { app, TOKEN } from './parts.ts'

const missing = { ok: false, status: 404, mistakes: [] } as const
const policies: PolicyRegistry = {
  list: () => [],
  get: () => missing,
  add: async () => missing,
  remove: async () => missing,
  replace: async () => missing,
  patch: async () => missing,
  plan: async () => missing,
}

let server: Listener
let port = 0
beforeAll(async () => {
  // Four seconds are the least that Bun's clock of idle connections tells apart.
  server = (await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, app({ policies }), 4 << 20, 4))!
  port = Number(server.address.split(':')[1])
})
afterAll(() => server[Symbol.asyncDispose]())

/** Sends `head`, then `piece` every `every_ms`; gives the first line of the answer and how long the connection lasted. */
function drip(head: string, piece: string, every_ms: number): Promise<{ status: string; seconds: number }> {
  const { promise, resolve } = Promise.withResolvers<{ status: string; seconds: number }>()
  const start = performance.now()
  let status = ''
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.write(head)
    const timer = setInterval(() => socket.write(piece), every_ms)
    socket.on('close', () => {
      clearInterval(timer)
      resolve({ status, seconds: (performance.now() - start) / 1000 })
    })
  })
  socket.on('data', (data) => (status ||= String(data).split('\r\n')[0]!))
  socket.on('error', () => {}) // the server hangs up while we write: that is what is tested
  return promise
}

const POST = `POST /v1/policies HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`

test('a body of 100 MB is refused before it is read, announced or not', async () => {
  const announced = await drip(`${POST}Content-Length: 100000000\r\n\r\n`, 'a'.repeat(65536), 1)
  expect(announced.status).toContain(' 413 ')
  const piece = `10000\r\n${'a'.repeat(65536)}\r\n`
  const chunked = await drip(`${POST}Transfer-Encoding: chunked\r\n\r\n`, piece, 1)
  expect(chunked.status).toContain(' 413 ')
  expect(announced.seconds + chunked.seconds).toBeLessThan(20)
})

test('endless headers are refused', async () => {
  const { status } = await drip('GET / HTTP/1.1\r\nHost: localhost\r\n', `X-A: ${'b'.repeat(1000)}\r\n`, 1)
  expect(status).toContain(' 431 ')
})

test('slow-loris connections end, whether they drip headers or send nothing', async () => {
  const ended = await Promise.all([
    drip('GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ', 'a', 200),
    drip('', '', 60_000),
  ])
  for (const { seconds } of ended) expect(seconds).toBeLessThan(50)
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
}, 60_000)

test('bodyText() answers 408 to a body that does not come', async () => {
  const slow = new Hono()
  slow.post('/', async (c) => c.text(await bodyText(c, Number(c.req.query('wait_ms')))))
  const body = new ReadableStream({ pull: () => Bun.sleep(1000) })
  const answer = await slow.request('/?wait_ms=20', { method: 'POST', body })
  expect(answer.status).toBe(408)
  expect(await answer.json()).toEqual({ error: 'The body did not come in time' })
  expect(await (await slow.request('/?wait_ms=20000', { method: 'POST', body: 'text' })).text()).toBe('text')
})
