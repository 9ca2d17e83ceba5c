import { afterAll, expect, test } from 'bun:test'
import { Outbound } from '../../src/main/outbound.ts'

const asked: string[] = []
let release = () => {}
const held = new Promise<void>((resolve) => {
  release = resolve
})
const server = Bun.serve({
  port: 0,
  fetch: async (request) => {
    const { pathname } = new URL(request.url)
    asked.push(pathname)
    if (pathname === '/slow') await held
    if (pathname === '/away') return Response.redirect(new URL('/elsewhere', request.url).href)
    return new Response('ok')
  },
})
afterAll(async () => {
  release()
  await server.stop(true)
})

const warnings: unknown[] = []
const log = { warn: (...words: unknown[]) => void warnings.push(words) } as unknown as ConstructorParameters<
  typeof Outbound
>[1]

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !done(); i++) await Bun.sleep(10)
  expect(done()).toBe(true)
}

test('Outbound asks nobody unless it is allowed to', async () => {
  const outbound = new Outbound(false, log)
  outbound.getUrl(`${server.url.href}never`)
  outbound.lookUp('never.invalid')
  await Bun.sleep(50)
  expect(asked).toEqual([])
  expect(outbound.counters).toEqual({ asked: 0, failed: 0, dropped: 0, forbidden: 2 })
})

test('Outbound.getUrl() asks once and follows no redirect', async () => {
  const outbound = new Outbound(true, log)
  outbound.getUrl(`${server.url.href}canary`)
  outbound.getUrl(`${server.url.href}away`)
  await until(() => asked.length === 2)
  await Bun.sleep(50)
  expect(asked.toSorted()).toEqual(['/away', '/canary'])
  expect(outbound.counters).toEqual({ asked: 2, failed: 0, dropped: 0, forbidden: 0 })
})

test('Outbound has 16 requests under way at most, and counts the others', async () => {
  const outbound = new Outbound(true, log)
  const before = asked.length
  for (let i = 0; i < 20; i++) outbound.getUrl(`${server.url.href}slow`)
  await until(() => asked.length === before + 16)
  expect(outbound.counters).toMatchObject({ asked: 16, dropped: 4 })
})

test('Outbound tells the first failure and counts all', async () => {
  const outbound = new Outbound(true, log)
  outbound.getUrl('http://127.0.0.1:1/')
  outbound.getUrl('http://127.0.0.1:1/')
  await until(() => outbound.counters.failed === 2)
  expect(warnings).toHaveLength(1)
})
