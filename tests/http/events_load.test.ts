import { expect, test } from 'bun:test'
import path from 'node:path'
import type { ClientResult } from '../../bench/doors_clients.ts'
import { compileQuery } from '../../src/filter/query.ts'
import { viewOfMeta } from '../../src/filter/view_meta.ts'
import { listen } from '../../src/http/listen.ts'
import { app, hub, meta } from './parts.ts'

const EVENTS = 20_000
const POLICIES = 100
const NARROW = 10
const QUEUE_BYTES = 2 << 20
const LAGGARDS = 2
const LINE = JSON.stringify({ process_exec: { process: { binary: '/bin/x', arguments: 'y'.repeat(600) } } })
/** What the full queues of the laggards hold, and some more: others, who are never further behind than these, have room then. */
const QUEUED_MAX = LAGGARDS * Math.floor(QUEUE_BYTES / LINE.length) + 1000

test('slow readers lose and know how much, the others get every event that they asked for', async () => {
  const stream = hub({ subscribers_max: 64, queue_events_max: 5_000, queue_bytes_max: QUEUE_BYTES })
  const parseQuery = (query: URLSearchParams) => {
    const predicate = compileQuery(query)
    return (line: string, of: ReturnType<typeof meta>) => predicate(viewOfMeta(line, of))
  }
  const routes = app({ events: { hub: stream, heartbeat_ms: 10_000, compact: null, parseQuery } })
  await using server = (await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, routes, 1000))!
  const queries = [
    ...Array.from({ length: 4 }, () => ''),
    ...Array.from({ length: NARROW }, (_, i) => `policies=p${i * 7}`),
  ]
  const order = { port: Number(server.address.split(':')[1]), queries, laggards: true }
  const client = path.join(import.meta.dirname, '../../bench/doors_clients.ts')
  const child = Bun.spawn([process.execPath, client, JSON.stringify(order)], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  while (stream.subscribers < queries.length + LAGGARDS) await Bun.sleep(5)
  await Bun.sleep(100)
  for (let seq = 1; seq <= EVENTS; seq++) {
    stream.write(LINE, meta(seq, { type: 'process_kprobe', policy: `p${seq % POLICIES}` }))
    if (seq % 20 === 0) {
      stream.push()
      await Bun.sleep(0)
      // A machine that is busy elsewhere makes all of them slow.
      while (stream.counters.queued > QUEUED_MAX) await Bun.sleep(5)
    }
  }
  child.stdin.write('hurry\n')
  child.stdin.flush()
  for (let i = 0; i < 3000 && stream.counters.queued > 0; i++) await Bun.sleep(10)
  await Bun.sleep(2000) // for what is still in sockets
  child.stdin.write('stop\n')
  child.stdin.end()
  const output = await new Response(child.stdout).text()
  const results = JSON.parse(output.trim().split('\n').at(-1)!) as ClientResult[]
  const shown = results.map(({ query, events, lost, disorder }) => ({ query, events, lost, disorder }))
  const all = { query: '', events: EVENTS, lost: 0, disorder: 0 }
  const narrow = { events: EVENTS / POLICIES, lost: 0, disorder: 0 }
  expect(shown.slice(0, 4)).toEqual([all, all, all, all])
  expect(shown.slice(4, -LAGGARDS)).toEqual(queries.slice(4).map((query) => ({ query, ...narrow })))
  for (const { events, lost, disorder } of shown.slice(-LAGGARDS)) {
    expect(lost).toBeGreaterThan(0)
    expect({ sum: events + lost, disorder }).toEqual({ sum: EVENTS, disorder: 0 })
  }
  const { events, written, queued, dropped } = stream.counters
  expect(events).toBe(written + queued + dropped.slow! + dropped.closed!)
}, 120_000)
