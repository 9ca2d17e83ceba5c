// HostFacts: what /proc and /sys say about kernel, privileges and machine; no BPF is loaded for it.
import fs from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface HostFacts {
  /** As uname -r has it. */
  readonly release: string
  readonly version: readonly [major: number, minor: number]
  readonly architecture: string
  /** BTF file in use, null if there is none. */
  readonly btf: string | null
  /** Active security modules in order; empty where securityfs does not tell. */
  readonly lsm: readonly string[]
  readonly lockdown: 'none' | 'integrity' | 'confidentiality' | 'unknown'
  /** Mount point, null if neither tracefs nor debugfs is mounted. */
  readonly tracefs: string | null
  readonly bpffs: string | null
  /** Soft and hard limit in bytes, Infinity for none. Kernels from 5.11 charge BPF memory to the cgroup instead. */
  readonly memlock: readonly [soft: number, hard: number]
  /** Effective ones of those that matter here, as `CAP_BPF`. */
  readonly capabilities: readonly string[]
  /** True if /proc/kallsyms shows us addresses. */
  readonly kernel_addresses: boolean
  /** CONFIG_ options that matter here, `y` or `m`; absent ones are unset or not known. */
  readonly config: Readonly<Record<string, string>>
  readonly config_known: boolean
  readonly cgroup: 'v1' | 'v2' | 'hybrid' | 'none'
  readonly cpus: number
  readonly memory_bytes: number
  readonly pid_max: number
  /** True if kernel.bpf_stats_enabled. */
  readonly bpf_stats: boolean
  /** True if another task may get the CPU while one is inside the kernel: preempt=full or lazy. */
  readonly preempts: boolean
  /** kernel.perf_event_paranoid; -1, its weakest, where it cannot be read. */
  readonly perf_event_paranoid: number
}

/** Bits of include/uapi/linux/capability.h. */
const CAPABILITIES: Readonly<Record<string, number>> = {
  CAP_DAC_OVERRIDE: 1,
  CAP_DAC_READ_SEARCH: 2,
  CAP_KILL: 5,
  CAP_NET_ADMIN: 12,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
}

const OPTIONS = new Set([
  'CONFIG_BPF_SYSCALL',
  'CONFIG_DEBUG_INFO_BTF',
  'CONFIG_BPF_LSM',
  'CONFIG_KPROBES',
  'CONFIG_KPROBE_EVENTS',
  'CONFIG_UPROBE_EVENTS',
  'CONFIG_FPROBE',
  'CONFIG_FUNCTION_TRACER',
  'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS',
  'CONFIG_FUNCTION_ERROR_INJECTION',
  'CONFIG_BPF_KPROBE_OVERRIDE',
  'CONFIG_FTRACE_SYSCALLS',
  'CONFIG_MODULES',
  'CONFIG_AUDIT',
  'CONFIG_SECURITY_LOCKDOWN_LSM',
  'CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY',
])

/** `root` is put before every path, for tests; `procfs` as in --procfs. Never throws: what cannot be read is unknown. */
export function readHostFacts(procfs = '/proc', btf = '', root = ''): HostFacts {
  const read = (path: string) => readText(root + path)
  const release = read(`${procfs}/sys/kernel/osrelease`).trim()
  const mounts = read(`${procfs}/self/mounts`)
  const limits = read(`${procfs}/self/limits`)
  const config = readConfig(procfs, release, root)
  return {
    release,
    version: parseVersion(release),
    architecture: process.arch,
    btf: findBtf(btf, release, root),
    lsm: read('/sys/kernel/security/lsm').trim().split(',').filter((name) => name !== ''),
    lockdown: parseLockdown(read('/sys/kernel/security/lockdown')),
    tracefs: findMount(mounts, 'tracefs') ??
      (findMount(mounts, 'debugfs') === null ? null : '/sys/kernel/debug/tracing'),
    bpffs: findMount(mounts, 'bpf'),
    memlock: parseMemlock(limits),
    capabilities: parseCapabilities(read(`${procfs}/self/status`)),
    kernel_addresses: showsAddresses(`${root}${procfs}/kallsyms`),
    config: config ?? {},
    config_known: config !== null,
    cgroup: cgroupMode(mounts),
    cpus: possibleCpus(read('/sys/devices/system/cpu/possible')),
    memory_bytes: Number(/^MemTotal:\s+(\d+) kB/m.exec(read(`${procfs}/meminfo`))?.[1] ?? 0) * 1024,
    pid_max: Number(read(`${procfs}/sys/kernel/pid_max`).trim() || 32768),
    bpf_stats: read(`${procfs}/sys/kernel/bpf_stats_enabled`).trim() === '1',
    preempts: isPreempting(
      read(`${procfs}/version`),
      read('/sys/kernel/debug/sched/preempt'),
      read(`${procfs}/cmdline`),
    ),
    perf_event_paranoid: Number(read(`${procfs}/sys/kernel/perf_event_paranoid`).trim() || -1),
  }
}

