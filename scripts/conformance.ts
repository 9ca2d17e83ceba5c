/**
 * bun run conformance [DIR]... [--kernel 6.12] [--only REGEX] [--jobs N] [--keep OUT] [--verbose]
 * Hands directories of golden cases to the golden kit, which runs them in a guest and compares whole events with Tetragon's.
 * The kit is for development only and no part of this project: ../shared/golden, or where THUMP_GOLDEN says; the last line is its `N passed, M failed`.
 */
import { existsSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildForGuests } from './guest_tests.ts'
import { ROOT } from './suite.ts'

/** The kit's directory, undefined where there is none. */
export function goldenKit(): string | undefined {
  const path = resolve(process.env.THUMP_GOLDEN || join(ROOT, '../shared/golden'))
  return existsSync(join(path, 'run')) ? path : undefined
}

/** Command and environment that run the kit with these arguments against this checkout. */
export function kitCommand(
  kit: string,
  args: readonly string[],
): { command: string[]; env: Record<string, string | undefined> } {
  return {
    command: [join(kit, 'run'), '--install', '--project', ROOT, ...args],
    // The kit takes the Bun that PATH names.
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` },
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', default: '6.12' },
      only: { type: 'string' },
      jobs: { type: 'string', default: '1' },
      keep: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
    },
  })
  const kit = goldenKit()
  if (!kit) {
    console.error(
      'Cannot run golden cases: there is no golden kit at ../shared/golden; name its directory in THUMP_GOLDEN',
    )
    process.exit(2)
  }
  buildForGuests()
  const options = ['kernel', 'only', 'jobs', 'keep'] as const
  const { command, env } = kitCommand(kit, [
    ...options.flatMap((name) => values[name] === undefined ? [] : [`--${name}`, values[name]]),
    ...(values.verbose ? ['--verbose'] : []),
    ...(values.quiet ? ['--quiet'] : []),
    ...positionals.map((path) => resolve(path)),
  ])
  const child = Bun.spawn(command, { env, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  process.exitCode = await child.exited
}
