// IP addresses and prefixes as CEL's Kubernetes libraries have them: ip("10.0.0.1"), cidr("10.0.0.0/8").

import { CelError } from './cel_parse.ts'

/** An address as a number of 32 or 128 bits. */
export class CelIp {
  readonly text: string
  readonly bits: 32 | 128
  readonly value: bigint

  constructor(text: string) {
    const parsed = parseIp(text)
    if (!parsed) throw new CelError(`Cannot read "${text}" as an IP address`)
    this.text = text
    this.bits = parsed.bits
    this.value = parsed.value
  }

  get canonical(): string {
    if (this.bits === 32) return this.text
    return new URL(`http://[${this.text}]`).hostname.slice(1, -1)
  }
}

export class CelCidr {
  readonly ip: CelIp
  readonly length: number

  constructor(text: string) {
    const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
    const ip = match?.[1] === undefined ? undefined : parseIp(match[1]) && new CelIp(match[1])
    const length = Number(match?.[2])
    if (!ip || length > ip.bits) throw new CelError(`Cannot read "${text}" as a CIDR prefix`)
    this.ip = ip
    this.length = length
  }

  contains(ip: CelIp): boolean {
    const shift = BigInt(this.ip.bits - this.length)
    return ip.bits === this.ip.bits && ip.value >> shift === this.ip.value >> shift
  }
}

export function parseIp(text: string): { bits: 32 | 128; value: bigint } | undefined {
  if (!text.includes(':')) {
    const parts = text.split('.')
    if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) {
      return undefined
    }
    return { bits: 32, value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) }
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map(groups)
  if (!head || (halves.length === 2 && !tail)) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const all = [...head, ...Array.from({ length: missing }, () => 0n), ...(tail ?? [])]
  return { bits: 128, value: all.reduce((sum, group) => (sum << 16n) | group, 0n) }
}

/** 16-bit groups of one side of `::`; undefined where one is no group. A dotted quad may end it. */
function groups(text: string): bigint[] | undefined {
  if (text === '') return []
  const out: bigint[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const quad = parseIp(part)
      if (!quad) return undefined
      out.push(quad.value >> 16n, quad.value & 0xffffn)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(BigInt(`0x${part}`))
    else return undefined
  }
  return out
}

export const IP_TESTS: Readonly<Record<string, (ip: CelIp) => boolean>> = {
  isUnspecified: (ip) => ip.value === 0n,
  isLoopback: (ip) => within(ip, '127.0.0.0/8', '::1/128'),
  isLinkLocalMulticast: (ip) => within(ip, '224.0.0.0/24', 'ff02::/16'),
  isLinkLocalUnicast: (ip) => within(ip, '169.254.0.0/16', 'fe80::/10'),
  isGlobalUnicast: (ip) =>
    ip.value !== 0n && !(ip.bits === 32 && ip.value === 0xffffffffn) &&
    !within(ip, '127.0.0.0/8', '::1/128') && !within(ip, '224.0.0.0/4', 'ff00::/8') &&
    !within(ip, '169.254.0.0/16', 'fe80::/10'),
}

function within(ip: CelIp, four: string, six: string): boolean {
  return new CelCidr(ip.bits === 32 ? four : six).contains(ip)
}
