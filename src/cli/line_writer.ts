// LineWriter: many small texts as few writes, each text out within a few milliseconds.
import type { Terminal } from './command.ts'

/** Characters gathered before they are written at once. */
const CHARACTERS_MAX = 64 << 10

/** How long a text may wait for company, in ms: nobody who watches notices. */
const LINGER_MS = 10

export class LineWriter implements AsyncDisposable {
  readonly #terminal: Terminal
  #pending: string[] = []
  #characters = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Gives a promise when the reader has to be waited for. Throws what an earlier write failed with, EPIPE most often. */
  add(text: string): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure.error
    this.#pending.push(text)
    this.#characters += text.length
    if (this.#characters >= CHARACTERS_MAX) return this.flush()
    this.#timer ??= setTimeout(() => {
      this.flush().catch((error: unknown) => {
        this.#failure = { error }
      })
    }, LINGER_MS)
    return undefined
  }

  /** Resolves when all is written; rejects with what the write failed with. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const text = this.#pending.join('')
    this.#pending = []
    this.#characters = 0
    if (text !== '') this.#writing = this.#writing.then(() => this.#terminal.write(text))
    await this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === undefined) await this.flush()
    clearTimeout(this.#timer)
  }
}
