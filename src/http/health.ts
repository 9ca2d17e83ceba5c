// /healthz and /readyz: is the process alive, and does it see events.
import { Hono } from 'hono'

export interface Readiness {
  readonly ready: boolean
  /** What is missing for readiness; empty when ready. */
  readonly missing: readonly string[]
}

export function healthRoutes(readiness: () => Readiness): Hono {
  const app = new Hono()
  app.get('/healthz', (c) => c.json({ status: 'alive' }))
  app.get('/readyz', (c) => {
    const state = readiness()
    return c.json(state, state.ready ? 200 : 503)
  })
  return app
}
