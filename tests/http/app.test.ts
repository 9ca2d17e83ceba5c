import { expect, test } from 'bun:test'
import type { PolicyAnswer, PolicyRegistry } from '../../src/http/policy_registry.ts'
import { app, TOKEN } from './parts.ts'

test('GET /readyz says what is missing', async () => {
  const waiting = app({ readiness: () => ({ ready: false, missing: ['self-test event'] }) })
  const answer = await waiting.request('/readyz')
  expect(answer.status).toBe(503)
  expect(await answer.json()).toEqual({ ready: false, missing: ['self-test event'] })
  expect((await waiting.request('/healthz')).status).toBe(200)
})

test('GET /metrics is Prometheus text with escaped labels', async () => {
  expect(await (await app().request('/metrics')).text()).toBe(
    '# HELP thump_events_total Events\n# TYPE thump_events_total counter\nthump_events_total{a="x\\"y"} 3\n',
  )
})

test('GET /v1/processes/:exec_id answers 404 for one that is not known', async () => {
  expect((await app().request('/v1/processes/known=')).status).toBe(200)
  const answer = await app().request('/v1/processes/other')
  expect(answer.status).toBe(404)
  expect(await answer.json()).toEqual({ error: 'No process with exec_id "other"' })
})

test('unknown routes and failing ones answer JSON', async () => {
  expect((await app().request('/v1/nothing')).status).toBe(404)
  const errors: string[] = []
  const broken = app({
    loss: () => {
      throw new Error('inside')
    },
    onError: (error) => errors.push(error.message),
  })
  const answer = await broken.request('/v1/loss')
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('inside')
  expect(errors).toEqual(['inside'])
})

const headers = { Authorization: `Bearer ${TOKEN}` }
const missing: PolicyAnswer<never> = {
  ok: false,
  status: 404,
  mistakes: [{ file: '', line: 0, column: 0, message: 'No policy', caret: '' }],
}

function registry(calls: string[]): PolicyRegistry {
  return {
    list: () => [{ name: 'a' }],
    get: (name) => name === 'ns/a' || name === 'a' ? { ok: true, value: { name } } : missing,
    add: async (yaml, source) => {
      calls.push(`add ${source} ${yaml}`)
      const mistake = { file: 'http', line: 3, column: 5, message: 'Unknown field', caret: '' }
      return yaml === 'bad' ? { ok: false, status: 422, mistakes: [mistake] } : { ok: true, value: [{ name: 'a' }] }
    },
    remove: async (name) => name === 'a' ? { ok: true, value: null } : missing,
    replace: async (name) => ({ ok: true, value: { name } }),
    patch: async (name, change) => ({ ok: true, value: { name, ...change } }),
    plan: async () => ({ ok: true, value: [{ hooks: [] }] }),
  }
}

test('/v1/policies passes texts to the registry and mistakes back', async () => {
  const calls: string[] = []
  const routes = app({ policies: registry(calls) })
  expect(await (await routes.request('/v1/policies')).json()).toEqual([{ name: 'a' }])
  const added = await routes.request('/v1/policies', { method: 'POST', body: 'good', headers })
  expect(added.status).toBe(201)
  const bad = await routes.request('/v1/policies', { method: 'POST', body: 'bad', headers })
  expect(bad.status).toBe(422)
  expect(await bad.json()).toEqual([{ file: 'http', line: 3, column: 5, message: 'Unknown field', caret: '' }])
  expect(calls).toEqual(['add http good', 'add http bad'])
  expect((await routes.request('/v1/policies/a', { method: 'DELETE', headers })).status).toBe(204)
  expect((await routes.request('/v1/policies/b', { method: 'DELETE', headers })).status).toBe(404)
  expect(await (await routes.request('/v1/policies/ns/a')).json()).toEqual({ name: 'ns/a' })
  expect(await (await routes.request('/v1/policies/ns%2Fa')).json()).toEqual({ name: 'ns/a' })
  expect((await routes.request('/v1/policies/plan', { method: 'POST', body: 'x' })).status).toBe(200)
})

test.each([
  ['{"mode":"monitor"}', 200],
  ['{"enabled":false}', 200],
  ['{"mode":"loud"}', 422],
  ['{"other":1}', 422],
  ['{}', 422],
  ['[]', 422],
  ['{', 422],
])('PATCH /v1/policies/a with %s answers %d', async (body, status) => {
  const routes = app({ policies: registry([]) })
  expect((await routes.request('/v1/policies/a', { method: 'PATCH', body, headers })).status).toBe(status)
})
