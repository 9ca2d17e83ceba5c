/**
 * bun run test:kube [--only REGEX]: tests/cluster, as root: agents against a real Kubernetes API server and on a whole node, the container image,
 * a fresh Debian.
 * Ends with one line of counts.
 * What of Kubernetes is not in the cache is built first (scripts/kubernetes.ts).
 */
import { parseArgs } from 'node:util'
import { buildComponents, builtComponent, clusterTools, COMPONENTS } from './kubernetes.ts'
import { formatTally, ROOT, runFiles, type Tally, testFiles } from './suite.ts'

/** A test starts a server, several agents and containers. */
const TEST_SECONDS_MAX = 600
/** On a crowded machine a server now and then stops for seconds. */
const ATTEMPTS = 2

export async function testCluster(only?: string): Promise<Tally> {
  const missing = COMPONENTS.filter((name) => builtComponent(name) === undefined)
  console.error(
    missing.length === 0
      ? 'kubernetes: as cached'
      : `kubernetes: not in the cache: ${missing.join(', ')}; building from source, some ${
        4 + missing.length
      } minutes of CPU`,
  )
  await buildComponents(COMPONENTS)
  clusterTools()
  return await runFiles(testFiles('tests/cluster', only), TEST_SECONDS_MAX, ATTEMPTS)
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { only: { type: 'string' } } })
  if (process.getuid?.() !== 0) {
    console.error('Cannot run the tests of Kubernetes: agents load BPF programs, so run them as root')
    process.exit(3)
  }
  for (const script of ['scripts/bpf.ts', 'scripts/programs.ts']) {
    const built = Bun.spawnSync([process.execPath, script], { cwd: ROOT, stdout: 'inherit', stderr: 'inherit' })
    if (built.exitCode !== 0) process.exit(1)
  }
  const sum = await testCluster(values.only)
  console.log(formatTally('kubernetes', sum))
  console.log(`${sum.passed} passed, ${sum.failed} failed`)
  process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
}
