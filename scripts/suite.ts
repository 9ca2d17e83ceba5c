/** Runs files of tests with `bun test`, each in a process of its own, and counts what passed, failed and was skipped for which reason. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

const FAILED = 'FAILED: '
const REPEATED = 'PASSED AGAIN: '

export interface Tally {
  passed: number
  failed: number
  skipped: number
  /** Names of the tests that failed: file, then test. */
  failures: string[]
  /** Names of the tests that failed first and passed when their file ran again. */
  repeats: string[]
  /** Missing kernel fact to number of tests. */
  reasons: Map<string, number>
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: 0, failures: [], repeats: [], reasons: new Map() }
}

export function addTally(sum: Tally, more: Tally): void {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
  sum.failures.push(...more.failures)
  sum.repeats.push(...more.repeats)
  for (const [reason, count] of more.reasons) sum.reasons.set(reason, (sum.reasons.get(reason) ?? 0) + count)
}

/** A line `FAILED: file: test` per failure and `PASSED AGAIN: ...` per repeat, then `6.12: 40 passed, 0 failed, 2 skipped (no override: 2)`; parseTally() reads it back. */
export function formatTally(name: string, tally: Tally): string {
  const reasons = [...tally.reasons].map(([reason, count]) => `${reason}: ${count}`).join('; ')
  const names = [...tally.failures.map((test) => FAILED + test), ...tally.repeats.map((test) => REPEATED + test)]
  return `${
    names.map((line) => `${line}\n`).join('')
  }${name}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped${reasons ? ` (${reasons})` : ''}`
}

/** The counts at the end of what a run printed, if it came that far. */
export function parseTally(text: string): Tally | undefined {
  const lines = text.trimEnd().split('\n')
  const match = /: (\d+) passed, (\d+) failed, (\d+) skipped(?: \((.*)\))?$/.exec(lines.pop() ?? '')
  if (!match) return undefined
  const reasons = new Map<string, number>()
  for (const part of match[4]?.split('; ') ?? []) {
    const colon = part.lastIndexOf(': ')
    reasons.set(part.slice(0, colon), Number(part.slice(colon + 2)))
  }
  const named = (prefix: string) =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
  return {
    passed: Number(match[1]),
    failed: Number(match[2]),
    skipped: Number(match[3]),
    failures: named(FAILED),
    repeats: named(REPEATED),
    reasons,
  }
}

/** Files named *.test.ts below tests/kernel, in order of name; `only` matches their path. */
export function kernelTestFiles(only?: string): string[] {
  return testFiles('tests/kernel', only)
}

/** The same of another directory. */
export function testFiles(directory: string, only = ''): string[] {
  const pattern = new RegExp(only)
  const names = readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.test.ts') && pattern.test(name)).sort()
    .map((name) => `./${directory}/${name}`)
}

/** Mounts tracefs where an init system would have: without it the tests of tracepoints and probes have nothing to attach to. */
export function mountTracing(): void {
  const directory = '/sys/kernel/tracing'
  if (existsSync(`${directory}/events`) || !existsSync(directory)) return
  const result = Bun.spawnSync(['mount', '-t', 'tracefs', 'tracefs', directory], { stdout: 'ignore', stderr: 'pipe' })
  console.error(
    result.exitCode === 0
      ? `mounted tracefs at ${directory}`
      : `tracefs stays unmounted: ${result.stderr.toString().trim()}`,
  )
}

/** One run of `bun test`; its report goes to our stderr. A process that dies without a report counts as one failure. */
export async function runTests(paths: readonly string[], timeout_seconds: number): Promise<Tally> {
  const work = mkdtempSync(join(tmpdir(), 'thump-tests-'))
  const report = join(work, 'report.xml')
  try {
    // bunfig.toml hides tests/kernel from a plain `bun test`; "-" matches no path, so that nothing is hidden here.
    const command = [
      process.execPath,
      'test',
      `--timeout=${timeout_seconds * 1000}`,
      '--reporter=junit',
      `--reporter-outfile=${report}`,
    ]
    const child = Bun.spawn([...command, ...(paths.length > 0 ? ['--path-ignore-patterns', '-', ...paths] : [])], {
      cwd: ROOT,
      stdin: 'ignore',
      stdout: process.stderr.fd,
      stderr: process.stderr.fd,
    })
    const status = await child.exited
    const tally = (await Bun.file(report).exists()) ? readReport(readFileSync(report, 'utf8')) : emptyTally()
    if (status !== 0 && tally.failed === 0) {
      console.error(`bun test ${paths.join(' ')}: ended with ${child.signalCode ?? `status ${status}`}`)
      tally.failed = 1
      tally.failures.push(`${paths.join(' ')}: ended with ${child.signalCode ?? `status ${status}`}`)
    }
    return tally
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Counts a JUnit report as Bun writes it; the reason of a skip stands at the end of a test's name: "… (skipped: REASON)". */
export function readReport(xml: string): Tally {
  const tally = emptyTally()
  for (const [, attributes = '', body = ''] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)) {
    const name = decodeEntities(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? '')
    if (body.includes('<failure') || body.includes('<error')) {
      tally.failed++
      tally.failures.push(`${decodeEntities(/\bfile="([^"]*)"/.exec(attributes)?.[1] ?? '')}: ${name}`)
    } else if (body.includes('<skipped')) {
      tally.skipped++
      const reason = /\(skipped: (.*)\)$/.exec(name)?.[1] ?? `no reason given by "${name}"`
      tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + 1)
    } else tally.passed++
  }
  return tally
}

function decodeEntities(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
}

/**
 * Runs files one after the other, each in a process of its own. A file in which a test failed runs again, up to `attempts`
 * times, and says so: on a shared machine, and more so in an emulator, everything now and then stops for seconds.
 */
export async function runFiles(files: readonly string[], timeout_seconds: number, attempts: number): Promise<Tally> {
  const sum = emptyTally()
  for (const file of files) {
    let tally = await runTests([file], timeout_seconds)
    const first = tally
    for (let attempt = 2; tally.failed > 0 && attempt <= attempts; attempt++) {
      console.error(`AGAIN: ${formatTally(file, tally)}; attempt ${attempt} of ${attempts}`)
      tally = await runTests([file], timeout_seconds)
    }
    addTally(sum, tally)
    if (tally !== first) sum.repeats.push(...first.failures.filter((name) => !tally.failures.includes(name)))
  }
  return sum
}
