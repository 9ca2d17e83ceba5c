import { expect, test } from 'bun:test'
import { parsePolicies } from '../../src/policy/parse.ts'
import { findSlot, type HookKind, newDraft } from '../../src/policy/draft.ts'
import { Report } from '../../src/policy/error.ts'
import { slotsOf } from '../../src/policy/slot.ts'

/** Position in its list that `index` of a filter means; -1: none. */
function meant(section: string, kind: HookKind, list: 'args' | 'data', index: number): number {
  const { policies, errors } = parsePolicies(
    't',
    `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: t}\nspec: {${section}}\n`,
  )
  expect(errors).toEqual([])
  const { kprobes, tracepoints } = policies[0]!.policy.spec
  const report = new Report()
  const context = { report, lists: [], workloads: [], host_namespaces: null, listIds: () => [] }
  const draft = newDraft(context, kind, [], slotsOf([...kprobes, ...tracepoints][0]!, kind, [], report))
  const place = findSlot(draft, list, index, [])
  return place < 0 ? -1 : draft.slots[place]!.position
}

const FIELDS = 'args: [{index: 2, type: int}, {index: 4, type: int}]'

test('findSlot() takes the index of a parameter for that, in tracepoints also the position', () => {
  const kprobe = `kprobes: [{call: f, syscall: false, ${FIELDS}}]`
  expect([4, 1].map((index) => meant(kprobe, 'kprobe', 'args', index))).toEqual([1, -1])
  for (const [kind, raw] of [['tracepoint', false], ['raw_tracepoint', true]] as const) {
    const hook = `tracepoints: [{subsystem: a, event: b, raw: ${raw}, ${FIELDS}}]`
    expect([2, 4, 0, 1].map((index) => meant(hook, kind, 'args', index))).toEqual([0, 1, 0, 1])
  }
})

test('findSlot() takes the index of data for the position', () => {
  const data = ['tgid', 'pid'].map((resolve, i) => `{index: ${1 - i}, source: current_task, resolve: ${resolve}}`)
  const hook = `kprobes: [{call: f, syscall: false, data: [${data.join()}]}]`
  expect([0, 1, 2].map((index) => meant(hook, 'kprobe', 'data', index))).toEqual([0, 1, -1])
})
