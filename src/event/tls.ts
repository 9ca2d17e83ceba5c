/** TLS ClientHello messages (RFC 8446, 6066, 7301) in captured bytes: which server is meant, as JSON for `thump.tls`. */

import { quote } from './text.ts'

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const APPLICATION_PROTOCOLS = 16
const HOST_NAME = 0
const PROTOCOLS_MAX = 16

/**
 * JSON of a first record with a ClientHello, undefined for anything else. Of one that was captured in part (or sent in
 * several pieces) what came so far is told, with `"truncated":true`.
 */
export function tlsJson(bytes: Uint8Array): string | undefined {
  if (bytes.length < 11 || bytes[0] !== HANDSHAKE || bytes[1] !== 3 || bytes[5] !== CLIENT_HELLO) return undefined
  const record_end = 5 + uint16(bytes, 3)
  const hello = bytes.subarray(0, record_end)
  let truncated = bytes.length < record_end
  // Version (2) and random (32) stand behind the four bytes of the handshake's header.
  let at = 5 + 4 + 2 + 32
  at += 1 + (hello[at] ?? 0) // session id
  at += 2 + (at + 2 <= hello.length ? uint16(hello, at) : 0) // cipher suites
  at += 1 + (hello[at] ?? 0) // compression methods
  let server_name = ''
  let protocols: string[] = []
  const end = at + 2 <= hello.length ? at + 2 + uint16(hello, at) : 0
  if (end > hello.length || end === 0) truncated = true
  at += 2
  while (at + 4 <= Math.min(end, hello.length)) {
    const type = uint16(hello, at)
    const size = uint16(hello, at + 2)
    const body = hello.subarray(at + 4, at + 4 + size)
    if (body.length < size) break
    if (type === SERVER_NAME) server_name = hostName(body)
    if (type === APPLICATION_PROTOCOLS) protocols = protocolNames(body)
    at += 4 + size
  }
  const members = [
    ...(server_name === '' ? [] : [`"server_name":${quote(server_name)}`]),
    ...(protocols.length === 0 ? [] : [`"alpn":[${protocols.map(quote).join(',')}]`]),
    ...(truncated ? ['"truncated":true'] : []),
  ]
  return `{${members.join(',')}}`
}

function hostName(body: Uint8Array): string {
  if (body.length < 5 || body[2] !== HOST_NAME) return ''
  const size = uint16(body, 3)
  return 5 + size > body.length ? '' : printable(body.subarray(5, 5 + size))
}

function protocolNames(body: Uint8Array): string[] {
  const names: string[] = []
  let at = 2
  while (at < body.length && names.length < PROTOCOLS_MAX) {
    const size = body[at]!
    if (size === 0 || at + 1 + size > body.length) break
    names.push(printable(body.subarray(at + 1, at + 1 + size)))
    at += 1 + size
  }
  return names
}

/** Both are ASCII on the wire; anything else is shown as U+FFFD. */
function printable(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '\ufffd'
  return text
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!
}
