import { expect, test } from 'bun:test'
import { EVENT_TYPE } from '../ffi/wire.gen.ts'
import type { EventMeta } from '../src/event/type.ts'
import type { Exporter, SinkCounters } from '../src/export/type.ts'
import { imbalance, type KernelCounters, ledgerRows } from '../src/ledger.ts'
import { Pipeline, type RecordSource } from '../src/pipeline.ts'
import { chunkRecord, execRecord, exitRecord, forkRecord, testTracker } from './process/record.ts'

/** Rings that hold what a test puts into them, and count as the kernel does. */
class FakeRings implements RecordSource {
  readonly counters = new Map<string, KernelCounters & { attempted: number; submitted: number }>()
  readonly #records: DataView[] = []

  put(type: string, record: DataView): void {
    const counter = this.#counter(type)
    counter.attempted++
    counter.submitted++
    this.#records.push(record)
  }

  /** The ring was full. */
  lose(type: string, count: number): void {
    const counter = this.#counter(type)
    counter.attempted += count
    const lost = counter.lost as Record<string, number>
    lost['ring_full'] = (lost['ring_full'] ?? 0) + count
  }

  get more(): boolean {
    return this.#records.length > 0
  }

  drain(records_max: number, visit: (view: DataView, at: number, size: number) => void): number {
    const taken = this.#records.splice(0, records_max)
    for (const record of taken) visit(record, 0, record.byteLength)
    return taken.length
  }

  #counter(type: string) {
    let counter = this.counters.get(type)
    if (counter === undefined) {
      counter = { ring: 'reserved', type, policy: '', attempted: 0, submitted: 0, lost: {} }
      this.counters.set(type, counter)
    }
    return counter
  }
}

/** Takes every third event only; the rest finds its queue full. */
class FakeSink implements Exporter {
  readonly counters: SinkCounters = {
    name: 'fake',
    events: 0,
    written: 0,
    written_bytes: 0,
    queued: 0,
    queued_bytes: 0,
    dropped: {},
  }
  readonly open = true
  readonly lines: string[] = []
  readonly metas: EventMeta[] = []
  readonly #every: number
  pushes = 0

  constructor(every = 1) {
    this.#every = every
  }

  write(line: string, meta: EventMeta): void {
    this.counters.events++
    if (this.counters.events % this.#every !== 0) {
      this.counters.dropped['queue_full'] = (this.counters.dropped['queue_full'] ?? 0) + 1
      return
    }
    this.counters.written++
    this.lines.push(line)
    this.metas.push(meta)
  }

