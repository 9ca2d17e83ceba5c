import { expect, test } from 'bun:test'
import { readLayouts } from '../../scripts/wire_btf.ts'
import { generate } from '../../scripts/wire_text.ts'

const U32 = { id: 1, kind: 'INT', name: 'unsigned int', size: 4, encoding: '(none)' }
const U64 = { id: 2, kind: 'INT', name: 'unsigned long long', size: 8, encoding: '(none)' }
const LONG = { id: 3, kind: 'INT', name: 'unsigned long', size: 8, encoding: '(none)' }
const CHAR = { id: 4, kind: 'INT', name: 'char', size: 1, encoding: 'SIGNED' }
const TEXT = { id: 5, kind: 'ARRAY', name: '(anon)', type_id: 4, nr_elems: 4 }
const POINTER = { id: 6, kind: 'PTR', name: '(anon)', type_id: 1 }
const INNER = {
  id: 7,
  kind: 'STRUCT',
  name: 'inner',
  size: 4,
  members: [{ name: 'a', type_id: 1, bits_offset: 0 }],
}
const BASE = [U32, U64, LONG, CHAR, TEXT, POINTER, INNER]

interface TestMember {
  readonly name: string
  readonly type_id: number
  readonly bits_offset: number
  readonly bitfield_size?: number
}

function dump(size: number, members: readonly TestMember[], tags: readonly object[] = []): unknown {
  return {
    types: [
      ...BASE,
      { id: 20, kind: 'STRUCT', name: 'thing', size, members },
      { id: 21, kind: 'DECL_TAG', name: 'export', type_id: 20, component_idx: -1 },
      ...tags,
    ],
  }
}

const refusals: readonly [string, number, readonly TestMember[]][] = [
  ['member "b": it is a bitfield', 4, [{ name: 'b', type_id: 1, bits_offset: 0, bitfield_size: 3 }]],
  ['member "l": its type "unsigned long" differs between targets', 8, [{ name: 'l', type_id: 3, bits_offset: 0 }]],
  ['member "p": its type is ptr', 8, [{ name: 'p', type_id: 6, bits_offset: 0 }]],
  ['member "s": struct inner is not exported', 4, [{ name: 's', type_id: 7, bits_offset: 0 }]],
  ['member "w": 4 bytes of padding before it, name them', 16, [
    { name: 'a', type_id: 1, bits_offset: 0 },
    { name: 'w', type_id: 2, bits_offset: 64 },
  ]],
  ['member "w": at 4, not a multiple of 8', 12, [
    { name: 'a', type_id: 1, bits_offset: 0 },
    { name: 'w', type_id: 2, bits_offset: 32 },
  ]],
  ['struct thing: 4 bytes of padding at its end, name them', 8, [{ name: 'a', type_id: 1, bits_offset: 0 }]],
]

for (const [message, size, members] of refusals) {
  test(`readLayouts() refuses ${message}`, () => {
    expect(() => readLayouts(dump(size, members))).toThrow(message)
  })
}

test('readLayouts() refuses the tag "number" on 32 bits', () => {
  const tag = { id: 22, kind: 'DECL_TAG', name: 'number', type_id: 20, component_idx: 0 }
  expect(() => readLayouts(dump(4, [{ name: 'a', type_id: 1, bits_offset: 0 }], [tag]))).toThrow('no 64-bit integer')
})

test('generate() decodes a tagged u64 to a number, an untagged one to a bigint, and leaves pads out', () => {
  const members = [
    { name: 'id', type_id: 2, bits_offset: 0 },
    { name: 'mask', type_id: 2, bits_offset: 64 },
    { name: 'comm', type_id: 5, bits_offset: 128 },
    { name: 'pad', type_id: 1, bits_offset: 160 },
  ]
  const tag = { id: 22, kind: 'DECL_TAG', name: 'number', type_id: 20, component_idx: 0 }
  const text = generate(readLayouts(dump(24, members, [tag])), new Map([['BYTES_MAX', 7]]), ['bpf/thing.h'])
  expect(text).toContain('export const BYTES_MAX = 7\n')
  expect(text).toContain('export const THING_SIZE = 24\n')
  expect(text).toContain(
    'export interface Thing {\n  readonly id: number\n  readonly mask: bigint\n  readonly comm: string\n}',
  )
  expect(text).toContain('id: readNumber(view, at)')
  expect(text).toContain('mask: view.getBigUint64(at + 8, true)')
  expect(text).not.toContain('pad:')
})

test('generate() names the values of an enum without what they share', () => {
  const enums = [
    { name: 'event_type', values: [['EVENT_TYPE_EXEC', 1], ['EVENT_TYPE_FORK', 2]] as const },
    { name: 'hook_value_flag', values: [['HOOK_VALUE_FAULT', 1], ['HOOK_VALUE_EMPTY', 2]] as const },
  ]
  const text = generate({ structs: [], enums }, new Map(), [])
  expect(text).toContain('export const EVENT_TYPE = {\n  EXEC: 1,\n  FORK: 2,\n} as const')
  expect(text).toContain('export const HOOK_VALUE_FLAG = {\n  FAULT: 1,\n  EMPTY: 2,\n} as const')
})
