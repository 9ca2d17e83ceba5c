/**
 * bun scripts/load_policies.ts FILE-OR-DIRECTORY...
 * Loads each policy file into an agent of its own, as root, takes it out again, and prints what became of it: how long it
 * took, or why it was refused. Status 1 if a file has a plan and does not load.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LocatedMistake } from '../src/policy/error.ts'
import { TestAgent } from '../tests/kernel/agent.ts'
import { askPolicies } from '../tests/kernel/policy.ts'

interface Loaded {
  readonly name: string
  readonly namespace?: string
  readonly load_ms: number
}

const files = process.argv.slice(2).flatMap((given) =>
  existsSync(given) && statSync(given).isDirectory()
    ? [...new Bun.Glob('**/*.{yaml,yml}').scanSync(given)].sort().map((name) => join(given, name))
    : [given]
)
if (files.length === 0) throw new Error('Want: bun scripts/load_policies.ts FILE-OR-DIRECTORY...')
const count = { loaded: 0, refused: 0, failed: 0 }
await using agent = await TestAgent.start(['--stdout', 'false'])
for (const file of files) {
  const { status, body } = await askPolicies(agent, 'POST', '/v1/policies', readFileSync(file, 'utf8'))
  if (status === 201) {
    count.loaded++
    const policies = (Array.isArray(body) ? body : [body]) as Loaded[]
    console.log(`loaded   ${file}: ${policies.map(({ name, load_ms }) => `${name} in ${load_ms} ms`).join(', ')}`)
    for (const { name, namespace } of policies) {
      const key = namespace === undefined || namespace === '' ? name : `${namespace}/${name}`
      await askPolicies(agent, 'DELETE', `/v1/policies/${encodeURIComponent(key)}`)
    }
    continue
  }
  const mistakes = (Array.isArray(body) ? body : []) as LocatedMistake[]
  // A mistake in the file, or a feature that the kernel lacks, has a line; what the kernel refused to load has none.
  const unplanned = mistakes.length === 0 || mistakes.some(({ line }) => line === 0)
  if (unplanned) count.failed++
  else count.refused++
  console.log(`${unplanned ? 'FAILED ' : 'refused'}  ${file}: ${mistakes[0]?.message ?? `status ${status}`}`)
}
console.log(`${files.length} files: ${count.loaded} loaded, ${count.refused} refused, ${count.failed} failed`)
process.exitCode = count.failed > 0 ? 1 : 0
