// Event lines in a JetStream of NATS: one subject per node, each line acknowledged, each with an id by which it is known again.

import { readFileSync } from 'node:fs'
// Types only: the library is loaded with the first connection, so that an agent without this exporter does not carry it.
import type { JetStreamClient } from '@nats-io/jetstream'
import type { Authenticator, ConnectionOptions, NatsConnection } from '@nats-io/transport-node'
import { BatchExporter, type BatchOptions, type Entry, SendError } from './batch.ts'

export interface NatsOptions {
  /** `nats://HOST:PORT` or `tls://HOST:PORT`; any of them will do. */
  readonly servers: readonly string[]
  /** Subjects are `PREFIX.NODE`. */
  readonly prefix: string
  readonly node_name: string
  readonly boot: string
  /** Stream that is made where it is missing, and must be the one that takes the events; '' for any. */
  readonly stream: string
  /** File of any form that `credentialsOf` knows; '' for none. Read at each connection. */
  readonly credentials: string
  /** PEM files; '' for none. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly timeout_ms: number
  readonly batch: Omit<BatchOptions, 'name'>
}

/** How a stream that the agent makes is kept: a day of events, whose ids are remembered for longer than a broker restarts. */
const STREAM = { age_ms: 86_400_000, duplicates_ms: 900_000 }
/** Silence after which the server is asked whether it is there; after twice that it is not. */
const PING_MS = 10_000

export function createNats(options: NatsOptions): BatchExporter {
  const link = new Link(options)
  const acknowledged = new WeakSet<Entry>()
  const ids = new WeakMap<Entry, string>()
  let without_number = 0
  /** The same for every attempt. Lines that no event number was given have one of their own kind. */
  const idOf = (entry: Entry): string => {
    const id = ids.get(entry) ?? messageId(options, entry, () => ++without_number)
    ids.set(entry, id)
    return id
  }
  const send = async (lines: readonly Entry[], signal: AbortSignal): Promise<number> => {
    const stream = await link.open()
    const rest = lines.filter((entry) => !acknowledged.has(entry))
    const fitting = rest.filter(({ line }) => Buffer.byteLength(line) <= stream.payload_bytes_max)
    let last: unknown
    const answers = fitting.map(async (entry) => {
      try {
        await stream.publish(entry.line, idOf(entry))
        acknowledged.add(entry)
      } catch (error) {
        last = error
      }
    })
    // A connection that ends takes its answers along; nobody waits for their time to run out.
    await Promise.race([Promise.all(answers), stream.ended, aborted(signal)])
    const missing = fitting.filter((entry) => !acknowledged.has(entry)).length
    if (missing === 0) return rest.length - fitting.length
    if (missing === fitting.length) await link.close()
    throw new SendError(stream.why(last, missing, fitting.length), true)
  }
  return new BatchExporter({ ...options.batch, name: 'nats', close: () => link.close() }, send)
}

interface Stream {
  readonly payload_bytes_max: number
  readonly publish: (line: string, id: string) => Promise<unknown>
  /** Settles when the connection is closed, by whomever. */
  readonly ended: Promise<unknown>
  /** What to tell of a failure, with what the server said. */
  readonly why: (error: unknown, missing: number, of: number) => string
}

/** One connection at a time, made when there is something to send. */
class Link {
  readonly #options: NatsOptions
  #connection: NatsConnection | undefined
  #stream: Stream | undefined

  constructor(options: NatsOptions) {
    this.#options = options
  }

  /** Throws SendError with the reason where there is no connection to be had. */
  async open(): Promise<Stream> {
    if (this.#stream === undefined || this.#connection === undefined || this.#connection.isClosed()) {
      await this.close()
      this.#stream = await this.#connect()
    }
    return this.#stream
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    this.#stream = undefined
    await connection?.close()
  }

