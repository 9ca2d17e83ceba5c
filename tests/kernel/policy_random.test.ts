/** Policies made at random from the whole language: what is valid loads, whatever the verifier of this kernel is. */
import { expect, test } from 'bun:test'
import { loadRandom } from './random.ts'

const POLICIES = 50
const SEED = 1
const BATCH = 20
const INSNS_MAX = 500_000

test(`${POLICIES} random valid policies all load`, async () => {
  const { load_ms, insns_most, failed, not_here } = await loadRandom(POLICIES, SEED, BATCH)
  console.log(
    `short form (bun scripts/random_policies.ts 1000 is the long one): ${load_ms.length} of ${POLICIES} loaded, ${not_here} have no hook on this kernel; load ${
      load_ms[load_ms.length >> 1]
    } ms (p50), ${load_ms.at(-1)} ms (most); at most ${insns_most} instructions verified`,
  )
  expect(failed).toEqual([])
  expect(load_ms.length + not_here).toBe(POLICIES)
  expect(load_ms.length).toBeGreaterThan(POLICIES / 10)
  expect(insns_most).toBeLessThan(INSNS_MAX)
}, 400_000)
