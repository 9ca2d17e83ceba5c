import { expect, test } from 'bun:test'
import { parseCpus } from '../../src/sensor/build_ids.ts'

test('parseCpus() reads the lists that the kernel writes', () => {
  expect(parseCpus('0\n')).toEqual([0])
  expect(parseCpus('0-3\n')).toEqual([0, 1, 2, 3])
  expect(parseCpus('0-1,4,6-7\n')).toEqual([0, 1, 4, 6, 7])
})

test('parseCpus() refuses what is no list', () => {
  for (const text of ['', 'a', '0-', '1,x-2']) expect(() => parseCpus(text)).toThrow('Invalid list of CPUs')
})
