import { expect, test } from 'bun:test'
import { dnsJson } from '../../src/event/dns.ts'

function name(text: string): number[] {
  return [...text.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]), 0]
}

function header(flags: number, questions: number, answers: number): number[] {
  return [0x12, 0x34, flags >> 8, flags & 255, 0, questions, 0, answers, 0, 0, 0, 0]
}

const QUESTION = [...header(0x0100, 1, 0), ...name('example.org'), 0, 28, 0, 1]

function parsed(bytes: number[]): unknown {
  const json = dnsJson(new Uint8Array(bytes))
  return json === undefined ? undefined : JSON.parse(json)
}

test('dnsJson() shows a question', () => {
  expect(parsed(QUESTION)).toEqual({
    id: 0x1234,
    response: false,
    questions: [{ name: 'example.org', type: 'AAAA' }],
  })
})

test('dnsJson() shows answers, names by pointer, behind a UDP header', () => {
  const message = [
    ...header(0x8180, 1, 3),
    ...name('www.example.org'),
    ...[0, 1, 0, 1],
    ...[0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 2, 0xc0, 16],
    ...[0xc0, 16, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1],
    ...[0xc0, 16, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ]
  const answers = [
    { name: 'www.example.org', type: 'CNAME', ttl: 300, data: 'example.org' },
    { name: 'example.org', type: 'A', ttl: 60, data: '192.0.2.1' },
    { name: 'example.org', type: 'AAAA', ttl: 60, data: '2001:db8::1' },
  ]
  const expected = {
    id: 0x1234,
    response: true,
    rcode: 'NOERROR',
    questions: [{ name: 'www.example.org', type: 'A' }],
    answers,
  }
  expect(parsed(message)).toEqual(expected)
  const length = message.length + 8
  expect(parsed([0, 53, 0x80, 1, length >> 8, length & 255, 0, 0, ...message])).toEqual(expected)
  expect(parsed(message.slice(0, -20))).toEqual({ ...expected, answers: answers.slice(0, 2), truncated: true })
})

test('dnsJson() tells codes and unknown types', () => {
  const message = [...header(0x8183, 1, 0), ...name('no.such'), 0xff, 0x12, 0, 1]
  expect(parsed(message)).toEqual({
    id: 0x1234,
    response: true,
    rcode: 'NXDOMAIN',
    questions: [{ name: 'no.such', type: 'TYPE65298' }],
  })
})

test('dnsJson() escapes what is not printable, and dots within a label', () => {
  const message = [...header(0x0100, 1, 0), 4, 0x61, 0x2e, 0x07, 0x22, 0, 0, 1, 0, 1]
  expect(parsed(message)).toMatchObject({ questions: [{ name: 'a\\.\\007"', type: 'A' }] })
})

test.each([
  ['nothing', []],
  ['a short header', QUESTION.slice(0, 11)],
  ['a pointer to itself', [...header(0x0100, 1, 0), 0xc0, 12, 0, 1, 0, 1]],
  ['a pointer beyond the end', [...header(0x0100, 1, 0), 0xff, 0xff, 0, 1, 0, 1]],
  ['a label of 64 bytes', [...header(0x0100, 1, 0), 64, ...Array<number>(64).fill(0x61), 0, 0, 1, 0, 1]],
  ['a name above 255 bytes', [
    ...header(0x0100, 1, 0),
    ...Array.from({ length: 5 }, () => [63, ...Array<number>(63).fill(0x61)]).flat(),
    ...[0, 0, 1, 0, 1],
  ]],
  ['no question and no answer', header(0x0100, 0, 0)],
  ['something else', [...Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
])('dnsJson() gives nothing for %s', (_, bytes) => {
  expect(parsed(bytes)).toBeUndefined()
})

test('dnsJson() survives random bytes', () => {
  let seed = 7
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) & 255
  for (let round = 0; round < 20_000; round++) {
    const bytes = [...header(0x8180, 1, 2), ...Array.from({ length: round % 64 }, next)]
    const json = dnsJson(new Uint8Array(bytes))
    if (json !== undefined) expect(() => JSON.parse(json) as unknown).not.toThrow()
  }
})
