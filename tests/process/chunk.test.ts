import { expect, test } from 'bun:test'
import { CHUNK_KIND } from '../../ffi/wire.gen.ts'
import { ChunkAssembler } from '../../src/process/chunk.ts'

const ARGS = CHUNK_KIND.ARGS
const LIMITS = { bytes_max: 1000, texts_max: 4, age_max_ns: 1000 }

function add(
  assembler: ChunkAssembler,
  id: number,
  index: number,
  text: string,
  ktime_ns = 0,
  kind: number = ARGS,
): void {
  const view = new DataView(new ArrayBuffer(text.length + 8))
  Buffer.from(view.buffer).write(text, 8)
  assembler.add(kind, id, index, ktime_ns, view, 8, text.length)
}

test('take() joins the chunks of one text in order of their index and forgets them', () => {
  const assembler = new ChunkAssembler()
  add(assembler, 2 ** 40 + 1, 1, 'world')
  add(assembler, 2 ** 40 + 1, 0, 'hello ')
  add(assembler, 2 ** 40 + 1, 0, 'other kind', 0, CHUNK_KIND.ENVS)
  const taken = assembler.take(ARGS, 2 ** 40 + 1, 2)
  expect(taken.complete).toBe(true)
  expect(taken.bytes.toString()).toBe('hello world')
  expect(assembler.take(ARGS, 2 ** 40 + 1, 2).complete).toBe(false)
  expect(assembler.take(CHUNK_KIND.ENVS, 2 ** 40 + 1, 1).bytes.toString()).toBe('other kind')
  expect([assembler.size, assembler.bytes]).toEqual([0, 0])
})

test('add() copies: the ring may write over the bytes at once', () => {
  const assembler = new ChunkAssembler()
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, 0x41414141)
  assembler.add(ARGS, 1, 0, 0, view, 0, 4)
  view.setUint32(0, 0)
  expect(assembler.take(ARGS, 1, 1).bytes.toString()).toBe('AAAA')
})

test('take() ends before a chunk that is missing, and says so', () => {
  const assembler = new ChunkAssembler()
  add(assembler, 1, 0, 'a')
  add(assembler, 1, 2, 'c')
  const taken = assembler.take(ARGS, 1, 3)
  expect(taken).toMatchObject({ complete: false })
  expect(taken.bytes.toString()).toBe('a')
  add(assembler, 2, 1, 'b')
  expect(assembler.take(ARGS, 2, 2).bytes).toHaveLength(0)
  expect(assembler.take(ARGS, 3, 1).complete).toBe(false)
  expect(assembler.counters.incomplete).toBe(3)
  expect(assembler.bytes).toBe(0)
})

test('a chunk sent twice counts once', () => {
  const assembler = new ChunkAssembler()
  add(assembler, 1, 0, 'abc')
  add(assembler, 1, 0, 'abcdef')
  expect(assembler.bytes).toBe(6)
  expect(assembler.take(ARGS, 1, 1).bytes.toString()).toBe('abcdef')
  expect(assembler.bytes).toBe(0)
})

test('texts whose event never comes are given up by age', () => {
  const assembler = new ChunkAssembler(LIMITS)
  add(assembler, 1, 0, 'a', 0)
  add(assembler, 2, 0, 'b', 600)
  add(assembler, 3, 0, 'c', 1001)
  expect(assembler.counters.expired).toBe(1)
  expect(assembler.size).toBe(2)
  assembler.expire(5000)
  expect([assembler.size, assembler.bytes, assembler.counters.expired]).toEqual([0, 0, 3])
})

test('memory stays below its bound: the largest other text goes', () => {
  const assembler = new ChunkAssembler(LIMITS)
  add(assembler, 1, 0, 'x'.repeat(700))
  add(assembler, 2, 0, 'y'.repeat(200))
  add(assembler, 3, 0, 'z'.repeat(200))
  expect(assembler.bytes).toBe(400)
  expect(assembler.counters.evicted).toBe(1)
  for (let id = 10; id < 100; id++) add(assembler, id, 0, 'a')
  expect(assembler.size).toBe(4)
})

test('kinds and indexes that cannot be are counted', () => {
  const assembler = new ChunkAssembler()
  for (const kind of [0, 4, 1000]) add(assembler, 1, 0, 'x', 0, kind)
  add(assembler, 1, 2 ** 31, 'x')
  expect([assembler.counters.invalid, assembler.size]).toEqual([4, 0])
})
