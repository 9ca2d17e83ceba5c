// Values of filters: texts of the policy into numbers, ranges, addresses and names of constants.
import { FAMILY_NUMBERS, PROTOCOL_NUMBERS, STATE_NUMBERS } from './net_name.ts'

/** What a text means, or what is wrong with it: the second half of a message. */
export type Parsed<T> = { readonly value: T } | { readonly wrong: string }

export interface Range {
  readonly min: bigint
  readonly max: bigint
}

/** Decimal, 0x, 0o, 0b, and a leading 0 for octal, with underscores between digits, as Go's ParseInt with base 0. */
export function parseInteger(text: string, bits: number, signed: boolean): Parsed<bigint> {
  const bare = text.replace(/(?<=[0-9a-f])_(?=[0-9a-f])|(?<=^[+-]?0[xbo])_/gi, '')
  const match = /^([+-]?)(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|0|[1-9]\d*)$/i.exec(bare)
  if (match === null || text.length > 80) return { wrong: 'want an integer such as 10, -1 or 0x1f' }
  const digits = match[2]!
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits
  const value = match[1] === '-' ? -BigInt(octal) : BigInt(octal)
  const [min, max] = limits(bits, signed)
  return value < min || value > max ? { wrong: `want ${min} to ${max}` } : { value }
}

/** The same where Tetragon reads with base 10, in maps, ports and numbers of constants: a leading 0 means nothing. */
function parseDecimal(text: string, bits: number, signed: boolean): Parsed<bigint> {
  if (text.includes('_')) return { wrong: 'want a number such as 10' }
  return parseInteger(text.replace(/^([+-]?)0+(?=\d)/, '$1'), bits, signed)
}

/** Of size_t, which Tetragon compares as 32 bits with a sign: -1 is what 64 bits of ones are. */
export function parseSize(text: string): Parsed<bigint> {
  if (!text.startsWith('-')) return parseInteger(text, 64, false)
  const found = parseInteger(text, 32, true)
  return 'wrong' in found ? found : { value: BigInt.asUintN(64, found.value) }
}

export function limits(bits: number, signed: boolean): [bigint, bigint] {
  const width = BigInt(bits)
  return signed ? [-(1n << (width - 1n)), (1n << (width - 1n)) - 1n] : [0n, (1n << width) - 1n]
}

/** `min:max`, both included; with `single` also one number, and the ends in either order (as Tetragon has it in maps). */
export function parseRange(text: string, bits: number, signed: boolean, single: boolean): Parsed<Range> {
  const parts = text.split(':')
  const number = single ? parseDecimal : parseInteger
  if (parts.length === 1 && single) {
    const one = number(text.trim(), bits, signed)
    return 'wrong' in one ? one : { value: { min: one.value, max: one.value } }
  }
  if (parts.length !== 2) return { wrong: single ? 'want a number or min:max' : 'want min:max' }
  const min = number(parts[0]!.trim(), bits, signed)
  const max = number(parts[1]!.trim(), bits, signed)
  if ('wrong' in min) return min
  if ('wrong' in max) return max
  if (min.value > max.value) {
    if (single) return { value: { min: max.value, max: min.value } }
    return { wrong: `${min.value} is above ${max.value}, so nothing is between them` }
  }
  return { value: { min: min.value, max: max.value } }
}

export interface Cidr {
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d; bits behind the prefix are zero. */
  readonly bytes: readonly number[]
  /** Of these 128. */
  readonly bits: number
}

export function parseCidr(text: string): Parsed<Cidr> {
  const [address = '', length, more] = text.split('/')
  const want = { wrong: 'want an IPv4 or IPv6 address or CIDR such as 10.0.0.0/8' }
  if (more !== undefined) return want
  const four = parseIpv4(address)
  // The zone of fe80::1%eth0 is no part of what is compared.
  const six = length === undefined ? address.replace(/%.+$/s, '') : address
  const bytes = four === undefined ? parseIpv6(six) : [...new Array<number>(10).fill(0), 255, 255, ...four]
  if (bytes === undefined) return want
  const width = four === undefined ? 128 : 32
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return want
  const prefix = length === undefined ? width : Number(length)
  if (prefix > width) return { wrong: `prefix length ${prefix}, want 0 to ${width}` }
  const bits = prefix + 128 - width
  return {
    value: { bytes: bytes.map((byte, i) => byte & 0xff << Math.max(0, 8 - Math.max(0, bits - i * 8)) & 0xff), bits },
  }
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined
  }
  return parts.map(Number)
}

