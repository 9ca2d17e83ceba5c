import { expect, test } from 'bun:test'
import { app, events as streaming, hub, meta } from './parts.ts'

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
  const response = await app({ events: streaming(stream, 1000) }).request('/v1/events')
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  stream.write('{"a":1}', meta(1))
  stream.push()
  const expected = ': thump\n\nid: b00t-1\ndata: {"a":1}\n\n'
  expect(await read(response, expected.length)).toBe(expected)
  expect(stream.subscribers).toBe(0)
})

test('GET /v1/events gives NDJSON where it is asked for, and replays the history', async () => {
  const stream = hub()
  const routes = app({ events: streaming(stream, 1000) })
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
  const response = await app({ events: streaming(stream, 1000) }).request(
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
  const routes = app({ events: streaming(stream, 5) })
  const first = await routes.request('/v1/events')
  const second = await routes.request('/v1/events')
  expect((await routes.request('/v1/events')).status).toBe(503)
  expect(await read(first, 12)).toBe(': thump\n\n: \n\n')
  await second.body!.cancel()
  expect((await routes.request('/v1/events')).status).toBe(200)
  await stream[Symbol.asyncDispose]()
})

test('GET /v1/events selects by its query and answers 400 to what it does not understand', async () => {
  const stream = hub()
  const routes = app({ events: streaming(stream) })
  stream.write('1', meta(1))
  stream.write('2', meta(2, { type: 'loss' }))
  expect(await read(await routes.request('/v1/events?types=loss&since=b00t-0', ndjson), 2)).toBe('2\n')
  const answer = await routes.request('/v1/events?types=bad')
  expect(answer.status).toBe(400)
  expect(await answer.json()).toEqual({ error: 'Unknown type "bad"' })
})
