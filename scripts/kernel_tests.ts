/** bun run test:kernel [--only REGEX]: runs tests/kernel on the kernel that is running, as root; ends with one line of counts. */
import { release } from 'node:os'
import { parseArgs } from 'node:util'
import { addTally, emptyTally, formatTally, kernelTestFiles, mountTracing, runTests } from './suite.ts'

/** A test may take this long: in an emulated guest everything is ten times slower. */
const TEST_SECONDS_MAX = 120

const { values } = parseArgs({ options: { only: { type: 'string' } } })
if (process.getuid?.() !== 0) {
  console.error('Cannot run the kernel tests: they load BPF programs, so run them as root')
  process.exit(3)
}
mountTracing()
const sum = emptyTally()
for (const file of kernelTestFiles(values.only)) addTally(sum, await runTests([file], TEST_SECONDS_MAX))
console.log(formatTally(`kernel ${release()}`, sum))
process.exitCode = sum.failed > 0 ? 1 : 0