function parseIpv6(text: string): number[] | undefined {
  if (!text.includes(':') || text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = (half: string): number[] | undefined => {
    if (half === '') return []
    const bytes: number[] = []
    const parts = half.split(':')
    for (const [i, part] of parts.entries()) {
      const four = i === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined
      if (four !== undefined) bytes.push(...four)
      else if (/^[0-9a-f]{1,4}$/i.test(part)) bytes.push(parseInt(part, 16) >> 8, parseInt(part, 16) & 0xff)
      else return undefined
    }
    return bytes
  }
  const [head, tail] = [groups(halves[0]!), groups(halves[1] ?? '')]
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

export function parsePort(text: string): Parsed<Range> {
  const found = parseRange(text, 16, false, true)
  return 'wrong' in found ? { wrong: 'want a port 0 to 65535 or a range such as 8000:8999' } : found
}

const CONSTANTS = {
  protocol: { numbers: PROTOCOL_NUMBERS, prefix: 'IPPROTO_', example: 'IPPROTO_TCP' },
  family: { numbers: FAMILY_NUMBERS, prefix: 'AF_', example: 'AF_INET' },
  state: { numbers: STATE_NUMBERS, prefix: 'TCP_', example: 'TCP_ESTABLISHED' },
} as const

/** A name of the table in any case, a number below 65536, or a range of numbers. */
export function parseConstant(text: string, kind: keyof typeof CONSTANTS): Parsed<Range> {
  const { numbers, example } = CONSTANTS[kind]
  const name = text.toUpperCase()
  if (Object.hasOwn(numbers, name)) {
    const number = BigInt(numbers[name]!)
    return { value: { min: number, max: number } }
  }
  const found = parseRange(text, 16, false, true)
  return 'wrong' in found ? { wrong: `want a name such as ${example}, a number or min:max` } : found
}

/** S_IFMT bits of an inode's mode, shifted down by 12. */
const FILE_TYPES: Readonly<Record<string, number>> = {
  sock: 12,
  socket: 12,
  lnk: 10,
  link: 10,
  reg: 8,
  regular: 8,
  blk: 6,
  block: 6,
  dir: 4,
  directory: 4,
  chr: 2,
  char: 2,
  character: 2,
  fifo: 1,
  pipe: 1,
}

export function parseFileType(text: string): Parsed<bigint> {
  const name = text.toLowerCase()
  if (Object.hasOwn(FILE_TYPES, name)) return { value: BigInt(FILE_TYPES[name]!) }
  return { wrong: `want one of ${Object.keys(FILE_TYPES).join(', ')}` }
}

/** Numbers of include/uapi/linux/capability.h, in order. */
export const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const

/** Bit number of `CAP_SYS_ADMIN` in any case, -1 if there is none of that name. */
export function capabilityNumber(text: string): number {
  const name = text.trim().toUpperCase()
  return CAPABILITIES.findIndex((each) => name === `CAP_${each}` || name === each)
}

/** A set of capabilities: 64 bits as a number, or names with commas between them. */
export function parseCapabilities(text: string): Parsed<bigint> {
  const number = parseInteger(text, 64, false)
  if ('value' in number) return number
  let mask = 0n
  for (const name of text.split(',')) {
    const bit = capabilityNumber(name)
    if (bit < 0) return { wrong: 'want a number such as 0x200000 or names such as CAP_SYS_ADMIN,CAP_NET_RAW' }
    mask |= 1n << BigInt(bit)
  }
  return { value: mask }
}
