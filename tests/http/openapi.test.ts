import { expect, test } from 'bun:test'
import { openapiDocument } from '../../src/http/openapi.ts'
import { SCHEMAS } from '../../src/http/openapi_schema.ts'
import type { PolicyMistake, PolicyRegistry } from '../../src/http/policy_registry.ts'
import { app, TOKEN } from './parts.ts'
import { mismatches } from './schema.ts'

type Described = Readonly<
  Record<string, { responses: Readonly<Record<string, { content?: Record<string, { schema?: object }> }>> }>
>

const paths = openapiDocument('0', { types: 'kinds' }).paths as unknown as Readonly<Record<string, Described>>
const METHODS = ['get', 'put', 'post', 'delete', 'patch']

const mistakes: PolicyMistake[] = [{ file: 'http', line: 1, column: 1, message: 'No', caret: 'x\n^' }]
const POLICY = {
  name: 'known',
  namespace: '',
  state: 'enabled',
  mode: 'enforce',
  hooks: [],
  source: 'http',
  errors: [],
}
const registry: PolicyRegistry = {
  list: () => [POLICY],
  get: (name) => name.includes('known') ? { ok: true, value: POLICY } : { ok: false, status: 404, mistakes },
  add: async (yaml) => yaml === 'good' ? { ok: true, value: [POLICY] } : { ok: false, status: 422, mistakes },
  remove: async (name) => name.includes('known') ? { ok: true, value: null } : { ok: false, status: 404, mistakes },
  replace: async (name) => name.includes('known') ? { ok: true, value: POLICY } : { ok: false, status: 404, mistakes },
  patch: async () => ({ ok: false, status: 409, mistakes }),
  plan: async (yaml) => yaml === 'good' ? { ok: true, value: [{ hooks: [] }] } : { ok: false, status: 422, mistakes },
}

function routes() {
  return app({ policies: registry, loss: () => ({ lost: 0, balanced: true, imbalance: [], rows: [] }) })
}

test('the OpenAPI document has every route of the app, and no other', () => {
  const served = new Set<string>()
  for (const { method, path } of routes().routes) {
    if (method === 'ALL') continue // middleware
    served.add(`${method.toLowerCase()} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
  }
  const described = Object.entries(paths).flatMap(([path, item]) => {
    return METHODS.filter((method) => method in item).map((method) => `${method} ${path}`)
  })
  expect(described.sort()).toEqual([...served].sort())
})

const REQUESTS: readonly (readonly [method: string, path: string, status: number, body?: string, token?: string])[] = [
  ['GET', '/', 200],
  ['GET', '/ui/page.ts', 200],
  ['GET', '/ui/view.ts', 200],
  ['GET', '/ui/page.css', 200],
  ['GET', '/healthz', 200],
  ['GET', '/readyz', 200],
  ['GET', '/metrics', 200],
  ['GET', '/v1/openapi.json', 200],
  ['POST', '/v1/login', 204, JSON.stringify({ token: TOKEN })],
  ['POST', '/v1/login', 401, '{"token":"x"}'],
  ['POST', '/v1/login', 401, 'no JSON'],
  ['POST', '/v1/stop', 202, ''],
  ['POST', '/v1/stop', 401, '', 'wrong'],
  ['GET', '/v1/version', 200],
  ['GET', '/v1/loss', 200],
  ['GET', '/v1/coverage', 200],
  ['GET', '/v1/processes', 200],
  ['GET', '/v1/processes/known=', 200],
  ['GET', '/v1/processes/other', 404],
  ['GET', '/v1/events?types=bad', 400],
  ['GET', '/v1/policies', 200],
  ['POST', '/v1/policies', 201, 'good'],
  ['POST', '/v1/policies', 422, 'bad'],
  ['POST', '/v1/policies', 401, 'good', 'wrong'],
  ['POST', '/v1/policies/plan', 200, 'good'],
  ['POST', '/v1/policies/plan', 422, 'bad'],
  ['GET', '/v1/policies/known', 200],
  ['GET', '/v1/policies/ns/known', 200],
  ['GET', '/v1/policies/other', 404],
  ['PUT', '/v1/policies/known', 200, 'good'],
  ['PUT', '/v1/policies/ns/other', 404, 'good'],
  ['PATCH', '/v1/policies/known', 409, '{"mode":"monitor"}'],
  ['PATCH', '/v1/policies/ns/known', 422, '{"mode":"loud"}'],
  ['DELETE', '/v1/policies/known', 204],
  ['DELETE', '/v1/policies/ns/other', 404],
]

// A row in a list of its own: of a shorter row Bun would make the next parameter a callback to wait for.
test.each(REQUESTS.map((row) => [row] as const))('%j is answered as described', async (row) => {
  const [method, path, status, body, token = TOKEN] = row
  const init = { method, headers: { Authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body }) }
  const answer = await routes().request(path, init)
  expect(answer.status).toBe(status)
  const bare = path.replace(/\?.*/, '')
  const item = Object.entries(paths).find(([pattern]) => pattern === bare) ??
    Object.entries(paths).find(([pattern]) => new RegExp(`^${pattern.replace(/\{\w+\}/g, '[^/]+')}$`).test(bare))
  const response = item?.[1][method.toLowerCase()]?.responses[status]
  expect(response).toBeDefined()
  if (response?.content === undefined) return
  const type = (answer.headers.get('content-type') ?? '').split(';')[0]!
  expect(Object.keys(response.content)).toContain(type)
  const schema = response.content[type]!.schema
  if (type !== 'application/json' || schema === undefined) return
  const schemas = SCHEMAS as unknown as Parameters<typeof mismatches>[2]
  expect(mismatches(schema as Parameters<typeof mismatches>[0], await answer.json(), schemas)).toEqual([])
})

test('every reference of the document leads somewhere', () => {
  const text = JSON.stringify(openapiDocument('0', {}))
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!)
  expect(names.length).toBeGreaterThan(20)
  for (const name of names) expect(Object.keys(SCHEMAS)).toContain(name)
})
