import { expect, test } from 'bun:test'
import { protectedBinaries, protectedPids } from '../../src/sensor/guard.ts'

test('protectedPids() gives this process, its parents and PID 1', () => {
  const pids = protectedPids('/proc')
  expect(pids).toContain(process.pid)
  expect(pids).toContain(process.ppid)
  expect(pids).toContain(1)
  expect(new Set(pids).size).toBe(pids.length)
})

test('protectedBinaries() follows links, keeps what is not there yet, and refuses relative paths', () => {
  expect(protectedBinaries(['/proc/self/exe', '/nowhere/agent'])).toEqual([
    '/proc/self/exe',
    process.execPath,
    '/nowhere/agent',
  ])
  expect(() => protectedBinaries(['bash'])).toThrow('not an absolute path')
  expect(() => protectedBinaries(Array.from({ length: 1025 }, (_, i) => `/nowhere/${i}`))).toThrow('at most 1024')
})
