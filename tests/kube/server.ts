/** A Kubernetes API server for tests: objects by path, watches that are told of changes, and whatever may go wrong. */

interface Meta {
  name: string
  namespace?: string
  uid: string
  resourceVersion: string
  [field: string]: unknown
}

export interface FakeObject {
  metadata: Meta
  [field: string]: unknown
}

interface Change {
  readonly type: string
  readonly path: string
  readonly object: unknown
  readonly version: number
}

interface Watcher {
  readonly path: string
  readonly controller: ReadableStreamDefaultController<Uint8Array>
}

export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly token: string | null
  readonly body: string
  readonly content_type: string | null
}

export class FakeApiServer implements AsyncDisposable {
  readonly requests: FakeRequest[] = []
  /** '' lets everybody in. */
  token = ''
  /** Answers instead of what would be answered; undefined for that. */
  intercept: (request: FakeRequest) => Response | undefined = () => undefined
  #objects = new Map<string, Map<string, FakeObject>>()
  #changes: Change[] = []
  #version = 100
  /** Watches from before this get 410. */
  #oldest = 0
  #watchers = new Set<Watcher>()
  #server: Bun.Server<undefined> | null = null
  readonly #port: number

  constructor(port = 0) {
    this.#server = this.#serve(port)
    this.#port = this.#server.port!
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get watchers(): number {
    return this.#watchers.size
  }

  /** Adds or changes one, as by a client; `path` is that of the collection. */
  put(path: string, object: Omit<FakeObject, 'metadata'> & { metadata: Partial<Meta> & { name: string } }): FakeObject {
    const objects = this.#collection(path)
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`
    const known = objects.get(key)
    const stored = {
      ...object,
      metadata: {
        uid: known?.metadata.uid ?? `uid-${key}`,
        ...object.metadata,
        resourceVersion: String(++this.#version),
      },
    } as FakeObject
    objects.set(key, stored)
    this.#tell({ type: known === undefined ? 'ADDED' : 'MODIFIED', path, object: stored, version: this.#version })
    return stored
  }

  remove(path: string, name: string, namespace = ''): void {
    const object = this.#collection(path).get(`${namespace}/${name}`)
    if (object === undefined) throw new Error(`No ${namespace}/${name} at ${path}`)
    this.#collection(path).delete(`${namespace}/${name}`)
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } }
    this.#tell({ type: 'DELETED', path, object: last, version: this.#version })
  }

  /** All watches hear how far they are. */
  bookmark(): void {
    const object = { kind: 'Bookmark', metadata: { resourceVersion: String(++this.#version) } }
    for (const watcher of this.#watchers) send(watcher, { type: 'BOOKMARK', object })
  }

  /** What happened so far cannot be watched any more, as after a compaction. */
  compact(): void {
    this.#oldest = ++this.#version
    this.#changes = []
  }

  /** An ERROR event in every open stream, then their end. */
  fail(code: number): void {
    for (const watcher of this.#watchers) {
      send(watcher, { type: 'ERROR', object: { kind: 'Status', code, message: 'too old resource version' } })
    }
    this.endWatches()
  }

  endWatches(): void {
    for (const watcher of this.#watchers) watcher.controller.close()
    this.#watchers.clear()
  }

  /** Nobody listens until start(). */
  async stop(): Promise<void> {
    await this.#server?.stop(true)
    this.#server = null
    this.#watchers.clear()
  }

  start(): void {
    this.#server ??= this.#serve(this.#port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #serve(port: number): Bun.Server<undefined> {
    return Bun.serve({ hostname: '127.0.0.1', port, idleTimeout: 0, fetch: (request) => this.#answer(request) })
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const asked: FakeRequest = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      token: request.headers.get('authorization')?.replace('Bearer ', '') ?? null,
      body: await request.text(),
      content_type: request.headers.get('content-type'),
    }
    this.requests.push(asked)
    if (this.token !== '' && asked.token !== this.token) return status(401, 'Unauthorized')
    const instead = this.intercept(asked)
    if (instead !== undefined) return instead
    if (request.method !== 'GET') return this.#write(asked)
    return asked.query.get('watch') === '1' ? this.#watch(asked) : this.#list(asked)
  }

  #list({ path, query }: FakeRequest): Response {
    const objects = [...this.#collection(path).values()]
    const limit = Number(query.get('limit') ?? 1e6)
    const from = Number(query.get('continue') ?? 0)
    const metadata: Record<string, string> = { resourceVersion: String(this.#version) }
    if (from + limit < objects.length) metadata.continue = String(from + limit)
    return Response.json({ kind: 'List', metadata, items: objects.slice(from, from + limit) })
  }

  #watch({ path, query }: FakeRequest): Response {
    const from = Number(query.get('resourceVersion'))
    if (from < this.#oldest) return status(410, 'too old resource version')
    let own: Watcher | undefined
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        own = { path, controller }
        for (const change of this.#changes) if (change.path === path && change.version > from) send(own, change)
        this.#watchers.add(own)
      },
      cancel: () => {
        if (own !== undefined) this.#watchers.delete(own)
      },
    })
    return new Response(stream)
  }

  /** Server-side apply of `/status`: what was sent is kept as it is. */
  #write({ path, body }: FakeRequest): Response {
    const match = /^(.*)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)\/status$/.exec(path) ??
      /^(.*)()\/([^/]+)\/([^/]+)\/status$/.exec(path)
    if (match === null) return status(405, 'method not allowed')
    const [, group = '', namespace = '', plural = '', name = ''] = match
    const object = this.#collection(`${group}/${plural}`).get(`${namespace}/${name}`)
    if (object === undefined) return status(404, 'not found')
    this.put(`${group}/${plural}`, { ...object, status: (JSON.parse(body) as { status?: unknown }).status })
    return Response.json(object)
  }

  #collection(path: string): Map<string, FakeObject> {
    let objects = this.#objects.get(path)
    if (objects === undefined) this.#objects.set(path, objects = new Map())
    return objects
  }

  #tell(change: Change): void {
    this.#changes.push(change)
    for (const watcher of this.#watchers) if (watcher.path === change.path) send(watcher, change)
  }
}

function send({ controller }: Watcher, { type, object }: { type: string; object: unknown }): void {
  controller.enqueue(new TextEncoder().encode(JSON.stringify({ type, object }) + '\n'))
}

function status(code: number, message: string): Response {
  return Response.json({ kind: 'Status', code, message }, { status: code })
}
