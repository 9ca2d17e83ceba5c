import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { planText } from '../../src/policy/plan.ts'
import { fromJson, recordedFacts } from './recorded_facts.ts'

const facts = recordedFacts(fromJson(readFileSync(join(import.meta.dirname, 'testdata/facts-6.12.json'), 'utf8')))

function plan(selectors: string) {
  const { plans, errors, warnings } = planText(
    't',
    `
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: t}
spec:
  kprobes: [{call: security_file_open, syscall: false, selectors: [${selectors}]}]
`,
    facts,
  )
  const text = (mistakes: readonly { message: string }[]) => mistakes.map(({ message }) => message).join('\n')
  return { hook: plans[0]?.hooks[0], errors: text(errors), warnings: text(warnings) }
}

describe('binaries without values', () => {
  for (const filter of ['matchBinaries', 'matchParentBinaries']) {
    for (const operator of ['In', 'Prefix', 'Postfix']) {
      const empty = `{${filter}: [{operator: ${operator}, values: []}]`
      test(`${filter} ${operator} is ignored, as in Tetragon, and that is said`, () => {
        const { hook, errors, warnings } = plan(`${empty}}`)
        expect(errors).toBe('')
        expect(warnings).toContain(`Empty values of ${operator}: the filter is ignored, as in Tetragon`)
        expect(hook?.config.filters).toEqual([])
      })

      test(`${filter} ${operator} is refused in a hook that enforces, be it in another selector`, () => {
        const kill = 'matchActions: [{action: Sigkill}]'
        for (const selectors of [`${empty}, ${kill}}`, `${empty}}, {${kill}}`]) {
          expect(plan(selectors).errors).toContain(
            `Empty values of ${operator} in a hook that enforces: Tetragon ignores`,
          )
        }
      })
    }
  }

  test('a Not operator excludes nothing, also in a hook that enforces', () => {
    const { hook, errors, warnings } = plan(
      '{matchBinaries: [{operator: NotIn, values: []}], matchPIDs: [{operator: In, values: [7]}], matchActions: [{action: Sigkill}]}',
    )
    expect([errors, hook?.config.filters.length]).toEqual(['', 1])
    expect(warnings).toContain('Empty values of NotIn: it excludes nothing')
  })
})
