// The agent's own log: pino on stderr, for people on a terminal, JSON otherwise.
import pino, { type Logger } from 'pino'
import type Pretty from 'pino-pretty'

export type Log = Logger

export function createLog(level: string, format: string, is_terminal: boolean): Log {
  const for_people = format === 'pretty' || (format === 'auto' && is_terminal)
  // Synchronous on both ways: the last lines before an exit are the ones that matter.
  const destination = for_people
    ? pretty()({
      destination: 2,
      sync: true,
      colorize: is_terminal,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss.l',
    })
    : pino.destination({ fd: 2, sync: true })
  return pino({ level, base: {} }, destination)
}

/** Loaded only for people: it takes 2 MB. */
function pretty(): typeof Pretty {
  return require('pino-pretty') as typeof Pretty
}
