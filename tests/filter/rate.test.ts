import { describe, expect, test } from 'bun:test'
import { RateLimit, rateLimitLine } from '../../src/filter/rate.ts'

describe('RateLimit', () => {
  test('lets a burst of a minute pass, then as many as flow in', () => {
    const limit = new RateLimit(60, 0)
    const take = (now_ms: number, times: number) =>
      Array.from({ length: times }, () => limit.take(now_ms)).filter(Boolean).length
    expect(take(0, 100)).toBe(60)
    expect(take(1_000, 10)).toBe(1)
    expect(take(11_000, 100)).toBe(10)
    expect(take(1_000_000, 100)).toBe(60)
    expect(limit.dropped_total).toBe(40 + 9 + 90 + 40)
  })

  test('reports once a minute what it held back', () => {
    const limit = new RateLimit(0, 0)
    expect(limit.report(61_000)).toBeUndefined()
    limit.take(61_000)
    limit.take(61_001)
    expect(limit.report(62_000)).toBe(2)
    expect(limit.report(122_000)).toBeUndefined()
    limit.take(122_000)
    expect(limit.report(121_999)).toBeUndefined()
    expect(limit.report(122_000)).toBe(1)
  })

  test('passes everything below 0 and nothing at 0', () => {
    expect(new RateLimit(-1, 0).take(0)).toBe(true)
    expect(new RateLimit(0, 0).take(1e9)).toBe(false)
  })
})

test('rateLimitLine() writes the count as protobuf JSON does', () => {
  expect(rateLimitLine(12, 'n', '', new Date(0))).toBe(
    '{"rate_limit_info":{"number_of_dropped_process_events":"12"},"node_name":"n","time":"1970-01-01T00:00:00.000Z"}',
  )
})
