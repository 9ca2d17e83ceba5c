// Answers planning's questions from this machine: BTF, tracefs, kallsyms, /proc and the files of programs.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { Btf } from '../../ffi/btf.ts'
import { Elf, ElfError } from './elf.ts'
import type { AttachFact, KernelFacts } from './facts.ts'
import { type StaticProbeNote, staticProbes } from './static_probe.ts'
import { parseTracepointFormat, type TracepointFormatField } from './tracepoint.ts'

/** A file of a program is read whole. */
const BINARY_BYTES_MAX = 1024 * 1024 * 1024

export interface LivePlanFacts {
  readonly release: string
  readonly version: readonly [number, number]
  readonly architecture: 'x64' | 'arm64'
  readonly attach: KernelFacts['attach']
  readonly types: Btf | null
  moduleTypes(module: string): Btf | undefined
  fileTypes(path: string): Btf | undefined
  moduleOf(name: string): string | undefined
  traceable(name: string): boolean | undefined
  traceableNames(): readonly string[]
  readonly preempts: boolean
  readonly full_trampolines: ReadonlySet<string>
  readonly module_trampolines: AttachFact
  tracepoint(subsystem: string, event: string): readonly TracepointFormatField[] | null | undefined
  tracepointNames(): readonly string[]
  readonly host_namespaces: Readonly<Record<string, number>>
  binary(path: string): LiveBinary | string
}

export interface LiveBinary {
  symbol(name: string): bigint | undefined
  symbolNames(): readonly string[]
  address(virtual: bigint): bigint | undefined
  digest(wanted: string): boolean | undefined
  probes(provider: string, name: string): readonly StaticProbeNote[]
  probeNames(): readonly string[]
}

/** What the facts of a kernel must hold; the rest is read when asked for. */
export type PlanSource = Pick<
  KernelFacts,
  'release' | 'version' | 'architecture' | 'attach' | 'btf' | 'tracefs' | 'capabilities' | 'preempts'
>

/** Each file is read once, when first asked for; make a new one when modules or programs may have changed. */
export function readPlanFacts(facts: PlanSource, procfs = '/proc'): LivePlanFacts {
  const types = facts.btf === null ? null : openBtf(facts.btf) ?? null
  const modules = new Map<string, Btf | undefined>()
  const moduleTypes = (module: string): Btf | undefined => {
    if (!/^[\w-]+$/.test(module)) return undefined
    const name = module.replaceAll('-', '_')
    if (!modules.has(name)) modules.set(name, types === null ? undefined : openBtf(`/sys/kernel/btf/${name}`, types))
    return modules.get(name)
  }
  const functions = once(() => readFunctions(facts.tracefs, procfs))
  const bases = once(() => new Set([...functions()].filter((name) => name.includes('.')).map(baseName)))
  const events = once(() => tracepointNames(facts.tracefs))
  return {
    release: facts.release,
    version: facts.version,
    architecture: facts.architecture === 'arm64' ? 'arm64' : 'x64',
    attach: facts.attach,
    types,
    moduleTypes,
    fileTypes: (path) => openBtf(path),
    moduleOf: (name) =>
      moduleNames().find((module) =>
        moduleTypes(module)?.findFunction(name) !== undefined && types?.findFunction(name) === undefined
      ),
    traceable: (name) => functions().size === 0 ? undefined : functions().has(name) || bases().has(name),
    traceableNames: () => [...functions()],
    preempts: facts.preempts,
    full_trampolines: new Set(), // no kernel tells before it refuses
    module_trampolines: moduleTrampolines(facts),
    tracepoint: (subsystem, event) => readTracepoint(facts.tracefs, subsystem, event),
    tracepointNames: () => events(),
    host_namespaces: hostNamespaces(procfs),
    binary: (path) => openBinary(path),
  }
}

