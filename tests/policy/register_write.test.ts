import { describe, expect, test } from 'bun:test'
import { REGISTER_SOURCE } from '../../ffi/wire.gen.ts'
import { parseRegisterWrite, registerMask } from '../../src/policy/register_write.ts'

const RAX = { target: 80, target_size: 8 }

describe('parseRegisterWrite()', () => {
  const right: readonly (readonly [string, object])[] = [
    ['rax=1', { ...RAX, kind: REGISTER_SOURCE.CONSTANT, value: 1n }],
    ['rax = -1', { ...RAX, kind: REGISTER_SOURCE.CONSTANT, value: 0xffff_ffff_ffff_ffffn }],
    ['eax=0x10', { target: 80, target_size: 4, kind: REGISTER_SOURCE.CONSTANT, value: 16n }],
    ['ah=3', { target: 81, target_size: 1, kind: REGISTER_SOURCE.CONSTANT, value: 3n }],
    ['rax=%rdi', { ...RAX, kind: REGISTER_SOURCE.REGISTER, source: 112, source_size: 8, value: 0n }],
    ['rax=%edi', { ...RAX, kind: REGISTER_SOURCE.REGISTER, source: 112, source_size: 4, value: 0n }],
    ['rsp=8%rsp', { target: 152, kind: REGISTER_SOURCE.REGISTER, source: 152, value: 8n }],
    ['rip=(%rsp)', { target: 128, kind: REGISTER_SOURCE.MEMORY, source: 152, value: 0n }],
    ['rax=-0x8(%rbp)', { ...RAX, kind: REGISTER_SOURCE.MEMORY, source: 32, value: 0xffff_ffff_ffff_fff8n }],
    ['r9d=%r10w', { target: 64, target_size: 4, source: 56, source_size: 2 }],
  ]
  for (const [text, want] of right) {
    test(text, () => expect(parseRegisterWrite(text, 'x64')).toMatchObject(want))
  }

  const wrong: readonly (readonly [string, string])[] = [
    ['rax', 'Invalid assignment "rax"'],
    ['', 'Invalid assignment ""'],
    ['rax=', 'Invalid assignment "rax="'],
    ['rax=rdi', 'Invalid assignment "rax=rdi"'],
    ['rax=(8)', 'Invalid assignment'],
    ['rax=%rdi)', 'Invalid assignment'],
    ['rux=1', 'Unknown register "rux", nearest is "rbx"'],
    ['rax=%rdj', 'Unknown register "rdj", nearest is "rdx"'],
    ['cs=1', 'Unknown register "cs"'],
    ['eflags=1', 'Unknown register "eflags"'],
    ['rax=99999999999999999999', 'does not fit 64 bits'],
  ]
  for (const [text, want] of wrong) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(parseRegisterWrite(text, 'x64')).toContain(want))
  }
})

test('registerMask() has a bit per register, whichever part is written', () => {
  const writes = ['rax=1', 'ah=1', 'r15=%rax'].map((text) => parseRegisterWrite(text, 'x64'))
  expect(registerMask(writes.filter((write) => typeof write !== 'string'))).toBe(1 << 10 | 1)
})
