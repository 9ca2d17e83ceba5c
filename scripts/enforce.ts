/**
 * bun scripts/enforce.ts [COUNT] [WHAT]...: enforcement at length, as root: COUNT (1000) times each
 *   tutorials   writes below /etc and connections to elsewhere that are refused, with `Sigkill`
 *   modes       switches between monitor and enforce under load
 *   kept        attempts across `kill -9` of the agent and its next start, with --keep-sensors-on-exit
 * The tests of that name in tests/kernel do the same in a short form.
 */
import { ROOT } from './suite.ts'

const FILES: Readonly<Record<string, string>> = {
  tutorials: 'enforce_prevent',
  modes: 'enforce_mode',
  kept: 'survive_prevent',
}
/** A thousand of each in an emulated guest. */
const TEST_MS = 20 * 60_000

const [count = '1000', ...wanted] = process.argv.slice(2)
const names = wanted.length > 0 ? wanted : Object.keys(FILES)
const unknown = names.find((name) => !(name in FILES))
if (unknown !== undefined || !(Number(count) > 0)) {
  console.error(`Cannot run ${unknown ?? `"${count}"`} at length: want a count, and ${Object.keys(FILES).join(', ')}`)
  process.exit(2)
}
let failed = false
for (const name of names) {
  const file = `./tests/kernel/${FILES[name]}.test.ts`
  console.log(`${name}, ${count} times`)
  const child = Bun.spawn([process.execPath, 'test', '--path-ignore-patterns', '-', `--timeout=${TEST_MS}`, file], {
    cwd: ROOT,
    env: { ...process.env, THUMP_ENFORCE_COUNT: count },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  failed = await child.exited !== 0 || failed
}
process.exitCode = failed ? 1 : 0
