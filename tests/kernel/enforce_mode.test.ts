/** Enforce and monitor change places under load: each operation is wholly in one of them, and its event says in which. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { TestAgent } from './agent.ts'
import { attempt, call, formOf, NO_REFUSING, policyOf, SWITCHES, tellsOf } from './enforce.ts'
import { testWhere } from './need.ts'

/** Of one round of load; rounds go on until all switches are done. */
const OPERATIONS = 200
const LETTER: Readonly<Record<string, string>> = { prevented: 'r', monitored: 'd' }
const FILE = '/tmp/thump-enforce-mode'

const POLICY = policyOf(
  'switched',
  `  kprobes:
  - call: security_file_permission
    syscall: false
    args:
    - {index: 0, type: file}
    - {index: 1, type: int}
    selectors:
    - matchArgs:
      - {index: 0, operator: Equal, values: ["${FILE}"]}
      - {index: 1, operator: Equal, values: ["2"]}
      matchActions:
      - {action: Override, argError: -1}
`,
)

async function switchAll(agent: TestAgent): Promise<void> {
  for (let i = 0; i < SWITCHES; i++) {
    await call(agent, 'PATCH', '/v1/policies/switched', JSON.stringify({ mode: i % 2 === 0 ? 'enforce' : 'monitor' }))
  }
}

testWhere(
  NO_REFUSING,
  'a policy switched between monitor and enforce under load tells of each operation what became of it',
  async () => {
    fs.writeFileSync(FILE, 'x')
    await using agent = await TestAgent.start()
    await call(agent, 'POST', '/v1/policies', POLICY)
    await call(agent, 'PATCH', '/v1/policies/switched', '{"mode":"monitor"}')
    const from = agent.events.length
    let switching = true
    const flips = switchAll(agent).finally(() => switching = false)
    const workers = new Map<number, string>()
    while (switching) {
      const found = await attempt({
        how: 'loop',
        operation: 'in-place',
        target: FILE,
        count: OPERATIONS,
        workers: 2,
        pause_us: 5000,
      })
      for (const [pid, outcomes] of found.workers) workers.set(pid, outcomes)
    }
    await flips
    const all = [...workers.values()].join('')
    const tells = await tellsOf(agent, 'switched', from, (found) => found.length >= all.length)
    expect(tells.length).toBe(all.length)
    for (const [pid, outcomes] of workers) {
      const mine = tells.filter((each) => each.pid === pid)
      expect(mine.map(({ verdict }) => LETTER[verdict] ?? verdict).join('')).toBe(outcomes)
    }
    const changes = [...workers.values()].join('|').match(/dr|rd/g)?.length ?? 0
    const refused = all.replaceAll('d', '').length
    console.log(
      `${SWITCHES} switches: ${all.length - refused} done, ${refused} refused, ${changes} changes inside a process (${
        formOf(SWITCHES)
      })`,
    )
    expect(changes).toBeGreaterThan(1)
    await agent.requireNoLoss()
  },
)

testWhere(
  NO_REFUSING,
  'a policy that is switched off is silent and lets pass, and is there again at once',
  async () => {
    fs.writeFileSync(FILE, 'x')
    await using agent = await TestAgent.start()
    await call(agent, 'POST', '/v1/policies', POLICY)
    const options = { how: 'loop', operation: 'in-place', target: FILE, count: 10, workers: 1 } as const
    const start = agent.events.length
    expect((await attempt(options)).count).toEqual({ r: 10 })
    // All of these must have come before the ones of the next rounds are counted.
    expect(await tellsOf(agent, 'switched', start, (found) => found.length >= 10)).toHaveLength(10)
    await call(agent, 'PATCH', '/v1/policies/switched', '{"enabled":false}')
    const from = agent.events.length
    expect((await attempt(options)).count).toEqual({ d: 10 })
    await call(agent, 'PATCH', '/v1/policies/switched', '{"enabled":true}')
    expect((await attempt(options)).count).toEqual({ r: 10 })
    const tells = await tellsOf(agent, 'switched', from, (found) => found.length >= 10)
    expect(tells.map((each) => each.verdict)).toEqual(Array(10).fill('prevented'))
  },
)
