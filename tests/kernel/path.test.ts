import { afterAll, beforeAll, expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BpfObject } from '../../ffi/object.ts'
import { BINARY_SIZE, decodeBinary, LINEAGE_DEPTH_MAX, PROCESS_FLAG } from '../../ffi/wire.gen.ts'
import { OBJECT_DIRECTORY } from '../../scripts/bpf.ts'
import { hashInto, hashKey } from '../../src/sensor/hash.ts'

const KEY_BYTES = Uint8Array.from({ length: 16 }, (_, i) => i * 17)
const PATH_FLAG_UNRESOLVED = 1
const PATH_FLAG_ROOT = 2

let object: BpfObject
let directory: string

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-path-'))
  object = BpfObject.open(path.join(OBJECT_DIRECTORY, 'tests/path.bpf.o'))
  object.global('hash_key').write(KEY_BYTES)
  // Raw tracepoints of older kernels want it so; the agent does the same.
  object.definition('binaries').setFlags(0)
  object.definition('binaries').setMaxEntries(64)
  object.load()
})

afterAll(() => {
  object[Symbol.dispose]()
  Bun.spawnSync(['rm', '-rf', directory]) // rmSync() walks 1,000 directories from the root each: 10 s
})

/** Offsets in struct unit of tests/kernel/bpf/path.bpf.c. */
const AT = {
  wanted_fd: 0,
  walk_flags: 4,
  path_size: 8,
  binary_id: 12,
  lineage_parent: 16,
  lineage_binary: 20,
  lineage_id: 24,
  lineage_flags: 28,
  claimed: 32,
  hash: 72,
  path: 88,
} as const

function unit(): DataView {
  return new DataView(object.map('unit').lookup(0)!.buffer)
}

function set(values: Partial<Record<keyof typeof AT, number>>): void {
  const view = unit()
  for (const [name, value] of Object.entries(values)) view.setUint32(AT[name as keyof typeof AT], value, true)
  object.map('unit').update(0, new Uint8Array(view.buffer as ArrayBuffer))
}

function number(name: keyof typeof AT): number {
  return unit().getUint32(AT[name], true)
}

/** What path.h says of an open descriptor. */
function pathOf(fd: number): { text: string; flags: number; binary_id: number } {
  set({ wanted_fd: fd })
  expect(object.program('path_of_fd').testRun({}).return_value).toBe(0)
  const bytes = new Uint8Array(unit().buffer, AT.path, number('path_size'))
  return { text: new TextDecoder().decode(bytes), flags: number('walk_flags'), binary_id: number('binary_id') }
}

function pathOfFile(name: string): ReturnType<typeof pathOf> {
  const fd = fs.openSync(name, 'r')
  try {
    return pathOf(fd)
  } finally {
    fs.closeSync(fd)
  }
}

test('path_read() gives what /proc gives', () => {
  const file = path.join(directory, 'ein Name mit é')
  fs.writeFileSync(file, '')
  for (
    const name of [
      file,
      directory,
      '/proc/self/status',
      '/sys/kernel',
      '/usr/bin/env',
      '/dev/null',
      '/proc',
      '/dev/pts',
    ]
  ) {
    const fd = fs.openSync(name, 'r')
    expect(pathOf(fd).text).toBe(fs.readlinkSync(`/proc/self/fd/${fd}`))
    fs.closeSync(fd)
  }
})

test('path_read() of the root is "/" with its flag', () => {
  expect(pathOfFile('/')).toMatchObject({ text: '/', flags: PATH_FLAG_ROOT })
})

test('path_read() says of an unlinked file that it is deleted', () => {
  const file = path.join(directory, 'gone')
  const fd = fs.openSync(file, 'w+')
  fs.unlinkSync(file)
  expect(pathOf(fd).text).toBe(`${file} (deleted)`)
  fs.closeSync(fd)
})

test('path_read() climbs 1,000 directories', () => {
  const deep = directory + '/d'.repeat(1000)
  fs.mkdirSync(deep, { recursive: true })
  expect(pathOfFile(deep)).toMatchObject({ text: deep, flags: 0 })
})

test('path_read() keeps the end of a path of more than 4,095 bytes', () => {
  const part = `/${'n'.repeat(255)}`
  const [one, other] = [`${directory}/one`, `${directory}/other`]
  fs.mkdirSync(one + part.repeat(12), { recursive: true })
  fs.mkdirSync(other + part.repeat(12), { recursive: true })
  const fd = fs.openSync(one + part.repeat(12), 'r')
  fs.renameSync(one, `${other}${part.repeat(12)}/one`)
  const { text, flags } = pathOf(fd)
  fs.closeSync(fd)
  expect(flags).toBe(PATH_FLAG_UNRESOLVED)
  expect(text.endsWith(`/one${part.repeat(12)}`)).toBe(true)
  expect(text.length).toBeGreaterThan(4096 - 256)
})

test('binary_intern() hashes as src/sensor/hash.ts does and gives one id per path', () => {
  const ids = new Set<number>()
  for (let length = 1; length <= 40; length++) {
    const file = path.join(directory, 'b'.repeat(length))
    fs.writeFileSync(file, '')
    const { text, binary_id } = pathOfFile(file)
    const wanted = new Uint8Array(16)
    hashInto(hashKey(KEY_BYTES), new TextEncoder().encode(text), new DataView(wanted.buffer), 0)
    expect(new Uint8Array(unit().buffer, AT.hash, 16)).toEqual(wanted)
    expect(pathOfFile(file).binary_id).toBe(binary_id)
    ids.add(binary_id)
    const entry = object.map('binaries').lookup(wanted)!
    expect(entry.length).toBe(BINARY_SIZE)
    const binary = decodeBinary(new DataView(entry.buffer, entry.byteOffset), 0)
    expect(binary).toEqual({ id: binary_id, size: text.length, path: text })
  }
  expect(ids.size).toBe(40)
  expect(ids.has(0)).toBe(false)
})

function lineage(parent: number, binary: number): number {
  set({ lineage_parent: parent, lineage_binary: binary })
  object.program('lineage_of').testRun({})
  return number('lineage_id')
}

test('lineage_intern() keeps sets of programs, not histories', () => {
  const shell = lineage(0, 101)
  const make = lineage(shell, 102)
  expect(new Set([0, shell, make]).size).toBe(3)
  expect(lineage(0, 101)).toBe(shell)
  expect(lineage(shell, 102)).toBe(make)
  expect(lineage(make, 101)).toBe(make) // a shell below make below a shell
  expect(lineage(make, 102)).toBe(make)
  expect(lineage(0, 102)).not.toBe(make)
})

test('lineage_intern() stops at its longest chain and says so', () => {
  let id = 0
  for (let i = 0; i < LINEAGE_DEPTH_MAX; i++) id = lineage(id, 1000 + i)
  expect(number('lineage_flags')).toBe(0)
  expect(lineage(id, 2000)).toBe(id)
  expect(number('lineage_flags')).toBe(PROCESS_FLAG.LINEAGE_CUT)
})

test('slot_claim() gives each slot once and refuses a ninth', () => {
  const claimed = () => Array.from({ length: 10 }, (_, i) => unit().getUint32(AT.claimed + i * 4, true))
  for (let round = 0; round < 2; round++) {
    object.program('slots_taken').testRun({})
    expect(claimed()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 2])
  }
})
