import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FILTER_FLAG, FILTER_OPERATOR } from '../../ffi/wire.gen.ts'
import { planText } from '../../src/policy/plan.ts'
import { fromJson, recordedFacts } from './recorded_facts.ts'

const facts = recordedFacts(fromJson(readFileSync(join(import.meta.dirname, 'testdata/facts-6.12.json'), 'utf8')))

function filterOf(call: string, type: string, operator: string, values: readonly string[]) {
  const { plans, errors } = planText(
    't',
    `
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: t}
spec:
  kprobes:
  - call: ${call}
    syscall: ${call.startsWith('sys_')}
    args: [{index: 0, type: ${type}}]
    selectors: [{matchArgs: [{index: 0, operator: ${operator}, values: ${JSON.stringify(values)}}]}]
`,
    facts,
  )
  expect(errors).toEqual([])
  const hook = plans[0]!.hooks[0]!
  const filter = hook.config.filters[0]!
  return { filter, set: hook.sets[filter.set - 1] }
}

// FILTER_FLAG_SET comes first in filter_value() and means the map of values: with it no range ever matched.
for (const operator of ['InMap', 'NotInMap', 'InRange', 'NotInRange']) {
  test(`${operator} of more ranges than stand in a filter asks the map of ranges`, () => {
    const values = operator.endsWith('Map') ? ['1', '3', '5', '7', '10:12'] : ['1:1', '3:3', '5:5', '7:7', '10:12']
    const { filter, set } = filterOf('sys_lseek', 'int', operator, values)
    expect(filter.operator).toBe(FILTER_OPERATOR.RANGES)
    expect(filter.flags).toBe(operator.startsWith('Not') ? FILTER_FLAG.NEGATE : 0)
    expect(set?.map).toBe('ranges')
    expect(set?.values.length).toBe(5)
  })
}

test('ports beyond those of a filter keep their operator and say that they are a set', () => {
  const { filter, set } = filterOf('tcp_connect', 'sock', 'DPort', ['1', '3', '5', '7', '9'])
  expect(filter.operator).toBe(FILTER_OPERATOR.DESTINATION_PORT)
  expect(filter.flags).toBe(FILTER_FLAG.SET)
  expect(set?.map).toBe('ranges')
})

test('Equal of size_t takes -1 for 64 bits of ones', () => {
  expect(filterOf('sys_lseek', 'size_t', 'Equal', ['-1', '1_000']).filter.values).toEqual([2n ** 64n - 1n, 1000n])
})