  push(): void {
    this.pushes++
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

function create(rings: FakeRings, sinks: readonly Exporter[], failures: string[] = []): Pipeline {
  let now_ns = 5_000_000_000n
  return new Pipeline({
    source: rings,
    tracker: testTracker(),
    sinks,
    kernelCounters: () => [...rings.counters.values()],
    clocks: { monotonicNs: () => now_ns += 1_000_000_000n, text: (ns) => `at ${ns / 1_000_000_000n} s` },
    drain_records_max: 10,
    counters_period_ms: 1000,
  }, (type) => failures.push(type))
}

function lifecycle(rings: FakeRings, count: number): void {
  for (let i = 1; i <= count; i++) {
    const [fork_id, exec_id, pid] = [i * 8192, i * 8192 + 4096, 100 + i]
    rings.put('fork', forkRecord({ exec_id: fork_id, pid, parent_exec_id: 0, parent_pid: 0 }))
    rings.put('chunk', chunkRecord(exec_id, 0, Buffer.from('x\0')))
    rings.put('exec', execRecord({ exec_id, pid, parent_pid: 0, args_chunks: 1, args_size: 2 }))
    rings.put('exit', exitRecord({ exec_id, pid }))
  }
}

test('a turn takes a bounded number of records, and sinks are told once at its end', () => {
  const rings = new FakeRings()
  const sink = new FakeSink()
  const pipeline = create(rings, [sink])
  lifecycle(rings, 4)
  expect(pipeline.turn()).toBe(true)
  expect(pipeline.turns).toMatchObject({ count: 1, busy: 1, records: 10 })
  expect(pipeline.turn()).toBe(false)
  expect(pipeline.turns).toMatchObject({ count: 2, busy: 1, records: 16 })
  expect(sink.pushes).toBe(2)
  expect(sink.metas.map(({ type }) => type).filter((type) => type === 'process_exec').length).toBe(4)
})

test('everything adds up: kernel, agent and sinks, with losses, broken records and a failing handler', () => {
  const rings = new FakeRings()
  const sinks = [new FakeSink(), new FakeSink(3)]
  const failures: string[] = []
  const pipeline = create(rings, sinks, failures)
  pipeline.handle(EVENT_TYPE.HOOK, () => {
    throw new Error('a bug')
  })
  lifecycle(rings, 25)
  rings.lose('exec', 7)
  rings.lose('exit', 2)
  const noise = new DataView(new ArrayBuffer(24))
  noise.setUint32(0, 24, true)
  noise.setUint16(4, 999, true)
  rings.put('test', noise)
  rings.put('exec', new DataView(new ArrayBuffer(4)))
  const hook = new DataView(new ArrayBuffer(64))
  hook.setUint32(0, 64, true)
  hook.setUint16(4, EVENT_TYPE.HOOK, true)
  for (let i = 0; i < 3; i++) rings.put('hook', hook)
  while (pipeline.turn());
  expect(failures).toEqual(['hook'])
  const rows = ledgerRows([...rings.counters.values()], pipeline.stages(), sinks.map(({ counters }) => counters))
  expect(imbalance(rows)).toEqual([])
  const row = (where: string, kind: string) => rows.find((each) => each.where === where && each.kind === kind)!
  expect(row('kernel reserved', 'exec')).toMatchObject({ total: 33, passed: 26, lost: { ring_full: 7 } })
  expect(row('agent', 'exec')).toMatchObject({ total: 25, passed: 25 })
  expect(row('agent', 'fork')).toMatchObject({ total: 25, passed: 0, other: { no_event: 25 } })
  expect(row('agent', 'chunk')).toMatchObject({ total: 25, passed: 0, other: { no_event: 25 } })
  expect(row('agent', 'hook')).toMatchObject({ total: 3, passed: 0, lost: { failed: 3 } })
  expect(row('agent', 'unreadable')).toMatchObject({ total: 2, lost: { decode: 2 } })
  // What the kernel submitted is what the agent received.
  const submitted = [...rings.counters.values()].reduce((sum, counter) => sum + counter.submitted, 0)
  const received = rows.filter(({ where }) => where === 'agent').reduce((sum, { total }) => sum + total, 0)
  expect(received).toBe(submitted)
  // What the agent made is what each sink got.
  const events = rows.filter(({ where }) => where === 'agent').reduce((sum, { passed }) => sum + passed, 0)
  for (const { counters } of sinks) expect(counters.events).toBe(events)
})

test('new losses become loss events with the time between the looks, once', () => {
  const rings = new FakeRings()
  const sink = new FakeSink()
  const pipeline = create(rings, [sink])
  expect(pipeline.reportLosses()).toEqual([])
  rings.lose('exec', 7)
  expect(pipeline.reportLosses().length).toBe(1)
  expect(pipeline.reportLosses()).toEqual([])
  expect(sink.lines.map((line) => JSON.parse(line).loss)).toEqual([
    { ring: 'reserved', type: 'exec', reason: 'ring_full', count: '7', from: 'at 7 s', to: 'at 8 s' },
  ])
  expect(pipeline.ledger.lost_total).toBe(7)
})

test('a watcher sees every line until it leaves', () => {
  const rings = new FakeRings()
  const pipeline = create(rings, [])
  const seen: string[] = []
  const leave = pipeline.watch(({ meta }) => seen.push(meta.type))
  lifecycle(rings, 1)
  pipeline.turn()
  leave()
  lifecycle(rings, 1)
  pipeline.turn()
  expect(seen).toEqual(['process_exec', 'process_exit'])
})
