// ChunkQueue: lines gathered into few large buffers, bounded in bytes, between write() and the descriptor.

export interface Chunk {
  readonly bytes: Buffer
  /** First byte that is not written yet. */
  from: number
  /** End of what was gathered. */
  to: number
  /** Lines that end in this chunk and are not written yet. */
  lines: number
}

/** Buffers kept for reuse: one being filled, one being written, and one to spare. */
const SPARE_MAX = 3

export class ChunkQueue {
  readonly #chunk_bytes: number
  readonly #bytes_max: number
  #chunks: Chunk[] = []
  #spare: Buffer[] = []
  #bytes = 0

  constructor(chunk_bytes: number, bytes_max: number) {
    this.#chunk_bytes = chunk_bytes
    this.#bytes_max = bytes_max
  }

  /** Gathered and not yet written. */
  get bytes(): number {
    return this.#bytes
  }

  /** True if a line of this many UTF-16 units surely fits. An empty queue takes any line, however long. */
  hasRoom(length: number): boolean {
    return this.#bytes === 0 || this.#bytes + length * 3 + 1 <= this.#bytes_max
  }

  /** Appends the line and a newline; false if it does not fit. */
  add(line: string): boolean {
    // UTF-8 takes at most 3 bytes per UTF-16 unit. The bound is checked with the length, which is exact for ASCII.
    if (this.#bytes > 0 && this.#bytes + line.length + 1 > this.#bytes_max) return false
    const need = line.length * 3 + 1
    if (need > this.#chunk_bytes) {
      const bytes = Buffer.from(line + '\n')
      this.#chunks.push({ bytes, from: 0, to: bytes.length, lines: 1 })
      this.#bytes += bytes.length
      return true
    }
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.to + need > chunk.bytes.length) {
      chunk = { bytes: this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#chunk_bytes), from: 0, to: 0, lines: 0 }
      this.#chunks.push(chunk)
    }
    const written = chunk.bytes.write(line, chunk.to)
    chunk.bytes[chunk.to + written] = 10
    chunk.to += written + 1
    chunk.lines++
    this.#bytes += written + 1
    return true
  }

  peek(): Chunk | null {
    return this.#chunks[0] ?? null
  }

  /** Releases `bytes` written of the first chunk; gives the number of lines completed (all at the end of the chunk). */
  advance(chunk: Chunk, bytes: number): number {
    chunk.from += bytes
    this.#bytes -= bytes
    if (chunk.from < chunk.to) return 0
    if (this.#chunks[0] === chunk) this.#chunks.shift()
    if (this.#spare.length < SPARE_MAX && chunk.bytes.length === this.#chunk_bytes) this.#spare.push(chunk.bytes)
    return chunk.lines
  }

  /** Forgets everything; gives the number of lines that were waiting. */
  clear(): number {
    const lines = this.#chunks.reduce((sum, chunk) => sum + chunk.lines, 0)
    this.#chunks = []
    this.#bytes = 0
    return lines
  }
}
