/** Prevention where tasks interrupt each other inside of the hook's program: nobody gets through. */
import { expect } from 'bun:test'
import { TestAgent } from './agent.ts'
import { call, NO_REFUSING, policyOf } from './enforce.ts'
import { testWhere } from './need.ts'

const WORKERS = 64
const SECONDS = 5

async function crowd(): Promise<{ tried: number; done: number }> {
  const child = Bun.spawn(['build/program/crowd', String(WORKERS), String(SECONDS)], { stdout: 'pipe' })
  const [tried, done] = (await new Response(child.stdout).text()).trim().split(' ').map(Number)
  expect(await child.exited).toBe(0)
  return { tried: tried!, done: done! }
}

interface State {
  readonly hooks: readonly { readonly attach: readonly string[]; readonly verdict: string }[]
  readonly recursion_misses: number
  readonly lost: number
}

/** Refuses packet sockets by `actions`. */
function policy(actions: string): string {
  return policyOf(
    'crowd',
    `  kprobes:
  - call: security_socket_create
    syscall: false
    args:
    - {index: 0, type: int}
    selectors:
    - matchArgs:
      - {args: [0], operator: Equal, values: ["17"]}
      matchActions:
${actions}`,
  )
}

testWhere(
  NO_REFUSING,
  `${WORKERS} processes of one CPU are refused each time, and each attempt is counted`,
  async () => {
    const before = await crowd()
    expect(before.done).toBe(before.tried)
    await using agent = await TestAgent.start()
    await call(
      agent,
      'POST',
      '/v1/policies',
      policy('      - {action: Override, argError: -1}\n      - {action: NoPost}\n'),
    )
    const after = await crowd()
    const state = await call(agent, 'GET', '/v1/policies/crowd') as State
    const [hook] = state.hooks
    console.log(
      `${after.tried} attempts, ${after.done} got through; ${
        hook!.attach.join()
      }: ${state.recursion_misses} runs left out, ${state.lost} lost`,
    )
    expect(hook!.verdict).toBe('prevents')
    expect(after.tried).toBeGreaterThan(WORKERS)
    expect({ done: after.done, recursion_misses: state.recursion_misses, lost: state.lost }).toEqual({
      done: 0,
      recursion_misses: 0,
      lost: 0,
    })
  },
)

testWhere(NO_REFUSING, 'a flood of refusals hides no process', async () => {
  await using agent = await TestAgent.start(['--rb-reserved-size', '256K', '--rb-size-total', '1M'])
  await call(agent, 'POST', '/v1/policies', policy('      - {action: Override, argError: -1}\n'))
  const { done } = await crowd()
  expect(done).toBe(0)
  const child = Bun.spawn(['true'])
  await child.exited
  await agent.waitFor(({ kind, process }) => kind === 'process_exit' && process?.pid === child.pid, 100_000)
  const { rows } = await agent.loss()
  const lost = (each: string) =>
    rows.filter(({ where, kind }) => where === 'kernel reserved' && kind === each).flatMap((row) =>
      Object.values(row.lost)
    )
  const lifecycle = [...lost('exec'), ...lost('fork'), ...lost('exit')].reduce((sum, count) => sum + count, 0)
  const refusals = rows.filter(({ where, kind }) => where.startsWith('kernel ') && kind === 'hook')
  console.log(refusals.map((row) => `${row.where}: ${row.total} refusals, ${row.passed} passed`).join('; '))
  // There is more than both rings hold, or nothing was shown.
  expect(refusals.reduce((sum, row) => sum + row.total - row.passed, 0)).toBeGreaterThan(0)
  expect(lifecycle).toBe(0)
})
