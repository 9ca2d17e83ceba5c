/**
 * Development only: builds records from events that Tetragon emitted (../shared/golden, beside the checkout of a
 * developer), runs them through the tracker and compares what comes out. Without that directory it checks nothing.
 */
import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { EXEC_FLAG, GAINED } from '../../ffi/wire.gen.ts'
import type { Capabilities, Event, Process, ProcessExec, ProcessExit } from '../../src/event/type.ts'
import { CAPABILITY_NAMES } from '../../src/process/capability.ts'
import { flagText } from '../../src/process/flag.ts'
import type { ProcfsProcess } from '../../src/process/procfs.ts'
import type { Tracker } from '../../src/process/tracker.ts'
import { execRecord, exitRecord, forkRecord, HOST, ROOT, strings, testTracker } from './record.ts'

const GOLDEN = new URL('../../../shared/golden/cases/', import.meta.url).pathname

for (const group of ['exec', 'exec-full']) {
  const names = existsSync(GOLDEN + group) ? readdirSync(GOLDEN + group) : []
  if (names.length === 0) console.log(`no golden cases at ${GOLDEN + group}: nothing to compare with`)
  for (const name of names) {
    test(`tracker writes what Tetragon wrote for ${group}/${name}`, () => {
      const lines = readFileSync(`${GOLDEN}${group}/${name}/expected.json`, 'utf8').trim().split('\n')
      new Replay(group === 'exec-full').run(lines.map((line) => JSON.parse(line)))
    })
  }
}

class Replay {
  readonly #tracker: Tracker
  readonly #keys = new Map<string, number>()
  readonly #known = new Map<string, Process>()
  #next_key = 2 ** 23

  constructor(full: boolean) {
    this.#tracker = testTracker(
      full ? { process_cred: true, process_ns: true, environment: true, ancestors: new Set(['base']) } : {},
    )
  }

  run(events: Event[]): void {
    this.#addExisting(events)
    for (const event of events) {
      if ('process_exec' in event) this.#exec(event, event.process_exec)
      else if ('process_exit' in event) this.#exit(event, event.process_exit)
    }
  }

  #addExisting(events: Event[]): void {
    for (const event of events) {
      const { process, parent, ancestors = [] } = 'process_exec' in event
        ? event.process_exec
        : (event as { process_exit: ProcessExit }).process_exit
      for (const known of [process, parent!, ...ancestors]) this.#known.set(known.exec_id!, known)
    }
    const found = [...this.#known.values()].filter((process) => process.flags?.startsWith('procFS'))
    const entries = found.map((process): ProcfsProcess => {
      this.#keys.set(process.exec_id!, process.pid)
      return {
        pid: process.pid,
        ppid: decode(process.parent_exec_id!).pid,
        ns_pid: process.pid,
        start_ns: Number(decode(process.exec_id!).ktime_ns),
        kernel_thread: false,
        binary: process.binary!,
        argument_text: strings(splitArguments(process.arguments ?? '')).toString(),
        cwd: process.cwd!,
        flags: flagBits(process.flags!),
        auid: process.auid!,
        cgroup: '',
        cgroup_id: 0,
        credentials: ROOT,
        namespaces: HOST,
      }
    })
    // Without --enable-ancestors the events do not show what stands above; /proc would have.
    for (const process of found) {
      const { pid, ktime_ns } = decode(process.parent_exec_id!)
      if (pid === 0 || this.#known.has(process.parent_exec_id!)) continue
      entries.push({ ...entries[0]!, pid, ppid: 0, start_ns: Number(ktime_ns) })
    }
    this.#tracker.addExisting(entries)
  }

  #exec(event: Event, { process }: ProcessExec): void {
    const { pid, ktime_ns } = decode(process.exec_id!)
    const parent = decode(process.parent_exec_id!)
    this.#fork(process.parent_exec_id!)
    const docker = process.docker
    const record = execRecord({
      ktime_ns,
      exec_id: this.#key(process.exec_id!),
      parent_exec_id: this.#keys.get(process.parent_exec_id!) ?? 0,
      parent_ktime_ns: parent.ktime_ns,
      parent_pid: parent.pid,
      pid,
      auid: process.auid!,
      flags: flagBits(process.flags!),
      filename: process.binary!,
      cwd: process.cwd!,
      cgroup: docker === undefined ? 'tgtest' : `docker-${docker.padEnd(64, 'f')}.scope`,
      args: splitArguments(process.arguments ?? ''),
      envs: (process.environment_variables ?? []).map(({ Key, Value }) => `${Key}=${Value ?? ''}`),
      credentials: credentialsOf(process),
      namespaces: namespacesOf(process),
      gained: (process.binary_properties?.privileges_changed ?? []).reduce(
        (bits, name) => bits | (name.endsWith('CAP') ? GAINED.FILE_CAP : name.endsWith('UID') ? 2 : 4),
        0,
      ),
    })
    this.#compare(record, event)
  }

  #exit(event: Event, exit: ProcessExit): void {
    const process = exit.process
    const { pid, ktime_ns } = decode(process.exec_id!)
    this.#fork(process.exec_id!)
    const signal = signalNumber(exit.signal)
    const record = exitRecord({
      ktime_ns: ktime_ns + 1n,
      exec_id: this.#key(process.exec_id!),
      pid,
      code: ((exit.status ?? 0) << 8) | signal,
    })
    this.#compare(record, event)
  }

  /** Processes that only forked give no event when they begin; their parents may have only forked, too. */
  #fork(exec_id: string): void {
    const process = this.#known.get(exec_id)
    if (process === undefined || this.#keys.has(exec_id)) return
    this.#fork(process.parent_exec_id!)
    const { pid, ktime_ns } = decode(exec_id)
    const record = forkRecord({
      ktime_ns,
      exec_id: this.#key(exec_id),
      parent_exec_id: this.#key(process.parent_exec_id!),
      parent_pid: decode(process.parent_exec_id!).pid,
      pid,
      flags: process.in_init_tree === true ? EXEC_FLAG.IN_INIT_TREE : 0,
    })
    expect(this.#tracker.onRecord(record, 0, record.byteLength)).toBeUndefined()
  }

  #compare(record: DataView, expected: Event): void {
    const line = this.#tracker.onRecord(record, 0, record.byteLength)
    expect(normalise(JSON.parse(line!.line))).toEqual(normalise(expected))
    expect(keysOf(JSON.parse(line!.line))).toEqual(keysOf(expected))
  }

  #key(exec_id: string): number {
    let key = this.#keys.get(exec_id)
    if (key === undefined) this.#keys.set(exec_id, key = this.#next_key++)
    return key
  }
}

