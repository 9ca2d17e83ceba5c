// PolicyFiles: directories of policy files, kept equal to what is loaded. A change is seen by inotify, and again by looking.
import fs from 'node:fs'
import path from 'node:path'
import { withSignature } from '../policy/signature.ts'

export interface PolicyFilesOptions {
  readonly directories: readonly string[]
  /** Longer files are refused. */
  readonly file_bytes_max: number
  /** Texts carry the signature that stands beside them (NAME.yaml.sig), so that a new one is a change, too. */
  readonly signed: boolean
  /** The text of a file that is new or changed; null when it is gone. */
  readonly onFile: (file: string, yaml: string | null) => Promise<void>
  /** A file or directory that cannot be read. */
  readonly onFailure: (file: string, error: unknown) => void
}

/** Editors write, rename and remove within a few milliseconds: look when they are done. */
const SETTLE_MS = 20
/** For file systems that do not tell of changes (network, overlays): look anyway. */
const LOOK_AGAIN_MS = 5000

export class PolicyFiles implements Disposable {
  readonly #options: PolicyFilesOptions
  readonly #known = new Map<string, string>()
  readonly #watchers: fs.FSWatcher[] = []
  readonly #failing = new Set<string>()
  #timer: Timer | undefined
  #looking: Promise<void> | null = null
  #again = false
  #stopped = false

  constructor(options: PolicyFilesOptions) {
    this.#options = options
  }

  /** Loads what is there; resolves when all of it was taken or refused. */
  async start(): Promise<void> {
    for (const directory of this.#options.directories) this.#watch(directory)
    await this.look()
    this.#schedule(LOOK_AGAIN_MS)
  }

  /** Compares the directories with what was seen last. */
  look(): Promise<void> {
    if (this.#looking !== null) {
      this.#again = true
      return this.#looking
    }
    this.#looking = this.#lookUntilQuiet().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers) watcher.close()
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#again = false
      const present = new Map<string, string>()
      for (const directory of this.#options.directories) this.#read(directory, present)
      for (const [file, text] of present) {
        if (this.#known.get(file) === text) continue
        this.#known.set(file, text)
        await this.#options.onFile(file, text)
      }
      for (const file of [...this.#known.keys()]) {
        if (present.has(file)) continue
        this.#known.delete(file)
        await this.#options.onFile(file, null)
      }
    } while (this.#again && !this.#stopped)
  }

  #read(directory: string, present: Map<string, string>): void {
    let names: string[]
    try {
      names = fs.readdirSync(directory).filter(isPolicyFile).sort()
    } catch (error) {
      // What was loaded from it stays: a directory that cannot be read is not an empty one.
      for (const [file, text] of this.#known) if (path.dirname(file) === directory) present.set(file, text)
      this.#fail(directory, error)
      return
    }
    this.#failing.delete(directory)
    for (const name of names) {
      const file = path.join(directory, name)
      const text = this.#readFile(file)
      if (text !== undefined) present.set(file, text)
    }
  }

  /** Former text where the file cannot be read now; undefined where it is no file or gone. */
  #readFile(file: string): string | undefined {
    try {
      const stat = fs.statSync(file)
      if (!stat.isFile()) return undefined
      if (stat.size > this.#options.file_bytes_max) {
        throw new Error(`${stat.size} bytes, at most ${this.#options.file_bytes_max}`)
      }
      const text = this.#signed(file, fs.readFileSync(file, 'utf8'))
      this.#failing.delete(file)
      return text
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      this.#fail(file, error)
      return this.#known.get(file)
    }
  }

  #signed(file: string, text: string): string {
    const beside = `${file}.sig`
    return this.#options.signed && fs.existsSync(beside) ? withSignature(text, fs.readFileSync(beside)) : text
  }

  #watch(directory: string): void {
    try {
      const watcher = fs.watch(directory, () => this.#schedule(SETTLE_MS))
      watcher.on('error', (error) => this.#fail(directory, error))
      this.#watchers.push(watcher)
    } catch (error) {
      this.#fail(directory, error)
    }
  }

  #schedule(delay_ms: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.look().catch((error: unknown) => this.#fail('', error)).finally(() => this.#schedule(LOOK_AGAIN_MS))
    }, delay_ms)
    this.#timer.unref()
  }

  /** Once per file until it can be read again. */
  #fail(file: string, error: unknown): void {
    if (this.#failing.has(file)) return
    this.#failing.add(file)
    this.#options.onFailure(file, error)
  }
}

/** Hidden files are Kubernetes' (`..data`) and editors' own. */
function isPolicyFile(name: string): boolean {
  return !name.startsWith('.') && (name.endsWith('.yaml') || name.endsWith('.yml'))
}
