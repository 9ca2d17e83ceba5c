/** Runs files of tests with `bun test`, each in a process of its own, and counts what passed, failed and was skipped for which reason. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

export interface Tally {
  passed: number
  failed: number
  skipped: number
  /** Missing kernel fact to number of tests. */
  reasons: Map<string, number>
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: 0, reasons: new Map() }
}

export function addTally(sum: Tally, more: Tally): void {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
  for (const [reason, count] of more.reasons) sum.reasons.set(reason, (sum.reasons.get(reason) ?? 0) + count)
}

/** `6.12: 40 passed, 0 failed, 2 skipped (no override: 2)`; parseTally() reads it back. */
export function formatTally(name: string, tally: Tally): string {
  const reasons = [...tally.reasons].map(([reason, count]) => `${reason}: ${count}`).join('; ')
  return `${name}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped${
    reasons ? ` (${reasons})` : ''
  }`
}

export function parseTally(line: string): Tally | undefined {
  const match = /: (\d+) passed, (\d+) failed, (\d+) skipped(?: \((.*)\))?$/.exec(line)
  if (!match) return undefined
  const reasons = new Map<string, number>()
  for (const part of match[4]?.split('; ') ?? []) {
    const colon = part.lastIndexOf(': ')
    reasons.set(part.slice(0, colon), Number(part.slice(colon + 2)))
  }
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]), reasons }
}

/** Files named *.test.ts below tests/kernel, in order of name; `only` matches their path. */
export function kernelTestFiles(only?: string): string[] {
  const directory = join(ROOT, 'tests/kernel')
  const pattern = new RegExp(only ?? '')
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts') && pattern.test(name)
  )
  return names.sort().map((name) => `./tests/kernel/${name}`)
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
    if (body.includes('<failure') || body.includes('<error')) tally.failed++
    else if (body.includes('<skipped')) {
      tally.skipped++
      const name = decodeEntities(/name="([^"]*)"/.exec(attributes)?.[1] ?? '')
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
