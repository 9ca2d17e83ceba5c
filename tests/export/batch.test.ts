import { afterEach, describe, expect, test } from 'bun:test'
import type { BatchExporter, BatchOptions } from '../../src/export/batch.ts'
import { createOtlp, logRecord } from '../../src/export/otlp.ts'
import { createWebhook, type WebhookOptions } from '../../src/export/webhook.ts'

let stop: (() => Promise<void>) | undefined
afterEach(async () => {
  await stop?.()
  stop = undefined
})

/** Answers with the statuses in turn, then 200; keeps what came. */
function receiver(statuses: readonly number[] = [], delay_ms = 0) {
  const bodies: string[] = []
  const keys: (string | null)[] = []
  const requests: Request[] = []
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      requests.push(request)
      const bytes = new Uint8Array(await request.arrayBuffer())
      bodies.push(
        new TextDecoder().decode(request.headers.get('content-encoding') === 'gzip' ? Bun.gunzipSync(bytes) : bytes),
      )
      keys.push(request.headers.get('idempotency-key'))
      if (delay_ms > 0) await Bun.sleep(delay_ms)
      const status = statuses[bodies.length - 1] ?? 200
      return new Response(status === 200 ? 'ok' : 'no', { status })
    },
  })
  stop = () => server.stop(true)
  return { url: `http://127.0.0.1:${server.port}/x`, bodies, keys, requests, server }
}

const BATCH: Omit<BatchOptions, 'name'> = {
  batch_lines_max: 3,
  batch_characters_max: 1_000,
  linger_ms: 5,
  spool_characters_max: 10_000,
  pause_ms_min: 1,
  pause_ms_max: 5,
  attempts_max: 5,
  flush_ms_max: 30_000,
}

function webhook(url: string, batch: Partial<BatchOptions> = {}, changes: Partial<WebhookOptions> = {}): BatchExporter {
  return createWebhook({
    url,
    headers: { 'X-Mine': 'yes' },
    format: 'ndjson',
    compress: false,
    timeout_ms: 20_000,
    ...changes,
    batch: { ...BATCH, ...batch },
  })
}

/** events = written + queued + dropped. */
function balanced({ counters }: BatchExporter): boolean {
  const dropped = Object.values(counters.dropped).reduce((sum, count) => sum + count, 0)
  return counters.events === counters.written + counters.queued + dropped
}

describe('createWebhook()', () => {
  test('posts batches in order', async () => {
    const { url, bodies, requests } = receiver()
    const hook = webhook(url)
    for (let i = 0; i < 7; i++) hook.write(`{"i":${i}}`)
    await hook[Symbol.asyncDispose]()
    expect(bodies).toEqual(['{"i":0}\n{"i":1}\n{"i":2}\n', '{"i":3}\n{"i":4}\n{"i":5}\n', '{"i":6}\n'])
    expect(requests[0]?.headers.get('content-type')).toBe('application/x-ndjson')
    expect(requests[0]?.headers.get('x-mine')).toBe('yes')
    expect(hook.counters).toMatchObject({ events: 7, written: 7, queued: 0, queued_bytes: 0 })
  })

  test('sends what lingers by itself', async () => {
    const { url, bodies } = receiver()
    await using hook = webhook(url)
    hook.write('{}')
    hook.push()
    for (let i = 0; i < 2000 && bodies.length === 0; i++) await Bun.sleep(10)
    expect(bodies).toEqual(['{}\n'])
  })

  test('sends one JSON list, compressed', async () => {
    const { url, bodies } = receiver()
    const hook = webhook(url, {}, { format: 'json', compress: true })
    hook.write('{"a":1}')
    hook.write('{"b":2}')
    await hook[Symbol.asyncDispose]()
    expect(JSON.parse(bodies[0] ?? '')).toEqual([{ a: 1 }, { b: 2 }])
  })

  test('tries again after 503 and 429 with the same key, losing and doubling nothing', async () => {
    const { url, bodies, keys } = receiver([503, 429, 200, 500])
    const trouble: (string | undefined)[] = []
    const hook = webhook(url, { onTrouble: (error) => trouble.push(error?.message) })
    for (let i = 0; i < 5; i++) hook.write(`${i}`)
    await hook[Symbol.asyncDispose]()
    expect(bodies).toEqual(['0\n1\n2\n', '0\n1\n2\n', '0\n1\n2\n', '3\n4\n', '3\n4\n'])
    expect(new Set(keys.slice(0, 3)).size).toBe(1)
    expect(keys[3]).not.toBe(keys[0])
    expect(trouble).toEqual([
      'The server answered with status 503: no',
      undefined,
      'The server answered with status 500: no',
      undefined,
    ])
    expect(hook.counters.written).toBe(5)
  })

  test('drops what the server refuses, and tells it so', async () => {
    const { url, bodies } = receiver([400])
    const hook = webhook(url, { lossLine: (count) => `lost ${count}` })
    for (let i = 0; i < 3; i++) hook.write(`${i}`)
    await hook.flush()
    hook.write('later')
    await hook[Symbol.asyncDispose]()
    expect(bodies).toEqual(['0\n1\n2\n', 'lost 3\nlater\n'])
    expect(hook.counters.dropped).toMatchObject({ refused: 3 })
    expect(balanced(hook)).toBe(true)
  })

  test('keeps a bounded spool while the server is away', async () => {
    const hook = webhook('http://127.0.0.1:1/', { spool_characters_max: 100, flush_ms_max: 50, attempts_max: Infinity })
    for (let i = 0; i < 100; i++) {
      hook.write('0123456789')
      hook.push()
    }
    expect(hook.counters.queued).toBe(10)
    expect(hook.counters.dropped).toMatchObject({ queue_full: 90 })
    const start = performance.now()
    await hook[Symbol.asyncDispose]()
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(hook.counters).toMatchObject({ queued: 0, dropped: { queue_full: 90, closed: 10 } })
    expect(balanced(hook)).toBe(true)
  })

  test('gives a batch up after attempts_max', async () => {
    const { url, bodies } = receiver(Array(10).fill(500))
    const hook = webhook(url, { attempts_max: 3 })
    hook.write('x')
    await hook[Symbol.asyncDispose]()
    expect(bodies).toHaveLength(3)
    expect(hook.counters.dropped).toMatchObject({ error: 1 })
  })

  test('does not wait longer than timeout_ms for an answer', async () => {
    const { url } = receiver([], 25_000)
    const hook = webhook(url, { attempts_max: 1 }, { timeout_ms: 30 })
    hook.write('x')
    const start = performance.now()
    await hook[Symbol.asyncDispose]()
    expect(performance.now() - start).toBeLessThan(15_000)
    expect(hook.counters.dropped).toMatchObject({ error: 1 })
  })

  test('does not follow a redirect with the events', async () => {
    const server = Bun.serve({ port: 0, fetch: () => Response.redirect('http://127.0.0.1:1/') })
    stop = () => server.stop(true)
    const hook = webhook(`http://127.0.0.1:${server.port}/`, { attempts_max: 1 })
    hook.write('x')
    await hook[Symbol.asyncDispose]()
    expect(hook.counters.written).toBe(0)
  })
})