  async #connect(): Promise<Stream> {
    const { servers, timeout_ms } = this.#options
    const [{ connect }, { jetstream, jetstreamManager }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
    ])
    try {
      const connection = await connect(await this.#connectionOptions())
      this.#connection = connection
      const said: { error?: Error } = {}
      void listen(connection, (error) => said.error = error)
      if (this.#options.stream !== '') {
        const manager = await jetstreamManager(connection, { timeout: timeout_ms, checkAPI: false })
        await ensureStream(manager, this.#options)
      }
      return this.#streamOf(connection, jetstream(connection, { timeout: timeout_ms }), said)
    } catch (error) {
      await this.close()
      throw new SendError(`Cannot use NATS at ${servers.join(', ')}: ${reason(error, this.#options)}`, true)
    }
  }

  #streamOf(connection: NatsConnection, client: JetStreamClient, said: { readonly error?: Error }): Stream {
    const { stream, timeout_ms } = this.#options
    const subject = subjectOf(this.#options)
    const expect = stream === '' ? {} : { expect: { streamName: stream } }
    return {
      payload_bytes_max: connection.info?.max_payload ?? 1 << 20,
      publish: (line, msgID) => client.publish(subject, line, { msgID, timeout: timeout_ms, ...expect }),
      ended: connection.closed(),
      why: (error, missing, of) => {
        const cause = said.error ?? error
        if (cause === undefined) return `NATS closed the connection: ${missing} of ${of} events are not acknowledged`
        return `NATS did not acknowledge ${missing} of ${of} events: ${reason(cause, this.#options)}`
      },
    }
  }

  async #connectionOptions(): Promise<ConnectionOptions> {
    const { servers, node_name, credentials, ca, certificate, key, timeout_ms } = this.#options
    const tls = ca !== '' || certificate !== '' || servers.some((server) => server.startsWith('tls://'))
    return {
      servers: [...servers],
      name: `thump ${node_name}`,
      // Reconnecting is left to the batches: they know what is acknowledged, and pause.
      reconnect: false,
      timeout: timeout_ms,
      pingInterval: PING_MS,
      ...credentials === '' ? {} : { authenticator: await credentialsOf(readFileSync(credentials, 'utf8')) },
      ...tls
        ? {
          tls: {
            ...ca === '' ? {} : { ca: readFileSync(ca, 'utf8') },
            ...certificate === ''
              ? {}
              : { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key === '' ? certificate : key, 'utf8') },
          },
        }
        : {},
    }
  }
}

/** What the server says aside from answers: a publisher without permission learns of it only so. */
async function listen(connection: NatsConnection, onError: (error: Error) => void): Promise<void> {
  for await (const status of connection.status()) if (status.type === 'error') onError(status.error)
}

type Manager = Awaited<ReturnType<typeof import('@nats-io/jetstream').jetstreamManager>>

async function ensureStream({ streams }: Manager, { stream, prefix }: NatsOptions): Promise<void> {
  try {
    await streams.info(stream)
  } catch (error) {
    if (!(error instanceof Error) || !/stream not found/i.test(error.message)) throw error
    await streams.add({
      name: stream,
      subjects: [`${prefix}.>`],
      max_age: STREAM.age_ms * 1e6,
      duplicate_window: STREAM.duplicates_ms * 1e6,
    })
  }
}

/** The node as one token of a subject: what subjects cannot hold is an underscore. */
export function subjectOf({ prefix, node_name }: Pick<NatsOptions, 'prefix' | 'node_name'>): string {
  return `${prefix}.${node_name.replace(/[^A-Za-z0-9_-]/g, '_') || '_'}`
}

/** `NODE/BOOT-SEQ`, as `node_name` and `thump` in the line have them. */
function messageId({ node_name, boot }: NatsOptions, { line, seq }: Entry, next: () => number): string {
  const number = seq > 0 ? String(seq) : /"thump":\{"seq":"(\d+)"/.exec(line)?.[1] ?? `x${next()}`
  return `${node_name}/${boot}-${number}`
}

/** A file of `nsc` (.creds), a seed (SU...), `USER:PASSWORD`, or else a token. */
export async function credentialsOf(text: string): Promise<Authenticator> {
  const { credsAuthenticator, nkeyAuthenticator, tokenAuthenticator, usernamePasswordAuthenticator } = await import(
    '@nats-io/transport-node'
  )
  const secret = text.trim()
  if (secret.includes('BEGIN NATS USER JWT')) return credsAuthenticator(Buffer.from(text))
  if (/^SU[A-Z2-7]{56}$/.test(secret)) return nkeyAuthenticator(Buffer.from(secret))
  const colon = secret.indexOf(':')
  if (colon > 0) return usernamePasswordAuthenticator(secret.slice(0, colon), secret.slice(colon + 1))
  return tokenAuthenticator(secret)
}

function reason(error: unknown, options: NatsOptions): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AuthorizationError' || error.name === 'UserAuthenticationExpiredError') {
    const from = options.credentials === '' ? 'none are given (--nats-credentials)' : `those of ${options.credentials}`
    return `it refuses the credentials, ${from}: ${error.message}`
  }
  if (error.name === 'JetStreamNotEnabled') {
    return `no stream takes the subject "${
      subjectOf(options)
    }", or JetStream is off: make one, or name it by --nats-stream`
  }
  if (error.name === 'TimeoutError') return `no answer within ${options.timeout_ms} ms`
  return error.message
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
