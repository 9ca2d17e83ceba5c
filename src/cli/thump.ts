// The command line client: table of commands, help, exit status.
import { agent } from './agent.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { completionCommand } from './completion.ts'
import { coverage } from './coverage.ts'
import { doctor } from './doctor.ts'
import { events } from './events.ts'
import { loss } from './loss.ts'
import { ociHook } from './oci_hook.ts'
import { policy } from './policy.ts'
import { ps } from './ps.ts'
import { top } from './top.ts'
import { version } from './version.ts'
import { nearest } from '../nearest.ts'

const COMMANDS: readonly Command[] = [
  agent,
  events,
  policy,
  ps,
  top,
  doctor,
  coverage,
  loss,
  ociHook,
  completionCommand(() => COMMANDS),
  version,
]

function help(): string {
  const lines = ['Usage: thump COMMAND [OPTION]...', '', 'Commands:']
  const entries = [
    [agent.name, agent.summary],
    ['test', 'run all tests'],
    ...COMMANDS.slice(1).map((command) => [command.name, command.summary]),
  ]
  for (const [name, summary] of entries) lines.push(`  ${name!.padEnd(12)}${summary}`)
  lines.push('', 'thump COMMAND --help tells more. Exit status: 0 success, 1 failure, 2 usage.')
  return lines.join('\n') + '\n'
}

/** Gives the exit status. */
export async function runClient(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = argv
  if (name === undefined) {
    terminal.error(help())
    return 2
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    await terminal.write(help())
    return 0
  }
  const command = COMMANDS.find((each) => each.name === (name === '--version' ? 'version' : name))
  if (command === undefined) {
    terminal.error(`thump: Unknown command "${name}", nearest is ${nearest(name, COMMANDS.map((each) => each.name))}\n`)
    return 2
  }
  if (args.includes('--help') || args.includes('-h')) {
    await terminal.write(`Usage: thump ${command.name} ${command.usage}\n`)
    return 0
  }
  try {
    return await command.run(args, terminal)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0
    terminal.error(`thump ${command.name}: ${error instanceof Error ? error.message : error}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

if (import.meta.main) {
  const status = await runClient(process.argv.slice(2), {
    env: process.env,
    color: process.stdout.isTTY === true && !process.env.NO_COLOR,
    stdin: Bun.stdin.stream(),
    stdin_is_terminal: process.stdin.isTTY === true,
    write: async (text) => {
      // Bun.write(Bun.stdout) writes at offset 0 of a regular file (Bun 1.4.5), over what `>>` should append to.
      await new Promise<void>((resolve, reject) =>
        process.stdout.write(text, (error) => error ? reject(error) : resolve())
      )
    },
    error: (text) => process.stderr.write(text),
  })
  process.exit(status)
}