/** Times were read from two clocks per event, and refcnt depends on when Tetragon looked. */
function normalise(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(
      value,
      (key, inner) =>
        key === 'refcnt' || key === 'thump' ? undefined : key === 'time' || key === 'start_time' ? 'time' : inner,
    ),
  )
}

/** Every key in order: members stand as the proto declares them. */
function keysOf(value: unknown): string[] {
  const keys: string[] = []
  JSON.stringify(value, (key, inner) => {
    if (key === 'thump' || key === 'refcnt') return undefined
    keys.push(key)
    return inner
  })
  return keys
}

function decode(exec_id: string): { ktime_ns: bigint; pid: number } {
  const [, ktime, pid] = atob(exec_id).split(':')
  return { ktime_ns: BigInt(ktime!), pid: Number(pid) }
}

/** Arguments that join to the text: quoted ones begin behind ` "` and end before `" "`, `" ` and a word, or the end. */
function splitArguments(joined: string): string[] {
  const args: string[] = []
  let rest = joined
  while (rest !== '') {
    const quoted = /^ ?"((?:[^"]|"(?! "|$))* (?:[^"]|"(?! |$))*)"(?= |$)/.exec(rest)
    if (quoted !== null) {
      args.push(quoted[1]!)
      rest = rest.slice(quoted[0].length)
    } else {
      const word = /^ ?([^ ]*)/.exec(rest)!
      args.push(word[1]!)
      rest = rest.slice(word[0].length)
    }
  }
  return args
}

function flagBits(text: string): number {
  let bits = 0
  for (const bit of Object.values(EXEC_FLAG)) {
    if (text.split(' ').includes(flagText(bit))) bits |= bit
  }
  return bits
}

function signalNumber(name: string | undefined): number {
  return name === undefined ? 0 : { SIGHUP: 1, SIGABRT: 6, SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11, SIGTERM: 15 }[name]!
}

function credentialsOf(process: Process): typeof ROOT {
  const credentials = process.process_credentials
  if (credentials === undefined) return { ...ROOT, euid: process.uid! }
  const bits = { SecBitNoRoot: 1, SecBitNoRootLocked: 2 } as Record<string, number>
  return {
    ...credentials,
    permitted: maskOf(process.cap, 'permitted'),
    effective: maskOf(process.cap, 'effective'),
    inheritable: maskOf(process.cap, 'inheritable'),
    securebits: (credentials.securebits ?? []).reduce((sum, name) => sum | bits[name]!, 0),
  }
}

function maskOf(capabilities: Capabilities | undefined, set: keyof Capabilities): bigint {
  const names = capabilities?.[set] ?? []
  return names.reduce<bigint>((mask, name) => mask | (1n << BigInt(CAPABILITY_NAMES.indexOf(String(name)))), 0n)
}

function namespacesOf(process: Process): typeof HOST {
  const namespaces = { ...HOST }
  for (const [name, namespace] of Object.entries(process.ns ?? {})) {
    Object.assign(namespaces, { [name]: namespace.inum })
  }
  return namespaces
}
