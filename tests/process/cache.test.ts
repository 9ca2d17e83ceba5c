import { expect, test } from 'bun:test'
import { ProcessCache } from '../../src/process/cache.ts'
import { WallClock } from '../../src/process/clock.ts'
import { ExecIds } from '../../src/process/exec_id.ts'
import { Image } from '../../src/process/fragment.ts'
import { type Node, Process } from '../../src/process/process.ts'

const NODE: Node = {
  ids: new ExecIds('n'),
  clock: new WallClock({ monotonic_ns: 0n, realtime_ns: 0n, boottime_ns: 0n }),
}
const IMAGE = new Image('/bin/x', '', '/', 0, 0, undefined, 0, undefined)
const LIMITS = { processes_max: 100, ended_max: 10, grace_ns: 1000, generations_max: 4 }

function create(key: number, pid: number, parent?: Process, origin: 'exec' | 'fork' = 'exec'): Process {
  return new Process(NODE, origin, key, pid, key, 0, parent, '', IMAGE, 'execve', false)
}

test('an ended process stays for its grace, then goes', () => {
  const cache = new ProcessCache(LIMITS)
  const process = create(1, 10)
  cache.add(process, 0)
  cache.end(process, 100)
  expect(cache.get(1)).toBe(process)
  expect(cache.living(10)).toBeUndefined()
  cache.sweep(1099)
  expect(cache.get(1)).toBe(process)
  cache.sweep(1101)
  expect(cache.get(1)).toBeUndefined()
  expect([cache.size, cache.ended, cache.counters.removed]).toEqual([0, 0, 1])
})

test('an ended process stays as long as a child needs it, and the whole chain goes with the last', () => {
  const cache = new ProcessCache(LIMITS)
  const grandparent = create(1, 10)
  const parent = create(2, 11, grandparent)
  const child = create(3, 12, parent)
  for (const process of [grandparent, parent, child]) cache.add(process, 0)
  cache.end(grandparent, 10)
  cache.end(parent, 10)
  cache.sweep(5000)
  expect(cache.size).toBe(3)
  expect(cache.ancestors(child)).toEqual([grandparent])
  cache.end(child, 6000)
  cache.sweep(9000)
  expect(cache.size).toBe(0)
})

test('end() twice is once', () => {
  const cache = new ProcessCache(LIMITS)
  const process = create(1, 10)
  cache.add(process, 0)
  cache.end(process, 1)
  cache.end(process, 2)
  cache.sweep(5000)
  expect(cache.counters.removed).toBe(1)
})

test('another image of a pid ends the former, without taking the pid from the new one', () => {
  const cache = new ProcessCache(LIMITS)
  const fork = create(1, 10, undefined, 'fork')
  const exec = create(2, 10)
  cache.add(fork, 0)
  cache.add(exec, 1)
  expect(fork.ended).toBe(true)
  expect(cache.living(10)).toBe(exec)
  expect(cache.counters.stale).toBe(0)
  cache.add(create(3, 10, undefined, 'fork'), 2)
  expect(cache.counters.stale).toBe(1)
})

test('at most ended_max ended processes wait', () => {
  const cache = new ProcessCache(LIMITS)
  for (let key = 1; key <= 50; key++) {
    const process = create(key, key)
    cache.add(process, key)
    cache.end(process, key)
  }
  expect(cache.ended).toBe(10)
  expect(cache.size).toBe(10)
})

test('a full cache drops ended processes first, then living ones without children, and counts both', () => {
  const cache = new ProcessCache(LIMITS)
  const parent = create(1, 1)
  cache.add(parent, 0)
  for (let key = 2; key <= 100; key++) cache.add(create(key, key, parent), key)
  cache.end(cache.get(50)!, 200)
  cache.add(create(101, 101, parent), 201)
  expect(cache.get(50)).toBeUndefined()
  expect(cache.counters.evicted_ended).toBe(1)
  for (let key = 102; key <= 150; key++) cache.add(create(key, key, parent), key)
  expect(cache.size).toBe(100)
  expect(cache.get(1)).toBe(parent)
  expect(cache.counters.evicted_alive).toBe(49)
})

test("a chain of parents that fills the cache is freed link by link; children keep their parent's text", () => {
  const cache = new ProcessCache(LIMITS)
  let last: Process | undefined
  for (let key = 1; key <= 1000; key++) {
    const process: Process = create(key, key, last)
    cache.add(process, key)
    last = process
  }
  expect(cache.size).toBe(100)
  expect(last!.parent?.json).toContain('"pid":999')
  let length = 0
  for (let process = last; process !== undefined; process = process.parent) length++
  expect(length).toBeLessThanOrEqual(202)
})

test('one pid that executes again and again keeps its first image, its last ones and its ancestors', () => {
  const cache = new ProcessCache(LIMITS)
  const shell = create(1, 1)
  cache.add(shell, 0)
  let last = create(2, 7, shell)
  cache.add(last, 0)
  for (let key = 3; key <= 10_000; key++) {
    const next = create(key, 7, last)
    cache.add(next, key * 1000)
    last = next
  }
  expect(cache.size).toBeLessThan(20)
  const ancestors = cache.ancestors(last)
  expect(ancestors.at(-1)).toBe(shell)
  expect(ancestors.at(-2)!.key).toBe(2)
  expect(last.parent_exec_id).toBe(NODE.ids.encode(9999, 0, 7))
  expect(cache.counters.spliced).toBeGreaterThan(9900)
  cache.end(last, 2e9)
  cache.sweep(3e9)
  expect(cache.size).toBe(1)
})

test('a million short processes leave the cache, its queue and its parent as small as before', () => {
  const cache = new ProcessCache()
  const parent = create(1, 1)
  cache.add(parent, 0)
  for (let i = 0; i < 1_000_000; i++) {
    const fork = create(2 * i + 2, 2 + (i % 30_000), parent, 'fork')
    cache.add(fork, i * 1000)
    const exec = create(2 * i + 3, fork.pid, parent)
    cache.add(exec, i * 1000)
    cache.end(exec, i * 1000)
    if (i % 100_000 === 0) expect(cache.size).toBeLessThan(5000)
  }
  expect(cache.ended).toBeLessThanOrEqual(4096)
  expect(cache.size).toBe(cache.ended + 1)
  expect(parent.references).toBe(cache.ended)
  cache.sweep(1e18)
  expect([cache.size, parent.references]).toEqual([1, 0])
  expect(cache.counters.stale + cache.counters.evicted_alive + cache.counters.evicted_ended).toBe(0)
}, 60_000)

test('the same process has the same id in its own text and as a parent', () => {
  const shell = create(1, 1)
  const child = create(2, 7, shell)
  const json = JSON.parse(child.json)
  expect(json.parent_exec_id).toBe(JSON.parse(shell.json).exec_id)
  expect(json.start_time).toBe('1970-01-01T00:00:02Z')
  expect(JSON.parse(child.hookJson(9))).toEqual({ ...json, refcnt: 1, tid: 9 })
  const fork = create(3, 8, shell, 'fork')
  expect(JSON.parse(fork.json).refcnt).toBe(1)
  expect(JSON.parse(fork.hookJson(8)).refcnt).toBe(1)
})
