import { expect, test } from 'bun:test'
import type { ImageReference, Pod, ProcessReference } from '../../src/event/type.ts'
import { parseEventQuery } from '../../src/http/event_query.ts'
import { app, hub, meta } from './parts.ts'

const ndjson = { headers: { Accept: 'application/x-ndjson' } }

async function read(response: Response, characters: number): Promise<string> {
  const reader = response.body!.getReader()
  const decoder = new TextDecoder()
  let text = ''
  while (text.length < characters) {
    const { value, done } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text
}

test('GET /v1/events sends events with ids of boot and sequence', async () => {
  const stream = hub()
  const response = await app({ events: { hub: stream, heartbeat_ms: 1000, compact: null } }).request('/v1/events')
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  stream.write('{"a":1}', meta(1))
  stream.push()
  const expected = ': thump\n\nid: b00t-1\ndata: {"a":1}\n\n'
  expect(await read(response, expected.length)).toBe(expected)
  expect(stream.subscribers).toBe(0)
})

test('GET /v1/events gives NDJSON where it is asked for, and replays the history', async () => {
  const stream = hub()
  const routes = app({ events: { hub: stream, heartbeat_ms: 1000, compact: null } })
  for (let seq = 1; seq <= 12; seq++) stream.write(`{"n":${seq}}`, meta(seq))
  expect(await read(await routes.request('/v1/events?since=b00t-11', ndjson), 9)).toBe('{"n":12}\n')
  const gap = await read(await routes.request('/v1/events?since=b00t-0', ndjson), 60)
  expect(gap.split('\n').slice(0, 2)).toEqual([
    '{"loss":{"reason":"history","count":2,"from":"b00t-1","to":"b00t-2"}}',
    '{"n":3}',
  ])
  const header = { headers: { 'Last-Event-ID': 'other-5' } }
  const boot = await read(await routes.request('/v1/events', header), 100)
  expect(boot).toStartWith(
    ': thump\n\nevent: loss\ndata: {"reason":"boot","count":null,"from":"other-5","to":"b00t-3"}\n\nid: b00t-3\n',
  )
})

test('GET /v1/events tells a slow reader how much it missed, in place', async () => {
  const stream = hub()
  const response = await app({ events: { hub: stream, heartbeat_ms: 1000, compact: null } }).request(
    '/v1/events',
    ndjson,
  )
  for (let seq = 1; seq <= 9; seq++) stream.write(String(seq), meta(seq))
  stream.push()
  const reader = response.body!.getReader()
  const decode = async () => new TextDecoder().decode((await reader.read()).value)
  expect(await decode()).toBe('1\n2\n3\n4\n5\n')
  stream.write('10', meta(10))
  expect(await decode()).toBe('{"loss":{"reason":"slow","count":4,"from":"b00t-6","to":"b00t-9"}}\n10\n')
  await reader.cancel()
  const { events, written, queued, dropped } = stream.counters
  expect(events).toBe(written + queued + dropped.slow! + dropped.closed!)
})

test('GET /v1/events sends heartbeats in silence and refuses one subscriber too many', async () => {
  const stream = hub()
  const routes = app({ events: { hub: stream, heartbeat_ms: 5, compact: null } })
  const first = await routes.request('/v1/events')
  const second = await routes.request('/v1/events')
  expect((await routes.request('/v1/events')).status).toBe(503)
  expect(await read(first, 12)).toBe(': thump\n\n: \n\n')
  await second.body!.cancel()
  expect((await routes.request('/v1/events')).status).toBe(200)
  await stream[Symbol.asyncDispose]()
})

function process(pid: number, binary: string, docker: string, pod: Pod | undefined): ProcessReference {
  const image: ImageReference = {
    binary,
    arguments: '',
    cwd: '/',
    uid: 0,
    auid: 0,
    docker,
    cgroup_id: 0,
    pod,
    capabilities: undefined,
    environment: undefined,
  }
  return { key: pid, pid, image, flags: '', in_init_tree: false, parent: undefined, exec_id: '', parent_exec_id: '' }
}

const pod = { namespace: 'default', name: 'web-1', container: { name: 'main' } }
const exec = meta(1, { policy: 'net', process: process(7, '/usr/bin/curl', 'abc', pod) })
const host = meta(2, { type: 'process_exit', process: process(8, '/bin/sh', '', undefined) })
const none = meta(3, { type: 'loss' })

test.each([
  ['', [1, 2, 3]],
  ['types=process_exec,loss', [1, 3]],
  ['types=PROCESS_EXIT', [2]],
  ['policies=net', [1]],
  ['namespaces=/^def/', [1]],
  ['pods=web-1,x', [1]],
  ['pods=/^web-[12,]$/', [1]],
  ['containers=main', [1]],
  ['containers=abc', [1]],
  ['binaries=/usr/', [1]],
  ['binaries=/usr/,/bin', [1, 2]],
  ['pids=8', [2]],
  ['host=true', [2]],
  ['host=false', [1]],
  ['types=process_exec&pids=8', []],
])('parseEventQuery(%p) selects %p', (query, expected) => {
  const match = parseEventQuery(new URLSearchParams(query))
  expect([exec, host, none].filter(match).map((each) => each.seq)).toEqual(expected)
})

test.each(['nope=1', 'pids=x', 'pods=/(/'])('GET /v1/events?%s answers 400', async (query) => {
  expect((await app().request(`/v1/events?${query}`)).status).toBe(400)
})
