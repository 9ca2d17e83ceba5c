// Changes of a policy file under load: every call numbered, so that what is missed or doubled shows.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { type PolicyState, policyYaml, readPolicy } from './policy.ts'

export const COUNTED_LSEEK = 'build/program/counted_lseek'
const WHENCE_FIRST = 4711
const SETTLE_MS_MAX = 30_000

export interface ReloadOptions {
  readonly changes: number
  /** No further change begins after this, so that a slow guest ends, too. */
  readonly seconds_max: number
  readonly threads: number
  /** Pause of the load behind each call. */
  readonly pause_us: number
  /** Whether the policy has a return half: arguments and result in one event. */
  readonly returns: boolean
  /** Every how many changes memory is looked at: after the first, and so on, and at the end. */
  readonly sample_every: number
}

export interface ReloadReport {
  readonly calls: number
  readonly missed: number
  readonly doubled: number
  /** What the ledger says of hooks; storms of other processes on a shared machine are not this test's. */
  readonly lost: number
  /** Versions whose events came. */
  readonly versions: number
  readonly changes: readonly { readonly live_ms: number; readonly load_ms: number }[]
  readonly samples: readonly BpfUse[]
  readonly attach: readonly string[]
}

/** What an agent holds, each once however many descriptors it has, and its resident memory without mapped rings. */
export interface BpfUse {
  readonly programs: number
  readonly maps: number
  readonly links: number
  /** Of all these. */
  readonly descriptors: number
  readonly map_bytes: number
  readonly anonymous_bytes: number
}

const LINK = /bpf[_-]link|perf_event/

export function bpfUse(pid: number): BpfUse {
  const programs = new Set<string>()
  const maps = new Map<string, number>()
  let [links, descriptors] = [0, 0]
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    let [target, info] = ['', '']
    try {
      target = fs.readlinkSync(`/proc/${pid}/fd/${fd}`)
      info = fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue // closed meanwhile
      throw error
    }
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(info)?.[1] ?? ''
    if (target.includes('bpf-prog')) programs.add(field('prog_id'))
    else if (target.includes('bpf-map')) maps.set(field('map_id'), Number(field('memlock')))
    else if (LINK.test(target)) links++
    else continue
    descriptors++
  }
  const kib = /^RssAnon:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const map_bytes = [...maps.values()].reduce((sum, bytes) => sum + bytes, 0)
  const anonymous_bytes = Number(kib ?? 0) * 1024
  return { programs: programs.size, maps: maps.size, links, descriptors, map_bytes, anonymous_bytes }
}

/** Former versions are kept a second, on a slow machine longer: waits until as much is there as in `wanted`, or in vain. */
async function settled(pid: number, wanted: BpfUse | undefined): Promise<BpfUse> {
  const until = performance.now() + SETTLE_MS_MAX
  for (;;) {
    await Bun.sleep(2500)
    const use = bpfUse(pid)
    if (wanted === undefined || performance.now() > until) return use
    const { programs, maps, links, descriptors } = wanted
    if (use.descriptors === descriptors && use.programs === programs && use.maps === maps && use.links === links) {
      return use
    }
  }
}

/** Odd versions have other selectors than even ones; all match every counted call. */
function version(n: number, threads: number, returns: boolean): string {
  const odd = n % 2 === 1
  const whences = Array.from({ length: threads }, (_, i) => `"${WHENCE_FIRST + i}"`).join(', ')
  return policyYaml(
    'counted',
    `
kprobes:
- call: sys_lseek
  syscall: true
  message: version ${n}
  args:
  - {index: 1, type: long}
  - {index: 2, type: int}
${returns ? '  return: true\n  returnArg: {index: 0, type: long}' : '  return: false'}
  selectors:
  - matchArgs:
    - {index: 2, operator: ${odd ? 'InMap' : 'Equal'}, values: [${whences}]}
`,
  )
}

/** Writes beside the file and renames, as careful editors do. */
function replace(file: string, text: string): void {
  fs.writeFileSync(`${file}.new`, text)
  fs.renameSync(`${file}.new`, file)
}

