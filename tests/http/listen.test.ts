import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { listen } from '../../src/http/listen.ts'
import { loadToken } from '../../src/http/token.ts'
import { app, events as streaming, hub, meta } from './parts.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-http-'))

test('listen() serves a Unix socket that only its owner may use, and removes it', async () => {
  const socket = path.join(directory, 's')
  const server = await listen({ kind: 'unix', path: socket }, app({}, { any_host: true }), 1000)
  expect(fs.statSync(socket).mode & 0o777).toBe(0o600)
  expect((await fetch('http://thump/v1/loss', { unix: socket })).status).toBe(200)
  await expect(listen({ kind: 'unix', path: socket }, app(), 1000)).rejects.toThrow('another process answers there')
  await server![Symbol.asyncDispose]()
  expect(fs.existsSync(socket)).toBe(false)
})

test('listen() names the address that is taken', async () => {
  const server = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, app(), 1000)
  const port = Number(server!.address.split(':')[1])
  await expect(listen({ kind: 'tcp', host: '127.0.0.1', port }, app(), 1000)).rejects.toThrow(
    `Cannot listen on 127.0.0.1:${port}: `,
  )
  await server![Symbol.asyncDispose]()
  expect(await listen({ kind: 'none' }, app(), 1000)).toBeNull()
})

test('a reader that stops reading makes its queue lose, and memory stays bounded', async () => {
  const stream = hub({ queue_events_max: 1000, queue_bytes_max: 1 << 20 })
  const routes = app({ events: streaming(stream, 1000) })
  const server = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, routes, 1000)
  const response = await fetch(`http://${server!.address}/v1/events`)
  const reader = response.body!.getReader()
  await reader.read()
  const line = 'x'.repeat(1000)
  for (let seq = 1; seq <= 60_000; seq++) {
    stream.write(line, meta(seq))
    if (seq % 100 === 0) {
      stream.push()
      await Bun.sleep(0)
    }
  }
  const { events, written, queued, dropped } = stream.counters
  expect(events).toBe(written + queued + dropped.slow! + dropped.closed!)
  expect(dropped.slow).toBeGreaterThan(0)
  await reader.cancel()
  await server![Symbol.asyncDispose]()
})

test('loadToken() keeps a token that is there and writes one that is not', () => {
  const file = path.join(directory, 'run', 'token')
  const token = loadToken(file)
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  expect(loadToken(file)).toBe(token)
  fs.writeFileSync(file, '')
  expect(loadToken(file)).not.toBe(token)
  fs.writeFileSync(file, 'two words\n')
  expect(() => loadToken(file)).toThrow('must hold one word')
})

test('answers and streams may be silent for longer than a connection', async () => {
  const socket = path.join(directory, 'slow')
  const coverage = () => Bun.sleep(14_000).then(() => [])
  await Promise.all((['unix', 'tcp'] as const).map(async (kind) => {
    const routes = app({ coverage, events: streaming(hub(), 13_000) }, { any_host: true })
    const where = kind === 'unix' ? { kind, path: socket } : { kind, host: '127.0.0.1', port: 0 }
    const server = (await listen(where, routes, 1000, 4))!
    const ask = (route: string) => {
      return kind === 'unix'
        ? fetch(`http://thump${route}`, { unix: socket })
        : fetch(`http://${server.address}${route}`)
    }
    const [answer, stream] = await Promise.all([ask('/v1/coverage'), ask('/v1/events')])
    expect([kind, await answer.json()]).toEqual([kind, []])
    const reader = stream.body!.getReader()
    let text = ''
    while (text.length < 12) text += new TextDecoder().decode((await reader.read()).value)
    expect(text).toBe(': thump\n\n: \n\n')
    await reader.cancel()
    await server[Symbol.asyncDispose]()
  }))
}, 60_000)
