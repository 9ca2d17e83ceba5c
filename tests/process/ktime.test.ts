import { expect, test } from 'bun:test'
import { nanosecondsOf, secondsOf } from '../../src/process/clock.ts'
import { Ktime } from '../../src/process/ktime.ts'

test('Ktime is exact below and above 2^53', () => {
  const view = new DataView(new ArrayBuffer(8))
  const time = new Ktime()
  for (const ns of [0n, 1n, 999_999_999n, 4_294_967_296n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    view.setBigUint64(0, ns, true)
    time.read(view, 0)
    expect([time.seconds, time.nanoseconds]).toEqual([secondsOf(ns), nanosecondsOf(ns)])
    expect(BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds)).toBe(ns)
    expect(time.ns).toBe(Number(ns))
  }
})
