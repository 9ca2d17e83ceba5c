import { describe, expect, test } from 'bun:test'
import { parsePolicies } from '../../src/policy/parse.ts'

const HEAD = 'apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: t}\nspec:\n  kprobes:\n'

/** One hook, or its mistakes with their places. */
function read(keys: string) {
  const { policies, errors } = parsePolicies('t', `${HEAD}  - {call: f, ${keys}}\n`)
  const mistakes = errors.map(({ line, column, message }) => `${line}:${column} ${message}`)
  return { mistakes, hook: policies[0]?.policy.spec.kprobes[0] }
}

describe('scalars without quotes are those of YAML 1.1, as Kubernetes reads them', () => {
  const argument = (index: string) => read(`syscall: false, args: [{index: ${index}, type: int}]`)
  const numbers = {
    '012': 10,
    '+012': 10,
    '0o12': 10,
    '0b101': 5,
    '1_0': 10,
    '0_12': 10,
    '0X1f': 31,
    '0x_1': 1,
    '09': 9,
  }
  for (const [text, want] of Object.entries(numbers)) {
    test(`${text} is ${want}`, () => expect(argument(text).hook?.args[0]?.index).toBe(want))
  }

  const flags = { y: true, Yes: true, ON: true, n: false, no: false, Off: false }
  for (const [text, want] of Object.entries(flags)) {
    test(`${text} is ${want}`, () => expect(read(`syscall: ${text}`).hook?.syscall).toBe(want))
  }

  test('in quotes they are text, and so is what that language does not know', () => {
    expect(argument('"012"').mistakes).toEqual(['6:46 Invalid index "012": is text, want an integer'])
    expect(argument("'1_0'").mistakes).toEqual(['6:46 Invalid index "1_0": is text, want an integer'])
    expect(argument('0b12').mistakes).toEqual(['6:46 Invalid index "0b12": is text, want an integer'])
    expect(read('syscall: "yes"').mistakes).toEqual(['6:24 Invalid syscall "yes": is text, want true or false'])
    expect(read('syscall: yEs').mistakes).toEqual(['6:24 Invalid syscall "yEs": is text, want true or false'])
  })

  test('where text is wanted, what is written stays', () => {
    const { hook } = read('syscall: false, message: yes, tags: [1_000, 0b11, off]')
    expect([hook?.message, hook?.tags]).toEqual(['yes', ['1_000', '0b11', 'off']])
    expect(read('syscall: false, message: 1000').mistakes).toEqual([
      '6:40 Invalid message 1000: is a number, want text (quote it)',
    ])
  })

  test('an alias is what its anchor is', () => {
    const { mistakes, hook } = read('syscall: false, args: [{index: &i 1_0, type: int}, {index: *i, type: int}]')
    expect([mistakes, hook?.args.map(({ index }) => index)]).toEqual([[], [10, 10]])
    expect(read('message: &m "1_0", args: [{index: *m, type: int}]').mistakes.length).toBe(1)
  })
})
