// Tries every case twice with the shipped policies: in monitor mode, where it must succeed, and in enforce mode.
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent, type TestEvent } from '../kernel/agent.ts'
import { call } from '../kernel/enforce.ts'
import { type Case, EXEMPT, type Goal, type Place, POLICY, PROGRAMS, type Verdict } from './case.ts'

const OUTSIDE = '198.51.100.1'
const INSIDE = '127.0.0.1'
const CONTENT = 'not to be changed\n'
/** What arrives at a listener does so by then. */
const SETTLE_MS = 200
/** The agent may be this far behind after thousands of refusals. */
const BEHIND_MS = 120_000
const AGAIN_MS = 50
const CASE_MS = 120_000
/** How often a policy is replaced while somebody tries. */
const VERSIONS = 5
const ROUNDS = ['monitor', 'enforce'] as const
type Round = typeof ROUNDS[number]
/** What an event says of an operation that did not take place. */
const REFUSED: ReadonlySet<string> = new Set(['prevented', 'refused'])

export interface Result {
  readonly id: string
  readonly verdict: Verdict
  /** For who reads a report of what went wrong. */
  readonly story: string
}

interface Outcome {
  readonly happened: boolean
  readonly status: number
  /** Verdicts of the policy that forbids it. */
  readonly verdicts: readonly string[]
  /** Policies that told of it; `exec` for the event of an exec. */
  readonly told: ReadonlySet<string>
  readonly errors: string
}

