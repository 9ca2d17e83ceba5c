import { expect, test } from 'bun:test'
import { parsePolicies } from '../../src/policy/parse.ts'

/** Messages about a hook with these selectors; the macro `here` has matchWorkloads, `paths` has none. */
function messages(selectors: string): { errors: string[]; warnings: string[] } {
  const { errors, warnings } = parsePolicies(
    't',
    `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: t}
spec:
  selectorsMacros:
    here:
      matchWorkloads: {hostSelector: {}}
      matchBinaries: [{operator: In, values: [/bin/a]}]
    killing:
      matchActions: [{action: Sigkill}]
  kprobes:
  - call: f
    syscall: false
    selectors: [${selectors}]
`,
  )
  return { errors: errors.map(({ message }) => message), warnings: warnings.map(({ message }) => message) }
}

test('matchWorkloads of a macro is ignored with a warning', () => {
  expect(messages('{macros: [here]}')).toEqual({
    errors: [],
    warnings: ['Macro "here" has matchWorkloads, which is ignored, as in Tetragon: only selectors can have it'],
  })
})

test('matchWorkloads of a macro is refused where the hook enforces', () => {
  const want = ['Macro "here" has matchWorkloads in a hook that enforces']
  for (
    const selectors of [
      '{macros: [here], matchActions: [{action: Sigkill}]}',
      '{macros: [here, killing]}',
      '{macros: [here]}, {macros: [killing]}',
    ]
  ) {
    const { errors } = messages(selectors)
    expect([selectors, errors.map((each) => each.split(':')[0])]).toEqual([selectors, want])
  }
  expect(messages('{macros: [killing], matchPIDs: [{operator: In, values: [7]}]}').errors).toEqual([])
})
