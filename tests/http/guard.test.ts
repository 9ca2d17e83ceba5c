import { expect, test } from 'bun:test'
import { app, TOKEN } from './parts.ts'

const bearer = { Authorization: `Bearer ${TOKEN}` }

test('Guard leaves reading open and asks changes for the token', async () => {
  const open = app()
  expect((await open.request('/v1/loss')).status).toBe(200)
  expect((await open.request('/v1/policies', { method: 'POST' })).status).toBe(401)
  expect(
    (await open.request('/v1/policies/x', { method: 'DELETE', headers: { Authorization: 'Bearer wrong' } })).status,
  ).toBe(401)
  expect((await open.request('/v1/policies', { method: 'POST', headers: bearer })).status).toBe(501)
})

test('Guard asks reading for the token where it is not open, but not probes', async () => {
  const closed = app({}, { open_reading: false })
  expect((await closed.request('/v1/loss')).status).toBe(401)
  expect((await closed.request('/v1/events')).status).toBe(401)
  expect((await closed.request('/v1/loss', { headers: bearer })).status).toBe(200)
  for (const path of ['/healthz', '/readyz', '/metrics']) expect((await closed.request(path)).status).toBe(200)
})

test('Guard lets nothing through with an empty token', async () => {
  const empty = app({}, { token: '' })
  expect((await empty.request('/v1/policies', { method: 'POST', headers: { Authorization: 'Bearer ' } })).status).toBe(
    401,
  )
})

test.each([
  ['evil.example', 403],
  ['evil.example:8467', 403],
  ['127.0.0.1.evil.example', 403],
  ['127.0.0.1:8467', 200],
  ['[::1]:8467', 200],
  ['localhost:8467', 200],
  ['node1:8467', 200],
])('Guard answers Host %s with %d', async (host, status) => {
  expect((await app().request('/v1/loss', { headers: { Host: host } })).status).toBe(status)
})

test('Guard refuses other origins, also with the right token', async () => {
  const change = { method: 'POST', body: 'x' }
  const headers = { ...bearer, Host: 'localhost:8467' }
  const request = (extra: Record<string, string>) =>
    app().request('/v1/policies', { ...change, headers: { ...headers, ...extra } })
  expect((await request({ Origin: 'http://evil.example' })).status).toBe(403)
  expect((await request({ Origin: 'null' })).status).toBe(403)
  expect((await request({ 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403)
  expect((await request({ Origin: 'http://localhost:8467' })).status).toBe(501)
})

test('login gives a strict cookie that works like the token', async () => {
  const closed = app({}, { open_reading: false })
  const login = (token: string) => closed.request('/v1/login', { method: 'POST', body: JSON.stringify({ token }) })
  expect((await login('wrong')).status).toBe(401)
  const answer = await login(TOKEN)
  expect(answer.status).toBe(204)
  const cookie = answer.headers.get('set-cookie')!
  expect(cookie).toContain('HttpOnly')
  expect(cookie).toContain('SameSite=Strict')
  expect((await closed.request('/v1/loss', { headers: { Cookie: cookie.split(';')[0]! } })).status).toBe(200)
  expect((await closed.request('/v1/loss', { headers: { Cookie: 'thump_session=' + '0'.repeat(64) } })).status).toBe(
    401,
  )
})
