// AgentClient: requests of the command line client to an agent, over TCP or a Unix socket.
import fs from 'node:fs'
import { parseListen } from '../config_value.ts'
import type { Options, Terminal } from './command.ts'
import { UsageError } from './command.ts'

export const DEFAULT_SERVER = '127.0.0.1:8467'
const DEFAULT_TOKEN_FILE = '/run/thump/token'

/** Options that every command which talks to an agent knows. */
export const CLIENT_OPTIONS = { '--server': true, '--token-file': true } as const
export const CLIENT_USAGE =
  `  --server ADDR      agent to ask: HOST:PORT or unix:PATH (THUMP_SERVER, default ${DEFAULT_SERVER})
  --token-file FILE  bearer token (THUMP_TOKEN_FILE, default ${DEFAULT_TOKEN_FILE} if it can be read)`

/** The agent answered, but not with success. `mistakes` is its JSON. */
export class AgentError extends Error {
  override name = 'AgentError'
  readonly status: number
  readonly body: unknown

  constructor(status: number, body: unknown) {
    super(describe(status, body))
    this.status = status
    this.body = body
  }
}

export class AgentClient {
  readonly #address: string
  readonly #base: string
  readonly #unix: string | undefined
  readonly #token: string | undefined

  constructor(options: Options, env: Terminal['env']) {
    this.#address = options.values.get('--server')?.at(-1) ?? env.THUMP_SERVER ?? DEFAULT_SERVER
    const where = parseListen(this.#address)
    if (where === null || where.kind === 'none') {
      throw new UsageError(`Invalid value "${this.#address}" for --server, want HOST:PORT or unix:PATH`)
    }
    this.#unix = where.kind === 'unix' ? where.path : undefined
    this.#base = where.kind === 'unix' ? 'http://localhost' : `http://${bracketed(where.host)}:${where.port}`
    this.#token = readToken(options.values.get('--token-file')?.at(-1) ?? env.THUMP_TOKEN_FILE)
  }

  /** Throws Error where no agent answers, AgentError where it answers with a failure. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#token !== undefined) headers.set('Authorization', `Bearer ${this.#token}`)
    let response: Response
    try {
      const unix = this.#unix === undefined ? {} : { unix: this.#unix }
      response = await fetch(this.#base + path, { ...init, ...unix, headers })
    } catch (error) {
      throw new Error(`Cannot reach an agent at ${this.#address}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      })
    }
    if (response.ok) return response
    const text = await response.text()
    throw new AgentError(response.status, parseJson(text))
  }

  async json(path: string, init: RequestInit = {}): Promise<unknown> {
    return (await this.request(path, init)).json()
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** The default file may be missing or unreadable (reading needs no token); one that was named must be there. */
function readToken(file: string | undefined): string | undefined {
  try {
    return fs.readFileSync(file ?? DEFAULT_TOKEN_FILE, 'utf8').trim()
  } catch (error) {
    if (file === undefined) return undefined
    throw new Error(`Cannot read token file "${file}": ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // a proxy in between may answer with something else
  }
}

function describe(status: number, body: unknown): string {
  if (typeof body === 'object' && body !== null && 'error' in body) return `${body.error} (status ${status})`
  return `The agent answered with status ${status}${
    typeof body === 'string' && body !== '' ? `: ${body.slice(0, 200)}` : ''
  }`
}
