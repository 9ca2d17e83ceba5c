// /v1/events: the live stream as server-sent events or NDJSON.
import { type Context, Hono } from 'hono'
import type { Hub, HubEvent } from '../export/hub.ts'
import type { Delivery, EventMatch, LostRange, Subscription } from '../export/subscription.ts'

export interface EventRouteOptions {
  readonly hub: Hub
  /** What the query selects, `since` and `format` aside; or a text that says what is wrong with it. */
  readonly parseQuery: (query: URLSearchParams) => EventMatch | string
  readonly heartbeat_ms: number
  /** One line for people; null for events that have none. */
  readonly compact: ((line: string) => string | null) | null
}

/** What Bun.serve passes as `env`: lets a stream stay silent for longer than the server's idle timeout. */
interface ServerEnv {
  timeout?: (request: Request, seconds: number) => void
}

/** Bytes per piece given to the response: bounds what lies between the queue, where loss is counted, and the socket. */
const PIECE_CHARACTERS = 64 << 10

export function eventRoutes(options: EventRouteOptions): Hono {
  const app = new Hono()
  const texts: SharedTexts = { sse: new WeakMap(), sse_compact: new WeakMap(), compact: new WeakMap() }
  app.get('/', (c) => {
    const url = new URL(c.req.url)
    const match = options.parseQuery(url.searchParams)
    if (typeof match === 'string') return c.json({ error: match }, 400)
    const since = url.searchParams.get('since') ?? c.req.header('last-event-id') ?? null
    const subscription = options.hub.subscribe(match, since)
    if (subscription === null) return c.json({ error: 'Too many subscribers' }, 503)
    const env: ServerEnv = c.env ?? {}
    env.timeout?.(c.req.raw, 0)
    const format = chooseFormat(c, url, options, texts)
    return new Response(stream(subscription, format, options.heartbeat_ms), {
      headers: { 'Content-Type': format.type, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
    })
  })
  return app
}

/** What is sent of an event, made once for all subscribers of a format. */
type Texts = WeakMap<HubEvent, string>
type SharedTexts = Readonly<Record<'sse' | 'sse_compact' | 'compact', Texts>>

interface Format {
  readonly type: string
  readonly hello: string
  readonly heartbeat: string
  event(event: HubEvent): string
  lost(lost: LostRange): string
}

function chooseFormat(c: Context, url: URL, options: EventRouteOptions, texts: SharedTexts): Format {
  const compact = url.searchParams.get('format') === 'compact' ? options.compact : null
  const { boot } = options.hub
  const range = (lost: LostRange) => {
    const id = (text: string) => lost.reason === 'slow' ? `${boot}-${text}` : text
    return JSON.stringify({ reason: lost.reason, count: lost.count, from: id(lost.from), to: id(lost.to) })
  }
  if ((c.req.header('accept') ?? '').includes('application/x-ndjson')) {
    return {
      type: compact === null ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
      hello: '',
      // An empty line, which readers of NDJSON skip: without bytes a Unix socket would be hung up on.
      heartbeat: compact === null ? '\n' : '',
      event: compact === null ? ({ line }) => line + '\n' : shared(texts.compact, ({ line }) => {
        const content = compact(line)
        return content === null ? '' : content + '\n'
      }),
      lost: (lost) => `{"loss":${range(lost)}}\n`,
    }
  }
  return {
    type: 'text/event-stream',
    hello: ': thump\n\n',
    heartbeat: ': \n\n',
    event: shared(compact === null ? texts.sse : texts.sse_compact, ({ line, meta }) => {
      const content = compact === null ? line : compact(line)
      return content === null ? '' : `id: ${boot}-${meta.seq}\ndata: ${content.replaceAll('\n', '\ndata: ')}\n\n`
    }),
    lost: (lost) => `event: loss\ndata: ${range(lost)}\n\n`,
  }
}

function shared(texts: Texts, make: (event: HubEvent) => string): (event: HubEvent) => string {
  return (event) => {
    const known = texts.get(event)
    if (known !== undefined) return known
    const text = make(event)
    texts.set(event, text)
    return text
  }
}

/** Pulled by the response: takes from the queue only when the reader has taken what was given before. */
function stream(subscription: Subscription, format: Format, heartbeat_ms: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let waiting: readonly Delivery[] = []
  let at = 0
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (format.hello !== '') controller.enqueue(encoder.encode(format.hello))
    },
    async pull(controller) {
      let piece = ''
      while (piece === '') {
        if (at === waiting.length) {
          waiting = await subscription.take(heartbeat_ms)
          at = 0
          if (subscription.closed && waiting.length === 0) return controller.close()
          if (waiting.length === 0) piece = format.heartbeat
        }
        while (at < waiting.length && piece.length < PIECE_CHARACTERS) {
          const delivery = waiting[at++]!
          piece += 'lost' in delivery ? format.lost(delivery.lost) : format.event(delivery.event)
        }
      }
      controller.enqueue(encoder.encode(piece))
    },
    cancel() {
      subscription[Symbol.dispose]()
    },
  }, { highWaterMark: 0 })
}
