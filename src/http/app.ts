// The Hono app: guard first, then one factory per group of routes.
import { Hono } from 'hono'
import { type EventRouteOptions, eventRoutes } from './events.ts'
import type { Guard } from './guard.ts'
import { healthRoutes, type Readiness } from './health.ts'
import { type MetricFamily, metricRoutes } from './metrics.ts'
import { policyRoutes } from './policies.ts'
import type { PolicyRegistry } from './policy_registry.ts'
import { processRoutes, type ProcessSource } from './processes.ts'

export interface AppParts {
  readonly guard: Guard
  readonly version: () => unknown
  readonly readiness: () => Readiness
  readonly metrics: () => readonly MetricFamily[]
  readonly loss: () => unknown
  readonly coverage: () => unknown
  readonly processes: ProcessSource
  readonly events: EventRouteOptions
  readonly policies: PolicyRegistry | null
  /** Told of errors that no route expected; the client gets 500 without details. */
  readonly onError: (error: Error) => void
}

export function buildApp(parts: AppParts): Hono {
  const app = new Hono()
  app.use('*', parts.guard.middleware)
  app.route('/', healthRoutes(parts.readiness))
  app.route('/', metricRoutes(parts.metrics))
  app.post('/v1/login', async (c) => {
    const body: unknown = await c.req.json().catch(() => null)
    const token = typeof body === 'object' && body !== null && 'token' in body ? String(body.token) : ''
    const cookie = parts.guard.login(token)
    if (cookie === null) return c.json({ error: 'Wrong token' }, 401)
    c.header('Set-Cookie', cookie)
    return c.body(null, 204)
  })
  app.get('/v1/version', (c) => c.json(parts.version()))
  app.get('/v1/loss', (c) => c.json(parts.loss()))
  app.get('/v1/coverage', async (c) => c.json(await parts.coverage()))
  app.route('/v1/processes', processRoutes(parts.processes))
  app.route('/v1/events', eventRoutes(parts.events))
  app.route('/v1/policies', policyRoutes(parts.policies))
  app.notFound((c) => c.json({ error: `No route ${c.req.method} ${c.req.path}` }, 404))
  app.onError((error, c) => {
    parts.onError(error)
    return c.json({ error: 'Internal error, see the log of the agent' }, 500)
  })
  return app
}
