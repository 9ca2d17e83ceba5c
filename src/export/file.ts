// FileExporter: event lines appended to a file that is rotated by size and age, between the pipeline and the disk.

import type { Stats } from 'node:fs'
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Chunk, ChunkQueue } from './chunk_queue.ts'
import { rotateAway, tidyBackups } from './rotation.ts'
import type { Exporter, SinkCounters } from './type.ts'

export interface FileOptions {
  readonly path: string
  /** Rotate before the file grows beyond this. */
  readonly bytes_max: number
  /** Rotate when the file is this old and not empty; 0: never. */
  readonly age_ms_max: number
  /** Rotated files that are kept; 0: all. */
  readonly backups_max: number
  readonly compress: boolean
  /** Permissions of the file, whatever the umask. */
  readonly mode: number
  readonly chunk_bytes: number
  /** Bytes that may wait for the disk. */
  readonly queue_bytes: number
  /** Makes the line that tells what was dropped for want of room. */
  readonly lossLine?: (count: number, from_ms: number, to_ms: number) => string
  /** Called when writing begins to fail, and with null when it works again. */
  readonly onTrouble?: (error: NodeJS.ErrnoException | null) => void
}

/** What may be changed while the file is open. */
export type Rotation = Pick<FileOptions, 'bytes_max' | 'age_ms_max' | 'backups_max'>

/** Pause before a failing disk is tried again. */
const RETRY_MS = 1_000

/**
 * Every disk operation runs in the thread pool, one at a time; the main thread only gathers. Chunks hold whole lines, so
 * that a rotation falls between lines. What a full disk refuses stays queued and is tried again each second; when the
 * queue is full, lines are counted as dropped. A file that was removed or renamed is noticed before the next write.
 */
export class FileExporter implements Exporter {
  readonly counters: SinkCounters
  readonly open = true
  rotations = 0
  #options: FileOptions
  readonly #queue: ChunkQueue
  #file: FileHandle | undefined
  #size = 0
  #opened_ms = 0
  #regular = true
  #reopen = false
  #failing = false
  #retry_at_ms = 0
  #lost = 0
  #lost_from_ms = 0
  #lost_to_ms = 0
  #busy: Promise<void> | undefined
  #tidying: Promise<void> = Promise.resolve()
  #timer: ReturnType<typeof setInterval>

  private constructor(options: FileOptions) {
    this.#options = options
    this.#queue = new ChunkQueue(options.chunk_bytes, options.queue_bytes)
    this.counters = {
      name: 'file',
      events: 0,
      written: 0,
      written_bytes: 0,
      queued: 0,
      queued_bytes: 0,
      dropped: { queue_full: 0, error: 0 },
    }
    // For age and retries while no event comes; does not keep the process alive.
    this.#timer = setInterval(() => this.push(), RETRY_MS)
    this.#timer.unref()
  }

