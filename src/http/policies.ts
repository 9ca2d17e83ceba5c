// Routes of policies, between HTTP and the PolicyRegistry.
import { type Context, Hono } from 'hono'
import { bodyText } from './body.ts'
import type { PolicyAnswer, PolicyMistake, PolicyPatch, PolicyRegistry } from './policy_registry.ts'

const SOURCE = 'http'

/** `registry` is null where this agent was started without support for policies: every route says so with 501. */
export function policyRoutes(registry: PolicyRegistry | null): Hono {
  const app = new Hono()
  if (registry === null) {
    for (const path of ['/', '/*']) app.all(path, (c) => c.json(errorList('This agent runs without policies'), 501))
    return app
  }
  app.get('/', (c) => c.json(registry.list()))
  app.post('/', async (c) => answer(c, await registry.add(await bodyText(c), SOURCE), 201))
  app.post('/plan', async (c) => answer(c, await registry.plan(await bodyText(c), SOURCE), 200))
  // NAMESPACE/NAME may come as two segments or with the slash encoded.
  for (const path of ['/:name', '/:namespace/:name']) {
    app.get(path, (c) => answer(c, registry.get(policyName(c)), 200))
    app.put(path, async (c) => answer(c, await registry.replace(policyName(c), await bodyText(c), SOURCE), 200))
    app.delete(path, async (c) => {
      const removed = await registry.remove(policyName(c))
      return removed.ok ? c.body(null, 204) : answer(c, removed, 200)
    })
    app.patch(path, async (c) => {
      const change = parsePatch(await bodyText(c))
      return typeof change === 'string'
        ? c.json(errorList(change), 422)
        : answer(c, await registry.patch(policyName(c), change), 200)
    })
  }
  return app
}

function policyName(c: Context): string {
  const namespace = c.req.param('namespace')
  const name = c.req.param('name') ?? ''
  return namespace === undefined ? name : `${namespace}/${name}`
}

function answer(c: Context, result: PolicyAnswer<unknown>, status: 200 | 201): Response {
  return result.ok ? c.json(result.value, status) : c.json(result.mistakes, result.status)
}

function errorList(message: string): PolicyMistake[] {
  return [{ file: '', line: 0, column: 0, message, caret: '' }]
}

/** `{mode, enabled}`, at least one of them; a text says what is wrong. */
function parsePatch(text: string): PolicyPatch | string {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    return `Cannot parse body: ${error instanceof Error ? error.message : error}`
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'Body must be {mode, enabled}'
  const change: { mode?: 'enforce' | 'monitor'; enabled?: boolean } = {}
  for (const [key, value] of Object.entries(body)) {
    if (key === 'mode' && (value === 'enforce' || value === 'monitor')) change.mode = value
    else if (key === 'enabled' && typeof value === 'boolean') change.enabled = value
    else return `Unexpected "${key}": ${JSON.stringify(value)}, want mode: enforce|monitor, enabled: true|false`
  }
  return Object.keys(change).length === 0 ? 'Body must have mode or enabled' : change
}