export class BypassRun implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack()
  readonly #held = new Map<Round, Held>()
  #agent: TestAgent | undefined
  #arrived = 0
  #port = 0

  get agent(): TestAgent {
    if (this.#agent === undefined) throw new Error('BypassRun before start()')
    return this.#agent
  }

  /** Listeners, processes that are older than the agent, the agent. */
  async start(): Promise<void> {
    must('ip', 'addr', 'replace', `${OUTSIDE}/32`, 'dev', 'lo')
    // Nothing but what goes outside: connections that are allowed must not count.
    const listener = Bun.listen({
      hostname: OUTSIDE,
      port: 0,
      socket: { open: () => void this.#arrived++, data: () => void this.#arrived++ },
    })
    this.#stack.defer(() => listener.stop(true))
    this.#port = listener.port
    const datagrams = await Bun.udpSocket({
      hostname: OUTSIDE,
      port: this.#port,
      socket: { data: () => void this.#arrived++ },
    })
    this.#stack.defer(() => datagrams.close())
    if (fs.existsSync(EXEMPT)) throw new Error(`${EXEMPT} is there, so nothing of ours can stand for it`)
    fs.copyFileSync(`${PROGRAMS}/puppet`, EXEMPT)
    this.#stack.defer(() => fs.rmSync(EXEMPT))
    for (const round of ROUNDS) this.#held.set(round, await this.#hold(round))
    this.#agent = this.#stack.use(await TestAgent.start([], { wait: false }))
    await readyOrLate(this.#agent)
  }

  /** Loads a policy; throws with every mistake where it is refused. */
  async load(file: string): Promise<{ name: string; load_ms: number }> {
    const answer = await call(this.agent, 'POST', '/v1/policies', fs.readFileSync(file, 'utf8'))
    const [state] = answer as [{ name: string; load_ms: number }]
    return state
  }

  async runAll(cases: readonly Case[]): Promise<Result[]> {
    const rounds = new Map<Round, Outcome[]>()
    for (const round of ROUNDS) for (const each of cases) this.#prepare(each, round)
    try {
      for (const round of ROUNDS) {
        await this.#switch(round, cases)
        const outcomes: Outcome[] = []
        for (const each of cases) outcomes.push(await this.#try(each, round))
        rounds.set(round, outcomes)
      }
    } finally {
      await this.#switch('monitor', cases)
    }
    return cases.map((each, i) => judge(each, rounds.get('monitor')![i]!, rounds.get('enforce')![i]!))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #switch(mode: Round, cases: readonly Case[]): Promise<void> {
    for (const policy of new Set(cases.map(({ goal }) => POLICY[goal]))) {
      await call(this.agent, 'PATCH', `/v1/policies/${policy}`, JSON.stringify({ mode }))
    }
  }

  #place(each: Case, round: Round): Place {
    const name = `${round}-${typeof each.run === 'function' ? each.id : 'held'}`
    const tmp = `/tmp/thump-bypass/${name}`
    const directory = `/etc/thump-bypass/${name}`
    return {
      directory,
      file: `${directory}/file`,
      scratch: `/var/thump-bypass/${name}`,
      tmp,
      program: `${tmp}/payload`,
      mark: `${tmp}/mark`,
      outside: OUTSIDE,
      inside: INSIDE,
      port: String(this.#port),
    }
  }

  #prepare(each: Case, round: Round): void {
    if (typeof each.run !== 'function') return
    const place = this.#place(each, round)
    // The harmless twin of `file` for races: "var" instead of "etc".
    for (const directory of [place.directory, place.scratch, place.tmp]) fs.mkdirSync(directory, { recursive: true })
    for (const directory of [place.directory, place.scratch]) fs.writeFileSync(`${directory}/file`, CONTENT)
    if (each.goal === 'exec') fs.copyFileSync(`${PROGRAMS}/payload`, place.program)
    each.setup?.(place)
  }

  async #hold(round: Round): Promise<Held> {
    const directory = `/etc/thump-bypass/${round}-held`
    fs.mkdirSync(directory, { recursive: true })
    fs.writeFileSync(`${directory}/file`, CONTENT)
    const held = await Held.start(`${directory}/file`, OUTSIDE, this.#port)
    this.#stack.defer(() => held.end())
    return held
  }

  async #try(each: Case, round: Round): Promise<Outcome> {
    const place = this.#place(each, round)
    const from = this.agent.events.length
    const arrived = this.#arrived
    const before = snapshot(place.directory)
    const { status, errors } = typeof each.run === 'function'
      ? await this.#spawn(each.run(place), () => this.#meanwhile(each, place, round))
      : { status: await this.#held.get(round)!.order(each.run.held), errors: '' }
    await this.#settled(each)
    const effects: Record<Goal, () => boolean> = {
      file: () => snapshot(place.directory) !== before,
      exec: () => fs.existsSync(place.mark),
      connect: () => this.#arrived > arrived,
    }
    const happened = each.effect === 'status' ? status === 0 : effects[each.goal]()
    unmount(place)
    return { happened, status, errors, ...told(this.agent.events.slice(from), each, place) }
  }

  /** Runs a command to its end. */
  async #spawn(
    command: readonly string[],
    meanwhile: () => Promise<void>,
  ): Promise<{ status: number; errors: string }> {
    // By a shell, which lives on when the program may not start.
    const child = Bun.spawn(['sh', '-c', '"$@"', 'sh', ...command], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
      timeout: CASE_MS,
    })
    const errors = new Response(child.stderr).text()
    await meanwhile()
    return { status: await child.exited, errors: await errors }
  }

  /** Replaces the policy several times while it enforces; then the program, which waits for a file, ends. */
  async #meanwhile(each: Case, { scratch }: Place, round: Round): Promise<void> {
    if (each.reload !== true) return
    const policy = POLICY[each.goal]
    const yaml = fs.readFileSync(`policies/${policy}.yaml`, 'utf8').replace('value: monitor', 'value: enforce')
    for (let version = 0; round === 'enforce' && version < VERSIONS; version++) {
      await call(this.agent, 'PUT', `/v1/policies/${policy}`, `${yaml}# version ${version}\n`)
    }
    fs.writeFileSync(`${scratch}/stop`, '')
  }

  /** Until an event has come of something that is done now: all of what was done before have come then, too. */
  async #settled({ goal }: Case): Promise<void> {
    const pids = new Set<number>()
    const from = this.agent.events.length
    const hasCome = () =>
      this.agent.events.slice(from).some(({ kind, process }) => kind === 'process_exit' && pids.has(process!.pid))
    for (const until = performance.now() + BEHIND_MS; !hasCome(); await Bun.sleep(AGAIN_MS)) {
      if (performance.now() > until) throw new Error(`None of ${pids.size} exits has come\n${this.agent.stderr}`)
      // A further one each time, because those of a flood's time may be lost.
      const child = Bun.spawn(['true'])
      pids.add(child.pid)
      await child.exited
    }
    if (goal === 'connect') await Bun.sleep(SETTLE_MS)
  }
}