  /** Opens the file, with its directory; throws the system's error, so that a mistake shows when the agent starts. */
  static async open(options: FileOptions): Promise<FileExporter> {
    const exporter = new FileExporter(options)
    try {
      await exporter.#openFile()
    } catch (error) {
      clearInterval(exporter.#timer)
      throw error
    }
    exporter.#tidy()
    return exporter
  }

  get rotation(): Rotation {
    const { bytes_max, age_ms_max, backups_max } = this.#options
    return { bytes_max, age_ms_max, backups_max }
  }

  /** Holds from the next write on; backups that are too many now are removed. */
  configure(changes: Partial<Rotation>): void {
    this.#options = { ...this.#options, ...changes }
    this.#tidy()
  }

  write(line: string): void {
    const counters = this.counters
    counters.events++
    if (this.#lost > 0 && this.#queue.hasRoom(line.length + 512)) this.#reportLost()
    if (this.#queue.add(line)) {
      counters.queued++
      return
    }
    counters.dropped['queue_full'] = (counters.dropped['queue_full'] ?? 0) + 1
    const now_ms = Date.now()
    if (this.#lost++ === 0) this.#lost_from_ms = now_ms
    this.#lost_to_ms = now_ms
  }

  push(): void {
    this.counters.queued_bytes = this.#queue.bytes
    if (this.#busy || (this.#failing && Date.now() < this.#retry_at_ms)) return
    if (this.#queue.bytes === 0 && !this.#reopen && !this.#isOld()) return
    this.#busy = this.#work().finally(() => {
      this.#busy = undefined
      this.counters.queued_bytes = this.#queue.bytes
    })
  }

  /** Opens the path anew before the next write, as log rotation by somebody else wants (SIGHUP). */
  reopen(): void {
    this.#reopen = true
    this.push()
  }

  /** What the disk refuses even now is counted as dropped. */
  async flush(): Promise<void> {
    if (this.#lost > 0 && this.#queue.hasRoom(512)) this.#reportLost()
    while (this.#queue.bytes > 0) {
      await this.#busy
      if (this.#queue.bytes === 0) break
      this.#retry_at_ms = 0
      this.push()
      await this.#busy
      if (!this.#failing) continue
      const lines = this.#queue.clear()
      this.counters.queued -= lines
      this.counters.dropped['error'] = (this.counters.dropped['error'] ?? 0) + lines
    }
    await this.#busy
    this.counters.queued_bytes = this.#queue.bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
    await this.#tidying
    await this.#file?.close()
    this.#file = undefined
  }

  /** Writes all that waits. Never rejects. */
  async #work(): Promise<void> {
    try {
      if (this.#reopen || !(await this.#isInPlace())) await this.#openFile()
      if (this.#isOld()) await this.#rotate()
      for (let chunk = this.#queue.peek(); chunk !== null; chunk = this.#queue.peek()) {
        if (this.#size > 0 && this.#size + chunk.to - chunk.from > this.#options.bytes_max && chunk.from === 0) {
          await this.#rotate()
        }
        await this.#writeChunk(chunk)
      }
      if (this.#failing) this.#options.onTrouble?.(null)
      this.#failing = false
    } catch (cause) {
      const error: NodeJS.ErrnoException = cause instanceof Error ? cause : new Error(String(cause))
      this.#retry_at_ms = Date.now() + RETRY_MS
      if (!this.#failing) this.#options.onTrouble?.(error)
      this.#failing = true
    }
  }

  async #writeChunk(chunk: Chunk): Promise<void> {
    const file = this.#file
    if (!file) throw new Error(`Cannot write to "${this.#options.path}": not open`)
    // New lines may be added behind `to` meanwhile: only what is there now is written.
    const { bytesWritten } = await file.write(chunk.bytes, chunk.from, chunk.to - chunk.from)
    this.#size += bytesWritten
    this.counters.written_bytes += bytesWritten
    const lines = this.#queue.advance(chunk, bytesWritten)
    this.counters.written += lines
    this.counters.queued -= lines
  }

  #isOld(): boolean {
    const { age_ms_max } = this.#options
    return age_ms_max > 0 && this.#size > 0 && this.#regular && Date.now() - this.#opened_ms >= age_ms_max
  }

  /** False if the path does not lead to the open file any more. */
  async #isInPlace(): Promise<boolean> {
    if (!this.#file) return false
    const there = await statOrNothing(this.#options.path)
    if (!there) return false
    const here = await this.#file.stat()
    return there.ino === here.ino && there.dev === here.dev
  }

  async #openFile(): Promise<void> {
    const { path, mode } = this.#options
    await mkdir(dirname(path), { recursive: true })
    const existed = (await statOrNothing(path)) !== undefined
    const file = await open(path, 'a', mode)
    if (!existed) await file.chmod(mode)
    const status = await file.stat()
    await this.#file?.close()
    this.#file = file
    this.#size = status.size
    this.#regular = status.isFile()
    this.#opened_ms = status.size > 0 ? status.birthtimeMs || Date.now() : Date.now()
    this.#reopen = false
  }

  async #rotate(): Promise<void> {
    if (!this.#regular) return
    await rotateAway(this.#options.path)
    this.rotations++
    await this.#openFile()
    this.#tidy()
  }

  /** Compresses and removes backups beside the writing; trouble there does not touch it. */
  #tidy(): void {
    this.#tidying = this.#tidying.then(() => tidyBackups(this.#options)).catch((error: NodeJS.ErrnoException) => {
      this.#options.onTrouble?.(error)
    })
  }

  #reportLost(): void {
    const { lossLine } = this.#options
    if (lossLine && this.#queue.add(lossLine(this.#lost, this.#lost_from_ms, this.#lost_to_ms))) {
      this.counters.events++
      this.counters.queued++
    }
    this.#lost = 0
  }
}

async function statOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