/** libbpf finds a module by its BTF among all objects of BPF, and those only CAP_SYS_ADMIN may open by their numbers. */
function moduleTrampolines({ attach, capabilities }: PlanSource): AttachFact {
  if (!attach.fentry.works || capabilities.includes('CAP_SYS_ADMIN')) return attach.fentry
  return { works: false, reason: 'a trampoline at a function of a module takes CAP_SYS_ADMIN' }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** One broken module must not stop a policy: its types are then unknown, and messages say so. */
function openBtf(path: string, base?: Btf): Btf | undefined {
  try {
    return Btf.open(path, base)
  } catch {
    return undefined
  }
}

/** Changes when a module is loaded, removed or loaded again: name, size and address of each. '' where nobody tells. */
export function loadedModules(procfs: string): string {
  return readText(`${procfs}/modules`).replace(/^(\S+ \d+) .* (0x[0-9a-f]+)\b.*$/gm, '$1 $2')
}

function moduleNames(): string[] {
  try {
    return readdirSync('/sys/kernel/btf').filter((name) => name !== 'vmlinux').sort()
  } catch {
    return [] // no /sys: nothing is known of modules
  }
}

/** `ksys_msgctl` of `ksys_msgctl.constprop.0`, which is what the compiler has made of it. */
function baseName(name: string): string {
  return name.slice(0, name.indexOf('.'))
}

/** Functions that ftrace may hook; where root alone may see them, all symbols of code. Empty: nobody tells. */
function readFunctions(tracefs: string | null, procfs: string): ReadonlySet<string> {
  const listed = tracefs === null ? '' : readText(`${tracefs}/available_filter_functions`)
  const found = new Set<string>()
  if (listed !== '') {
    for (const line of listed.split('\n')) {
      const name = line.split(/\s/, 1)[0]!
      if (name !== '' && !name.startsWith('__ftrace_invalid')) found.add(name)
    }
    return found
  }
  for (const match of readText(`${procfs}/kallsyms`).matchAll(/^\S+ [tTwW] (\S+)/gm)) found.add(match[1]!)
  return found
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // not there or not for us: the caller treats both as unknown
  }
}

function readTracepoint(
  tracefs: string | null,
  subsystem: string,
  event: string,
): TracepointFormatField[] | null | undefined {
  if (tracefs === null || !/^[\w-]+$/.test(subsystem) || !/^[\w-]+$/.test(event)) return undefined
  try {
    return parseTracepointFormat(readFileSync(`${tracefs}/events/${subsystem}/${event}/format`, 'utf8'))
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return missing && existsSync(`${tracefs}/events/sched`) ? null : undefined
  }
}

function tracepointNames(tracefs: string | null): string[] {
  const names = readText(`${tracefs}/available_events`).split('\n').filter((line) => line !== '')
  return names.map((name) => name.replace(':', '/')).sort()
}

const NAMESPACE_FILES: Readonly<Record<string, string>> = {
  Uts: 'uts',
  Ipc: 'ipc',
  Mnt: 'mnt',
  Pid: 'pid',
  PidForChildren: 'pid_for_children',
  Net: 'net',
  Time: 'time',
  TimeForChildren: 'time_for_children',
  Cgroup: 'cgroup',
  User: 'user',
}

/** Of PID 1; where that may not be read, one's own, which are the same outside of containers. */
function hostNamespaces(procfs: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [name, file] of Object.entries(NAMESPACE_FILES)) {
    for (const pid of ['1', 'self']) {
      try {
        found[name] = Number(/\[(\d+)\]/.exec(readlinkSync(`${procfs}/${pid}/ns/${file}`))?.[1] ?? 0)
        break
      } catch {
        found[name] = 0 // tried again with `self`; 0 means that the kernel has no such namespace
      }
    }
  }
  return found
}

function openBinary(path: string): LiveBinary | string {
  let bytes: Uint8Array
  try {
    const { size } = statSync(path)
    if (size > BINARY_BYTES_MAX) return `${size} bytes, at most ${BINARY_BYTES_MAX}`
    bytes = readFileSync(path)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'no such file' : String(error)
  }
  let elf: Elf
  try {
    elf = new Elf(bytes)
  } catch (error) {
    if (error instanceof ElfError) return error.message
    throw error
  }
  const probes = once(() => staticProbes(elf))
  return {
    symbol(name) {
      const [, symbol = '', plus] = /^(.*?)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(name) ?? []
      const address = elf.symbols().get(symbol)
      return address === undefined ? undefined : elf.offsetOf(address + BigInt(plus ?? 0))
    },
    symbolNames: () => [...elf.symbols().keys()],
    address: (virtual) => elf.offsetOf(virtual),
    digest: (wanted) => digestMatches(wanted, bytes, elf),
    probes: (provider, name) => probes().filter((probe) => probe.provider === provider && probe.name === name),
    probeNames: () => [...new Set(probes().map((probe) => `${probe.provider}:${probe.name}`))].sort(),
  }
}

function digestMatches(wanted: string, bytes: Uint8Array, elf: Elf): boolean {
  const [kind = '', hex = ''] = wanted.toLowerCase().split(':')
  if (kind !== 'build-id') return createHash(kind).update(bytes).digest('hex') === hex
  for (const { owner, type, description } of elf.notes()) {
    if (owner === 'GNU' && type === 3) return description.toString('hex') === hex
  }
  return false
}
