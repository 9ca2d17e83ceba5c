/** Every way around the shipped policies that is known (tests/bypass), with its expected end on this kernel. Long: minutes in a guest. */
import { afterAll, expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { CASES } from '../bypass/all.ts'
import { type Case, expected, KERNELS, POLICY } from '../bypass/case.ts'
import { CONNECT_CASES } from '../bypass/connect.ts'
import { EXEC_CASES } from '../bypass/exec.ts'
import { FILE_CASES } from '../bypass/file.ts'
import { PROCESS_CASES } from '../bypass/process.ts'
import { BypassRun, type Result } from '../bypass/run.ts'
import { NO_REFUSING } from './enforce.ts'
import { testWhere } from './need.ts'

const release = os.release()
const kernel = KERNELS.find((each) => release.startsWith(`${each}.`))
const missing = NO_REFUSING ?? (kernel === undefined ? `expectations for ${release}` : undefined)
/** Some of them, by a pattern on ids; then policies that none of them needs are left out. */
const some = process.env['THUMP_BYPASS_ONLY']
const only = new RegExp(some ?? '')
const chosen = CASES.filter(({ id }) => only.test(id))
const NEEDED = new Set(chosen.flatMap(({ goal, tells }) => [POLICY[goal], ...(tells ?? [])]))
/** Loading takes two seconds per hook in an emulated guest that shares its machine. */
const LONG_MS = 600_000
/** Where results are written for scripts/bypasses.ts. */
const out = process.env['THUMP_BYPASS_OUT']

const results: Result[] = []
let run: BypassRun | undefined
afterAll(async () => {
  await run?.[Symbol.asyncDispose]()
  if (out === undefined) return
  const verdicts = Object.fromEntries(results.map(({ id, verdict }) => [id, verdict]))
  fs.writeFileSync(path.join(out, `${kernel}.json`), `${JSON.stringify({ release, verdicts }, null, 2)}\n`)
})

testWhere(missing, 'every shipped policy is loaded', async () => {
  run = new BypassRun()
  await run.start()
  const refused: string[] = []
  for (const name of fs.readdirSync('policies').sort()) {
    if (some !== undefined && !NEEDED.has(name.replace('.yaml', ''))) continue
    try {
      const { load_ms } = await run.load(`policies/${name}`)
      console.log(`${name}: ${Math.round(load_ms)} ms`)
    } catch (error) {
      refused.push(`${name}: ${error}`)
    }
  }
  expect(refused).toEqual([])
}, LONG_MS)

async function tryAll(cases: readonly Case[]): Promise<void> {
  const mine = cases.filter((each) => chosen.includes(each))
  const found = await run!.runAll(mine)
  results.push(...found)
  // Also here, for a guest that does not get to its end.
  console.log(JSON.stringify(Object.fromEntries(found.map(({ id, verdict }) => [id, verdict]))))
  const wrong = found.flatMap(({ id, verdict, story }, i) => {
    const wanted = expected(mine[i]!, kernel!)
    return verdict === wanted ? [] : [`${id}: ${verdict}, expected ${wanted}. ${story}`]
  })
  console.log(`${found.length} ways tried, ${found.filter(({ verdict }) => verdict === 'prevented').length} prevented`)
  expect(wrong).toEqual([])
}

testWhere(missing, 'ways around protect-etc', () => tryAll(FILE_CASES), LONG_MS)
testWhere(missing, 'ways around protect-exec', () => tryAll(EXEC_CASES), LONG_MS)
testWhere(missing, 'ways around protect-egress', () => tryAll(CONNECT_CASES), LONG_MS)
testWhere(missing, 'ways by other processes, floods, changes and exhaustion', () => tryAll(PROCESS_CASES), LONG_MS)
