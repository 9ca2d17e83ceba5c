// The `matchActions` part of the language.
import { address, choice, flag, integer, list, object, optional, type Reader, text } from './reader.ts'
import { type Path, quote, type Report } from './error.ts'
import type { Action } from './type.ts'

export const ACTION_NAMES = [
  'Post',
  'NoPost',
  'Sigkill',
  'Signal',
  'Override',
  'NotifyEnforcer',
  'CleanupEnforcerNotification',
  'TrackSock',
  'UntrackSock',
  'Set',
  'GetUrl',
  'DnsLookup',
  'FollowFD',
  'UnfollowFD',
  'CopyFD',
] as const

/** Per selector and list; Tetragon has 3. */
const ACTIONS_MAX = 8
const INT32_MAX = 2 ** 31 - 1
/** Linux has 64 signals. */
export const SIGNAL_MAX = 64

/** Numbers that fit a JavaScript number, also as 0x text. */
const offset: Reader<number> = {
  fallback: 0,
  read: (value, path, report) => Number(address.read(value, path, report)),
}

const fields: Reader<Action> = object<Action>({
  action: choice(ACTION_NAMES, true),
  argFd: optional(integer(0, 127), 0),
  argName: optional(integer(0, 127), 0),
  argUrl: optional(text({ max: 2048 }), ''),
  argFqdn: optional(text({ max: 253 }), ''),
  argError: optional(integer(-INT32_MAX, INT32_MAX), 0),
  argSig: optional(integer(0, INT32_MAX), 0),
  argSock: optional(integer(0, 127), 0),
  argIndex: optional(integer(0, 127), 0),
  argValue: optional(integer(0, 2 ** 32 - 1), 0),
  argRegs: list(text({ max: 64 }), { max: 18 }),
  argNewSymbol: optional(text({ max: 512 }), ''),
  argNewAddr: offset,
  argNewOffset: offset,
  rateLimit: optional(text({ max: 20 }), ''),
  rateLimitScope: optional(choice(['thread', 'process', 'global'] as const), 'thread'),
  kernelStackTrace: flag,
  userStackTrace: flag,
  imaHash: flag,
})

const action: Reader<Action> = {
  fallback: undefined,
  read(value, path, report) {
    const before = report.errors.length
    const found = fields.read(value, path, report)
    if (report.errors.length === before) check(found, path, report)
    return found
  },
}

function check(found: Action, path: Path, report: Report): void {
  if (found.rateLimit !== '' && parseRateLimit(found.rateLimit) === undefined) {
    const want = 'want a number of seconds, or with s, m or h: 5, 5s, 1m, 2h'
    report.error([...path, 'rateLimit'], `Invalid rateLimit ${quote(found.rateLimit)}, ${want}`)
  }
  if (found.rateLimit !== '' && found.action !== 'Post') {
    report.error([...path, 'rateLimit'], `rateLimit given to ${found.action}, only Post has it`)
  }
  if (found.argSig > SIGNAL_MAX) {
    report.error([...path, 'argSig'], `Invalid argSig ${found.argSig}, want 1 to ${SIGNAL_MAX}`)
  }
  if (found.action === 'Signal' && found.argSig === 0) {
    report.error(path, `Missing "argSig" of Signal, want 1 to ${SIGNAL_MAX}`)
  }
  if (found.action === 'GetUrl' && !/^https?:\/\/[^\s]+$/.test(found.argUrl)) {
    report.error(
      found.argUrl === '' ? path : [...path, 'argUrl'],
      `Invalid argUrl ${quote(found.argUrl)}, want http://... or https://...`,
    )
  }
  if (found.action === 'DnsLookup' && !/^(?=.)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/.test(found.argFqdn)) {
    report.error(
      found.argFqdn === '' ? path : [...path, 'argFqdn'],
      `Invalid argFqdn ${quote(found.argFqdn)}, want a host name`,
    )
  }
  const targets = [found.argNewSymbol !== '', found.argNewAddr !== 0, found.argNewOffset !== 0].filter(Boolean).length
  if (targets > 1) report.error(path, 'At most one of argNewSymbol, argNewAddr and argNewOffset can be given')
}

/** Nanoseconds of `5`, `5s`, `1m`, `2h`, 0 for no limit; undefined for anything else, also beyond a year. */
export function parseRateLimit(value: string): bigint | undefined {
  const match = /^(\d{1,8})([smhSMH]?)$/.exec(value)
  if (match === null) return undefined
  const unit = { '': 1, s: 1, m: 60, h: 3600 }[match[2]!.toLowerCase()] ?? 1
  const seconds = Number(match[1]) * unit
  return seconds > 366 * 86400 ? undefined : BigInt(seconds) * 1_000_000_000n
}

export const actionList: Reader<readonly Action[]> = list(action, { max: ACTIONS_MAX })
