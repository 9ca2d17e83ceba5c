/**
 * ./thump test: every test there is: pure ones, kernel tests on this kernel and in guests, golden cases where the golden kit is.
 * Each suite ends with its own line of counts; the last line sums them up.
 */
import { release } from 'node:os'
import { goldenKit, kitCommand } from './conformance.ts'
import { testCluster } from './kube_tests.ts'
import { buildForGuests, type GuestRun, testGuests } from './guest_tests.ts'
import {
  addTally,
  emptyTally,
  formatTally,
  kernelTestFiles,
  mountTracing,
  ROOT,
  runFiles,
  runTests,
  type Tally,
} from './suite.ts'

/** Seconds for one test: pure ones, kernel tests. */
const PURE_SECONDS_MAX = 60
const KERNEL_SECONDS_MAX = 300
const JOBS = 2
/** A file with a failed test runs once more. */
const ATTEMPTS = 2

/** What of the golden cases is done, by kernel; grows with the agent until it is all groups. */
const GOLDEN: readonly (readonly [kernel: string, only: string])[] = [
  ['6.12', '^exec(-full)?/'],
  // On 6.1 `unshare -T PROGRAM` leaves PROGRAM in its old time namespace, which exec enters since 6.3 (kernel commit 2b5f9dad32ed).
  ['6.1', '^exec/|^exec-full/(?!14-unshare$)'],
]

/**
 * Kernel tests that guests run here, by name of file. What does not depend on the kernel (doors, streams, files) runs on this
 * machine's kernel alone; `bun run test:guest` runs everything everywhere. Ways around policies (`--only bypass`) and the
 * effect of each hook (`--only effect`) are runs of their own: their results are kept in docs/bypasses.md and src/policy/effect.ts.
 */
const BASE = '^(ffi|hook_family|lifecycle|path|start|storm|throttle)'
const GUESTS: readonly GuestRun[] = [
  // The longest first, so that no core waits at the end.
  { kernel: '6.12', only: '^(container_(runc|cri)|enforce|hook(?!_family)|integrity|protect|survive)' },
  // The one of these kernels that preempts as it is started.
  { kernel: '7.2', only: `${BASE}|^(enforce_(crowd|guard|prevent)|hook_data|policy_reload)` },
  { kernel: '6.12', only: BASE },
  { kernel: '5.10', only: BASE },
  // What a program names and an older kernel lacks must load with the DaemonSet's capabilities, too.
  { kernel: '6.1', only: BASE.replace(')', '|privilege)') },
  // Short forms of what scripts/{many,random,reload}_policies.ts do at length.
  { kernel: '6.12', only: '^policy_(many|random|reload)' },
]

const lines: string[] = []
const sum = emptyTally()

function record(name: string, tally: Tally): void {
  addTally(sum, tally)
  lines.push(formatTally(name, tally))
  console.log(formatTally(name, tally))
}

/** Runs the tidiness checks that are no tests: format, lint, types. */
async function runChecks(): Promise<Tally> {
  const child = Bun.spawn([process.execPath, 'scripts/ok.ts', '--no-tests'], {
    cwd: ROOT,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  return { ...emptyTally(), ...(await child.exited === 0 ? { passed: 1 } : { failed: 1, failures: ['scripts/ok.ts'] }) }
}

/** Runs golden cases and takes the kit's own counts. */
async function runGolden(kit: string, kernel: string, only: string): Promise<Tally> {
  const { command, env } = kitCommand(kit, ['--kernel', kernel, '--only', only, '--jobs', String(JOBS), '--quiet'])
  const child = Bun.spawn(command, { env, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' })
  const text = await new Response(child.stdout).text()
  process.stdout.write(text)
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(text.trimEnd().split('\n').at(-1) ?? '')
  return {
    ...emptyTally(),
    passed: Number(counts?.[1] ?? 0),
    failed: Number(counts?.[2] ?? 1),
    failures: [...text.matchAll(/^FAIL (\S+)/gm)].map((match) => `${match[1]} on ${kernel}`),
  }
}

process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))
const start = performance.now()
buildForGuests()
record('checks', await runChecks())
record('pure tests', await runTests([], PURE_SECONDS_MAX))
if (process.getuid?.() === 0) {
  mountTracing()
  record(`kernel ${release()}`, await runFiles(kernelTestFiles(), KERNEL_SECONDS_MAX, ATTEMPTS))
  record('kubernetes and image', await testCluster())
} else {
  console.error('not root: the kernel tests run in the guests only')
}
for (const [index, tally] of (await testGuests(GUESTS, JOBS)).entries()) {
  const { kernel, only } = GUESTS[index]!
  record(`guest ${kernel} ${only}`, tally)
}
const kit = goldenKit()
if (kit) {
  for (const [kernel, only] of GOLDEN) record(`golden cases ${only} on ${kernel}`, await runGolden(kit, kernel, only))
}

console.log(`\n${lines.join('\n')}\n${((performance.now() - start) / 60_000).toFixed(1)} minutes`)
console.log(`${sum.passed} passed, ${sum.failed} failed`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
