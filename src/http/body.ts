// Text of a request body, within a time: who sends a byte now and then must not hold a request open.
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'

/** For 4 MiB over a slow line, in ms. */
const BODY_MS = 20_000

/** Throws HTTPException 408 when it did not come in time, 413 when it is longer than the server takes. */
export async function bodyText(c: Context, timeout_ms = BODY_MS): Promise<string> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(failure(408, 'The body did not come in time')), timeout_ms)
  try {
    return await Promise.race([c.req.text(), promise])
  } catch (error) {
    if (error instanceof HTTPException) throw error
    throw failure(413, `Cannot read the body: ${error instanceof Error ? error.message : error}`)
  } finally {
    clearTimeout(timer)
  }
}

function failure(status: 408 | 413, error: string): HTTPException {
  return new HTTPException(status, { res: Response.json({ error }, { status, headers: { Connection: 'close' } }) })
}
