import { expect, test } from 'bun:test'
import { tlsJson } from '../../src/event/tls.ts'

function sized(bytes: readonly number[]): number[] {
  return [bytes.length >> 8, bytes.length & 255, ...bytes]
}

function extension(type: number, body: readonly number[]): number[] {
  return [type >> 8, type & 255, ...sized(body)]
}

function clientHello(extensions: readonly number[]): number[] {
  const body = [
    ...[3, 3, ...Array<number>(32).fill(7)],
    ...[32, ...Array<number>(32).fill(9)],
    ...sized([0x13, 1, 0x13, 2]),
    ...[1, 0],
    ...sized(extensions),
  ]
  return [22, 3, 1, ...sized([1, 0, ...sized(body)])]
}

const NAME = extension(0, sized([0, ...sized([...Buffer.from('example.org')])]))
const ALPN = extension(16, sized([2, 0x68, 0x32, 8, ...Buffer.from('http/1.1')]))

function parsed(bytes: readonly number[]): unknown {
  const json = tlsJson(new Uint8Array(bytes))
  return json === undefined ? undefined : JSON.parse(json)
}

test('tlsJson() shows the server name and the protocols offered', () => {
  expect(parsed(clientHello([...extension(10, [1, 2]), ...NAME, ...ALPN]))).toEqual({
    server_name: 'example.org',
    alpn: ['h2', 'http/1.1'],
  })
})

test('tlsJson() of a ClientHello without a server name', () => {
  expect(parsed(clientHello(ALPN))).toEqual({ alpn: ['h2', 'http/1.1'] })
})

test('tlsJson() says what was captured in part', () => {
  const hello = clientHello([...NAME, ...ALPN])
  expect(parsed(hello.slice(0, -4))).toEqual({ server_name: 'example.org', truncated: true })
  expect(parsed(hello.slice(0, 60))).toEqual({ truncated: true })
})

test('tlsJson() replaces what no name has', () => {
  expect(parsed(clientHello(extension(0, sized([0, ...sized([0x61, 0, 0x22, 0xff])]))))).toEqual({
    server_name: 'a\ufffd"\ufffd',
  })
})

test.each([
  ['nothing', []],
  ['application data', [23, 3, 3, 0, 40, ...Array<number>(40).fill(1)]],
  ['a ServerHello', [22, 3, 3, 0, 40, 2, ...Array<number>(39).fill(1)]],
  ['plain text', [...Buffer.from('GET / HTTP/1.1\r\n')]],
])('tlsJson() gives nothing for %s', (_, bytes) => {
  expect(parsed(bytes)).toBeUndefined()
})

test('tlsJson() survives every cut and every changed byte', () => {
  const hello = clientHello([...NAME, ...ALPN])
  for (let i = 0; i < hello.length; i++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const json = tlsJson(new Uint8Array(hello.with(i, value)))
      if (json !== undefined) expect(() => JSON.parse(json) as unknown).not.toThrow()
    }
    tlsJson(new Uint8Array(hello.slice(0, i)))
  }
})
