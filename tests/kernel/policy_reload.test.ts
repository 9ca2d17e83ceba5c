/** A policy file that changes while its hook is hit all the time: each hit is one version's, and nothing stays behind. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { readHostFacts } from '../../src/kernel/host.ts'
import { testWhere } from './need.ts'
import { type BpfUse, COUNTED_LSEEK, type ReloadReport, reloadUnderLoad } from './reload.ts'

const CHANGES = 50
const SAMPLE_EVERY = 10
/** An emulated guest is ten to fifty times slower than the machine that emulates it, and shares that. */
const SLOWER = fs.readFileSync('/proc/cpuinfo', 'utf8').includes('QEMU') ? 40 : 1
/** A guest makes as many of the changes as it can in this time. */
const SECONDS_MAX = 75
const CHANGES_MIN = 10
/** Half of the changes are live within this when the time that loading takes is left out. */
const LIVE_MS_MAX = 250 * SLOWER
const GROWTH_BYTES_MAX = 48 << 20

/** Then the kernel skips a kprobe whose CPU was taken from a task inside bpf(2), which the agent uses: 1 of 10,000 on 7.2. */
const PREEMPTS = readHostFacts().preempts
const SKIPPED_SHARE_MAX = 0.001

const missing = fs.existsSync(COUNTED_LSEEK) ? undefined : `no ${COUNTED_LSEEK}`

for (const returns of [false, true]) {
  const what = returns ? 'with their results' : 'as they begin'
  testWhere(missing, `changes of a policy under load miss no call and double none, seen ${what}`, async () => {
    const report = await reloadUnderLoad({
      changes: CHANGES,
      seconds_max: SECONDS_MAX,
      threads: 2,
      // What the agent and this test can read without a full queue.
      pause_us: 300 * SLOWER,
      returns,
      sample_every: SAMPLE_EVERY,
    })
    show(report)
    const { calls, missed, doubled, lost } = report
    expect(doubled).toBe(0)
    // Each is accounted for (so are other processes' calls), and there is none where the kernel cannot skip one.
    expect(missed).toBeLessThanOrEqual(lost)
    expect(lost).toBeLessThanOrEqual(PREEMPTS ? calls * SKIPPED_SHARE_MAX : 0)
    expect(report.calls).toBeGreaterThan(report.changes.length * 10)
    expect(report.versions).toBe(report.changes.length + 1)
    expect(report.changes.length).toBeGreaterThanOrEqual(SLOWER > 1 ? CHANGES_MIN : CHANGES)
    expect(report.samples.length).toBeGreaterThan(1)
    const [first, last] = [report.samples[0]!, report.samples.at(-1)!]
    expect(counts(last)).toEqual(counts(first))
    expect(last.anonymous_bytes - first.anonymous_bytes).toBeLessThan(GROWTH_BYTES_MAX)
    const live = report.changes.map((change) => change.live_ms - change.load_ms).sort((a, b) => a - b)
    expect(live[Math.floor(live.length * 0.5)]).toBeLessThan(LIVE_MS_MAX)
  }, 300_000)
}

function counts({ programs, maps, links, descriptors }: BpfUse) {
  return { programs, maps, links, descriptors }
}

function show({ calls, changes, attach }: ReloadReport): void {
  const live = changes.map((change) => change.live_ms - change.load_ms).sort((a, b) => a - b)
  const load = changes.map(({ load_ms }) => load_ms).sort((a, b) => a - b)
  const half = Math.floor(changes.length / 2)
  console.log(
    `short form (bun scripts/reload_policies.ts 1000 is the long one): ${changes.length} changes by ${
      attach.join(' + ')
    }, ${calls} calls: live after ${live[half]} ms (p50), ${live.at(-1)} ms (most) without load; load ${
      load[half]
    } ms (p50), ${load.at(-1)} ms (most)`,
  )
}
