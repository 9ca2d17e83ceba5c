/** Processes that are older than the agent, read from /proc once at start: for the cache and for the kernel's maps. */

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { type Credentials, EXEC_FLAG, type Namespaces } from '../../ffi/wire.gen.ts'
import { decodeUtf8 } from '../event/text.ts'
import { NAMESPACE_NAMES } from './credential.ts'

export interface ProcfsProcess {
  readonly pid: number
  /** The kernel's number of its image, where a former agent's programs gave one; else its pid. */
  readonly key?: number
  readonly ppid: number
  /** In its innermost pid namespace. */
  readonly ns_pid: number
  /** CLOCK_BOOTTIME of its start in nanoseconds, by the clock tick (10 ms): part of exec_id. */
  readonly start_ns: number
  readonly kernel_thread: boolean
  /** Where /proc/PID/exe leads, as d_path of mm->exe_file; `[comm]` for a kernel thread. */
  readonly binary: string
  /** NUL-ended argv[1..]. */
  readonly argument_text: string
  readonly cwd: string
  /** enum exec_flag. */
  flags: number
  readonly auid: number
  /** Path below the cgroup mount (version 2, else the first hierarchy with a name that tells most). */
  readonly cgroup: string
  /** Inode of that cgroup, 0 where it is not known. */
  readonly cgroup_id: number
  readonly credentials: Credentials
  readonly namespaces: Namespaces
}

export interface ProcfsOptions {
  /** --procfs, usually /proc. */
  readonly root: string
  /** sysconf(_SC_CLK_TCK), 100 on every Linux that Bun runs on. */
  readonly ticks_per_second?: number
  /** Where the hierarchy that names containers is mounted, to look up ids (absent: they stay 0), and our place in it. */
  readonly cgroup?: { readonly mount: string | null; readonly base: string }
  /** Longest command line that is kept; more is cut and flagged. */
  readonly cmdline_bytes_max?: number
}

export interface ProcfsScan {
  /** By ppid, then pid, ascending: the order of Tetragon's events. A parent can stand behind its child. */
  readonly processes: readonly ProcfsProcess[]
  /** Ended while they were read. */
  readonly vanished: number
  /** Fields that could not be read though the process was there: missing privilege. */
  readonly unreadable: number
}

const CMDLINE_BYTES_MAX = 2 ** 20
/** Bit of task_struct::flags, field 9 of /proc/PID/stat (include/linux/sched.h). */
const PF_KTHREAD = 0x0020_0000

/** Reads all processes: some 100 us each, kernel threads 40. */
export function scanProcfs(options: ProcfsOptions): ProcfsScan {
  const reader = new ProcfsReader(options)
  const processes: ProcfsProcess[] = []
  let vanished = 0
  for (const name of readdirSync(options.root)) {
    if (!/^[1-9][0-9]*$/.test(name)) continue
    const process = reader.read(Number(name))
    if (process === undefined) vanished++
    else processes.push(process)
  }
  processes.sort((one, other) => one.ppid - other.ppid || one.pid - other.pid)
  markInitTrees(processes)
  return { processes, vanished, unreadable: reader.unreadable }
}

/** Namespaces of pid 1, with which `is_host` compares. Falls back to the agent's own where pid 1 may not be looked at. */
export function readHostNamespaces(root: string): Namespaces {
  const reader = new ProcfsReader({ root })
  const namespaces = reader.namespaces('1')
  return namespaces.mnt === 0 ? reader.namespaces('self') : namespaces
}

class ProcfsReader {
  unreadable = 0
  readonly #root: string
  readonly #tick_ns: number
  readonly #cmdline_bytes_max: number
  readonly #cgroup_root: string | undefined
  readonly #cgroup_base: string
  readonly #cgroup_ids = new Map<string, number>()

  constructor(options: ProcfsOptions) {
    this.#root = options.root
    this.#tick_ns = 1e9 / (options.ticks_per_second ?? 100)
    this.#cmdline_bytes_max = options.cmdline_bytes_max ?? CMDLINE_BYTES_MAX
    this.#cgroup_root = options.cgroup?.mount ?? undefined
    this.#cgroup_base = options.cgroup?.base ?? '/'
  }

