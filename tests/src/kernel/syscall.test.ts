import { expect, test } from 'bun:test'
import { findSyscall, syscallName, syscallNumber } from '../../../src/kernel/syscall.ts'

test('findSyscall() understands every way to name a system call', () => {
  const table: readonly (readonly [string, string, number])[] = [
    ['sys_lseek', '__x64_sys_lseek', 8],
    ['__x64_sys_lseek', '__x64_sys_lseek', 8],
    ['x64/sys_dup', '__x64_sys_dup', 32],
    ['i386/sys_dup', '__ia32_sys_dup', 41],
    ['__ia32_sys_dup', '__ia32_sys_dup', 41],
    ['sys_stat', '__x64_sys_newstat', 4],
    ['sys_newuname', '__x64_sys_newuname', 63],
    ['sys_cachestat', '__x64_sys_cachestat', 451],
  ]
  for (const [text, symbol, number] of table) {
    expect([text, findSyscall(text, 'x64')]).toMatchObject([text, { symbol, number }])
  }
  expect(findSyscall('sys_dup2', 'arm64')).toBeUndefined()
  expect(findSyscall('sys_dup3', 'arm64')?.symbol).toBe('__arm64_sys_dup3')
  expect(findSyscall('tcp_connect', 'x64')).toBeUndefined()
  expect(findSyscall('sys_constructor', 'x64')).toBeUndefined()
})

test('syscallName() is the way back', () => {
  expect(syscallName('x64', 59)).toBe('execve')
  expect(syscallName('arm64', 221)).toBe('execve')
  expect(syscallName('x64', 9999)).toBeUndefined()
  expect(syscallNumber('i386', 'execve')).toBe(11)
})
