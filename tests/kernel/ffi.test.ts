import { expect, test } from 'bun:test'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LibbpfError, VerifierError } from '../../ffi/error.ts'
import { BpfLink } from '../../ffi/link.ts'
import { BpfMap } from '../../ffi/map.ts'
import { readEntries, writeEntries } from '../../ffi/map_batch.ts'
import { BpfObject } from '../../ffi/object.ts'
import { mountFilesystem, possibleCpus } from '../../ffi/system.ts'
import { MAP_FLAG, MAP_TYPE, UPDATE } from '../../ffi/uapi.ts'
import { OBJECT_DIRECTORY } from '../../scripts/bpf.ts'

const OBJECT = join(OBJECT_DIRECTORY, 'tests/ffi.bpf.o')

/** An object with only `programs` loaded. */
function load(...programs: string[]): BpfObject {
  const object = BpfObject.open(OBJECT)
  for (const program of object.programs) program.setAutoload(programs.includes(program.name))
  try {
    object.load()
  } catch (error) {
    object[Symbol.dispose]()
    throw error
  }
  return object
}

function u64(value: bigint): Uint8Array {
  return new Uint8Array(new BigUint64Array([value]).buffer)
}

function toU64(bytes: Uint8Array | undefined): bigint | undefined {
  return bytes && new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
}

test('BpfObject lists programs, maps and globals, and globals reach the program', () => {
  using object = BpfObject.open(OBJECT)
  expect(object.programs.map((program) => program.name)).toContain('on_sys_enter')
  expect(object.program('on_sys_enter').section).toBe('raw_tp/sys_enter')
  expect(object.mapNames).toContain('events_telemetry')
  expect(object.btf().findStruct('test_record')?.size).toBe(24)
  for (const program of object.programs) program.setAutoload(program.name === 'add')
  expect(object.global('addend').size).toBe(8)
  object.global('addend').edit((view) => view.setBigUint64(0, 30n, true))
  object.global('preset').write(u64(500n))
  expect(toU64(object.global('addend').read())).toBe(30n)
  object.load()
  expect(() => object.global('addend').write(u64(1n))).toThrow('loaded already')
  expect(() => object.definition('numbers')).toThrow('loaded already')

  const run = object.program('add').testRun({ ctx_in: u64(12n) })
  expect(run.return_value).toBe(542)
  expect(toU64(object.map('numbers').lookup(42))).toBe(542n)
  const info = object.program('add').info()
  expect(info.type).toBe(17)
  expect(info.tag).toMatch(/^[0-9a-f]{16}$/)
  expect(info.id).toBeGreaterThan(0)
})

test('BpfMap looks up, updates, deletes and lists', () => {
  using object = load('add')
  const numbers = object.map('numbers')
  expect(numbers.lookup(1)).toBeUndefined()
  numbers.update(1, u64(10n))
  numbers.update(2, u64(20n), UPDATE.NOEXIST)
  expect(() => numbers.update(2, u64(21n), UPDATE.NOEXIST)).toThrow('EEXIST')
  expect(toU64(numbers.lookup(2))).toBe(20n)
  expect([...numbers.entries()].map(([, value]) => toU64(value)).sort()).toEqual([10n, 20n])
  expect(toU64(numbers.lookup(2))).toBe(20n)
  expect(numbers.delete(2)).toBe(true)
  expect(numbers.delete(2)).toBe(false)
  expect(numbers.delete(1)).toBe(true)
  expect(() => numbers.update(1, new Uint8Array(4))).toThrow('values have 8')
  expect(() => numbers.lookup(new Uint8Array(8))).toThrow('keys have 4')
  expect(numbers.memlockBytes()).toBeGreaterThan(0)
  expect(numbers.info().name).toBe('numbers')
})

test('readEntries() and writeEntries() move many entries, in batches where the map has them', () => {
  for (const type of [MAP_TYPE.HASH, MAP_TYPE.LPM_TRIE]) {
    const flags = type === MAP_TYPE.LPM_TRIE ? MAP_FLAG.NO_PREALLOC : 0
    using map = BpfMap.create({ type, name: 'many', key_size: 8, value_size: 8, max_entries: 10_000, flags })
    const keys = new Uint32Array(2 * 9000)
    const values = new BigUint64Array(9000)
    for (let i = 0; i < 9000; i++) {
      keys.set([32, i], i * 2)
      values[i] = BigInt(i)
    }
    writeEntries(map, new Uint8Array(keys.buffer), new Uint8Array(values.buffer), 9000)
    const seen = new Set<bigint>()
    readEntries(map, (_keys, view, count) => {
      for (let i = 0; i < count; i++) seen.add(view.getBigUint64(i * 8, true))
    })
    expect(seen.size).toBe(9000)
  }
})

test('BpfMap.perCpu() splits a value by CPU', () => {
  using object = load('add')
  const counts = object.map('counts')
  expect(counts.value_size).toBe(4)
  expect(counts.value_bytes).toBe(8 * possibleCpus())
  const value = new Uint8Array(counts.value_bytes)
  counts.perCpu(value, 0).setUint32(0, 99, true)
  counts.update(1, value)
  const read = counts.lookup(1)
  expect(read && counts.perCpu(read, 0).getUint32(0, true)).toBe(99)
})