describe('createOtlp()', () => {
  const LINE = JSON.stringify({
    process_kprobe: {
      process: {
        exec_id: 'e',
        pid: 5,
        uid: 0,
        binary: '/bin/x',
        arguments: '-a',
        docker: 'abc',
        pod: { namespace: 'd', name: 'p' },
      },
      function_name: 'f',
      policy_name: 'net',
      action: 'KPROBE_ACTION_SIGKILL',
    },
    node_name: 'n',
    time: '2026-01-02T03:04:05.000000006Z',
  })

  test('posts log records to /v1/logs', async () => {
    const { url, bodies, requests } = receiver()
    const exporter = createOtlp({
      url: new URL(url).origin,
      headers: {},
      resource: { 'service.name': 'thump' },
      scope_version: '1',
      compress: true,
      timeout_ms: 20_000,
      batch: BATCH,
    })
    exporter.write(LINE)
    await exporter[Symbol.asyncDispose]()
    expect(new URL(requests[0]?.url ?? '').pathname).toBe('/v1/logs')
    expect(JSON.parse(bodies[0] ?? '')).toMatchObject({
      resourceLogs: [{
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'thump' } }] },
        scopeLogs: [{
          scope: { name: 'thump', version: '1' },
          logRecords: [{ eventName: 'process_kprobe', body: { stringValue: LINE } }],
        }],
      }],
    })
  })

  test('logRecord() keeps nanoseconds, names what stands in the event, and grades it', () => {
    const record = logRecord(LINE, 1_700_000_000_000)
    expect(record.timeUnixNano).toBe('1767323045000000006')
    expect(record.observedTimeUnixNano).toBe('1700000000000000000')
    expect(record.severityText).toBe('ERROR')
    expect(
      Object.fromEntries(record.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? ''])),
    ).toEqual({
      'host.name': 'n',
      'process.pid': '5',
      'process.executable.path': '/bin/x',
      'process.command_args': '-a',
      'process.user.id': '0',
      'container.id': 'abc',
      'k8s.namespace.name': 'd',
      'k8s.pod.name': 'p',
      'thump.exec_id': 'e',
      'thump.policy': 'net',
      'thump.function': 'f',
      'thump.action': 'KPROBE_ACTION_SIGKILL',
    })
    expect(logRecord('{"loss":{"count":3},"time":"x"}', 5)).toMatchObject({
      severityText: 'WARN',
      timeUnixNano: '5000000',
      eventName: 'loss',
    })
    expect(logRecord('{"process_exec":{}}', 5).severityText).toBe('INFO')
    // Of a kind whose time stands in thump.
    const loader = '{"process_loader":{},"thump":{"time":"2026-01-02T03:04:05.6Z"}}'
    expect(logRecord(loader, 5).timeUnixNano).toBe(`${Date.UTC(2026, 0, 2, 3, 4, 5) / 1000}600000000`)
  })
})