  /** Undefined where it ended meanwhile. */
  read(pid: number): ProcfsProcess | undefined {
    const dir = String(pid)
    const stat = this.#text(dir, 'stat')
    const status = this.#text(dir, 'status')
    if (stat === undefined || status === undefined) return undefined
    // The name may hold anything, also ") "; the rest begins behind the last parenthesis.
    const name_end = stat.lastIndexOf(')')
    const fields = stat.slice(name_end + 2).split(' ')
    if (name_end === -1 || fields.length < 20) return undefined
    const comm = stat.slice(stat.indexOf('(') + 1, name_end)
    const kernel_thread = (Number(fields[6]) & PF_KTHREAD) !== 0
    let flags: number = EXEC_FLAG.PROCFS

    let binary = kernel_thread ? undefined : this.#link(dir, 'exe')
    if (binary === undefined) {
      binary = `[${comm}]`
      if (!kernel_thread) flags |= EXEC_FLAG.ERROR_FILENAME
    }
    let cwd = this.#link(dir, 'cwd')
    if (cwd === undefined) {
      cwd = ''
      flags |= EXEC_FLAG.ROOT_CWD | EXEC_FLAG.ERROR_CWD
    } else if (cwd === '/') {
      flags |= EXEC_FLAG.ROOT_CWD
    }
    const cmdline = kernel_thread ? { text: '', cut: false } : this.#arguments(dir)
    if (cmdline.cut) flags |= EXEC_FLAG.TRUNC_ARGS
    const path = cgroupPath(this.#text(dir, 'cgroup') ?? '')
    // Relative to our cgroup namespace: `/../../other.slice`.
    const cgroup = this.#cgroup_base === '/' || path === '' ? path : posix.join(this.#cgroup_base, path)
    const loginuid = this.#text(dir, 'loginuid')
    return {
      pid,
      ppid: Number(fields[1]),
      ns_pid: lastNumber(field(status, 'NSpid')) ?? pid,
      start_ns: Math.round(Number(fields[19]) * this.#tick_ns),
      kernel_thread,
      binary,
      argument_text: cmdline.text,
      cwd,
      flags,
      auid: loginuid === undefined || loginuid === '' ? 0xffff_ffff : Number(loginuid) >>> 0,
      cgroup,
      cgroup_id: this.#cgroupId(cgroup),
      credentials: credentialsOf(status),
      namespaces: this.namespaces(dir),
    }
  }

  namespaces(dir: string): Namespaces {
    const inums = {} as Record<(typeof NAMESPACE_NAMES)[number], number>
    for (const name of NAMESPACE_NAMES) {
      const link = this.#link(dir, 'ns/' + name)
      inums[name] = link === undefined ? 0 : Number(link.slice(link.indexOf('[') + 1, -1))
    }
    return inums
  }

  /** The id that bpf_get_current_cgroup_id() gives is the inode of the cgroup's directory. */
  #cgroupId(path: string): number {
    if (this.#cgroup_root === undefined || path === '') return 0
    let id = this.#cgroup_ids.get(path)
    if (id === undefined) {
      id = statSync(this.#cgroup_root + path, { throwIfNoEntry: false })?.ino ?? 0
      this.#cgroup_ids.set(path, id)
    }
    return id
  }

  #arguments(dir: string): { text: string; cut: boolean } {
    let bytes: Buffer
    try {
      bytes = readFileSync(`${this.#root}/${dir}/cmdline`)
    } catch {
      this.unreadable++
      return { text: '', cut: false }
    }
    const cut = bytes.length > this.#cmdline_bytes_max
    const first_end = bytes.indexOf(0)
    if (first_end === -1) return { text: '', cut }
    return { text: decodeUtf8(bytes, first_end + 1, Math.min(bytes.length, this.#cmdline_bytes_max)), cut }
  }

  #text(dir: string, name: string): string | undefined {
    try {
      return readFileSync(`${this.#root}/${dir}/${name}`, 'utf8')
    } catch {
      this.unreadable++
      return undefined
    }
  }

  #link(dir: string, name: string): string | undefined {
    try {
      const link = readlinkSync(`${this.#root}/${dir}/${name}`, 'buffer')
      return decodeUtf8(link, 0, link.length)
    } catch {
      this.unreadable++
      return undefined
    }
  }
}

/** Text behind `name:` in /proc/PID/status. */
function field(status: string, name: string): string {
  const at = status.indexOf('\n' + name + ':')
  if (at === -1) return ''
  const from = at + name.length + 2
  const end = status.indexOf('\n', from)
  return status.slice(from, end === -1 ? status.length : end).trim()
}

function lastNumber(text: string): number | undefined {
  const last = text.split(/\s+/).at(-1)
  return last === undefined || last === '' ? undefined : Number(last)
}

/** Real, effective, saved and file-system ids stand in this order. Secure bits are in no file of /proc. */
function credentialsOf(status: string): Credentials {
  const [uid = 0, euid = 0, suid = 0, fsuid = 0] = field(status, 'Uid').split(/\s+/).map(Number)
  const [gid = 0, egid = 0, sgid = 0, fsgid = 0] = field(status, 'Gid').split(/\s+/).map(Number)
  return {
    permitted: mask(field(status, 'CapPrm')),
    effective: mask(field(status, 'CapEff')),
    inheritable: mask(field(status, 'CapInh')),
    uid,
    gid,
    euid,
    egid,
    suid,
    sgid,
    fsuid,
    fsgid,
    securebits: 0,
  }
}

function mask(hex: string): bigint {
  return /^[0-9a-f]+$/.test(hex) ? BigInt('0x' + hex) : 0n
}

/** Hierarchies of version 1 that container runtimes set, in Tetragon's order of preference. */
const CONTROLLERS = ['memory', 'pids', 'cpuset'] as const

/** Path of a process' cgroup from the lines `id:controllers:path` of /proc/PID/cgroup. */
export function cgroupPath(text: string): string {
  let unified = ''
  const by_controller = new Map<string, string>()
  for (const line of text.split('\n')) {
    const first = line.indexOf(':')
    const second = line.indexOf(':', first + 1)
    if (second === -1) continue
    const path = line.slice(second + 1)
    const controllers = line.slice(first + 1, second)
    if (controllers === '') unified = path
    for (const controller of controllers.split(',')) by_controller.set(controller, path)
  }
  for (const controller of CONTROLLERS) {
    const path = by_controller.get(controller)
    if (path !== undefined) return path
  }
  return unified
}

/** A container's first process and what descends from it are in an init tree; the machine's own init makes none. */
function markInitTrees(processes: readonly ProcfsProcess[]): void {
  const by_pid = new Map(processes.map((process) => [process.pid, process]))
  for (const process of processes) {
    let ancestor: ProcfsProcess | undefined = process
    for (let depth = 0; ancestor !== undefined && ancestor.pid !== 1 && depth < 4096; depth++) {
      if (ancestor.ns_pid === 1) {
        process.flags |= EXEC_FLAG.IN_INIT_TREE
        break
      }
      ancestor = by_pid.get(ancestor.ppid)
    }
  }
}
