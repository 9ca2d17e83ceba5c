// One run of the agent: arguments, signals, exit status. The parts are wired in agent.ts.
import fs from 'node:fs'
import os from 'node:os'
import { releaseCode } from '../../ffi/code_pages.ts'
import { type Config, parseConfig, wantsHelp } from '../config.ts'
import { flagHelp } from '../flags.ts'
import { missing as missingFacts } from '../kernel/feature.ts'
import { type HostFacts, readHostFacts } from '../kernel/host.ts'
import { privilegeFeatures } from '../kernel/privilege.ts'
import { prepareObjects } from '../kernel/objects.ts'
import { Agent } from './agent.ts'
import { EXIT, explain, MissingError } from './failure.ts'
import { createLog, type Log } from './log.ts'

export async function run(): Promise<number> {
  const argv = process.argv.slice(2)
  if (wantsHelp(argv)) {
    process.stdout.write(flagHelp())
    return EXIT.STOPPED
  }
  let config: Config
  try {
    config = parseConfig({
      argv,
      env: process.env,
      hostname: os.hostname(),
      readText: (path) => fs.readFileSync(path, 'utf8'),
      exists: (path) => fs.existsSync(path),
    })
  } catch (error) {
    return fail(error, null, null)
  }
  const log = createLog(config.log_level, config.log_format, process.stderr.isTTY === true)
  if (config.without_effect.length > 0) {
    log.warn({ flags: config.without_effect }, 'flags of Tetragon that have no effect here')
  }
  const stopped = stopSignal(log)
  const host = readHostFacts(config.procfs, config.btf)
  try {
    const lacks = missingFacts(host, config.btf)
    if (lacks.length > 0) throw new MissingError(lacks)
    for (const { name, state, reason } of privilegeFeatures(host)) {
      if (state === 'absent') log.warn({ feature: name, reason }, 'missing privilege: a feature is lost')
    }
    await prepareObjects((object) => log.info({ object }, 'compiling'))
    const agent = await Agent.start(config, log, host, (reason) => stopped.stop(reason))
    process.on('SIGHUP', () => agent.reopen())
    log.debug({ bytes: releaseCode() }, 'gave back code that starting needed')
    const reason = await stopped.promise
    log.info({ reason }, 'stopping')
    await agent.stop()
    return EXIT.STOPPED
  } catch (error) {
    return fail(error, host, log)
  }
}

/** Before there is a log, or where it is for people, plain lines say why. */
function fail(error: unknown, host: HostFacts | null, log: Log | null): number {
  const { status, lines } = explain(error, host)
  if (log === null) { for (const line of lines) process.stderr.write(`thump agent: ${line}\n`) }
  else for (const line of lines) log.fatal(line)
  if (status === EXIT.FAILURE && log !== null) log.debug({ err: error }, 'details')
  return status
}

/** A signal to a whole process group comes twice where a wrapper (as `bun run`) passes it on as well: no second wish. */
const SAME_WISH_MS = 1000

/** From here on SIGINT and SIGTERM end the agent in order; a later one ends it at once. */
function stopSignal(log: Log): { promise: Promise<string>; stop: (reason: string) => void } {
  const { promise, resolve } = Promise.withResolvers<string>()
  let asked_ms: number | null = null
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked_ms !== null) {
        if (performance.now() - asked_ms < SAME_WISH_MS) return
        log.warn({ signal }, 'asked again: leaving without flushing')
        process.exit(EXIT.FAILURE)
      }
      asked_ms = performance.now()
      resolve(signal)
    })
  }
  return { promise, stop: resolve }
}