/** A guest that shares its machine may need more than the minute that an agent has elsewhere. */
async function readyOrLate(agent: TestAgent): Promise<void> {
  try {
    await agent.ready()
  } catch (error) {
    if (agent.child.exitCode !== null) throw error
    await agent.ready()
  }
}

/** build/program/held: does on a word what its descriptors from before allow. */
class Held {
  readonly #child: Bun.Subprocess<'pipe', 'pipe', 'inherit'>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>

  private constructor(file: string, address: string, port: number) {
    this.#child = Bun.spawn([`${PROGRAMS}/held`, file, address, String(port)], { stdin: 'pipe', stdout: 'pipe' })
    this.#reader = this.#child.stdout.getReader()
  }

  static async start(file: string, address: string, port: number): Promise<Held> {
    const held = new Held(file, address, port)
    if (await held.#line() !== 'ready') throw new Error('held did not get ready')
    return held
  }

  /** 0, an error, or 137 when it was killed. */
  async order(word: string): Promise<number> {
    this.#child.stdin.write(`${word}\n`)
    this.#child.stdin.flush()
    const line = await this.#line()
    return line === '' ? 137 : Number(line)
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }

  async #line(): Promise<string> {
    const { value } = await this.#reader.read()
    return new TextDecoder().decode(value).trim()
  }
}

function told(events: readonly TestEvent[], { goal }: Case, { directory, scratch, tmp }: Place) {
  const verdicts: string[] = []
  const names = new Set<string>()
  for (const { kind, body, line, process } of events) {
    const policy = body['policy_name']
    const verdict = (line['thump'] as Record<string, string> | undefined)?.['verdict']
    if (policy === POLICY[goal] && verdict !== undefined) verdicts.push(verdict)
    else if (typeof policy === 'string') names.add(policy)
    const words = `${process?.binary} ${process?.arguments}`
    const ours = [directory, scratch, tmp].some((each) => words.includes(each))
    if (kind === 'process_exec' && ours) names.add('exec')
  }
  return { verdicts, told: names }
}

function judge(each: Case, monitor: Outcome, enforce: Outcome): Result {
  const story = (name: string, { happened, status, verdicts, told, errors }: Outcome) =>
    `${name}: ${happened ? 'done' : 'not done'}, status ${status}, verdicts ${[...new Set(verdicts)].join()}, told by ${
      [...told].join()
    } ${errors.trim().slice(-300)}`
  const detected = (each.tells ?? []).some((policy) => enforce.told.has(policy))
  const verdict = !monitor.happened
    ? 'absent'
    : enforce.happened
    ? detected ? 'detected' : 'gap'
    : enforce.verdicts.some((each) => REFUSED.has(each))
    ? 'prevented'
    : 'silent'
  return { id: each.id, verdict, story: `${story('monitor', monitor)}; ${story('enforce', enforce)}` }
}

/** Names, modes, owners and contents below a directory, as text. Deep ones only as far as a path leads. */
function snapshot(directory: string): string {
  const lines: string[] = []
  const visit = (at: string): void => {
    const stat = fs.lstatSync(at, { throwIfNoEntry: false })
    if (stat === undefined) return void lines.push(`${at} is gone`)
    lines.push(`${at} ${stat.mode} ${stat.uid} ${stat.ino} ${stat.isFile() ? fs.readFileSync(at, 'utf8') : ''}`)
    if (!stat.isDirectory() || at.length > 3800) return
    for (const name of fs.readdirSync(at).sort()) visit(path.join(at, name))
  }
  visit(directory)
  return lines.join('\n')
}

/** What a case has mounted over its file or directory. */
function unmount({ directory, file }: Place): void {
  for (const at of [file, directory]) {
    const mounts = fs.readFileSync('/proc/mounts', 'utf8').split('\n').filter((line) => line.split(' ')[1] === at)
    for (const _ of mounts) must('umount', '-l', at)
  }
}

function must(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { stderr: 'pipe' })
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`)
}
