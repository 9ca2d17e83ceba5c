import { afterEach, beforeEach, expect, jest, test } from 'bun:test'
import type { Pipeline } from '../../src/pipeline.ts'
import { Pump } from '../../src/pipeline/pump.ts'

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

/** All that a Pump asks of a pipeline: one turn, and the rings are empty. */
const PIPELINE = { turn: () => false } as unknown as Pipeline

test('periods come each time while there are turns, and one in five while there are none', () => {
  let periods = 0
  using pump = new Pump(PIPELINE, 1000, () => periods++)
  for (let second = 0; second < 10; second++) {
    pump.start()
    jest.advanceTimersByTime(1000)
  }
  expect(periods).toBe(10)
  jest.advanceTimersByTime(20_000)
  expect(periods).toBe(14)
  pump.start()
  jest.advanceTimersByTime(1000)
  expect(periods).toBe(15)
})
