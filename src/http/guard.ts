// Guard: who may read and who may change, before any route runs.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'

export interface GuardOptions {
  readonly token: string
  /** Reading without token: on the Unix socket and on loopback, unless --read-token. */
  readonly open_reading: boolean
  /** Accepts any Host header: nothing on a Unix socket can be reached by a browser. */
  readonly any_host: boolean
  /** Host names besides IP addresses and localhost under which this agent may be asked. */
  readonly host_names: readonly string[]
}

const TOO_MANY = { error: 'Too many wrong tokens' }

const COOKIE = 'thump_session'
const SESSION_MS = 12 * 3_600_000
/** Browsers logged in at once; the oldest makes room. */
const SESSIONS_MAX = 64

/** Routes without process data: what probes and Prometheus ask, and the page that asks for the token. */
const PUBLIC = new Set([
  '/healthz',
  '/readyz',
  '/metrics',
  '/v1/login',
  '/',
  '/ui/page.ts',
  '/ui/view.ts',
  '/ui/page.css',
])
/** Wrong tokens that are answered at once, and how many per second after those; a right one is never refused. */
const WRONG_BURST = 20
const WRONG_PER_SECOND = 1

/** Changes nothing although it is a POST. */
const READING_POSTS = new Set(['/v1/policies/plan'])

export class Guard {
  readonly #options: GuardOptions
  readonly #sessions = new Map<string, number>()
  #wrong_left = WRONG_BURST
  #wrong_ms = 0

  constructor(options: GuardOptions) {
    this.#options = options
  }

  readonly middleware: MiddlewareHandler = async (c, next) => {
    if (!this.#hostAllowed(c)) return c.json({ error: 'Host header is not one of this agent' }, 403)
    if (!sameOrigin(c)) return c.json({ error: 'Cross-site request' }, 403)
    const reading = c.req.method === 'GET' || c.req.method === 'HEAD' || READING_POSTS.has(c.req.path)
    const open = PUBLIC.has(c.req.path) || (reading && this.#options.open_reading)
    if (!open && !this.#authorized(c)) {
      if (this.#tooManyWrong(c.req.header('authorization') !== undefined)) return c.json(TOO_MANY, 429)
      c.header('WWW-Authenticate', 'Bearer realm="thump"')
      return c.json({ error: 'Bearer token missing or wrong: it stands in the file named by --token-file' }, 401)
    }
    return next()
  }

  /** Exchanges the token for a session cookie. */
  login(token: string): { readonly cookie: string } | { readonly status: 401 | 429; readonly error: string } {
    if (!this.#isToken(token)) {
      return this.#tooManyWrong(true) ? { status: 429, ...TOO_MANY } : { status: 401, error: 'Wrong token' }
    }
    const session = randomBytes(32).toString('hex')
    if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value!)
    this.#sessions.set(session, Date.now() + SESSION_MS)
    return { cookie: `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_MS / 1000}` }
  }

  /** Counts a wrong token; true if there were too many lately. */
  #tooManyWrong(given: boolean): boolean {
    if (!given) return false
    const now_ms = performance.now()
    this.#wrong_left = Math.min(WRONG_BURST, this.#wrong_left + (now_ms - this.#wrong_ms) / 1000 * WRONG_PER_SECOND)
    this.#wrong_ms = now_ms
    if (this.#wrong_left < 1) return true
    this.#wrong_left--
    return false
  }

  #authorized(c: Context): boolean {
    const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')
    if (bearer !== null) return this.#isToken(bearer[1]!)
    const cookie = new RegExp(`(?:^|; *)${COOKIE}=([0-9a-f]{64})(?:;|$)`).exec(c.req.header('cookie') ?? '')
    return cookie !== null && (this.#sessions.get(cookie[1]!) ?? 0) > Date.now()
  }

  /** Compares digests, so that neither length nor prefix shows in the time taken. */
  #isToken(text: string): boolean {
    const digest = (value: string) => createHash('sha256').update(value).digest()
    return this.#options.token !== '' && timingSafeEqual(digest(text), digest(this.#options.token))
  }

  /** A name that an attacker's DNS may point here must not work (DNS rebinding): only addresses and known names do. */
  #hostAllowed(c: Context): boolean {
    if (this.#options.any_host) return true
    const host = (c.req.header('host') ?? new URL(c.req.url).host).toLowerCase().replace(/:\d+$/, '')
    return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || /^\[[0-9a-f:.]+\]$/.test(host) || host === 'localhost' ||
      host.endsWith('.localhost') || this.#options.host_names.includes(host)
  }
}

/** Browsers send Origin or Sec-Fetch-Site; other clients send neither and are not a cross-site risk. */
function sameOrigin(c: Context): boolean {
  if (c.req.header('sec-fetch-site') === 'cross-site') return false
  const origin = c.req.header('origin')
  if (origin === undefined) return true
  const host = c.req.header('host') ?? new URL(c.req.url).host
  return URL.canParse(origin) && new URL(origin).host === host
}
