/** Operators that search and reckon: SubString on whatever kernel, CelExpr. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import path from 'node:path'
import { TestAgent } from './agent.ts'
import { hookBodies, loadPolicy, policyYaml, unloadPolicy } from './policy.ts'

const CALLS = path.resolve('build/program/hook_calls')
let agent: TestAgent

beforeAll(async () => {
  agent = await TestAgent.start()
})

afterAll(async () => await agent[Symbol.asyncDispose]())

function open(operator: string, values: readonly string[]): string {
  return `
kprobes:
- call: sys_openat
  syscall: true
  args:
  - {index: 1, type: string}
  selectors:
  - matchBinaries:
    - {operator: In, values: [${CALLS}]}
    matchArgs:
    - {index: 1, operator: ${operator}, values: ${JSON.stringify(values)}}
`
}

async function opened(spec: string, paths: readonly string[]): Promise<unknown[]> {
  await loadPolicy(agent, policyYaml('search', spec))
  const events = await agent.run([CALLS, ...paths.flatMap((name) => ['open', name])])
  await unloadPolicy(agent, 'search')
  return hookBodies(events, 'search').map(({ args }) => (args as { string_arg: string }[])[0]?.string_arg)
}

const LONG = `/nowhere/${'x'.repeat(3000)}/needle/${'y'.repeat(900)}`

test('SubString finds text anywhere, at the ends of long paths as well, and nothing else', async () => {
  const paths = [
    '/nowhere/needle',
    'needle',
    '/nowhere/Needle',
    '/nowhere/needl',
    '/nowhere/need/le',
    LONG,
    '/x',
    'other-x',
  ]
  expect(await opened(open('SubString', ['needle', 'other-']), paths)).toEqual([
    '/nowhere/needle',
    'needle',
    LONG,
    'other-x',
  ])
})

test('SubStringIgnCase does not mind letters', async () => {
  const paths = ['/nowhere/NEEDLE', '/nowhere/NeEdLe', '/nowhere/needle', '/nowhere/NEED LE', '/nowhere/n33dle']
  expect(await opened(open('SubStringIgnCase', ['nEEdle']), paths)).toEqual(paths.slice(0, 3))
})

function cel(expression: string): string {
  return `
kprobes:
- call: sys_lseek
  syscall: true
  args:
  - {index: 0, type: int}
  - {index: 1, type: int64}
  - {index: 2, type: uint32}
  selectors:
  - matchBinaries:
    - {operator: In, values: [${CALLS}]}
    matchArgs:
    - {index: 0, operator: CelExpr, values: [${JSON.stringify(expression)}]}
`
}

const SEEKS: readonly (readonly [string, string])[] = [['-7', '1'], ['0', '1'], ['7', '1'], ['7', '9'], [
  '100',
  '4294967295',
]]
const EXPRESSIONS: readonly (readonly [string, readonly number[]])[] = [
  ['arg1 > 0', [2, 3, 4]],
  ['arg1 < 0 || arg2 == uint32(9)', [0, 3]],
  ['arg1 + 7 == 0', [0]],
  ['!(arg1 == 7)', [0, 1, 4]],
  ['arg2 > uint32(9) && arg1 >= 100', [4]],
  ['arg0 == int32(-1) && arg1 - 7 == 0', [2, 3]],
]

for (const [expression, want] of EXPRESSIONS) {
  test(`CelExpr ${expression}`, async () => {
    await loadPolicy(agent, policyYaml('cel', cel(expression)))
    const events = await agent.run([CALLS, ...SEEKS.flatMap(([offset, whence]) => ['lseek', offset, whence])])
    await unloadPolicy(agent, 'cel')
    const found = hookBodies(events, 'cel').map(({ args }) => {
      const [, offset, whence] = args as { long_arg?: string; uint_arg?: number }[]
      return SEEKS.findIndex(([first, second]) => first === offset?.long_arg && Number(second) === whence?.uint_arg)
    })
    expect(found).toEqual([...want])
  })
}
