// List and watch: all objects of a kind, kept as the server changes them, through whatever interrupts it.
import { ApiError, type KubeApi } from './api.ts'

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly generateName?: string
  readonly ownerReferences?: readonly OwnerReference[]
}

export interface OwnerReference {
  readonly kind: string
  readonly name: string
  readonly controller?: boolean
}

export interface KubeObject {
  readonly metadata: ObjectMeta
}

export interface WatchHandler<T extends KubeObject> {
  /** All there are, instead of what was known before. */
  replace(objects: readonly T[]): void
  change(object: T): void
  remove(object: T): void
  /** Null: it works again. Told once, however often it is tried meanwhile. */
  trouble(error: Error | null): void
}

export interface WatchOptions {
  readonly api: KubeApi
  /** `/api/v1/pods`, without a query. */
  readonly path: string
  /** `fieldSelector=...`, or ''. */
  readonly query: string
  /** What is watched, for errors: `pods`. */
  readonly what: string
  readonly page_objects?: number
  /** The server ends a watch after this, and it is begun anew. */
  readonly watch_seconds?: number
  readonly pause_ms_min?: number
  readonly pause_ms_max?: number
}

const PAGE_OBJECTS = 500
const WATCH_SECONDS = 240
const PAUSE_MS_MIN = 200
/** An API server that is back is found within this. */
const PAUSE_MS_MAX = 5000
/** A line longer than this is no object (etcd takes 1.5 MiB). */
const LINE_CHARACTERS_MAX = 16 << 20

interface List<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string }
  readonly items: readonly T[]
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T & { readonly code?: number; readonly message?: string }
}

/** Runs until disposed. What is being told stays true: a gap that cannot be closed is a new list. */
export class Watch<T extends KubeObject> implements Disposable {
  readonly #options: WatchOptions
  readonly #handler: WatchHandler<T>
  readonly #stop = new AbortController()
  readonly #listed = Promise.withResolvers<void>()
  #version = ''
  /** What was told last, '' while it works. */
  #trouble = ''

  constructor(options: WatchOptions, handler: WatchHandler<T>) {
    this.#options = options
    this.#handler = handler
  }

  /** Resolves with the first list, which may be never. */
  get listed(): Promise<void> {
    return this.#listed.promise
  }

  /** Ends when disposed. */
  async run(): Promise<void> {
    const { pause_ms_min = PAUSE_MS_MIN, pause_ms_max = PAUSE_MS_MAX } = this.#options
    let pause_ms = pause_ms_min
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        if (this.#version === '') await this.#list()
        this.#tell(null)
        const received = await this.#watch()
        // A server that ends every watch at once must not be asked in a loop.
        if (received > 0) pause_ms = pause_ms_min
        else await Bun.sleep(pause_ms_min)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof ApiError && error.status === 410) {
          this.#version = ''
          continue
        }
        this.#tell(error instanceof Error ? error : new Error(String(error)))
        await sleep(pause_ms, signal)
        pause_ms = Math.min(pause_ms * 2, pause_ms_max)
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }

  async #list(): Promise<void> {
    const { api, path, query, what, page_objects = PAGE_OBJECTS } = this.#options
    const objects: T[] = []
    let next = ''
    let version = ''
    do {
      const more = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
      const page: List<T> = await api.json(`${path}?${joined(query, `limit=${page_objects}`)}${more}`, `list ${what}`, {
        signal: this.#stop.signal,
      })
      objects.push(...page.items)
      version = page.metadata.resourceVersion
      next = page.metadata.continue ?? ''
    } while (next !== '')
    this.#version = version
    this.#handler.replace(objects)
    this.#listed.resolve()
  }

  /** Events until the server ends the stream; gives their number. */
  async #watch(): Promise<number> {
    const { api, path, query, what, watch_seconds = WATCH_SECONDS } = this.#options
    const ask = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${watch_seconds}&resourceVersion=${this.#version}`
    const body = await api.stream(`${path}?${joined(query, ask)}`, `watch ${what}`, this.#stop.signal)
    let received = 0
    for await (const line of lines(body)) {
      const event = JSON.parse(line) as WatchEvent<T>
      if (event.type === 'ERROR') {
        throw new ApiError(`watch ${what}`, event.object.code ?? 500, event.object.message ?? '')
      }
      received++
      if (event.type === 'DELETED') this.#handler.remove(event.object)
      else if (event.type !== 'BOOKMARK') this.#handler.change(event.object)
      this.#version = event.object.metadata.resourceVersion
    }
    return received
  }

  #tell(error: Error | null): void {
    const trouble = error?.message ?? ''
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.#handler.trouble(error)
  }
}

function joined(query: string, rest: string): string {
  return query === '' ? rest : `${query}&${rest}`
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let partial = ''
  for await (const chunk of body) {
    const parts = (partial + decoder.decode(chunk, { stream: true })).split('\n')
    partial = parts.pop()!
    if (partial.length > LINE_CHARACTERS_MAX) throw new Error(`A line of the watch is over ${LINE_CHARACTERS_MAX} long`)
    for (const part of parts) if (part !== '') yield part
  }
}

/** Returns early when `signal` aborts. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}
