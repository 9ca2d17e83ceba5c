// Override in uprobes: what it writes to registers, so that the function is left at once, or goes on elsewhere in its file.
import { REGISTER_SOURCE, type RegisterWrite } from '../../ffi/wire.gen.ts'
import { nearest } from '../nearest.ts'
import { type Path, quote, type Report } from './error.ts'
import type { UserBinary } from './facts_type.ts'
import { findRegister, type Register } from './register.ts'
import type { Action } from './type.ts'

/** The place of a probe, which a new address is reckoned from. */
export interface ProbePlace {
  readonly path: string
  readonly binary: UserBinary
  readonly architecture: string
  /** File offset. */
  readonly offset: bigint
}

/** What general code may change; segments and flags stay the kernel's. */
const WRITABLE = [
  'r15',
  'r14',
  'r13',
  'r12',
  'rbp',
  'rbx',
  'r11',
  'r10',
  'r9',
  'r8',
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'rip',
  'rsp',
]

/** As `mov $argError, %rax; ret`. */
const LEAVE = ['rip=(%rsp)', 'rsp=8%rsp']

export function moves(action: Action): boolean {
  return action.argNewSymbol !== '' || action.argNewAddr !== 0 || action.argNewOffset !== 0
}

/** Undefined after reporting. */
export function registerWrites(
  action: Action,
  place: ProbePlace,
  path: Path,
  report: Report,
): RegisterWrite[] | undefined {
  if (place.architecture !== 'x64') {
    report.error([...path, 'action'], `Override in uprobes works on x86-64 only, not on ${place.architecture}`)
    return undefined
  }
  if (moves(action)) {
    if (action.argRegs.length > 0) {
      report.error([...path, 'argRegs'], 'argRegs and a new address in one Override')
      return undefined
    }
    const offset = newOffset(action, place, path, report)
    if (offset === undefined) return undefined
    const rip = findRegister('rip', place.architecture)!
    return [write(rip, REGISTER_SOURCE.REGISTER, rip, offset - place.offset)]
  }
  const given = action.argRegs.length > 0
  const texts = given ? action.argRegs : [`rax=${action.argError}`, ...LEAVE]
  const found: RegisterWrite[] = []
  texts.forEach((text, i) => {
    const parsed = parseRegisterWrite(text, place.architecture)
    if (typeof parsed === 'string') report.error(given ? [...path, 'argRegs', i] : path, parsed)
    else found.push(parsed)
  })
  return found.length === texts.length ? found : undefined
}

function newOffset(action: Action, { binary, path: file }: ProbePlace, path: Path, report: Report): bigint | undefined {
  if (action.argNewOffset !== 0) return BigInt(action.argNewOffset)
  if (action.argNewAddr !== 0) {
    const found = binary.address(BigInt(action.argNewAddr))
    if (found !== undefined) return found
    const address = `0x${action.argNewAddr.toString(16)}`
    report.error([...path, 'argNewAddr'], `Address ${address} is in no loaded segment of ${file}`)
    return undefined
  }
  const found = binary.symbol(action.argNewSymbol)
  if (found !== undefined) return found
  const names = binary.symbolNames().slice(0, 5000)
  const close = names.length === 0
    ? 'it has no symbols'
    : `closest is ${quote(nearest(action.argNewSymbol.slice(0, 128), names))}`
  report.error([...path, 'argNewSymbol'], `No symbol ${quote(action.argNewSymbol)} in ${file}, ${close}`)
  return undefined
}

const NUMBER = '-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})'
const CONSTANT = new RegExp(`^(${NUMBER})$`)
const FROM_REGISTER = new RegExp(`^(${NUMBER})?%([a-z0-9]+)$`)
const FROM_MEMORY = new RegExp(`^(${NUMBER})?\\(%([a-z0-9]+)\\)$`)

/** `rax=0`, `rax=%rdi`, `rsp=8%rsp`, `rip=(%rsp)`, `rax=-8(%rbp)`; a text says what is wrong. */
export function parseRegisterWrite(text: string, architecture: string): RegisterWrite | string {
  const at = text.indexOf('=')
  const target = text.slice(0, Math.max(0, at)).trim()
  const value = text.slice(at + 1).trim()
  const form = 'want REGISTER=NUMBER, =%REGISTER, =NUMBER%REGISTER, =(%REGISTER) or =NUMBER(%REGISTER)'
  if (at < 0) return `Invalid assignment ${quote(text)}, ${form}`
  const to = writable(target, architecture)
  if (typeof to === 'string') return to
  const constant = CONSTANT.exec(value)
  if (constant !== null) return inRange(write(to, REGISTER_SOURCE.CONSTANT, to, number(constant[1])), text, constant[1])
  const memory = FROM_MEMORY.exec(value)
  const found = memory ?? FROM_REGISTER.exec(value)
  if (found === null) return `Invalid assignment ${quote(text)}, ${form}`
  const from = writable(found[2]!, architecture)
  if (typeof from === 'string') return from
  const kind = memory === null ? REGISTER_SOURCE.REGISTER : REGISTER_SOURCE.MEMORY
  return inRange(write(to, kind, from, number(found[1])), text, found[1])
}

function writable(name: string, architecture: string): Register | string {
  const found = findRegister(name, architecture)
  const whole = WRITABLE.some((each) => {
    const register = findRegister(each, architecture)
    return register !== undefined && found !== undefined && register.offset === (found.offset & ~7)
  })
  if (found !== undefined && whole) return found
  return `Unknown register ${quote(name)}, nearest is ${quote(nearest(name.slice(0, 16), WRITABLE))}`
}

function number(text: string | undefined): bigint {
  if (text === undefined) return 0n
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
}

function inRange(found: RegisterWrite, text: string, given: string | undefined): RegisterWrite | string {
  const value = number(given)
  if (value >= -(1n << 63n) && value < 1n << 64n) return found
  return `Invalid assignment ${quote(text)}: ${given} does not fit 64 bits`
}

function write(to: Register, kind: number, from: Register, value: bigint): RegisterWrite {
  return {
    kind,
    target: to.offset,
    target_size: to.size,
    source: from.offset,
    source_size: from.size,
    value: BigInt.asUintN(64, value),
  }
}

/** Bit per eight bytes of struct pt_regs that one of them writes. */
export function registerMask(writes: readonly RegisterWrite[]): number {
  return writes.reduce((mask, { target }) => mask | 1 << (target >> 3), 0)
}
