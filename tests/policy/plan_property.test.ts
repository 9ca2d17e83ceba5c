import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { planText } from '../../src/policy/plan.ts'
import { mutate, randomOf } from './mutate.ts'
import { brokenProperty, seedPolicies } from './property.ts'
import { randomPolicy } from './random_policy.ts'
import { fromJson, recordedFacts } from './recorded_facts.ts'

const facts = recordedFacts(fromJson(readFileSync(join(import.meta.dirname, 'testdata/facts-6.12.json'), 'utf8')))

/** The long form is `bun scripts/fuzz_policy.ts 100000`. */
test('planText() gives a plan or located mistakes for 1,000 mutated policies', () => {
  const random = randomOf(1)
  const seeds = seedPolicies()
  for (let i = 0; i < 1000; i++) {
    const text = mutate(seeds[Math.floor(random() * seeds.length)]!, random)
    const broken = brokenProperty(text, facts)
    if (broken !== '') throw new Error(`${broken}\n${text}`)
  }
  expect(seeds.length).toBeGreaterThan(10)
}, 60_000)

/** The long form, which loads them, is `bun scripts/random_policies.ts 1000`. */
test('planText() has a plan for each of 500 random valid policies', () => {
  const random = randomOf(1)
  for (let i = 0; i < 500; i++) {
    const text = randomPolicy(`random-${i}`, random)
    const { plans, errors } = planText('random.yaml', text, facts)
    expect({ text, errors, plans: plans.length }).toEqual({ text, errors: [], plans: 1 })
  }
}, 60_000)

test('planText() bounds aliases, nesting and size', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${
    'bcdefghi'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}]`).join('\n')
  }`
  for (
    const text of [
      bomb,
      '['.repeat(100_000),
      '- '.repeat(100_000),
      '? '.repeat(100_000),
      'a: '.repeat(50_000),
      `${'x'.repeat(17 * 1024 * 1024)}`,
    ]
  ) {
    expect(brokenProperty(text, facts)).toBe('')
  }
  const deep = Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')
  expect(brokenProperty(deep, facts)).toBe('')
})