export async function reloadUnderLoad(options: ReloadOptions): Promise<ReloadReport> {
  const { threads, pause_us, returns } = options
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-reload-'))
  const file = path.join(directory, 'counted.yaml')
  replace(file, version(0, threads, returns))
  try {
    await using agent = await TestAgent.start(['--policies', directory])
    // Ends when the test ends it; the time is a bound only.
    const load = Bun.spawn([COUNTED_LSEEK, String(threads), '3600', String(pause_us)], { stdout: 'ignore' })
    using stack = new DisposableStack()
    stack.defer(() => load.kill('SIGKILL'))
    const changes: { live_ms: number; load_ms: number }[] = []
    const samples: BpfUse[] = []
    const seen = new Counted(agent, load.pid)
    await seen.waitForVersion(0)
    let state: PolicyState = await readPolicy(agent, 'counted')
    const until = performance.now() + options.seconds_max * 1000
    for (let n = 1; n <= options.changes && performance.now() < until; n++) {
      const written_ms = Date.now()
      replace(file, version(n, threads, returns))
      const time_ms = await seen.waitForVersion(n)
      state = await readPolicy(agent, 'counted')
      changes.push({ live_ms: time_ms - written_ms, load_ms: state.load_ms })
      if (n % options.sample_every === 1) samples.push(await settled(agent.child.pid, samples[0]))
    }
    samples.push(await settled(agent.child.pid, samples[0]))
    load.kill('SIGKILL')
    await load.exited
    await agent.waitFor(({ kind, process }) => kind === 'process_exit' && process?.pid === load.pid)
    seen.read()
    return { ...seen.tally(), lost: await lostHits(agent), changes, samples, attach: state.hooks[0]?.attach ?? [] }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** Numbers of the calls that events came for, read from the agent's events as they come, which are then forgotten. */
class Counted {
  readonly #agent: TestAgent
  readonly #pid: number
  readonly #numbers = new Map<number, number[]>()
  readonly #versions = new Map<number, number>()

  constructor(agent: TestAgent, pid: number) {
    this.#agent = agent
    this.#pid = pid
  }

  read(): void {
    const { events } = this.#agent
    for (const { body, line, process } of events) {
      if (body.policy_name !== 'counted' || process?.pid !== this.#pid) continue
      const [offset, whence] = body.args as [{ long_arg: string }, { int_arg: number }]
      const numbers = this.#numbers.get(whence.int_arg) ?? []
      numbers.push(Number(offset.long_arg))
      this.#numbers.set(whence.int_arg, numbers)
      const n = Number(String(body.message).split(' ')[1])
      if (!this.#versions.has(n)) this.#versions.set(n, Date.parse(String(line.time)))
    }
    const kept = events.filter(({ kind }) => kind === 'process_exit')
    events.length = 0
    events.push(...kept)
  }

  /** When its first event happened. */
  async waitForVersion(n: number): Promise<number> {
    const until = performance.now() + 60_000
    while (performance.now() < until) {
      this.read()
      const time = this.#versions.get(n)
      if (time !== undefined) return time
      await Bun.sleep(2)
    }
    throw new Error(`No event of version ${n} came\n${this.#agent.stderr}`)
  }

  tally(): { calls: number; missed: number; doubled: number; versions: number } {
    let [calls, missed, doubled] = [0, 0, 0]
    for (const numbers of this.#numbers.values()) {
      const distinct = new Set(numbers)
      const [first, last] = ends(numbers)
      calls += last - first + 1
      missed += last - first + 1 - distinct.size
      doubled += numbers.length - distinct.size
    }
    return { calls, missed, doubled, versions: this.#versions.size }
  }
}

async function lostHits(agent: TestAgent): Promise<number> {
  const { rows } = await agent.loss()
  const hooks = rows.filter(({ where, kind }) => where.startsWith('kernel') && kind.startsWith('hook'))
  return hooks.flatMap(({ lost }) => Object.values(lost)).reduce((sum, count) => sum + count, 0)
}

/** Smallest and largest, without spreading a million numbers over a call. */
function ends(numbers: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const number of numbers) {
    if (number < low) low = number
    if (number > high) high = number
  }
  return [low, high]
}
