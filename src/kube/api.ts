// The Kubernetes API by plain fetch: who we are, read again for every request because tokens rotate.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ApiOptions {
  /** `https://10.0.0.1:443`, without a slash at the end. */
  readonly server: string
  /** With `token` and `ca.crt`; '' for a server that asks for neither. */
  readonly service_account: string
  readonly timeout_ms: number
}

/** What the server answers instead of what was asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number

  constructor(action: string, status: number, message: string) {
    super(`Cannot ${action}: ${status} ${message}`)
    this.status = status
  }
}

export interface ApiRequest {
  readonly method?: string
  readonly body?: unknown
  readonly content_type?: string
  readonly signal?: AbortSignal
}

export class KubeApi {
  readonly #options: ApiOptions

  constructor(options: ApiOptions) {
    this.#options = options
  }

  get server(): string {
    return this.#options.server
  }

  /** Answer of a request that ends soon, parsed. Throws ApiError, or what fetch throws. */
  async json<T>(path: string, action: string, request: ApiRequest = {}): Promise<T> {
    const { timeout_ms } = this.#options
    const timeout = AbortSignal.timeout(timeout_ms)
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal])
    const response = await this.#fetch(path, { ...request, signal })
    if (!response.ok) throw await failure(action, response)
    return await response.json() as T
  }

  /** A response whose body goes on for as long as the server likes. */
  async stream(path: string, action: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch(path, { signal })
    if (!response.ok) throw await failure(action, response)
    if (response.body === null) throw new ApiError(action, response.status, 'without a body')
    return response.body
  }

  #fetch(path: string, request: ApiRequest): Promise<Response> {
    const { server } = this.#options
    const headers: Record<string, string> = { accept: 'application/json' }
    const token = this.#read('token')
    if (token !== '') headers.authorization = `Bearer ${token.trim()}`
    if (request.body !== undefined) headers['content-type'] = request.content_type ?? 'application/json'
    const ca = server.startsWith('https:') ? this.#read('ca.crt') : ''
    return fetch(server + path, {
      method: request.method ?? 'GET',
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...(ca === '' ? {} : { tls: { ca } }),
      // Bun ends an idle response after six minutes otherwise, with an error.
      timeout: false,
    })
  }

  #read(name: string): string {
    const { service_account } = this.#options
    if (service_account === '') return ''
    try {
      return readFileSync(join(service_account, name), 'utf8')
    } catch {
      return '' // the server says 401, and that is reported
    }
  }
}

async function failure(action: string, response: Response): Promise<ApiError> {
  const text = await response.text()
  let message = text.slice(0, 200)
  try {
    message = (JSON.parse(text) as { message?: string }).message ?? message
  } catch {
    // Not a Status object: a proxy in between, whose words must do.
  }
  return new ApiError(action, response.status, message)
}
