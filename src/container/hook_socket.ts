// The socket that `thump oci-hook` speaks to: one line of JSON in, one out, for root only.
import fs from 'node:fs'
import net from 'node:net'
import { type HookAnswer, type HookMessage, MESSAGE_BYTES_MAX, parseMessage } from '../hook/message.ts'

/** Hooks that may speak at once: a node starts some ten containers a second. */
const CONNECTIONS_MAX = 256
/** Silence after which a connection is dropped, in ms: hooks speak at once. */
const SILENCE_MS = 30_000

/** Listens until it is disposed of. Throws Error naming the path where that is not possible. */
export async function openHookSocket(
  socket: string,
  answer: (message: HookMessage) => Promise<HookAnswer>,
): Promise<AsyncDisposable> {
  if (fs.statSync(socket, { throwIfNoEntry: false })?.isSocket() === true) {
    if (await answers(socket)) throw new Error(`Cannot listen for the OCI hook on ${socket}: another agent does`)
    fs.unlinkSync(socket) // left by an agent that was killed
  }
  fs.mkdirSync(socket.slice(0, socket.lastIndexOf('/')) || '/', { recursive: true, mode: 0o700 })
  const server = net.createServer((connection) => serve(connection, answer))
  server.maxConnections = CONNECTIONS_MAX
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', (error) => {
    reject(new Error(`Cannot listen for the OCI hook on ${socket}: ${error.message}`, { cause: error }))
  })
  // Nobody but root may connect, not even between bind and chmod.
  const before = process.umask(0o177)
  try {
    server.listen(socket, resolve)
    await promise
  } finally {
    process.umask(before)
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      await Promise.resolve()
      fs.rmSync(socket, { force: true })
    },
  }
}

function answers(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const connection = net.connect(socket, () => {
    connection.destroy()
    resolve(true)
  })
  connection.once('error', () => resolve(false))
  return promise
}

function serve(connection: net.Socket, answer: (message: HookMessage) => Promise<HookAnswer>): void {
  let text = ''
  let taken = false
  const reply = (result: HookAnswer) => void connection.end(`${JSON.stringify(result)}\n`)
  const fail = (error: unknown) =>
    reply({ told: false, known: false, reason: error instanceof Error ? error.message : String(error) })
  connection.setTimeout(SILENCE_MS, () => connection.destroy())
  // The hook is gone, or the runtime ended it: there is nobody left to answer.
  connection.on('error', () => connection.destroy())
  connection.setEncoding('utf8')
  connection.on('data', (part: string) => {
    if (taken) return
    text += part
    if (text.length > MESSAGE_BYTES_MAX) {
      taken = true
      fail(new Error(`Cannot take a message of more than ${MESSAGE_BYTES_MAX} bytes`))
      return
    }
    const end = text.indexOf('\n')
    if (end < 0) return
    taken = true
    try {
      answer(parseMessage(text.slice(0, end))).then(reply, fail)
    } catch (error) {
      fail(error)
    }
  })
}
