import { expect, test } from 'bun:test'
import { Btf } from '../../ffi/btf.ts'
import { BTF_KIND, BtfFormatError } from '../../ffi/btf_format.ts'
import { BtfBuilder } from './btf_builder.ts'

const SIGNED = 1
const BOOL = 4

function kernel() {
  const b = new BtfBuilder()
  const int = b.int('int', 4, SIGNED)
  const char = b.int('char', 1, SIGNED)
  const bool = b.int('_Bool', 1, BOOL)
  const ulong = b.int('long unsigned int', 8)
  const size_t = b.type('size_t', BTF_KIND.TYPEDEF, 0, ulong)
  const const_char = b.type('', BTF_KIND.CONST, 0, char)
  const text = b.pointer(const_char)
  const comm = b.type('', BTF_KIND.ARRAY, 0, 0, [char, int, 16])
  const inner = b.struct('', 8, [['flags', int, 0], ['low', int, 32 | 3 << 24], ['high', int, 35 | 5 << 24]], true)
  const file = b.struct('file', 40, [['f_flags', int, 0], ['', inner, 32], ['f_name', text, 128], ['comm', comm, 192]])
  const file_pointer = b.pointer(file)
  b.function('vfs_read', int, [['file', file_pointer], ['buf', text], ['count', size_t]])
  b.function('printk', int, [['fmt', text], ['', 0]])
  b.function('nothing', 0, [])
  b.type('color', BTF_KIND.ENUM, 2, 4, [b.string('RED'), 1, b.string('MINUS'), 0xffffffff], true)
  b.type('wide', BTF_KIND.ENUM64, 1, 8, [b.string('HUGE'), 5, 1])
  b.type('opaque', BTF_KIND.FWD, 0, 0)
  const variable = b.type('config', BTF_KIND.VAR, 0, int, [1])
  b.type('.rodata', BTF_KIND.DATASEC, 1, 16, [variable, 8, 4])
  return { builder: b, ids: { int, char, bool, ulong, size_t, const_char, text, comm, file, file_pointer } }
}

test('Btf finds functions with their parameters', () => {
  const { builder, ids } = kernel()
  const btf = new Btf(builder.build(), 'test')
  const read = btf.findFunction('vfs_read')
  expect(read?.parameters).toEqual([
    { name: 'file', type: ids.file_pointer },
    { name: 'buf', type: ids.text },
    { name: 'count', type: ids.size_t },
  ])
  expect(read?.returns).toBe(ids.int)
  expect(read?.variadic).toBe(false)
  expect(read?.parameters.map(({ type }) => btf.typeName(type))).toEqual(['struct file *', 'const char *', 'size_t'])
  const printk = btf.findFunction('printk')
  expect(printk?.variadic).toBe(true)
  expect(printk?.parameters.length).toBe(1)
  expect(btf.typeName(btf.findFunction('nothing')?.returns ?? -1)).toBe('void')
  expect(btf.findFunction('vfs_write')).toBeUndefined()
  expect([...btf.functionNames()]).toEqual(['vfs_read', 'printk', 'nothing'])
})

test('Btf finds structs, members inside anonymous ones, and bitfields', () => {
  const { builder, ids } = kernel()
  const btf = new Btf(builder.build(), 'test')
  const file = btf.findStruct('file')
  expect(file?.size).toBe(40)
  expect(file?.members.map(({ name }) => name)).toEqual(['f_flags', '', 'f_name', 'comm'])
  expect(btf.findMember(ids.file, 'f_name')).toEqual({ name: 'f_name', type: ids.text, bit_offset: 128, bit_size: 0 })
  expect(btf.findMember(ids.file, 'high')).toEqual({ name: 'high', type: ids.int, bit_offset: 67, bit_size: 5 })
  expect(btf.findMember(ids.file, 'none')).toBeUndefined()
})

