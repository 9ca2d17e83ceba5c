// Which cgroup hierarchy names a process' container, and the ids of cgroups in it.
import fs from 'node:fs'
import path from 'node:path'
import type { Btf } from '../../ffi/btf.ts'

/** Controllers that container runtimes set, in Tetragon's order of preference. */
const CONTROLLERS = ['memory', 'pids', 'cpuset'] as const

export interface CgroupHierarchy {
  /** Index into css_set::subsys, -1 for the default (version 2) hierarchy. */
  readonly subsystem: number
  /** As /proc/PID/cgroup numbers it, 0 for version 2. */
  readonly id: number
  /** Where it is mounted; null: nowhere, so ids cannot be known. */
  readonly mount: string | null
  /** Root of our cgroup namespace as the mount has it: what /proc/PID/cgroup says is relative to it. '/' outside one. */
  readonly base: string
}

/** Looks at /proc/self/mounts; `btf` gives the kernel's numbers of controllers. */
export function findHierarchy(procfs: string, btf: Btf | null): CgroupHierarchy {
  const mounts = readLines(`${procfs}/self/mounts`).map((line) => line.split(' '))
  const numbers = btf?.findEnum('cgroup_subsys_id')?.values
  for (const controller of CONTROLLERS) {
    const mount = mounts.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes(controller))
    const number = numbers?.[`${controller}_cgrp_id`]
    if (mount !== undefined && number !== undefined) {
      const [subsystem, id, place] = [Number(number), hierarchyId(procfs, controller), mount[1] ?? null]
      return { subsystem, id, mount: place, base: namespaceBase(procfs, id, place) }
    }
  }
  const unified = mounts.find(([, , type]) => type === 'cgroup2')
  const place = unified?.[1] ?? null
  return { subsystem: -1, id: 0, mount: place, base: namespaceBase(procfs, 0, place) }
}

/** Cgroups looked through for our own. */
const CGROUPS_MAX = 20_000

/** A container has a cgroup namespace of its own, and nothing tells its root but the cgroup that holds us. */
function namespaceBase(procfs: string, id: number, mount: string | null): string {
  const own = pathOf(procfs, 'self', id)
  // Above our root everything begins with "/..", and so does the machine's first process.
  if (mount === null || own === undefined || pathOf(procfs, '1', id)?.startsWith('/..') !== true) return '/'
  const found = findOwn(mount)
  if (found === undefined) return '/'
  const relative = own === '/' ? '' : own
  return found.endsWith(relative) ? found.slice(0, found.length - relative.length) || '/' : '/'
}

/** Path in hierarchy `id` as we see it. */
function pathOf(procfs: string, pid: string, id: number): string | undefined {
  return readLines(`${procfs}/${pid}/cgroup`).find((line) => line.startsWith(`${id}:`))?.split(':')[2]
}

function findOwn(mount: string): string | undefined {
  const own = String(process.pid)
  const waiting = ['']
  for (let looked = 0; waiting.length > 0 && looked < CGROUPS_MAX; looked++) {
    const directory = waiting.shift()!
    if (readLines(`${mount}${directory}/cgroup.procs`).includes(own)) return directory
    for (const name of directories(mount + directory)) waiting.push(`${directory}/${name}`)
  }
  return undefined
}

function directories(directory: string): string[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) =>
      name
    )
  } catch {
    return [] // gone meanwhile
  }
}

function hierarchyId(procfs: string, controller: string): number {
  for (const line of readLines(`${procfs}/self/cgroup`)) {
    const [id, controllers] = line.split(':')
    if (controllers?.split(',').includes(controller)) return Number(id)
  }
  return 0
}

/** Inode of the cgroup's directory, which is its id; 0 where it is not known. */
export function cgroupId(hierarchy: CgroupHierarchy, cgroup: string): number {
  if (hierarchy.mount === null || cgroup === '') return 0
  return fs.statSync(path.join(hierarchy.mount, cgroup), { throwIfNoEntry: false })?.ino ?? 0
}

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n')
  } catch {
    return [] // without /proc nothing is known; the agent's own start says so
  }
}
