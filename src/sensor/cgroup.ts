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
}

/** Looks at /proc/self/mounts; `btf` gives the kernel's numbers of controllers. */
export function findHierarchy(procfs: string, btf: Btf | null): CgroupHierarchy {
  const mounts = readLines(`${procfs}/self/mounts`).map((line) => line.split(' '))
  const numbers = btf?.findEnum('cgroup_subsys_id')?.values
  for (const controller of CONTROLLERS) {
    const mount = mounts.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes(controller))
    const number = numbers?.[`${controller}_cgrp_id`]
    if (mount !== undefined && number !== undefined) {
      return { subsystem: Number(number), id: hierarchyId(procfs, controller), mount: mount[1] ?? null }
    }
  }
  const unified = mounts.find(([, , type]) => type === 'cgroup2')
  return { subsystem: -1, id: 0, mount: unified?.[1] ?? null }
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
