// Subscribers of /v1/events in a process of their own, for bench/doors.ts: counts what each got and what it was told it missed.
import net from 'node:net'

export interface ClientOrder {
  readonly port: number
  /** One query per client that reads as fast as it can. */
  readonly queries: readonly string[]
  /** One client that reads a byte per second, and one that reads nothing, until the end. */
  readonly laggards: boolean
}

export interface ClientResult {
  readonly query: string
  readonly events: number
  readonly lost: number
  readonly loss_messages: number
  /** Events whose id is not above the one before: a double, or out of order. */
  readonly disorder: number
}

/** Counts messages in a stream of pieces that may be cut anywhere. */
class Counter {
  events = 0
  lost = 0
  loss_messages = 0
  disorder = 0
  #rest = ''
  #last = 0

  take(text: string): void {
    const all = this.#rest + text
    const end = all.lastIndexOf('\n\n')
    if (end < 0) {
      this.#rest = all
      return
    }
    this.#rest = all.slice(end + 2)
    for (let at = all.indexOf('id: '); at >= 0 && at < end; at = all.indexOf('\n\nid: ', at)) {
      if (all[at] === '\n') at += 2
      const seq = parseInt(all.slice(all.indexOf('-', at) + 1, at + 40), 10)
      if (seq <= this.#last) this.disorder++
      this.#last = seq
      this.events++
      at = all.indexOf('\n\n', at)
      if (at < 0) break
    }
    for (let at = all.indexOf('event: loss\n'); at >= 0 && at < end; at = all.indexOf('event: loss\n', at + 1)) {
      const count = /"count":(\d+)/.exec(all.slice(at, at + 200))
      this.lost += Number(count?.[1] ?? 0)
      this.loss_messages++
    }
  }
}

async function reader(port: number, query: string, signal: AbortSignal): Promise<ClientResult> {
  const counter = new Counter()
  const decoder = new TextDecoder()
  const response = await fetch(`http://127.0.0.1:${port}/v1/events?${query}`, { signal })
  if (response.status !== 200) throw new Error(`Status ${response.status}: ${await response.text()}`)
  ready()
  try {
    for await (const bytes of response.body!) counter.take(decoder.decode(bytes, { stream: true }))
  } catch (error) {
    if (!signal.aborted) throw error
  }
  const { events, lost, loss_messages, disorder } = counter
  return { query, events, lost, loss_messages, disorder }
}

/** Reads `bytes` per second until `hurry` resolves, then all that is left. */
async function laggard(port: number, bytes: number, hurry: Promise<void>, signal: AbortSignal): Promise<ClientResult> {
  const counter = new Counter()
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', (error) => console.error(error.message))
  socket.pause()
  socket.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  ready()
  const timer = setInterval(() => {
    if (bytes > 0) counter.take(withoutChunks(String(socket.read(bytes) ?? '')))
  }, 1000)
  await hurry
  clearInterval(timer)
  let raw = ''
  socket.on('data', (data) => {
    raw += data.toString('latin1')
  })
  socket.resume()
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  socket.destroy()
  counter.take(withoutChunks(raw))
  const { events, lost, loss_messages, disorder } = counter
  return { query: `${bytes} bytes/s`, events, lost, loss_messages, disorder }
}

/** Chunk sizes of HTTP/1.1 out of the text. */
function withoutChunks(raw: string): string {
  return raw.replace(/\r\n[0-9a-f]+\r\n/gi, '')
}

let waiting = 0
function ready(): void {
  if (--waiting === 0) console.log('ready')
}

if (import.meta.main) {
  const order = JSON.parse(process.argv[2]!) as ClientOrder
  waiting = order.queries.length + (order.laggards ? 2 : 0)
  const stop = new AbortController()
  const { promise: hurry, resolve: hurryUp } = Promise.withResolvers<void>()
  const running = order.queries.map((query) => reader(order.port, query, stop.signal))
  if (order.laggards) running.push(...[1, 0].map((bytes) => laggard(order.port, bytes, hurry, stop.signal)))
  for await (const line of console) {
    if (line === 'hurry') hurryUp()
    if (line === 'stop') break
  }
  stop.abort()
  console.log(JSON.stringify(await Promise.all(running)))
  process.exit(0)
}
