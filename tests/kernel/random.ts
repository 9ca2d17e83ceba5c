// Random valid policies put into an agent, some at a time, each of which must load.
import { expect } from 'bun:test'
import { randomOf } from '../policy/mutate.ts'
import { randomPolicy } from '../policy/random_policy.ts'
import { TestAgent } from './agent.ts'
import { askPolicies, readPolicy, unloadPolicy } from './policy.ts'

export interface RandomReport {
  readonly load_ms: readonly number[]
  /** Most instructions that a program had when it was verified. */
  readonly insns_most: number
  /** Texts and what was said of them. */
  readonly failed: readonly { readonly yaml: string; readonly answer: unknown }[]
  /** Refused by the plan, because this kernel has no such hook. */
  readonly not_here: number
}

/** Said by the plan where a kernel has no such hook: nothing was loaded. */
const NOT_HERE = /^Cannot attach /

/** `batch` of them stay loaded together. */
export async function loadRandom(count: number, seed: number, batch: number): Promise<RandomReport> {
  const random = randomOf(seed)
  const load_ms: number[] = []
  const failed: { yaml: string; answer: unknown }[] = []
  let [not_here, insns_most] = [0, 0]
  await using agent = await TestAgent.start(['--stdout', 'false'])
  const loaded: string[] = []
  for (let i = 0; i < count; i++) {
    const name = `random-${i}`
    const yaml = randomPolicy(name, random)
    const { status, body } = await askPolicies(agent, 'POST', '/v1/policies', yaml)
    if (status !== 201) {
      if (isNotHere(body)) not_here++
      else failed.push({ yaml, answer: body })
      continue
    }
    const state = await readPolicy(agent, name)
    load_ms.push(state.load_ms)
    for (const { programs } of state.hooks) {
      for (const { verified_insns } of programs) insns_most = Math.max(insns_most, verified_insns)
    }
    loaded.push(name)
    if (loaded.length > batch) await unloadPolicy(agent, loaded.shift()!)
  }
  // Some of them tell of every write on the machine, so rings do overflow; nothing may go unaccounted.
  expect((await agent.loss()).imbalance).toEqual([])
  return { load_ms: load_ms.sort((a, b) => a - b), insns_most, failed, not_here }
}

function isNotHere(body: unknown): boolean {
  return Array.isArray(body) && (body as { message: string }[]).every(({ message }) => NOT_HERE.test(message))
}
