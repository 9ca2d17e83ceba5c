// Ways around protect-egress: something sent to where it allows nothing.
import { type Case, type Place, PROGRAMS } from './case.ts'

const reach = (way: string) => ({ outside, port }: Place) => [`${PROGRAMS}/reach`, way, outside, port]
const ring = (how: string, way: string) => ({ outside, port }: Place) => [`${PROGRAMS}/ring`, how, way, outside, port]

function prevented(id: string, classes: string, what: string, run: Case['run'], more: Partial<Case> = {}): Case {
  return { id: `connect-${id}`, classes, goal: 'connect', what, run, expect: 'prevented', ...more }
}

export const CONNECT_CASES: readonly Case[] = [
  prevented('plain', 'B17', '`connect()`', reach('connect')),
  prevented('race', 'B1 B3', 'a thread that changes the address while `connect()` reads it', ({ outside, port }) => [
    `${PROGRAMS}/race`,
    'connect',
    outside,
    port,
    '3',
  ]),
  prevented('nonblocking', 'B3', 'a socket that does not wait', reach('nonblocking')),
  prevented('ring', 'B5', 'io_uring: connect', ring('plain', 'connect')),
  prevented('ring-async', 'B5', 'io_uring, by a worker thread', ring('async', 'connect')),
  prevented('ring-poll', 'B5', 'io_uring, by its polling thread', ring('poll', 'connect')),
  prevented('ring-fast-open', 'B5', 'io_uring: TCP fast open', ring('plain', 'fast-open')),
  prevented('ring-send', 'B5', 'io_uring: UDP', ring('plain', 'send')),
  prevented('fast-open', 'B6', 'TCP fast open', reach('fast_open')),
  prevented('fast-open-connect', 'B6', '`TCP_FASTOPEN_CONNECT`', reach('fast_open_connect')),
  prevented('mptcp', 'B6', 'MPTCP', reach('mptcp'), { but: { '5.10': 'absent' } }),
  prevented('int80', 'B6', '32-bit `socketcall()`', reach('int80')),
  prevented('connect-udp', 'B6', 'UDP: `connect()`, `send()`', reach('connect_udp')),
  prevented('sendto', 'B6', 'UDP: `sendto()`', reach('sendto')),
  prevented('sendmsg', 'B6', 'UDP: `sendmsg()`', reach('sendmsg')),
  prevented('sendmmsg', 'B6', 'UDP: `sendmmsg()`', reach('sendmmsg')),
  prevented('unspecified', 'B6', 'UDP: an address without a family', reach('unspecified')),
  prevented('mapped', 'B6', 'an IPv4 address written as IPv6', reach('mapped')),
  prevented('mapped-udp', 'B6', 'the same over UDP', reach('mapped_udp')),
  prevented('ipv4-on-ipv6', 'B6', 'an IPv4 address on an IPv6 socket', reach('ipv4_on_ipv6')),
  prevented('raw', 'B6', 'a raw socket with another address in the packet', reach('raw'), { effect: 'status' }),
  prevented('packet', 'B6', 'a packet socket', reach('packet'), { effect: 'status' }),
  prevented('threads', 'B17', 'several threads at once', reach('threads')),
  prevented('orphan', 'B11', 'a process whose parents are gone', reach('orphan')),
  prevented('held-tcp', 'B23', 'a TCP connection older than the policy', { held: 'tcp' }, {
    effect: 'status',
    expect: 'detected',
    tells: ['network-any'],
    why: 'the policy decides who may connect; what is sent on a connection that was there is told',
  }),
  prevented('held-udp', 'B23', 'a UDP socket connected before the policy was there', { held: 'udp' }),
]
