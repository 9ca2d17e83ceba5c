/**
 * bun run test:guest [KERNEL]... [--only REGEX] [--jobs 2]: runs tests/kernel in a guest of each kernel, two guests at a time,
 * and ends with a line of counts per kernel.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runInGuest } from './guest.ts'
import { emptyTally, formatTally, kernelTestFiles, parseTally, ROOT, type Tally } from './suite.ts'
import { KERNELS } from './vm.ts'

/** Seconds for the whole suite in one guest. */
const GUEST_SECONDS_MAX = 2400
/** Memory of a guest: the largest tests hold rings, caches and a Bun per agent. */
const GUEST_MEMORY_MIB = 4096

/** What single files of tests need in the guest beside the usual: it is large, and every start would pay for it. */
const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map([['/container_cri.', ['containerd']]])

/** Runs the suite on one kernel. Output lines are passed to stderr behind the kernel's name. */
async function testKernel(kernel: string, only: string | undefined): Promise<Tally> {
  let text = ''
  const show = prefixLines(`[${kernel}] `)
  const status = await runInGuest({
    kernel,
    command: ['bun', 'scripts/kernel_tests.ts', '--attempts', '2', ...(only ? ['--only', only] : [])],
    timeout_seconds: GUEST_SECONDS_MAX,
    memory_mib: GUEST_MEMORY_MIB,
    environment: [],
    packages: [...PACKAGES].filter(([file]) => kernelTestFiles(only).some((name) => name.includes(file))).flatMap((
      [, names],
    ) => names),
    onStdout: (bytes) => text += new TextDecoder().decode(bytes),
    onStderr: show,
    onRetry: (reason) => {
      text = ''
      console.error(`[${kernel}] ${reason}`)
    },
  })
  const tally = parseTally(text)
  if (tally && (status === 0) === (tally.failed === 0)) return tally
  console.error(`[${kernel}] the guest ended with status ${status} and no counts`)
  return { ...emptyTally(), failed: 1, failures: [`guest ${kernel}: status ${status}`] }
}

function prefixLines(prefix: string): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder()
  let rest = ''
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) console.error(prefix + line)
  }
}

/** What the guests cannot build themselves: BPF objects and the programs that tests start. */
export function buildForGuests(): void {
  for (const script of ['scripts/bpf.ts', 'scripts/programs.ts']) {
    if (!existsSync(join(ROOT, script))) continue
    const built = Bun.spawnSync([process.execPath, script], { cwd: ROOT, stdout: 'inherit', stderr: 'inherit' })
    if (built.exitCode !== 0) {
      throw new Error(`Cannot build what the tests need: ${script} ended with status ${built.exitCode}`)
    }
  }
}

/** A run of the suite: the files whose name `only` matches, in a guest of `kernel`. */
export interface GuestRun {
  kernel: string
  only: string | undefined
}

/** Does the runs, at most `jobs` at a time; their counts come in the order of the runs. */
export async function testGuests(runs: readonly GuestRun[], jobs: number): Promise<Tally[]> {
  const empty = runs.find((run) => kernelTestFiles(run.only).length === 0)
  if (empty) throw new Error(`Cannot test: no file of tests/kernel matches ${empty.only}`)
  const tallies: Tally[] = []
  const waiting = [...runs.entries()]
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, run] = next
      tallies[index] = await testKernel(run.kernel, run.only)
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, runs.length) }, worker))
  return tallies
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, jobs: { type: 'string', default: '2' } },
  })
  const unknown = positionals.find((kernel) => !(kernel in KERNELS))
  if (unknown !== undefined) {
    console.error(`Cannot test on kernel "${unknown}": not one of ${Object.keys(KERNELS).join(', ')}`)
    process.exit(2)
  }
  process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))
  buildForGuests()
  const kernels = positionals.length > 0 ? positionals : Object.keys(KERNELS)
  const tallies = await testGuests(kernels.map((kernel) => ({ kernel, only: values.only })), Number(values.jobs))
  for (const [index, tally] of tallies.entries()) console.log(formatTally(kernels[index]!, tally))
  process.exitCode = tallies.some((tally) => tally.failed > 0) ? 1 : 0
}
