/** Processes that are older than the agent, and the kernel itself, as entries of the process cache. */

import { EXEC_FLAG } from '../../ffi/wire.gen.ts'
import type { ExecReader } from './exec.ts'
import { flagText } from './flag.ts'
import { Image } from './fragment.ts'
import { type Node, Process } from './process.ts'
import type { ProcfsProcess } from './procfs.ts'

/** Pid 0, which Tetragon shows as `<kernel>`, started at 1 ns and its own parent. */
export function kernelProcess(node: Node): Process {
  const image = new Image('<kernel>', '', '', 0, 0, undefined, 0, undefined)
  const exec_id = node.ids.encode(0, 1, 0)
  return new Process(node, 'procfs', 0, 0, 0, 1, undefined, exec_id, image, flagText(EXEC_FLAG.PROCFS), false)
}

export function existingProcess(
  node: Node,
  entry: ProcfsProcess,
  parent: Process | undefined,
  reader: ExecReader,
): Process {
  const seconds = Math.floor(entry.start_ns / 1e9)
  const nanoseconds = entry.start_ns - seconds * 1e9
  const image = reader.existingImage(entry)
  const in_init_tree = (entry.flags & EXEC_FLAG.IN_INIT_TREE) !== 0
  const flags = flagText(entry.flags)
  const process = new Process(
    node,
    'procfs',
    entry.key ?? entry.pid,
    entry.pid,
    seconds,
    nanoseconds,
    parent,
    '',
    image,
    flags,
    in_init_tree,
  )
  process.ns_pid = entry.ns_pid
  return process
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
