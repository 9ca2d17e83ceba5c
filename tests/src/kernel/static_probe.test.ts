import { expect, test } from 'bun:test'
import { parseArgument } from '../../../src/kernel/static_probe.ts'

test('parseArgument() reads the places that compilers write', () => {
  expect(parseArgument('-4@%eax')).toEqual({ kind: 'register', size: 4, signed: true, register: 'rax' })
  expect(parseArgument('1@%dil')).toEqual({ kind: 'register', size: 1, signed: false, register: 'rdi' })
  expect(parseArgument('8@%r12')).toEqual({ kind: 'register', size: 8, signed: false, register: 'r12' })
  expect(parseArgument('-4@%r8d')).toEqual({ kind: 'register', size: 4, signed: true, register: 'r8' })
  expect(parseArgument('-4@$-5')).toEqual({ kind: 'constant', size: 4, signed: true, value: -5n })
  expect(parseArgument('8@-16(%rbp)')).toEqual({
    kind: 'memory',
    size: 8,
    signed: false,
    register: 'rbp',
    displacement: -16,
  })
  expect(parseArgument('4@(%rsp)')).toEqual({
    kind: 'memory',
    size: 4,
    signed: false,
    register: 'rsp',
    displacement: 0,
  })
  expect(parseArgument('-4@[sp, 12]')).toEqual({
    kind: 'memory',
    size: 4,
    signed: true,
    register: 'sp',
    displacement: 12,
  })
  expect(parseArgument('8@x0')).toEqual({ kind: 'register', size: 8, signed: false, register: 'x0' })
  expect(parseArgument('8@symbol+4(%rip,%rax,8)')).toEqual({ kind: 'unknown', text: '8@symbol+4(%rip,%rax,8)' })
})
