import { expect, test } from 'bun:test'
import { RingBuffer } from '../../ffi/ring.ts'
import { type SyntheticRing, syntheticRing } from './synthetic_ring.ts'

/** Tags of all records in the ring. */
function drainTags(ring: RingBuffer, records_max = 1000): number[] {
  const tags: number[] = []
  ring.drain(records_max, (view, at) => tags.push(view.getUint32(at + 16, true)))
  return tags
}

function put(source: SyntheticRing, ...tags: number[]): void {
  for (const tag of tags) source.put(1n, tag)
}

test('drain() visits records oldest first and releases them', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  expect(drainTags(ring)).toEqual([])
  put(source, 1, 2, 3)
  expect(ring.lag()).toBe(96)
  expect(ring.fill()).toBe(96 / 4096)
  expect(drainTags(ring)).toEqual([1, 2, 3])
  expect(ring.lag()).toBe(0)
  expect(source.consumed()).toBe(source.produced())
})

test('drain() stops after records_max and goes on from there', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  put(source, 1, 2, 3)
  expect(drainTags(ring, 2)).toEqual([1, 2])
  expect(source.consumed()).toBe(64n)
  expect(drainTags(ring, 2)).toEqual([3])
})

test('drain() skips discarded records and stops at one being written', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  put(source, 1)
  source.put(1n, 2, { state: 'discarded', size: 100 })
  put(source, 3)
  const busy = source.put(1n, 4, { state: 'busy' })
  put(source, 5)
  expect(drainTags(ring)).toEqual([1, 3])
  expect(source.consumed()).toBe(busy)
  source.commit(busy)
  expect(drainTags(ring)).toEqual([4, 5])
})

test('drain() hands out sizes as reserved, also of records without bytes', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  for (const size of [0, 1, 7, 8, 9, 1000]) source.put(1n, 0, { size })
  const sizes: number[] = []
  ring.drain(100, (_view, at, size) => {
    expect(at % 8).toBe(0)
    sizes.push(size)
  })
  expect(sizes).toEqual([0, 1, 7, 8, 9, 1000])
})

test('drain() is right over the end of the ring and over 2^32, 2^53 and 2^64', () => {
  for (const start of [0n, 2n ** 32n - 128n, 2n ** 53n - 128n, 2n ** 63n - 128n, 2n ** 64n - 128n]) {
    const source = syntheticRing(4096, start)
    using ring = new RingBuffer(source.memory)
    let next = 0
    let expected = 0
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 5; i++) source.put(1n, next++, { size: 24 + (next % 7) * 20 })
      for (const tag of drainTags(ring)) expect(tag).toBe(expected++)
      expect(source.consumed()).toBe(source.produced())
      expect(ring.lag()).toBe(0)
    }
    expect(expected).toBe(500)
  }
})

test('drain() gives space back before its end, so that the kernel can go on', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  for (let i = 0; i < 128; i++) put(source, i)
  expect(ring.fill()).toBe(1)
  let seen = 0
  ring.drain(1000, () => {
    seen++
    if (seen === 100) expect(Number(source.consumed())).toBeGreaterThan(2048)
  })
  expect(seen).toBe(128)
})

test('drain() ends with what was there when it began', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  put(source, 1)
  const seen: number[] = []
  ring.drain(1000, (view, at) => {
    seen.push(view.getUint32(at + 16, true))
    put(source, 2)
  })
  expect(seen).toEqual([1])
  expect(drainTags(ring)).toEqual([2])
})

test('drain() releases the record whose visit threw, and those before it', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  put(source, 1, 2, 3)
  let calls = 0
  const visit = () => {
    if (++calls === 2) throw new Error('visit failed')
  }
  expect(() => ring.drain(10, visit)).toThrow('visit failed')
  expect(drainTags(ring)).toEqual([3])
})

test('drain() refuses a length that cannot be', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  put(source, 1)
  source.memory.view.setUint32(source.memory.data_at, 5000, true)
  expect(() => drainTags(ring)).toThrow('record of 5000 bytes')
})

test('a new RingBuffer goes on where the last one ended', () => {
  const source = syntheticRing(4096)
  put(source, 1, 2)
  drainTags(new RingBuffer(source.memory), 1)
  expect(drainTags(new RingBuffer(source.memory))).toEqual([2])
})

test('a disposed RingBuffer throws, and unmaps once', () => {
  const source = syntheticRing(4096)
  const ring = new RingBuffer(source.memory)
  ring[Symbol.dispose]()
  ring[Symbol.dispose]()
  expect(source.unmaps()).toBe(1)
  for (const use of [() => ring.lag(), () => ring.fill(), () => ring.begin(), () => drainTags(ring)]) {
    expect(use).toThrow('RingBuffer used after dispose')
  }
})

test('RingBuffer refuses sizes that are no ring', () => {
  const { memory } = syntheticRing(4096)
  expect(() => new RingBuffer({ ...memory, size: 3000 })).toThrow('ring of 3000 bytes')
  expect(() => new RingBuffer({ ...memory, size: 0 })).toThrow('ring of 0 bytes')
  expect(() => new RingBuffer({ ...memory, size: 8192 })).toThrow('view of')
})

test('look() visits what waits, skips discarded records, stops at one being written, and consumes nothing', () => {
  const source = syntheticRing(4096)
  using ring = new RingBuffer(source.memory)
  put(source, 1)
  source.put(1n, 2, { state: 'discarded' })
  put(source, 3)
  source.put(1n, 4, { state: 'busy' })
  const seen: number[] = []
  ring.look((view, at) => seen.push(view.getUint32(at + 16, true)))
  expect(seen).toEqual([1, 3])
  expect(source.consumed()).toBe(0n)
  expect(drainTags(ring)).toEqual([1, 3])
})
