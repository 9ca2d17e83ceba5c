import { expect, test } from 'bun:test'
import { NumberMap } from '../../src/process/number_map.ts'

test('NumberMap does what a Map does', () => {
  const map = new NumberMap<{ n: number }>()
  const expected = new Map<number, { n: number }>()
  let seed = 3
  const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below
  // Steps as the kernel gives them, pids, and numbers that only differ above 2^32.
  const key = [
    () => random(2000),
    () => 2 ** 23 + random(2000) * 4096,
    () => random(300) * 2 ** 32,
    () => 2 ** 53 - random(9),
  ]
  for (let i = 0; i < 200_000; i++) {
    const k = key[random(4)]!()
    const value = { n: i }
    // Grows, shrinks, grows.
    if (random(100) < (i % 50_000 < 25_000 ? 70 : 30)) {
      map.set(k, value)
      expected.set(k, value)
    } else expect(map.delete(k)).toBe(expected.delete(k))
    const asked = key[random(4)]!()
    if (map.get(asked) !== expected.get(asked)) throw new Error(`get(${asked}) at ${i}`)
    if (map.size !== expected.size) throw new Error(`size at ${i}`)
  }
  expect(new Set(map.values())).toEqual(new Set(expected.values()))
})

test('NumberMap.next() comes to each value in turn, and begins again', () => {
  const map = new NumberMap<{ n: number }>()
  expect(map.next(0).value).toBeUndefined()
  for (let n = 0; n < 1000; n++) map.set(n * 4096, { n })
  const seen = new Set<number>()
  let slot = 0
  for (let i = 0; i < 1000; i++) {
    const { value, next } = map.next(slot)
    seen.add(value!.n)
    slot = next
  }
  expect(seen.size).toBe(1000)
  expect(seen.has(map.next(slot).value!.n)).toBe(true)
})

test('NumberMap finds entries quickly whatever steps their keys have', () => {
  for (const step of [1, 3, 4096, 8192, 65536, 2 ** 20, 2 ** 32, 2 ** 33]) {
    const map = new NumberMap<object>()
    const value = {}
    const started = performance.now()
    for (let i = 0; i < 20_000; i++) map.set(i * step, value)
    for (let i = 0; i < 20_000; i++) map.delete(i * step)
    expect(map.size).toBe(0)
    // Some 5 ms; minutes where all collide.
    expect(performance.now() - started).toBeLessThan(10_000)
  }
})
