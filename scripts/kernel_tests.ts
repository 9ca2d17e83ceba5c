/**
 * bun run test:kernel [--only REGEX] [--attempts 1]: runs tests/kernel on the kernel that is running, as root; ends with one
 * line of counts. With two attempts a file in which a test failed runs once more, and says so.
 */
import { release } from 'node:os'
import { parseArgs } from 'node:util'
import { formatTally, kernelTestFiles, mountTracing, runFiles } from './suite.ts'

/** A test may take this long: in an emulated guest everything is ten times slower. */
const TEST_SECONDS_MAX = 300

const { values } = parseArgs({ options: { only: { type: 'string' }, attempts: { type: 'string', default: '1' } } })
if (process.getuid?.() !== 0) {
  console.error('Cannot run the kernel tests: they load BPF programs, so run them as root')
  process.exit(3)
}
mountTracing()
const sum = await runFiles(kernelTestFiles(values.only), TEST_SECONDS_MAX, Number(values.attempts))
console.log(formatTally(`kernel ${release()}`, sum))
process.exitCode = sum.failed > 0 ? 1 : 0
