import { describe, expect, test } from 'bun:test'
import { WallClock } from '../../src/process/clock.ts'

describe('WallClock', () => {
  const realtime_ns = BigInt(Date.parse('2026-11-22T14:28:06.4Z')) * 1_000_000n + 123n
  const clock = new WallClock({ monotonic_ns: 5_000_000_000n, realtime_ns, boottime_ns: 7_000_000_000n })
  test('adds the offset exactly', () => {
    expect(clock.text(5, 0)).toBe('2026-11-22T14:28:06.400000123Z')
    expect(clock.text(4, 999_999_999)).toBe('2026-11-22T14:28:06.400000122Z')
    expect(clock.text(5, 600_000_000)).toBe('2026-11-22T14:28:07.000000123Z')
    expect(clock.bootText(7, 0)).toBe('2026-11-22T14:28:06.400000123Z')
  })
  test('prints 0, 3, 6 or 9 digits', () => {
    const whole = new WallClock({ monotonic_ns: 0n, realtime_ns: 0n, boottime_ns: 0n })
    expect(whole.text(0, 0)).toBe('1970-01-01T00:00:00Z')
    expect(whole.text(0, 1_000_000)).toBe('1970-01-01T00:00:00.001Z')
    expect(whole.text(0, 120_000)).toBe('1970-01-01T00:00:00.000120Z')
    expect(whole.text(0, 5)).toBe('1970-01-01T00:00:00.000000005Z')
    expect(whole.text(86399, 999_000_000)).toBe('1970-01-01T23:59:59.999Z')
  })
  test('refresh() moves later texts only', () => {
    const moved = new WallClock({ monotonic_ns: 0n, realtime_ns: 0n, boottime_ns: 0n })
    expect(moved.text(1, 0)).toBe('1970-01-01T00:00:01Z')
    moved.refresh({ monotonic_ns: 10n, realtime_ns: 1_000_000_009n, boottime_ns: 10n })
    expect(moved.text(1, 0)).toBe('1970-01-01T00:00:01.999999999Z')
  })
})