/** '' where the file cannot be read: the fact is then unknown, which every caller treats as absent. */
function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Hidden addresses read as zero; a few at the beginning of the table are zero anyway. */
function showsAddresses(path: string): boolean {
  const buffer = new Uint8Array(65_536)
  try {
    const file = fs.openSync(path, 'r')
    const size = fs.readSync(file, buffer)
    fs.closeSync(file)
    return /^[0-9a-f]*[1-9a-f][0-9a-f]* /m.test(new TextDecoder().decode(buffer.subarray(0, size)))
  } catch {
    return false // the table is not there, or not for us
  }
}

export function parseVersion(release: string): [number, number] {
  const match = /^(\d+)\.(\d+)/.exec(release)
  return match === null ? [0, 0] : [Number(match[1]), Number(match[2])]
}

/** Where Linux distributions and Tetragon look for BTF, first match; only `given` if it is not ''. */
function findBtf(given: string, release: string, root: string): string | null {
  const candidates = given !== '' ? [given] : [
    '/sys/kernel/btf/vmlinux',
    `/boot/vmlinux-${release}`,
    `/lib/modules/${release}/vmlinux`,
    `/usr/lib/debug/boot/vmlinux-${release}`,
    `/var/lib/thump/vmlinux-${release}`,
  ]
  return candidates.find((path) => fs.statSync(root + path, { throwIfNoEntry: false })?.isFile()) ?? null
}

/**
 * `model`, as in `none (voluntary) full`, is what is in force; only root may read it, and not with lockdown. Without it the
 * command line tells, else what kernels are built with: those from 7.0 on preempt.
 */
function isPreempting(version: string, model: string, command_line: string): boolean {
  const built = /\bPREEMPT(_\w+)?\b/.exec(version)
  if (built === null) return false
  if (built[1] !== '_DYNAMIC') return true
  const word = /\((\w+)\)/.exec(model)?.[1] ?? /(?:^|\s)preempt=(\w+)/.exec(command_line)?.[1]
  if (word !== undefined) return word === 'full' || word === 'lazy'
  return parseVersion(/^Linux version (\S+)/.exec(version)?.[1] ?? '')[0] >= 7
}

/** `none [integrity] confidentiality`; the bracketed word is in force. */
function parseLockdown(text: string): HostFacts['lockdown'] {
  const word = /\[(none|integrity|confidentiality)\]/.exec(text)?.[1]
  return word === 'none' || word === 'integrity' || word === 'confidentiality' ? word : 'unknown'
}

function findMount(mounts: string, type: string): string | null {
  for (const line of mounts.split('\n')) {
    const [, path, kind] = line.split(' ')
    if (kind === type && path !== undefined) return path
  }
  return null
}

function parseMemlock(limits: string): [number, number] {
  const match = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(limits)
  const number = (text: string | undefined) => text === undefined || text === 'unlimited' ? Infinity : Number(text)
  return [number(match?.[1]), number(match?.[2])]
}

function parseCapabilities(status: string): string[] {
  const mask = BigInt('0x' + (/^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0'))
  return Object.keys(CAPABILITIES).filter((name) => (mask >> BigInt(CAPABILITIES[name]!) & 1n) === 1n)
}

/** Null where the kernel's configuration can be read nowhere. */
function readConfig(procfs: string, release: string, root: string): Record<string, string> | null {
  for (const path of [`${procfs}/config.gz`, `/boot/config-${release}`, `/lib/modules/${release}/config`]) {
    let text: string
    try {
      const bytes = fs.readFileSync(root + path)
      text = path.endsWith('.gz') ? gunzipSync(bytes).toString() : bytes.toString()
    } catch {
      continue // the next place may have it
    }
    const found: Record<string, string> = {}
    for (const [, name, value] of text.matchAll(/^(CONFIG_\w+)=(\S+)$/gm)) if (OPTIONS.has(name!)) found[name!] = value!
    return found
  }
  return null
}

function cgroupMode(mounts: string): HostFacts['cgroup'] {
  const v1 = findMount(mounts, 'cgroup') !== null
  const v2 = findMount(mounts, 'cgroup2') !== null
  return v1 ? v2 ? 'hybrid' : 'v1' : v2 ? 'v2' : 'none'
}

/** `0-3,8`: the number of CPUs, present or not. */
function possibleCpus(text: string): number {
  if (text.trim() === '') return navigator.hardwareConcurrency
  let count = 0
  for (const range of text.trim().split(',')) {
    const [first, last] = range.split('-').map(Number)
    count += (last ?? first ?? 0) - (first ?? 0) + 1
  }
  return count
}
