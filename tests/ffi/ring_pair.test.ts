import { expect, test } from 'bun:test'
import { RingBuffer } from '../../ffi/ring.ts'
import { DRAINED, RING, RingPair } from '../../ffi/ring_pair.ts'
import { syntheticRing } from './synthetic_ring.ts'

function setup(now: { ns: bigint } = { ns: 1000n }) {
  const [reserved, telemetry] = [syntheticRing(65536), syntheticRing(65536)]
  const pair = new RingPair(new RingBuffer(reserved.memory), new RingBuffer(telemetry.memory), () => now.ns)
  const drain = (records_max = 1000) => {
    const seen: string[] = []
    const count = pair.drain(records_max, (view, at, size, ring) => {
      expect(size).toBe(24)
      seen.push(`${ring === RING.RESERVED ? 'r' : 't'}${view.getUint32(at + 16, true)}`)
    })
    expect(count).toBe(seen.length)
    return seen.join(' ')
  }
  return { reserved, telemetry, pair, drain, now }
}

test('drain() merges both rings by ktime', () => {
  const { reserved, telemetry, pair, drain } = setup()
  for (const ktime of [10, 40, 50]) reserved.put(BigInt(ktime), ktime)
  for (const ktime of [20, 30, 60]) telemetry.put(BigInt(ktime), ktime)
  expect(pair.lag()).toBe(192)
  expect(drain()).toBe('r10 t20 t30 r40 r50 t60')
  expect(pair.state).toBe(DRAINED.DONE)
  expect(pair.lag()).toBe(0)
  expect(drain()).toBe('')
})

test('drain() takes the reserved record first when both have one ktime', () => {
  const { reserved, telemetry, drain } = setup()
  telemetry.put(10n, 1)
  reserved.put(10n, 2)
  expect(drain()).toBe('r2 t1')
})

test('drain() compares all 64 bits of ktime', () => {
  const { reserved, telemetry, drain, now } = setup({ ns: 2n ** 40n })
  reserved.put(2n ** 32n + 1n, 1)
  telemetry.put(2n ** 32n - 1n, 2)
  telemetry.put(2n ** 33n, 3)
  reserved.put(2n ** 40n + 1n, 4)
  expect(drain()).toBe('t2 r1 t3')
  now.ns = 2n ** 40n + 1n
  expect(drain()).toBe('r4')
})

test('drain() leaves reserved records younger than itself, and what comes after them', () => {
  const { reserved, telemetry, pair, drain, now } = setup()
  telemetry.put(900n, 1)
  reserved.put(1001n, 2)
  telemetry.put(1002n, 3)
  expect(drain()).toBe('t1')
  expect(pair.state).toBe(DRAINED.CLOCK)
  now.ns = 2000n
  expect(drain()).toBe('r2 t3')
  expect(pair.state).toBe(DRAINED.DONE)
})

test('drain() stops at a record being written in either ring', () => {
  for (const busy_ring of ['reserved', 'telemetry'] as const) {
    const { pair, drain, ...rings } = setup()
    const other_ring = busy_ring === 'reserved' ? 'telemetry' : 'reserved'
    rings[other_ring].put(10n, 1)
    const busy = rings[busy_ring].put(20n, 2, { state: 'busy' })
    rings[busy_ring].put(30n, 3)
    expect(drain()).toBe('')
    expect(pair.state).toBe(DRAINED.BUSY)
    rings[busy_ring].commit(busy)
    expect(drain().replaceAll(/[rt]/g, '')).toBe('1 2 3')
    expect(pair.state).toBe(DRAINED.DONE)
  }
})

test('drain() stops after records_max and says so', () => {
  const { reserved, telemetry, pair, drain } = setup()
  for (let i = 0; i < 4; i++) {
    reserved.put(BigInt(i * 2), i * 2)
    telemetry.put(BigInt(i * 2 + 1), i * 2 + 1)
  }
  expect(drain(3)).toBe('r0 t1 r2')
  expect(pair.state).toBe(DRAINED.BUDGET)
  expect(drain(5)).toBe('t3 r4 t5 r6 t7')
  expect(pair.state).toBe(DRAINED.DONE)
})

test('drain() skips discarded records at the heads', () => {
  const { reserved, telemetry, drain } = setup()
  reserved.put(1n, 1, { state: 'discarded' })
  telemetry.put(2n, 2, { state: 'discarded' })
  telemetry.put(3n, 3)
  reserved.put(4n, 4)
  telemetry.put(5n, 5, { state: 'discarded' })
  expect(drain()).toBe('t3 r4')
})

test('a visit that throws costs its own record only', () => {
  const { reserved, telemetry, pair, drain } = setup()
  reserved.put(1n, 1)
  telemetry.put(2n, 2)
  reserved.put(3n, 3)
  let calls = 0
  const visit = () => {
    if (++calls === 2) throw new Error('visit failed')
  }
  expect(() => pair.drain(10, visit)).toThrow('visit failed')
  expect(pair.state).toBe(DRAINED.BUDGET)
  expect(drain()).toBe('r3')
})

/**
 * Processes on several CPUs: each takes its ktime, then reserves, then commits, with others in between; a process' exec and
 * exit are reserved records, what lies between them is telemetry. Drains come at any moment.
 */
test('no interleaving brings an event before its exec or after its exit', () => {
  let seed = 7
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below
  const now = { ns: 1n }
  const { reserved, telemetry, pair } = setup(now)
  const PROCESSES = 8
  const STEPS = ['exec', 'hook', 'hook', 'exit'] as const
  const processes = Array.from(
    { length: PROCESSES },
    (_, id) => ({ id, step: 0, phase: 0, ktime: 0n, position: 0n, life: 0 }),
  )
  const seen = new Map<number, number[]>()
  let delivered = 0
  const drain = () =>
    pair.drain(1 + random(20), (view, at) => {
      const tag = view.getUint32(at + 16, true)
      const steps = seen.get(tag >> 2) ?? []
      steps.push(tag & 3)
      seen.set(tag >> 2, steps)
      delivered++
    })
  let sent = 0
  for (let i = 0; i < 60_000; i++) {
    now.ns += BigInt(random(3))
    const process = processes[random(PROCESSES)]
    if (process === undefined) continue
    const ring = STEPS[process.step] === 'hook' ? telemetry : reserved
    if (process.phase === 0) process.ktime = ++now.ns
    else if (process.phase === 1) {
      const tag = (process.life * PROCESSES + process.id) << 2 | process.step
      process.position = ring.put(process.ktime, tag, { state: 'busy' })
    } else {
      ring.commit(process.position)
      sent++
      now.ns++
      process.step = (process.step + 1) % STEPS.length
      if (process.step === 0) process.life++
    }
    process.phase = (process.phase + 1) % 3
    if (random(10) === 0) drain()
  }
  for (let i = 0; i < 1000; i++) {
    now.ns += 10n
    for (const process of processes) {
      if (process.phase !== 2) continue
      ;(STEPS[process.step] === 'hook' ? telemetry : reserved).commit(process.position)
      process.phase = 0
      sent++
    }
    drain()
  }
  expect(delivered).toBe(sent)
  expect(seen.size).toBeGreaterThan(1000)
  for (const steps of seen.values()) expect(steps).toEqual([0, 1, 2, 3].slice(0, steps.length))
})
