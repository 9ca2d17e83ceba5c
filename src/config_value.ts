// How values of flags are written: sizes, durations, addresses, rates. A parser gives null for a wrong value.

export type Listen = { readonly kind: 'tcp'; readonly host: string; readonly port: number } | {
  readonly kind: 'unix'
  readonly path: string
} | { readonly kind: 'none' }

/** Events per interval and cgroup. */
export interface CgroupRate {
  readonly events: number
  readonly interval_ns: number
}

export function parseInteger(text: string): number | null {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : null
}

/** `65536`, `64k`, `4M`, `1G`, binary units; null for anything else. */
export function parseBytes(text: string): number | null {
  const match = /^(\d{1,15})([kKmMgG]?)$/.exec(text)
  if (match === null) return null
  return Number(match[1]) * 1024 ** ' kmg'.indexOf((match[2] || ' ').toLowerCase())
}

/** Go's durations (`1h30m`, `500ms`) and a bare `0`; milliseconds, null for anything else. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|h|m|s))+$/.test(text)) return null
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) sum += Number(number) * units[unit!]!
  return sum
}

export function parseCgroupRate(text: string): CgroupRate | null {
  const match = /^(\d{1,9}),(.+)$/.exec(text)
  const interval_ms = match === null ? null : parseDuration(match[2]!)
  if (match === null || interval_ms === null || interval_ms <= 0 || Number(match[1]) === 0) return null
  return { events: Number(match[1]), interval_ns: interval_ms * 1e6 }
}

/** `127.0.0.1:8467`, `[::1]:8467`, `:8467`, `unix:/run/thump.sock`, `none`. */
export function parseListen(text: string): Listen | null {
  if (text === 'none') return { kind: 'none' }
  if (text.startsWith('unix:')) {
    const path = text.slice(5).replace(/^\/\/(?=\/)/, '')
    return path === '' || path.length > 107 ? null : { kind: 'unix', path }
  }
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})$/.exec(text)
  if (match === null || Number(match[2]) > 65535) return null
  return { kind: 'tcp', host: match[1]!.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(match[2]) }
}

/** An http or https URL, or '' for none; null for anything else. */
export function parseUrl(text: string): string | null {
  if (text === '') return ''
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? url.href : null
}

/** `NAME=VALUE,...`; null where one is no header. */
export function parseHeaders(text: string): Record<string, string> | null {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',').filter((each) => each.trim() !== '')) {
    const match = /^\s*([\w!#$%&'*+.^`|~-]+)=([\x20-\x7e]*)$/.exec(pair)
    if (match === null) return null
    headers[match[1]!] = match[2]!.trim()
  }
  return headers
}