test('a map of maps takes maps made here', () => {
  using object = load('add')
  const lists = object.map('lists')
  using inner = BpfMap.create({ type: MAP_TYPE.HASH, name: 'inner', key_size: 4, value_size: 8, max_entries: 16 })
  inner.update(5, u64(55n))
  lists.updateMap(3, inner)
  const id = lists.lookup(3)
  expect(id && new DataView(id.buffer).getUint32(0, true)).toBe(inner.info().id)
  using again = BpfMap.fromId(inner.info().id)
  expect(toU64(again.lookup(5))).toBe(55n)
})

test('definition() sizes a map and shares it between objects', () => {
  using first = load('add')
  using second = BpfObject.open(OBJECT)
  for (const program of second.programs) program.setAutoload(program.name === 'add')
  second.definition('numbers').reuse(first.map('numbers'))
  second.definition('events_telemetry').setMaxEntries(1 << 20)
  expect(second.definition('events_telemetry').max_entries).toBe(1 << 20)
  second.load()
  second.program('add').testRun({ ctx_in: u64(1n) })
  expect(toU64(first.map('numbers').lookup(42))).toBe(9n)
  expect(second.map('events_telemetry').max_entries).toBe(1 << 20)
})

test('load() of a refused program throws VerifierError with what the verifier said', () => {
  let error: unknown
  try {
    load('refused', 'add').programs
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof VerifierError)) throw error ?? new Error('not refused')
  expect(error.program).toBe('refused')
  expect(error.summary).toContain("invalid mem access 'map_value_or_null'")
  expect(error.log.length).toBeGreaterThan(error.summary.length)
  expect(error.cause).toBeInstanceOf(LibbpfError)
  expect(error.cause.code).toBe('EACCES')
})

test('open() of what is no object, and find of what is not inside, name both', () => {
  expect(() => BpfObject.open('/nonexistent.bpf.o')).toThrow('Cannot open object "nonexistent.bpf": no such file')
  expect(() => BpfObject.open(new Uint8Array(100), { name: 'junk' })).toThrow('Cannot open object "junk"')
  using object = BpfObject.open(OBJECT)
  expect(() => object.program('nope')).toThrow('Cannot find program "nope" in object "ffi.bpf"')
  expect(() => object.map('nope')).toThrow('Cannot find map "nope" in object "ffi.bpf"')
  expect(() => object.global('nope')).toThrow('Cannot find variable "nope"')
  expect(() => object.section('.nope')).toThrow('Cannot find map ".nope"')
})

test('attach() of what the kernel does not have names program and target', () => {
  using object = load('on_sys_enter')
  const attach = () => object.program('on_sys_enter').attach({ kind: 'raw_tp', tracepoint: 'no_such_tracepoint' })
  expect(attach).toThrow('Cannot attach program "on_sys_enter" to raw tracepoint "no_such_tracepoint"')
})

test('what was borrowed from a disposed object throws before it reaches C', () => {
  const object = load('on_sys_enter')
  const program = object.program('on_sys_enter')
  const map = object.map('numbers')
  const link = program.attach()
  expect(link.info().type).toBe('raw_tracepoint')
  link[Symbol.dispose]()
  link[Symbol.dispose]()
  object[Symbol.dispose]()
  object[Symbol.dispose]()
  for (const use of [() => link.fd, () => link.info(), () => link.pin('/x'), () => link.disconnect()]) {
    expect(use).toThrow('BpfLink used after dispose')
  }
  for (const use of [() => object.programs, () => object.load(), () => object.map('numbers'), () => object.btf()]) {
    expect(use).toThrow('BpfObject used after dispose')
  }
  for (const use of [() => program.fd, () => program.attach(), () => program.setAutoload(true), () => map.lookup(1)]) {
    expect(use).toThrow('used after dispose')
  }
})

test('an object loaded in a worker is attached and disposed here', async () => {
  const worker = new Worker(new URL('./ffi_load_worker.ts', import.meta.url))
  const moved = await new Promise<Parameters<typeof BpfObject.adopt>[0]>((resolve, reject) => {
    worker.onmessage = (event) => resolve(event.data)
    worker.onerror = reject
    worker.postMessage(OBJECT)
  })
  worker.terminate()
  using object = BpfObject.adopt(moved)
  expect(object.loaded).toBe(true)
  using link = BpfLink.adopt(object.program('on_sys_enter').attach().detachToNumbers())
  expect(link.info().program_id).toBe(object.program('on_sys_enter').info().id)
  expect(object.map('numbers').lookup(1)).toBeUndefined()
})

test('maps and links are pinned in a bpffs mounted here and opened again', () => {
  const directory = mkdtempSync(join(tmpdir(), 'thump-ffi-'))
  mountFilesystem('bpf', directory)
  try {
    using object = load('on_sys_enter')
    const numbers = object.map('numbers')
    numbers.update(7, u64(77n))
    numbers.pin(`${directory}/map`)
    {
      using link = object.program('on_sys_enter').attach()
      link.pin(`${directory}/link`)
    }
    using map = BpfMap.open(`${directory}/map`)
    expect(toU64(map.lookup(7))).toBe(77n)
    using link = BpfLink.open(`${directory}/link`)
    expect(link.info().program_id).toBe(object.program('on_sys_enter').info().id)
    link.unpin()
    expect(() => BpfMap.open(`${directory}/none`)).toThrow('ENOENT')
  } finally {
    expect(Bun.spawnSync(['umount', directory]).exitCode).toBe(0)
    rmdirSync(directory)
  }
})
