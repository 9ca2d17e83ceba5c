// `thump oci-hook`: the hook itself for trying it by hand, and where runtimes get it from.
import fs from 'node:fs'
import path from 'node:path'
import { parseDuration } from '../config_value.ts'
import { HOOK_FILE, hookOf, HOOKS_DIRECTORY, hooksFile, manual, withHook } from '../hook/install.ts'
import { HOOK_DEFAULTS, type HookOptions, runHook } from '../hook/run.ts'
import { type Command, type Options, parseOptions, type Terminal, UsageError } from './command.ts'

const KNOWN = {
  '--socket': true,
  '--timeout': true,
  '--on-failure': true,
  '--except': true,
  '--log': true,
  '--hooks-dir': true,
  '--config': true,
  '--bun': true,
  '--script': true,
} as const

const SPECIFICATION = '/etc/containerd/thump-base.json'
const SCRIPT = path.join(import.meta.dirname, '../hook/run.ts')

export const ociHook: Command = {
  name: 'oci-hook',
  summary: 'let a container runtime tell the agent of containers before they start',
  usage: `[install|uninstall] [OPTION]...

Without a word it is the hook: reads the state of a container on stdin and tells the agent (thump agent --oci-hook-socket).
install writes it where Podman and CRI-O look for hooks, and says what to do for containerd and runc; uninstall takes it away.

  --socket PATH          of the agent (default ${HOOK_DEFAULTS.socket})
  --timeout DURATION     longest time a container waits for it (default ${HOOK_DEFAULTS.timeout_ms / 1000}s)
  --on-failure WHAT      of a container that the agent was not told of: start or refuse (default ${HOOK_DEFAULTS.on_failure})
  --except NAMESPACE,... of Kubernetes, whose containers start even so (default ${HOOK_DEFAULTS.except.join(',')})
  --log FILE             where failures are written (default ${HOOK_DEFAULTS.log}; "none": nowhere)
  --hooks-dir DIR        for install and uninstall (default ${HOOKS_DIRECTORY})
  --config FILE          an OCI config.json, or containerd's base_runtime_spec, in place of the directory
  --bun PATH, --script PATH
                         of Bun and src/hook/run.ts as the runtime sees them, where it sees another file system`,
  async run(args, terminal) {
    const options = parseOptions(args, KNOWN)
    const [word, extra] = options.words
    if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}"`)
    const hook_options = hookOptions(options)
    if (word === undefined) return await runHook(hook_options, terminal.stdin)
    if (word === 'install') return await install(options, hook_options, terminal)
    if (word === 'uninstall') return await uninstall(options, terminal)
    throw new UsageError(`Unknown word "${word}", want install or uninstall`)
  },
}

function hookOptions({ values }: Options): HookOptions {
  const value = (name: string) => values.get(name)?.at(-1)
  const timeout = value('--timeout')
  const timeout_ms = timeout === undefined ? HOOK_DEFAULTS.timeout_ms : parseDuration(timeout)
  if (timeout_ms === null || timeout_ms <= 0 || timeout_ms > 20_000) {
    throw new UsageError(`Invalid value "${timeout}" for --timeout, want a DURATION up to 20s`)
  }
  const on_failure = value('--on-failure') ?? HOOK_DEFAULTS.on_failure
  if (on_failure !== 'start' && on_failure !== 'refuse') {
    throw new UsageError(`Invalid value "${on_failure}" for --on-failure, want start|refuse`)
  }
  const log = value('--log') ?? HOOK_DEFAULTS.log
  const except = value('--except')?.split(',').filter((each) => each !== '') ?? HOOK_DEFAULTS.except
  const socket = value('--socket') ?? HOOK_DEFAULTS.socket
  return { socket, timeout_ms, on_failure, except, log: log === 'none' ? '' : log }
}

async function install(options: Options, hook_options: HookOptions, terminal: Terminal): Promise<number> {
  const value = (name: string, fallback: string) => options.values.get(name)?.at(-1) ?? fallback
  const program = { bun: value('--bun', process.execPath), script: value('--script', SCRIPT) }
  const hook = hookOf(program, hook_options)
  const config = value('--config', '')
  if (config !== '') {
    replace(config, withHook(fs.readFileSync(config, 'utf8'), hook))
    await terminal.write(`${config}: createRuntime hook added\n`)
    return 0
  }
  const directory = value('--hooks-dir', HOOKS_DIRECTORY)
  fs.mkdirSync(directory, { recursive: true })
  const file = path.join(directory, HOOK_FILE)
  replace(file, hooksFile(hook))
  await terminal.write(`${file}: written, for Podman and CRI-O from their next container on\n`)
  await terminal.write(`The agent has to run with --oci-hook-socket ${hook_options.socket}\n\n`)
  await terminal.write(manual(hook, SPECIFICATION))
  return 0
}

async function uninstall(options: Options, terminal: Terminal): Promise<number> {
  const config = options.values.get('--config')?.at(-1)
  if (config !== undefined) {
    replace(config, withHook(fs.readFileSync(config, 'utf8'), null))
    await terminal.write(`${config}: hook taken out\n`)
    return 0
  }
  const file = path.join(options.values.get('--hooks-dir')?.at(-1) ?? HOOKS_DIRECTORY, HOOK_FILE)
  if (!fs.existsSync(file)) {
    terminal.error(`thump oci-hook: ${file} is not there\n`)
    return 1
  }
  fs.rmSync(file)
  await terminal.write(`${file}: removed\n`)
  return 0
}

/** By rename: a runtime may read it at any moment. */
function replace(file: string, text: string): void {
  const temporary = `${file}.thump-new`
  fs.writeFileSync(temporary, text, { mode: fs.statSync(file, { throwIfNoEntry: false })?.mode ?? 0o644 })
  fs.renameSync(temporary, file)
}
