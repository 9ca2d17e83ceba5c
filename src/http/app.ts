// The Hono app: guard first, then one factory per group of routes.
import { Hono, type MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { bodyText } from './body.ts'
import type { Budget } from './budget.ts'
import { type EventRouteOptions, eventRoutes } from './events.ts'
import type { Guard } from './guard.ts'
import { healthRoutes, type Readiness } from './health.ts'
import { type MetricFamily, metricRoutes } from './metrics.ts'
import { openapiRoutes } from './openapi.ts'
import { pageRoutes } from './page.ts'
import { policyRoutes } from './policies.ts'
import type { PolicyRegistry } from './policy_registry.ts'
import { processRoutes, type ProcessSource } from './processes.ts'

export interface AppParts {
  readonly guard: Guard
  readonly budget: Budget
  readonly version: () => unknown
  readonly readiness: () => Readiness
  readonly metrics: () => readonly MetricFamily[]
  readonly metrics_prefix: string
  readonly loss: () => unknown
  readonly coverage: () => unknown
  readonly processes: ProcessSource
  readonly events: EventRouteOptions
  readonly policies: PolicyRegistry | null
  /** Ends the agent in order, as SIGTERM does. */
  readonly stop: () => void
  /** The document of /v1/openapi.json. */
  readonly openapi: object
  /** Told of errors that no route expected; the client gets 500 without details. */
  readonly onError: (error: Error) => void
}

export function buildApp(parts: AppParts): Hono {
  const app = new Hono()
  app.use('*', parts.budget.middleware)
  app.use('*', parts.guard.middleware)
  app.use('*', patience)
  app.route('/', pageRoutes())
  app.route('/', openapiRoutes(parts.openapi))
  app.route('/', healthRoutes(parts.readiness))
  app.route('/', metricRoutes(parts.metrics, parts.metrics_prefix))
  app.post('/v1/login', async (c) => {
    const answer = parts.guard.login(tokenOf(await bodyText(c)))
    if ('status' in answer) return c.json({ error: answer.error }, answer.status)
    c.header('Set-Cookie', answer.cookie)
    return c.body(null, 204)
  })
  app.get('/v1/version', (c) => c.json(parts.version()))
  app.get('/v1/loss', (c) => c.json(parts.loss()))
  app.get('/v1/coverage', async (c) => c.json(await parts.coverage()))
  app.post('/v1/stop', (c) => {
    setImmediate(parts.stop) // the answer goes first
    return c.json({ stopping: true }, 202)
  })
  app.route('/v1/processes', processRoutes(parts.processes))
  app.route('/v1/events', eventRoutes(parts.events))
  app.route('/v1/policies', policyRoutes(parts.policies))
  app.notFound((c) => c.json({ error: `No route ${c.req.method} ${c.req.path}` }, 404))
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse()
    parts.onError(error)
    return c.json({ error: 'Internal error, see the log of the agent' }, 500)
  })
  return app
}

/** Seconds that an answer may take: loading a policy on a slow kernel takes longer than a connection may be silent. */
const ANSWER_SECONDS = 120

/** What Bun.serve passes as `env`. */
interface ServerEnv {
  timeout?: (request: Request, seconds: number) => void
}

const patience: MiddlewareHandler = async (c, next) => {
  const env: ServerEnv = c.env ?? {}
  env.timeout?.(c.req.raw, ANSWER_SECONDS)
  return next()
}

function tokenOf(text: string): string {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return '' // no token, and that is what the answer says
  }
  return typeof body === 'object' && body !== null && 'token' in body ? String(body.token) : ''
}
