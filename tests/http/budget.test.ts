import { expect, test } from 'bun:test'
import { Hono } from 'hono'
import { Budget } from '../../src/http/budget.ts'

const OPTIONS = { part_per_client: 0.2, part_of_all: 0.3, burst_ms: 100, request_ms: 1, clients_max: 2 }

/** An app whose handler takes 50 ms of a made-up clock, and that sees the client's address in a header. */
function slow() {
  const clock = { ms: 0 }
  const budget = new Budget(OPTIONS, () => clock.ms)
  const app = new Hono()
  app.use('*', budget.middleware)
  app.all('*', (c) => {
    clock.ms += 50
    return c.text('ok')
  })
  const ask = async (client: string, path = '/v1/loss') => {
    const env = { requestIP: () => ({ address: client }) }
    return (await app.request(path, {}, env)).status
  }
  return { clock, budget, ask }
}

test('Budget refuses a client that takes too much time, and takes it back later', async () => {
  const { clock, budget, ask } = slow()
  expect([await ask('a'), await ask('a'), await ask('a'), await ask('a')]).toEqual([200, 200, 200, 429])
  expect(budget.refused).toBe(1)
  clock.ms += 1000
  expect(await ask('a')).toBe(200)
})

test('Budget bounds all clients together, but never probes', async () => {
  const { ask } = slow()
  const answers: number[] = []
  for (let i = 0; i < 8; i++) answers.push(await ask(`client ${i}`))
  expect(answers.slice(0, 2)).toEqual([200, 200])
  expect(answers).toContain(429)
  expect(await ask('a', '/healthz')).toBe(200)
  expect(await ask('a', '/readyz')).toBe(200)
})

test('Budget does not count what a handler waits for', async () => {
  const clock = { ms: 0 }
  const budget = new Budget(OPTIONS, () => clock.ms)
  const app = new Hono()
  app.use('*', budget.middleware)
  app.get('/', async (c) => {
    await Bun.sleep(0)
    clock.ms += 50
    return c.text('ok')
  })
  for (let i = 0; i < 20; i++) expect((await app.request('/')).status).toBe(200)
})
