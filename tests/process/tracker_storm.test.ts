import { expect, test } from 'bun:test'
import { execRecord, existing, exitRecord, forkRecord, lineOf, testTracker } from './record.ts'

test('a storm of processes keeps the tracker small, with one line each', () => {
  const tracker = testTracker()
  tracker.addExisting([existing(1, 0)])
  let lines = 0
  for (let i = 0; i < 50_000; i++) {
    const pid = 2 + (i % 20_000)
    const fork_id = 2 ** 23 + i * 8192
    const ktime_ns = BigInt(10_000_000_000 + i * 100_000)
    lineOf(tracker, forkRecord({ exec_id: fork_id, pid, parent_exec_id: 1, parent_pid: 1, ktime_ns }))
    const exec = execRecord({ exec_id: fork_id + 4096, pid, parent_exec_id: 1, parent_pid: 1, ktime_ns })
    if (tracker.onRecord(exec, 0, exec.byteLength) !== undefined) lines++
    const exit = exitRecord({ exec_id: fork_id + 4096, pid, ktime_ns: ktime_ns + 50_000n })
    if (tracker.onRecord(exit, 0, exit.byteLength) !== undefined) lines++
  }
  expect(lines).toBe(100_000)
  expect(tracker.cache.size).toBeLessThan(5000)
  expect(tracker.cache.counters).toMatchObject({ missed_parent: 0, missed_process: 0, stale: 0, evicted_alive: 0 })
}, 60_000)
