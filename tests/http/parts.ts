// A whole app over made-up parts, for tests of its routes.
import type { Hono } from 'hono'
import { Hub } from '../../src/export/hub.ts'
import type { EventMeta } from '../../src/event/type.ts'
import { type AppParts, buildApp } from '../../src/http/app.ts'
import { openapiDocument } from '../../src/http/openapi.ts'
import type { EventRouteOptions } from '../../src/http/events.ts'
import { Budget } from '../../src/http/budget.ts'
import { Guard, type GuardOptions } from '../../src/http/guard.ts'

export const TOKEN = 'correct-horse'

const KNOWN = { process: { exec_id: 'known=' }, ended: false, references: 1, parent: null, ancestors: [], children: [] }

export function hub(changes: Partial<ConstructorParameters<typeof Hub>[0]> = {}): Hub {
  return new Hub({
    boot: 'b00t',
    history_events_max: 10,
    history_bytes_max: 1 << 20,
    queue_events_max: 5,
    queue_bytes_max: 1 << 20,
    subscribers_max: 2,
    flush_ms_max: 100,
    ...changes,
  })
}

export function meta(seq: number, changes: Partial<EventMeta> = {}): EventMeta {
  return { seq, type: 'process_exec', ktime_ns: 0, process: undefined, policy: undefined, ...changes }
}

export function events(stream: Hub, heartbeat_ms = 10_000): EventRouteOptions {
  const parseQuery = (query: URLSearchParams) => {
    const types = query.get('types')
    if (types === 'bad') return 'Unknown type "bad"'
    return (_: string, meta: EventMeta) => types === null || meta.type === types
  }
  return { hub: stream, heartbeat_ms, compact: null, parseQuery }
}

export function app(changes: Partial<AppParts> = {}, guard: Partial<GuardOptions> = {}): Hono {
  return buildApp({
    guard: new Guard({ token: TOKEN, open_reading: true, any_host: false, host_names: ['node1'], ...guard }),
    budget: new Budget(),
    metrics_prefix: 'thump',
    openapi: openapiDocument('0', {}),
    version: () => ({ version: '0' }),
    readiness: () => ({ ready: true, missing: [] }),
    metrics:
      () => [{ name: 'events_total', type: 'counter', help: 'Events', samples: [{ labels: { a: 'x"y' }, value: 3 }] }],
    loss: () => ({ total: 0 }),
    coverage: () => [],
    processes: {
      list: () => [],
      texts: () => Array.from({ length: 600 }, (_, i) => `{"process":{"pid":${i}},"ended":false,"references":1}`),
      get: (exec_id) => exec_id === 'known=' ? KNOWN : null,
    },
    events: events(hub()),
    policies: null,
    stop: () => {},
    onError: (error) => {
      throw error
    },
    ...changes,
  })
}
