// /v1/processes: the process cache, read-only.
import { Hono } from 'hono'

export interface ProcessSource {
  /** Living and remembered processes, oldest first. */
  list(): readonly unknown[]
  /** The same as JSON texts, one per process, made when taken. Ends early for none. */
  texts(): Iterable<string>
  /** By exec_id as it stands in events; with ancestors and children. Null if not (or no longer) known. */
  get(exec_id: string): unknown
}

/** Processes per piece of the answer: 65,536 of them in one go would keep the main thread for a quarter of a second. */
const PIECE_PROCESSES = 256

export function processRoutes(source: ProcessSource): Hono {
  const app = new Hono()
  app.get('/', (c) => c.body(listStream(source.texts()), 200, { 'Content-Type': 'application/json' }))
  app.get('/:exec_id{.+}', (c) => {
    const exec_id = c.req.param('exec_id')
    const found = source.get(exec_id)
    return found === null ? c.json({ error: `No process with exec_id "${exec_id}"` }, 404) : c.json(found)
  })
  return app
}

/** A JSON list, a piece per turn of the event loop and only as fast as it is read; the first piece is made at once. */
function listStream(texts: Iterable<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const each = texts[Symbol.iterator]()
  let before = '['
  const add = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    let piece = ''
    for (let i = 0; i < PIECE_PROCESSES; i++) {
      const { done, value } = each.next()
      if (done === true) {
        controller.enqueue(encoder.encode(piece + (before === '[' ? '[]' : ']')))
        return controller.close()
      }
      piece += before + value
      before = ','
    }
    controller.enqueue(encoder.encode(piece))
  }
  return new ReadableStream<Uint8Array>({
    start: add,
    async pull(controller) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      add(controller)
    },
  }, { highWaterMark: 0 })
}
