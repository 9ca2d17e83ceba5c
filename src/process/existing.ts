/** Processes that are older than the agent, and the kernel itself, as entries of the process cache. */

import { EXEC_FLAG } from '../../ffi/wire.gen.ts'
import { type Node, Process } from './cache.ts'
import type { ExecReader } from './exec.ts'
import { flagText } from './flag.ts'
import { createImage } from './fragment.ts'
import type { ProcfsProcess } from './procfs.ts'

/** Pid 0, which Tetragon shows as `<kernel>`, started at 1 ns and its own parent. */
export function kernelProcess(node: Node): Process {
  const fields = {
    key: 0,
    pid: 0,
    seconds: 0,
    nanoseconds: 1,
    boottime: true,
    parent: undefined,
    image: createImage({
      binary: '<kernel>',
      arguments: '',
      cwd: '',
      uid: 0,
      auid: 0,
      docker: '',
      cgroup_id: 0,
      capabilities: undefined,
      environment: undefined,
      cap: '',
      ns: '',
      credentials: '',
      properties: '',
      user: '',
    }),
    flags: flagText(EXEC_FLAG.PROCFS),
    in_init_tree: false,
    forked: false,
  }
  const exec_id = new Process(node, { ...fields, parent_exec_id: '' }).exec_id
  return new Process(node, { ...fields, parent_exec_id: exec_id })
}

export function existingProcess(
  node: Node,
  entry: ProcfsProcess,
  parent: Process | undefined,
  reader: ExecReader,
): Process {
  const seconds = Math.floor(entry.start_ns / 1e9)
  return new Process(node, {
    key: entry.pid,
    pid: entry.pid,
    seconds,
    nanoseconds: entry.start_ns - seconds * 1e9,
    boottime: true,
    parent,
    parent_exec_id: '',
    image: reader.image({
      filename: entry.binary,
      cwd: entry.cwd,
      argument_text: entry.argument_text,
      environment_text: '',
      flags: entry.flags,
      auid: entry.auid,
      cgroup: entry.cgroup,
      cgroup_id: 0,
      credentials: entry.credentials,
      namespaces: entry.namespaces,
      gained: 0,
      inode: 0,
      ktime_ns: 0,
    }),
    flags: flagText(entry.flags),
    in_init_tree: (entry.flags & EXEC_FLAG.IN_INIT_TREE) !== 0,
    forked: false,
  })
}

/** The same processes, each behind its parent: pids wrap around, so that a parent can have the higher one. */
export function parentsFirst(found: readonly ProcfsProcess[]): ProcfsProcess[] {
  const waiting = new Map(found.map((entry) => [entry.pid, entry]))
  const ordered: ProcfsProcess[] = []
  for (const entry of found) {
    const line: ProcfsProcess[] = []
    let next: ProcfsProcess | undefined = entry
    while (next !== undefined && waiting.delete(next.pid)) {
      line.push(next)
      next = waiting.get(next.ppid)
    }
    ordered.push(...line.reverse())
  }
  return ordered
}
