// StdoutExporter: event lines gathered into large writes, between the pipeline and fd 1.
import fs from 'node:fs'
import { type Chunk, ChunkQueue } from './chunk_queue.ts'
import type { Exporter, SinkCounters } from './type.ts'

export interface StdoutOptions {
  /** Descriptor to write to; 1 but for tests. */
  readonly fd?: number
  readonly chunk_bytes: number
  /** Bytes that may wait for a slow reader. */
  readonly queue_bytes: number
  /** Makes the line (times: Unix, ms) that tells a slow reader what it missed; called when there is room again. */
  readonly lossLine?: (count: number, from_ms: number, to_ms: number) => string
  /** Called once, when nothing can be written any more. */
  readonly onClosed?: (error: NodeJS.ErrnoException) => void
}

/** How long to wait, in ms, before trying a descriptor again that was set non-blocking by somebody else. */
const RETRY_MS = 2

/**
 * Writes without ever blocking the main thread. Three kinds of descriptor:
 * - regular files and /dev/null: written at once, they never make a writer wait for a reader;
 * - pipes and terminals: through an own description of the same pipe (opened by /proc/self/fd, O_NONBLOCK there does
 *   not reach the others who hold fd 1); when it is full, one write in Bun's thread pool on the blocking
 *   fd waits for the reader, which costs no polling;
 * - sockets and what cannot be opened again: always through the thread pool.
 */
export class StdoutExporter implements Exporter {
  readonly counters: SinkCounters
  readonly #fd: number
  readonly #direct: number
  readonly #queue: ChunkQueue
  readonly #options: StdoutOptions
  #busy = false
  #open = true
  #lost = 0
  #lost_from_ms = 0
  #lost_to_ms = 0
  #waiting: (() => void)[] = []

  constructor(options: StdoutOptions) {
    this.#options = options
    this.#fd = options.fd ?? 1
    this.#direct = directDescriptor(this.#fd)
    this.#queue = new ChunkQueue(options.chunk_bytes, options.queue_bytes)
    this.counters = {
      name: 'stdout',
      events: 0,
      written: 0,
      written_bytes: 0,
      queued: 0,
      queued_bytes: 0,
      dropped: { queue_full: 0, closed: 0 },
    }
  }

  get open(): boolean {
    return this.#open
  }

  write(line: string): void {
    const counters = this.counters
    counters.events++
    if (!this.#open) {
      counters.dropped.closed!++
      return
    }
    if (this.#lost > 0 && this.#queue.hasRoom(line.length + 512)) this.#reportLost()
    if (this.#queue.add(line)) {
      counters.queued++
      return
    }
    counters.dropped.queue_full!++
    const now_ms = Date.now()
    if (this.#lost++ === 0) this.#lost_from_ms = now_ms
    this.#lost_to_ms = now_ms
  }

  push(): void {
    while (this.#open && !this.#busy) {
      const chunk = this.#queue.peek()
      if (chunk === null) break
      if (this.#direct < 0) {
        this.#writeInPool(chunk)
        break
      }
      try {
        this.#advance(chunk, fs.writeSync(this.#direct, chunk.bytes, chunk.from, chunk.to - chunk.from))
      } catch (error) {
        if (errorCode(error) === 'EAGAIN') this.#writeInPool(chunk)
        else this.#close(error)
      }
    }
    this.counters.queued_bytes = this.#queue.bytes
    if (!this.#busy && this.#queue.bytes === 0) this.#wake()
  }

  async flush(): Promise<void> {
    if (this.#lost > 0 && this.#open && this.#queue.hasRoom(512)) this.#reportLost()
    this.push()
    if (!this.#open || (!this.#busy && this.#queue.bytes === 0)) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
    this.#open = false
    if (this.#direct >= 0 && this.#direct !== this.#fd && this.#direct !== CLOSED) fs.closeSync(this.#direct)
  }

  /** Blocks a thread of the pool until the reader has taken something, then goes on. */
  #writeInPool(chunk: Chunk): void {
    this.#busy = true
    fs.write(this.#fd, chunk.bytes, chunk.from, chunk.to - chunk.from, null, (error, written) => {
      this.#busy = false
      if (error === null) this.#advance(chunk, written)
      else if (error.code === 'EAGAIN') {
        this.#busy = true
        setTimeout(() => {
          this.#busy = false
          this.push()
        }, RETRY_MS)
        return
      } else this.#close(error)
      this.push()
    })
  }

  #advance(chunk: Chunk, bytes: number): void {
    this.counters.written_bytes += bytes
    const lines = this.#queue.advance(chunk, bytes)
    this.counters.written += lines
    this.counters.queued -= lines
  }

  #reportLost(): void {
    const { lossLine } = this.#options
    if (lossLine !== undefined && this.#queue.add(lossLine(this.#lost, this.#lost_from_ms, this.#lost_to_ms))) {
      this.counters.events++
      this.counters.queued++
    }
    this.#lost = 0
  }

  #close(cause: unknown): void {
    const error: NodeJS.ErrnoException = cause instanceof Error ? cause : new Error(String(cause))
    this.#open = false
    const lines = this.#queue.clear()
    this.counters.queued -= lines
    this.counters.dropped.closed! += lines
    this.#options.onClosed?.(error)
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** Number of no descriptor: writing to it says EBADF, as the closed one would have. */
const CLOSED = 2 ** 31 - 1

/** include/uapi/asm-generic/fcntl.h; not in fs.constants. */
const O_ACCMODE = 3

/** Where stdout is closed at start, Bun (1.4.5) puts /dev/null there, open for reading as well; a shell's is not. */
function isPlaceholder(fd: number): boolean {
  if (fs.readlinkSync(`/proc/self/fd/${fd}`) !== '/dev/null') return false
  const flags = /^flags:\s+([0-7]+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
  return flags !== null && (parseInt(flags[1]!, 8) & O_ACCMODE) === fs.constants.O_RDWR
}

/** A descriptor on which writeSync never waits, or -1. */
function directDescriptor(fd: number): number {
  let stat: fs.Stats
  try {
    stat = fs.fstatSync(fd)
  } catch {
    return fd // closed: the first write says EBADF, and that is reported
  }
  if (stat.isFile()) return fd
  if (isPlaceholder(fd)) return CLOSED
  const nonblocking = fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY
  if (stat.isFIFO() || stat.isCharacterDevice()) {
    try {
      return fs.openSync(`/proc/self/fd/${fd}`, nonblocking)
    } catch (error) {
      // ENXIO: a pipe that nobody reads; writing to the pipe itself then says EPIPE.
      return errorCode(error) === 'ENXIO' ? fd : -1
    }
  }
  return -1
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
