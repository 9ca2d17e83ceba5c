// Where HTTP is served: a TCP address or a Unix socket, between Bun.serve and the Hono app.
import fs from 'node:fs'
import net from 'node:net'
import type { Hono } from 'hono'
import type { Listen } from '../config_value.ts'

/**
 * Seconds after which a connection is dropped that has no whole request, or gets no answer; streams lift it for
 * themselves. Bytes that come in between do not prolong it (Bun 1.4.5), so that a slow-loris client ends as well.
 */
const IDLE_TIMEOUT_SECONDS = 30

/**
 * On a Unix socket Bun (1.4.5) hangs up after 10 s of silence and nothing lifts that but this option, which its types do not
 * have there: longer than a heartbeat and than loading a policy takes. Only root connects there.
 */
const UNIX_IDLE: object = { idleTimeout: 255 }

/** How long answers may take to arrive when the agent stops, in ms. */
const CLOSE_MS = 500

export interface Listener extends AsyncDisposable {
  /** As in --listen, with the port that was taken where 0 was asked for. */
  readonly address: string
}

/** Throws Error naming the address when it cannot be listened on. */
export async function listen(
  where: Listen,
  app: Hono,
  request_bytes_max: number,
  idle_seconds = IDLE_TIMEOUT_SECONDS,
): Promise<Listener | null> {
  if (where.kind === 'none') return null
  const common = { fetch: app.fetch, maxRequestBodySize: request_bytes_max }
  if (where.kind === 'tcp') {
    const server = attempt(`${where.host}:${where.port}`, () => {
      return Bun.serve({ ...common, idleTimeout: idle_seconds, hostname: where.host, port: where.port })
    })
    return closing(`${where.host}:${server.port}`, server)
  }
  await removeStale(where.path)
  // Nobody but root may connect, not even between bind and chmod.
  const before = process.umask(0o177)
  try {
    const server = attempt(`unix:${where.path}`, () => Bun.serve({ ...common, ...UNIX_IDLE, unix: where.path }))
    return closing(`unix:${where.path}`, server, where.path)
  } finally {
    process.umask(before)
  }
}

/** Loopback addresses and Unix sockets are reached from this machine only. */
export function isLocal(where: Listen): boolean {
  return where.kind !== 'tcp' || where.host === 'localhost' || where.host === '::1' || /^127\./.test(where.host)
}

function attempt<T>(address: string, start: () => T): T {
  try {
    return start()
  } catch (error) {
    throw new Error(`Cannot listen on ${address}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function closing(address: string, server: { stop(force: boolean): Promise<void> }, path?: string): Listener {
  return {
    address,
    async [Symbol.asyncDispose]() {
      // Streams have ended by now; an answer that is on its way gets the time to arrive.
      await Promise.race([server.stop(false), Bun.sleep(CLOSE_MS)])
      await server.stop(true)
      if (path !== undefined) fs.rmSync(path, { force: true })
    },
  }
}

/** Removes a socket that nobody answers on; throws if an agent lives there or the path is something else. */
async function removeStale(path: string): Promise<void> {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isSocket()) throw new Error(`Cannot listen on unix:${path}: the path exists and is no socket`)
  const alive = await new Promise<boolean>((resolve) => {
    const socket = net.connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
  if (alive) throw new Error(`Cannot listen on unix:${path}: another process answers there`)
  fs.unlinkSync(path)
}
