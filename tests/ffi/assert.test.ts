/** Every wrapper with NULL, MAP_FAILED and as disposed: all throw before anything reaches C, so this needs no kernel. */

import { expect, test } from 'bun:test'
import type { Pointer } from 'bun:ffi'
import { assert, AssertionError, live } from '../../ffi/assert.ts'
import { BpfLink } from '../../ffi/link.ts'
import { BpfMapDefinition } from '../../ffi/map_definition.ts'
import { BpfObject } from '../../ffi/object.ts'
import { BpfProgram, type Owner } from '../../ffi/program.ts'
import { BpfSection } from '../../ffi/section.ts'

/** (void *)-1 as bun:ffi returns it. */
const MAP_FAILED = 2n ** 64n - 1n
const OWNER: Owner = { name: 'test', assertLive: () => {} }
const DISPOSED: Owner = {
  name: 'test',
  assertLive: () => {
    throw new TypeError('BpfObject used after dispose')
  },
}

test('live() lets only real addresses pass', () => {
  const address = 4096 as Pointer
  expect(live(address, 'X')).toBe(address)
  for (const bad of [null, 0 as Pointer, -1 as Pointer, NaN as Pointer, 2 ** 60 as Pointer, MAP_FAILED]) {
    expect(() => live(bad, 'X')).toThrow('X used after dispose')
  }
})

test('assert() throws AssertionError', () => {
  expect(() => assert(false, 'why')).toThrow(AssertionError)
})

const CONSTRUCTORS: Readonly<Record<string, (handle: Pointer | bigint | null) => unknown>> = {
  BpfLink: (handle) => new BpfLink(handle, 'a test'),
  BpfProgram: (handle) => new BpfProgram(OWNER, handle),
  BpfMapDefinition: (handle) => new BpfMapDefinition(OWNER, handle),
  'BpfObject.adopt': (handle) => BpfObject.adopt({ object: Number(handle), name: 'x', loaded: true }),
  'BpfLink.adopt': (handle) => BpfLink.adopt({ link: Number(handle), name: 'x' }),
}
for (const [name, construct] of Object.entries(CONSTRUCTORS)) {
  test(`${name} refuses NULL and MAP_FAILED`, () => {
    expect(() => construct(null)).toThrow()
    expect(() => construct(MAP_FAILED)).toThrow('used after dispose')
  })
}

test('borrowed handles of a disposed object throw when made', () => {
  expect(() => new BpfProgram(DISPOSED, 4096 as Pointer)).toThrow('BpfObject used after dispose')
  expect(() => new BpfMapDefinition(DISPOSED, 4096 as Pointer)).toThrow('BpfObject used after dispose')
})

/** Calls every method and getter that a class has; all must throw TypeError. */
function expectAllThrow(handle: object, message: string): void {
  const own = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(handle))
  for (const [name, property] of Object.entries(own)) {
    if (name === 'constructor' || name === 'loaded') continue
    const use = () => property.get ? property.get.call(handle) : property.value.call(handle, 'x', 0, 0)
    expect(use, name).toThrow(message)
  }
}

test('every method of a link that was given away throws', () => {
  const link = BpfLink.adopt({ link: 4096, name: 'x' })
  expect(link.detachToNumbers()).toEqual({ link: 4096, name: 'x' })
  expectAllThrow(link, 'BpfLink used after dispose')
  link[Symbol.dispose]()
})

test('every method of an object that was given away throws', () => {
  const object = BpfObject.adopt({ object: 4096, name: 'x', loaded: false })
  object.detachToNumbers()
  expectAllThrow(object, 'BpfObject used after dispose')
  object[Symbol.dispose]()
})

test('BpfSection writes only inside its bounds', () => {
  const memory = new Uint8Array(16)
  const section = new BpfSection(
    'config',
    {
      read: () => memory.slice(),
      write: (at, bytes) => memory.set(bytes, at),
    },
    4,
    8,
  )
  section.write(new Uint8Array([1, 2]), 6)
  expect([...section.read()]).toEqual([0, 0, 0, 0, 0, 0, 1, 2])
  section.edit((view) => view.setUint32(0, 0x01020304, true))
  expect([...memory]).toEqual([0, 0, 0, 0, 4, 3, 2, 1, 0, 0, 1, 2, 0, 0, 0, 0])
  expect(() => section.write(new Uint8Array(9))).toThrow('9 bytes at 0')
  expect(() => section.write(new Uint8Array(1), 8)).toThrow('1 bytes at 8')
  expect(() => section.edit((view) => view.setUint8(8, 1))).toThrow()
})
