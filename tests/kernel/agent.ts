// A real agent for kernel tests: start, wait until ready, collect the events of a process tree, stop, require zero loss.
import { expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { LossRow } from '../../src/ledger.ts'

const ROOT = path.join(import.meta.dirname, '../..')
/** A bound on hanging only: an emulated guest on a busy machine takes more than a minute. */
const READY_MS = 180_000
/** A busy agent on a slow machine answers 429 for a while. */
const BUSY_MS = 60_000
/** More than a test makes: what the agent does is tested, not how fast a test reads on a busy machine. */
const STDOUT_QUEUE = '512M'

export interface TestProcess {
  readonly exec_id: string
  readonly pid: number
  readonly binary?: string
  readonly arguments?: string
  readonly flags?: string
  readonly parent_exec_id?: string
  readonly [field: string]: unknown
}

/** One line of output, parsed. `kind` is its first key. */
export interface TestEvent {
  readonly kind: string
  readonly process: TestProcess | undefined
  readonly parent: TestProcess | undefined
  /** Value of the first key. */
  readonly body: Readonly<Record<string, unknown>>
  readonly line: Readonly<Record<string, unknown>>
}

export interface AgentOptions {
  readonly env?: Readonly<Record<string, string>>
  /** False: do not wait for /readyz. */
  readonly wait?: boolean
  /** Command before the agent's, for namespaces: `['unshare', '-m', 'sh', '-c', ...]`. */
  readonly prefix?: readonly string[]
  /** `closed`: nobody reads it, from the beginning. */
  readonly stdout?: 'closed'
}

export interface LossAnswer {
  readonly lost: number
  readonly balanced: boolean
  readonly imbalance: readonly string[]
  readonly rows: readonly LossRow[]
}

let count = 0

export class TestAgent implements AsyncDisposable {
  readonly socket: string
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  readonly token_file: string
  readonly directory: string
  readonly events: TestEvent[] = []
  stderr = ''
  #partial = ''
  readonly #reading: Promise<unknown>
  #paused: Promise<void> | null = null

  private constructor(flags: readonly string[], options: AgentOptions) {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-agent-'))
    this.socket = path.join(this.directory, `s${count++}`)
    this.token_file = path.join(this.directory, 'token')
    const closed = options.stdout === 'closed' ? ['sh', '-c', 'exec "$@" >&-', 'sh'] : []
    const command = [
      ...options.prefix ?? [],
      ...closed,
      process.execPath,
      path.join(ROOT, 'src/main.ts'),
      ...[
        '--listen',
        `unix:${this.socket}`,
        ...flags.includes('--policies') ? [] : ['--policies', 'none'],
        ...flags.includes('--stdout-queue-size') ? [] : ['--stdout-queue-size', STDOUT_QUEUE],
        '--token-file',
        this.token_file,
        '--log-format',
        'json',
      ],
      ...flags,
    ]
    this.child = Bun.spawn(command, {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, ...options.env },
    })
    this.#reading = Promise.all([this.#read(this.child.stdout), this.#readErrors()])
  }

  static async start(flags: readonly string[] = [], options: AgentOptions = {}): Promise<TestAgent> {
    const agent = new TestAgent(flags, options)
    try {
      if (options.wait !== false) await agent.ready()
    } catch (error) {
      await agent[Symbol.asyncDispose]() // or it would run on beside the next test's
      throw error
    }
    return agent
  }

  async ready(): Promise<void> {
    const until = performance.now() + READY_MS
    while (performance.now() < until && this.child.exitCode === null) {
      const answer = await this.request('/readyz').catch(() => null) // not listening yet
      if (answer?.status === 200) return
      await Bun.sleep(20)
    }
    throw new Error(`The agent did not become ready, exit status ${this.child.exitCode}:\n${this.stderr}`)
  }

  /** Asks again where the agent is busy: 429 says how slow the machine is. */
  async request(route: string, init: RequestInit = {}): Promise<Response> {
    for (const until = performance.now() + BUSY_MS;;) {
      const answer = await fetch(`http://localhost${route}`, { ...init, unix: this.socket })
      if (answer.status !== 429 || performance.now() > until) return answer
      await Bun.sleep(200)
    }
  }

  async loss(): Promise<LossAnswer> {
    return await (await this.request('/v1/loss')).json() as LossAnswer
  }

  /** Runs a program, waits for it, and gives the events of its process tree in order of arrival. */
  async run(
    command: readonly string[],
    options: { env?: Record<string, string>; timeout_ms?: number } = {},
  ): Promise<TestEvent[]> {
    const from = this.events.length
    const child = Bun.spawn([...command], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      cwd: '/tmp',
      env: { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', ...options.env },
    })
    await child.exited
    return this.tree(child.pid, from, options.timeout_ms)
  }

  /** Events from number `from` on of the process `pid` and all that descend from it, once all of them have exited. */
  async tree(pid: number, from = 0, timeout_ms = 90_000): Promise<TestEvent[]> {
    const until = performance.now() + timeout_ms
    let pause_ms = 5
    for (;;) {
      const { events, alive } = this.#treeNow(pid, from)
      if (events.length > 0 && alive.size === 0) return events
      if (performance.now() > until) {
        const some = summary(events.slice(-20))
        throw new Error(
          `${alive.size} processes of ${pid} did not end; ${events.length} events:\n${some}\n${this.stderr}`,
        )
      }
      await Bun.sleep(pause_ms)
      pause_ms = Math.min(1000, pause_ms * 2)
    }
  }

  /** A process that forks without executing shows first as the parent of others, so ids are linked before events are chosen. */
  #treeNow(pid: number, from: number): { events: TestEvent[]; alive: Set<string> } {
    const parents = new Map<string, string>()
    const recent = this.events.slice(from)
    let root: string | undefined
    for (const { kind, process, parent } of recent) {
      for (const each of [process, parent]) {
        if (each?.exec_id === undefined || parents.has(each.exec_id)) continue
        parents.set(each.exec_id, each.parent_exec_id ?? '')
      }
      if (root === undefined && kind === 'process_exec' && process?.pid === pid) root = process.exec_id
    }
    const inside = new Map<string, boolean>(root === undefined ? [] : [[root, true]])
    const belongs = (id: string): boolean => {
      const known = inside.get(id)
      if (known !== undefined) return known
      const parent = parents.get(id)
      const answer = parent !== undefined && parent !== '' && parent !== id && belongs(parent)
      inside.set(id, answer)
      return answer
    }
    const events = recent.filter(({ process }) => process?.exec_id !== undefined && belongs(process.exec_id))
    const alive = new Set([...parents.keys()].filter(belongs))
    const newest = new Map<number, string>()
    for (const { kind, process } of events) {
      const former = newest.get(process!.pid)
      if (former !== undefined && former !== process!.exec_id) alive.delete(former)
      newest.set(process!.pid, process!.exec_id)
      if (kind === 'process_exit') alive.delete(process!.exec_id)
    }
    return { events, alive }
  }

  /** Waits until an event satisfies `wanted`. */
  async waitFor(wanted: (event: TestEvent) => boolean, timeout_ms = 90_000): Promise<TestEvent> {
    const until = performance.now() + timeout_ms
    let at = 0
    for (;;) {
      for (; at < this.events.length; at++) if (wanted(this.events[at]!)) return this.events[at]!
      if (performance.now() > until) throw new Error(`No such event among ${this.events.length}\n${this.stderr}`)
      await Bun.sleep(5)
    }
  }

  /**
   * Lines of the log that contain all of `texts`, as soon as there are `count` or too long has passed: the log comes by a
   * pipe of its own, at times after the event or answer that it belongs to.
   */
  async logged(texts: readonly string[], count = 1): Promise<readonly string[]> {
    const until = performance.now() + 30_000
    for (;;) {
      const lines = this.stderr.split('\n').filter((line) => texts.every((text) => line.includes(text)))
      if (lines.length >= count || performance.now() > until) return lines
      await Bun.sleep(20)
    }
  }

  /** Leaves stdout unread until the returned function is called. */
  stopReading(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#paused = promise
    return () => {
      this.#paused = null
      resolve()
    }
  }

  /** Requires that nothing was lost and that all counters add up. */
  async requireNoLoss(): Promise<void> {
    const { lost, imbalance, rows } = await this.loss()
    const where = rows.filter((row) => Object.values(row.lost).some((count) => count > 0))
    expect({ lost, imbalance, where }).toEqual({ lost: 0, imbalance: [], where: [] })
  }

  /** SIGTERM; gives the exit status once all output was read. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.child.kill(signal)
    return await this.exited()
  }

  /** The exit status, once all output was read. */
  async exited(): Promise<number> {
    const status = await this.child.exited
    await this.#reading
    return status
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop()
    fs.rmSync(this.directory, { recursive: true, force: true })
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of this.child.stderr) this.stderr += decoder.decode(chunk, { stream: true })
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      if (this.#paused !== null) await this.#paused
      const lines = (this.#partial + decoder.decode(chunk, { stream: true })).split('\n')
      this.#partial = lines.pop()!
      for (const line of lines) this.events.push(parseEvent(line))
    }
    // Who is killed may have been in the middle of a line.
    if (this.child.signalCode !== 'SIGKILL') expect(this.#partial).toBe('')
  }
}

function parseEvent(text: string): TestEvent {
  const line = JSON.parse(text) as Record<string, unknown>
  const kind = Object.keys(line)[0]!
  const body = line[kind] as Record<string, unknown>
  return {
    kind,
    body,
    line,
    process: body.process as TestProcess | undefined,
    parent: body.parent as TestProcess | undefined,
  }
}

/** One line per event, for messages and for comparing: kind, binary, arguments, status or signal. */
export function summary(events: readonly TestEvent[]): string {
  return events.map(({ kind, process, body }) => {
    const { status, signal } = body
    const end = signal !== undefined ? ` ${signal}` : status !== undefined ? ` ${status}` : ''
    return `${kind.replace('process_', '')} ${process?.binary} ${process?.arguments ?? ''}`.trimEnd() + end
  }).join('\n')
}
