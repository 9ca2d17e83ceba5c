/** --keep-sensors-on-exit: of all attempts across `kill -9` of the agent and the next start none comes through. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { keptPolicies, removePinned } from '../../src/kernel/pins.ts'
import { TestAgent } from './agent.ts'
import { attempt, call, COUNT, formOf, NO_REFUSING, policyOf } from './enforce.ts'
import { testWhere } from './need.ts'

const FILE = '/etc/thump-kept'
const CONTENT = 'not to be changed\n'
/** Of one round; rounds go on until the next agent has the policy, and all are done. */
const ROUND = 100

const POLICY = policyOf(
  'kept-prevents',
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
      - action: Sigkill
`,
)

testWhere(
  NO_REFUSING,
  'a kept policy lets nothing pass while its agent is killed and the next one starts',
  async () => {
    const mine = () => keptPolicies().filter(({ policy }) => policy === 'kept-prevents')
    for (const kept of mine()) removePinned(kept)
    fs.writeFileSync(FILE, CONTENT)
    const first = await TestAgent.start(['--keep-sensors-on-exit'])
    await call(first, 'POST', '/v1/policies', POLICY)
    let [attempts, during, restarting] = [0, 0, true]
    const restart = (async () => {
      await Bun.sleep(500)
      await first.stop('SIGKILL')
      const second = await TestAgent.start(['--keep-sensors-on-exit'])
      await call(second, 'POST', '/v1/policies', POLICY)
      return second
    })().finally(() => restarting = false)
    while (restarting || attempts < COUNT) {
      if (restarting) during += ROUND
      const { count } = await attempt({
        how: 'fork',
        operation: 'in-place',
        target: FILE,
        count: ROUND,
        workers: 2,
        pause_us: 5000,
      })
      expect(count).toEqual({ k: ROUND })
      attempts += ROUND
    }
    await using second = await restart
    console.log(`${attempts} attempts, ${during} of them across kill -9 and the next start (${formOf(COUNT)})`)
    expect(fs.readFileSync(FILE, 'utf8')).toBe(CONTENT)
    await call(second, 'DELETE', '/v1/policies/kept-prevents')
    fs.writeFileSync(FILE, 'may be changed\n')
    await second.stop()
    await first[Symbol.asyncDispose]()
    expect(mine()).toEqual([])
    fs.rmSync(FILE)
  },
)
