// Self-test at start: does an event of a process that we started ourselves come out of the pipeline.
import type { Pipeline } from '../pipeline.ts'

/** A program that every image has: Bun itself would do, but takes longer. */
const PROGRAMS = ['/bin/true', '/usr/bin/true', '/bin/busybox', process.execPath]

/** Resolves to the milliseconds that it took, or null if nothing came within `timeout_ms`. */
export async function selfTest(pipeline: Pipeline, timeout_ms: number): Promise<number | null> {
  const program = PROGRAMS.find((path) => Bun.file(path).size > 0) ?? process.execPath
  const started = performance.now()
  const seen = new Set<number>()
  let pid = 0
  let resolve: (found: boolean) => void = () => {}
  const found = new Promise<boolean>((settle) => resolve = settle)
  using watching = new DisposableStack()
  watching.defer(pipeline.watch(({ meta }) => {
    if (meta.type !== 'process_exec' || meta.process === undefined || meta.ktime_ns === 0) return
    seen.add(meta.process.pid)
    if (meta.process.pid === pid) resolve(true)
  }))
  const timer = setTimeout(() => resolve(false), timeout_ms)
  watching.defer(() => clearTimeout(timer))
  const child = Bun.spawn([program, '--version'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
  pid = child.pid
  if (seen.has(pid)) resolve(true)
  await child.exited
  return await found ? performance.now() - started : null
}
