// bun scripts/fuzz_policy.ts [COUNT] [SEED]: the property test of policies at length. Ends with status 1 at the first text that breaks it.
import { readFileSync } from 'node:fs'
import { mutate, randomOf } from '../tests/policy/mutate.ts'
import { brokenProperty, seedPolicies } from '../tests/policy/property.ts'
import { fromJson, recordedFacts } from '../tests/policy/recorded_facts.ts'

const count = Number(process.argv[2] ?? 100_000)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31)
const facts = recordedFacts(
  fromJson(readFileSync(new URL('../tests/policy/testdata/facts-6.12.json', import.meta.url), 'utf8')),
)
const seeds = seedPolicies()
const random = randomOf(seed)
const start = performance.now()
for (let i = 0; i < count; i++) {
  const text = mutate(seeds[Math.floor(random() * seeds.length)]!, random)
  const broken = brokenProperty(text, facts)
  if (broken === '') continue
  console.log(text)
  console.error(`Policy ${i} of seed ${seed}: ${broken}`)
  process.exit(1)
}
console.log(
  `${count} mutated policies of seed ${seed}: none broke, ${((performance.now() - start) / count).toFixed(2)} ms each`,
)
