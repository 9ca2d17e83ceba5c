import { expect, test } from 'bun:test'
import {
  ARGUMENT_TYPE as T,
  encodeSkbValue,
  encodeSockaddrValue,
  encodeSockValue,
  HOOK_VALUE_FLAG as F,
  SKB_VALUE_SIZE,
  SOCK_VALUE_SIZE,
  SOCKADDR_VALUE_SIZE,
} from '../../ffi/wire.gen.ts'
import { tracepointJson, valueJson } from '../../src/event/hook_value.ts'
import { AT, noChunks, number, shown, type Written, written } from './hook_written.ts'

const v4 = Uint8Array.of(10, 0, 0, 7, ...new Array<number>(12).fill(0))
const v6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 1)
const none = new Uint8Array(16)

const SOCK = {
  cookie: 0xffff_8880_0000_0001n,
  family: 2,
  type: 1,
  protocol: 6,
  state: 1,
  mark: 0,
  priority: 0,
  source: v4,
  destination: v4,
  source_port: 40000,
  destination_port: 443,
}

function sock(changes: Partial<typeof SOCK>): Written {
  return written(SOCK_VALUE_SIZE, (view, at) => encodeSockValue(view, at, { ...SOCK, ...changes }))
}

for (const name of ['SOCK', 'SOCKET'] as const) {
  test(`valueJson() shows ${name} of IPv4, IPv6 and other families`, () => {
    const common = {
      type: 'SOCK_STREAM',
      protocol: 'IPPROTO_TCP',
      cookie: String(SOCK.cookie),
      state: 'TCP_ESTABLISHED',
    }
    const ports = { sport: 40000, dport: 443 }
    expect(shown(T[name], sock({}))).toEqual({
      sock_arg: { family: 'AF_INET', ...common, saddr: '10.0.0.7', daddr: '10.0.0.7', ...ports },
    })
    expect(shown(T[name], sock({ family: 10, source: v6, destination: none, mark: 3, priority: 2 }))).toEqual({
      sock_arg: { family: 'AF_INET6', ...common, mark: 3, priority: 2, saddr: '2001:db8::1', daddr: '::', ...ports },
    })
    const unix = sock({ family: 1, protocol: 0, source_port: 0, destination_port: 0, cookie: 0n, state: 7 })
    expect(shown(T[name], unix)).toEqual({
      sock_arg: {
        family: 'AF_UNIX',
        type: 'SOCK_STREAM',
        protocol: 'IPPROTO_IP',
        saddr: 'invalid IP',
        daddr: 'invalid IP',
        state: 'TCP_CLOSE',
      },
    })
  })
}

test('valueJson() shows SKB', () => {
  const skb = written(
    SKB_VALUE_SIZE,
    (view, at) =>
      encodeSkbValue(view, at, {
        hash: 9,
        length: 60,
        priority: 0,
        mark: 0,
        source: v4,
        destination: v4,
        source_port: 53,
        destination_port: 1024,
        family: 2,
        protocol: 17,
        sec_path_length: 0,
        sec_path_olen: 0,
      }),
  )
  expect(shown(T.SKB, skb)).toEqual({
    skb_arg: {
      hash: 9,
      len: 60,
      saddr: '10.0.0.7',
      daddr: '10.0.0.7',
      sport: 53,
      dport: 1024,
      proto: 17,
      protocol: 'IPPROTO_UDP',
      family: 'AF_INET',
    },
  })
})

function address(family: number, port: number, bytes: Uint8Array, name: string | Uint8Array = ''): Written {
  return written(
    SOCKADDR_VALUE_SIZE,
    (view, at) => encodeSockaddrValue(view, at, { family, port, size: name.length, address: bytes }),
    name,
  )
}

test('valueJson() shows SOCKADDR', () => {
  expect(shown(T.SOCKADDR, address(2, 80, v4))).toEqual({
    sockaddr_arg: { family: 'AF_INET', addr: '10.0.0.7', port: 80 },
  })
  expect(shown(T.SOCKADDR, address(10, 0, v6))).toEqual({ sockaddr_arg: { family: 'AF_INET6', addr: '2001:db8::1' } })
})

test('valueJson() shows SOCKADDR_UN with a path, an abstract name, none', () => {
  expect(shown(T.SOCKADDR_UN, address(1, 0, none, '/run/x\0rest'))).toEqual({
    sockaddrun_arg: { family: 'AF_UNIX', path: '/run/x' },
  })
  expect(shown(T.SOCKADDR_UN, address(1, 0, none, '\0abc'))).toEqual({
    sockaddrun_arg: { family: 'AF_UNIX', path: '@abc' },
  })
  expect(shown(T.SOCKADDR_UN, address(1, 0, none, ''))).toEqual({ sockaddrun_arg: { family: 'AF_UNIX' } })
})

test('valueJson() shows SOCKADDR_UN of another family without one', () => {
  expect(shown(T.SOCKADDR_UN, address(16, 0, none, ''))).toEqual({ sockaddrun_arg: {} })
  expect(shown(T.SOCKADDR_UN, address(2, 0, none, ''))).toEqual({ sockaddrun_arg: { family: 'AF_INET' } })
})

test('valueJson() shows an address that is not there as one of zeroes, and says where a path to it broke', () => {
  expect(shown(T.SOCKADDR, number(0n), F.FAULT)).toEqual({ sockaddr_arg: { family: 'AF_UNSPEC', addr: 'invalid IP' } })
  expect(shown(T.SOCKADDR_UN, number(0n), F.FAULT)).toEqual({ sockaddrun_arg: {} })
  expect(shown(T.SOCKADDR, number(2n), F.FAULT)).toEqual({
    error_arg: { Message: 'Bad address encountered during resolve dereference at depth 2' },
  })
})

test('tracepointJson() names the families of the internet and of Unix sockets only', () => {
  const json = (type: number, { view, size }: Written) =>
    JSON.parse(tracepointJson(valueJson(view, { type, flags: 0, at: AT, size }, noChunks)) + '}')
  expect(json(T.SOCK, sock({})).sock_arg.family).toBe('AF_INET')
  expect(json(T.SOCK, sock({ family: 1 })).sock_arg.family).toBe('AF_UNIX')
  expect(json(T.SOCK, sock({ family: 16 })).sock_arg).toMatchObject({ type: 'SOCK_STREAM', saddr: 'invalid IP' })
  expect(json(T.SOCK, sock({ family: 16 })).sock_arg.family).toBeUndefined()
  expect(json(T.SOCKADDR, address(16, 0, none))).toEqual({ sockaddr_arg: { addr: 'invalid IP' } })
  expect(json(T.SOCKADDR, address(10, 53, v6)).sockaddr_arg.family).toBe('AF_INET6')
  expect(tracepointJson('{"skb_arg":{"len":4,"protocol":"IPPROTO_IP","family":"AF_UNSPEC"}')).toBe(
    '{"skb_arg":{"len":4,"protocol":"IPPROTO_IP"}',
  )
  expect(tracepointJson('{"string_arg":"\\"family\\":\\"AF_KEY\\","')).toBe(
    '{"string_arg":"\\"family\\":\\"AF_KEY\\","',
  )
})