test('Btf resolves types to what they are, with sizes and names', () => {
  const { builder, ids } = kernel()
  const btf = new Btf(builder.build(), 'test')
  expect(btf.resolve(ids.size_t)).toEqual({
    kind: 'int',
    id: ids.ulong,
    name: 'long unsigned int',
    size: 8,
    signed: false,
    boolean: false,
  })
  expect(btf.resolve(ids.bool)).toMatchObject({ boolean: true })
  expect(btf.resolve(ids.text)).toEqual({ kind: 'pointer', id: ids.text, to: ids.const_char })
  expect(btf.resolve(ids.comm)).toEqual({ kind: 'array', id: ids.comm, element: ids.char, length: 16 })
  expect(btf.resolve(0)).toEqual({ kind: 'void', id: 0 })
  expect(btf.sizeOf(ids.comm)).toBe(16)
  expect(btf.sizeOf(ids.text)).toBe(8)
  expect(btf.sizeOf(ids.file)).toBe(40)
  expect(btf.sizeOf(0)).toBe(0)
  expect(btf.typeName(ids.comm)).toBe('char [16]')
  expect(btf.findTypedef('size_t')).toBe(ids.size_t)
})

test('Btf reads enums, negative and wide ones too', () => {
  const btf = new Btf(kernel().builder.build(), 'test')
  expect(btf.findEnum('color')?.values).toEqual({ RED: 1n, MINUS: -1n })
  expect(btf.findEnum('wide')?.values).toEqual({ HUGE: 0x1_0000_0005n })
})

test('Btf.findVariable() tells section, offset and size', () => {
  const btf = new Btf(kernel().builder.build(), 'test')
  expect(btf.findVariable('config')).toEqual({ section: '.rodata', offset: 8, size: 4 })
  expect(btf.findVariable('other')).toBeUndefined()
})

test('BTF of a module goes on where its base ends', () => {
  const { builder, ids } = kernel()
  const base = new Btf(builder.build(), 'vmlinux')
  const module = new BtfBuilder(base.typeCount, base.stringsSize)
  module.function('nf_hook', ids.int, [['file', ids.file_pointer]])
  const btf = new Btf(module.build(), 'nf', base)
  const hook = btf.findFunction('nf_hook')
  expect(hook?.parameters.map(({ name, type }) => `${btf.typeName(type)} ${name}`)).toEqual(['struct file * file'])
  expect(btf.findFunction('vfs_read')?.name).toBe('vfs_read')
  expect(btf.findStruct('file')?.id).toBe(ids.file)
})

test('Btf reads the .BTF section of an ELF file', () => {
  const raw = kernel().builder.build()
  const names = new TextEncoder().encode('\0.text\0.BTF\0.shstrtab\0')
  const elf = new Uint8Array(64 + names.length + raw.length + 64 * 3)
  const view = new DataView(elf.buffer)
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1])
  const [names_at, raw_at, table_at] = [64, 64 + names.length, 64 + names.length + raw.length]
  elf.set(names, names_at)
  elf.set(raw, raw_at)
  view.setBigUint64(40, BigInt(table_at), true)
  view.setUint16(58, 64, true)
  view.setUint16(60, 3, true)
  view.setUint16(62, 2, true)
  const section = (index: number, name: number, at: number, size: number) => {
    view.setUint32(table_at + index * 64, name, true)
    view.setBigUint64(table_at + index * 64 + 24, BigInt(at), true)
    view.setBigUint64(table_at + index * 64 + 32, BigInt(size), true)
  }
  section(1, 7, raw_at, raw.length)
  section(2, 12, names_at, names.length)
  expect(new Btf(elf, 'vmlinux').findStruct('file')?.size).toBe(40)
  view.setUint32(table_at + 64, 1, true)
  expect(() => new Btf(elf, 'vmlinux')).toThrow('no .BTF section')
})

test('Btf refuses what is cut or no BTF', () => {
  const bytes = kernel().builder.build()
  for (const size of [0, 10, 24, 100, bytes.length - 1]) {
    expect(() => new Btf(bytes.slice(0, size), 'cut')).toThrow(BtfFormatError)
  }
  expect(() => new Btf(new Uint8Array(100), 'zeros')).toThrow('Cannot read BTF of "zeros": wrong magic number')
  const unknown = new BtfBuilder()
  unknown.type('new', 25, 0, 0)
  expect(() => new Btf(unknown.build(), 'later')).toThrow('type kind 25 is not known')
})
