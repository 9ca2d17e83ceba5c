// Budget: how much time of the main thread requests may take, so that whoever asks too often cannot stall the rings.
import type { Context, MiddlewareHandler } from 'hono'

export interface BudgetOptions {
  /** Part of the time that one client may use, and all clients together. */
  readonly part_per_client: number
  readonly part_of_all: number
  /** Time that may be used at once after a pause, in ms. */
  readonly burst_ms: number
  /** What a request costs besides the time of its handler, in ms: parsing and answering, measured 0.05 under Bun 1.4.5. */
  readonly request_ms: number
  /** Clients that are told apart; the one that came first makes room. */
  readonly clients_max: number
}

export const BUDGET: BudgetOptions = {
  part_per_client: 0.2,
  part_of_all: 0.4,
  burst_ms: 500,
  request_ms: 0.05,
  clients_max: 1024,
}

/** Probes must be answered whatever happens. */
const FREE = new Set(['/healthz', '/readyz'])

interface Bucket {
  left_ms: number
  at_ms: number
}

/** What Bun.serve passes as `env`. */
interface ServerEnv {
  requestIP?: (request: Request) => { readonly address: string } | null
}

export class Budget {
  refused = 0
  readonly #options: BudgetOptions
  readonly #now: () => number
  readonly #all: Bucket
  readonly #clients = new Map<string, Bucket>()

  /** `now` gives ms of a clock that only goes forward. */
  constructor(options: BudgetOptions = BUDGET, now: () => number = () => performance.now()) {
    this.#options = options
    this.#now = now
    this.#all = { left_ms: options.burst_ms, at_ms: now() }
  }

  readonly middleware: MiddlewareHandler = async (c, next) => {
    if (FREE.has(c.req.path)) return next()
    const { part_per_client, part_of_all, request_ms } = this.#options
    const client = this.#client(address(c))
    const start_ms = this.#now()
    this.#refill(client, part_per_client, start_ms)
    this.#refill(this.#all, part_of_all, start_ms)
    if (client.left_ms <= 0 || this.#all.left_ms <= 0) {
      this.refused++
      c.header('Retry-After', '1')
      return c.json({ error: 'Too many requests: they take too much of the time of the agent' }, 429)
    }
    // A handler runs at once up to where it waits; what it waits for does not keep the main thread.
    const answer = next()
    const spent_ms = this.#now() - start_ms + request_ms
    client.left_ms -= spent_ms
    this.#all.left_ms -= spent_ms
    await answer
  }

  #client(name: string): Bucket {
    const known = this.#clients.get(name)
    if (known !== undefined) return known
    if (this.#clients.size >= this.#options.clients_max) this.#clients.delete(this.#clients.keys().next().value!)
    const bucket = { left_ms: this.#options.burst_ms, at_ms: this.#now() }
    this.#clients.set(name, bucket)
    return bucket
  }

  #refill(bucket: Bucket, part: number, now_ms: number): void {
    bucket.left_ms = Math.min(this.#options.burst_ms, bucket.left_ms + (now_ms - bucket.at_ms) * part)
    bucket.at_ms = now_ms
  }
}

/** '' on a Unix socket, where all clients are the same user. */
function address(c: Context): string {
  const env: ServerEnv = c.env ?? {}
  return env.requestIP?.(c.req.raw)?.address ?? ''
}
