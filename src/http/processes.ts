// /v1/processes: the process cache, read-only.
import { Hono } from 'hono'

export interface ProcessSource {
  /** Living and remembered processes, oldest first. */
  list(): readonly unknown[]
  /** By exec_id as it stands in events; with ancestors and children. Null if not (or no longer) known. */
  get(exec_id: string): unknown
}

export function processRoutes(source: ProcessSource): Hono {
  const app = new Hono()
  app.get('/', (c) => c.json(source.list()))
  app.get('/:exec_id{.+}', (c) => {
    const exec_id = c.req.param('exec_id')
    const found = source.get(exec_id)
    return found === null ? c.json({ error: `No process with exec_id "${exec_id}"` }, 404) : c.json(found)
  })
  return app
}
