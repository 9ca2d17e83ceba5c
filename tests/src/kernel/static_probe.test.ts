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
  const common = { kind: 'memory', size: 4, signed: true } as const
  expect(parseArgument('8@(%rax,%rdx,8)')).toEqual({
    ...common,
    size: 8,
    signed: false,
    register: 'rax',
    displacement: 0,
    index: { register: 'rdx', scale: 8 },
  })
  expect(parseArgument('-4@-20(%rbp,%rax,4)')).toEqual({
    ...common,
    register: 'rbp',
    displacement: -20,
    index: { register: 'rax', scale: 4 },
  })
  expect(parseArgument('-4@-0x10(%rbp,%r9)')).toMatchObject({
    displacement: -16,
    index: { register: 'r9', scale: 1 },
  })
  expect(parseArgument('-4@[x0, x1]')).toEqual({
    ...common,
    register: 'x0',
    displacement: 0,
    index: { register: 'x1', scale: 1 },
  })
  for (const text of ['8@(%rax,%rdx,3)', '8@(,%rdx,8)', '8@table(,%rax,8)']) {
    expect(parseArgument(text)).toEqual({ kind: 'unknown', text })
  }
  expect(parseArgument('8@symbol+4(%rip,%rax,8)')).toEqual({ kind: 'unknown', text: '8@symbol+4(%rip,%rax,8)' })
})

test('parseArgument() asks where a variable stands', () => {
  const distance = (name: string) => ({ counter: 4096, 'far.away': 2 ** 33 })[name]
  const place = (text: string) => {
    const found = parseArgument(text, distance)
    return found.kind === 'memory' && found.register === 'rip' ? found.displacement : found.kind
  }
  expect(place('-4@counter(%rip)')).toBe(4096)
  expect(place('-4@counter+8(%rip)')).toBe(4104)
  expect(place('-4@-8+counter(%rip)')).toBe(4088)
  expect(place('-4@16(%rip)')).toBe(16)
  expect(place('-4@other(%rip)')).toBe('unknown')
  expect(place('-4@far.away(%rip)')).toBe('unknown')
  expect(place('-4@counter@GOTPCREL(%rip)')).toBe('unknown')
})
