import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EventMeta, EventType } from '../../src/event/type.ts'
import type { Rotation } from '../../src/export/file.ts'
import { Hub } from '../../src/export/hub.ts'
import { openDoor } from '../../src/grpc/door.ts'
import type { DoorParts } from '../../src/grpc/events.ts'
import type { Door } from '../../src/grpc/listen.ts'
import type { PolicyAnswer, PolicyPatch } from '../../src/http/policy_registry.ts'

const hub = new Hub({
  boot: 'b',
  history_events_max: 100,
  history_bytes_max: 1 << 20,
  queue_events_max: 1000,
  queue_bytes_max: 1 << 20,
  subscribers_max: 4,
  flush_ms_max: 100,
})
const loaded = new Map<string, { name: string; state: string; mode: string; source: string }>()
const patches: PolicyPatch[] = []
const containers: unknown[] = []
let level = 'info'
let rotation: Rotation = { bytes_max: 10_000_000, age_ms_max: 5_400_000, backups_max: 5 }
let door: Door
let guarded: Door
let folder = ''
let seq = 0

const missing = (name: string): PolicyAnswer<never> => ({
  ok: false,
  status: 404,
  mistakes: [{ file: '', line: 0, column: 0, message: `no policy "${name}"`, caret: '' }],
})

beforeAll(async () => {
  folder = mkdtempSync('/tmp/thump-grpc-')
  const file = {
    get rotation() {
      return rotation
    },
    configure: (changes: Partial<Rotation>) => void (rotation = { ...rotation, ...changes }),
  }
  const parts: DoorParts = {
    hub,
    file,
    version: '1.2.3',
    policies: {
      list: () => [...loaded.values()],
      get: (name) => missing(name),
      async add(yaml, source) {
        const name = /name: (\S+)/.exec(yaml)?.[1]
        if (name === undefined) {
          return {
            ok: false,
            status: 422,
            mistakes: [{ file: 'grpc', line: 1, column: 2, message: 'Cannot parse', caret: '' }],
          }
        }
        loaded.set(name, { name, state: 'enabled', mode: 'enforce', source })
        return { ok: true, value: [] }
      },
      async remove(name) {
        return loaded.delete(name) ? { ok: true, value: null } : missing(name)
      },
      replace: async (name) => missing(name),
      async patch(name, change) {
        patches.push(change)
        return loaded.has(name) ? { ok: true, value: {} } : missing(name)
      },
      plan: async () => ({ ok: true, value: [] }),
    },
    processes: {
      list: () => [{
        process: { exec_id: 'x', pid: 0, start_time: '2026-01-02T03:04:05.6Z' },
        ended: false,
        references: 2,
      }],
      get: () => null,
    },
    health: () => [],
    features: async () => ({ btf: true, lsm: false }),
    log_level: { get: () => level, set: (value) => void (level = value) },
    onContainer: (container) => void containers.push(container),
  }
  door = await openDoor(`unix:${folder}/sock`, { token: null, open_reading: true }, parts)
  guarded = await openDoor('127.0.0.1:0', { token: 'sesame', open_reading: true }, { ...parts, file: null })
})
afterAll(async () => {
  await door[Symbol.asyncDispose]()
  await guarded[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Answers of a client in another process. */
function ask(method: string, request: object, events = 0, address = door.address, token = '') {
  const client = Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, 'client.ts'),
      address,
      method,
      JSON.stringify(request),
      String(events),
      token,
    ],
    { stdout: 'pipe', stderr: 'inherit' },
  )
  return new Response(client.stdout).text().then((text) =>
    text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>)
  )
}

function emit(type: EventType, event: object): void {
  const meta: EventMeta = { type, ktime_ns: 0, seq: ++seq, process: undefined, policy: undefined }
  hub.write(
    JSON.stringify({
      [type]: event,
      node_name: 'n',
      time: '2026-01-02T03:04:05.000000006Z',
      thump: { seq: String(seq) },
    }),
    meta,
  )
  hub.push()
}

async function untilSubscribers(count: number): Promise<void> {
  while (hub.subscribers !== count) await Bun.sleep(10)
}

const PROCESS = {
  exec_id: 'e',
  pid: 0,
  uid: 0,
  binary: '/bin/x',
  start_time: '2026-01-02T03:04:05Z',
  tid: 7,
  in_init_tree: false,
  refcnt: 1,
}
const KPROBE = {
  process: { ...PROCESS, cap: { effective: ['CAP_SYS_ADMIN', 'DAC_OVERRIDE'] } },
  function_name: 'f',
  args: [{ int_arg: 0 }, { size_arg: '18446744073709551615', label: 'n' }, { bytes_arg: 'aGk=' }, {
    capability_arg: { value: 0, name: 'CAP_CHOWN' },
  }],
  return: { long_arg: '-5' },
  action: 'KPROBE_ACTION_SIGKILL',
  policy_name: 'net',
  kernel_stack_trace: [{ offset: '9', symbol: 's' }],
}

describe('GetEvents', () => {
  test('streams events as the wire has them, and what is only ours not at all', async () => {
    const answers = ask('GetEvents', {}, 2)
    await untilSubscribers(1)
    emit('loss', { count: '1' })
    emit('process_exec', { process: PROCESS })
    emit('process_kprobe', KPROBE)
    expect(await answers).toEqual([
      {
        process_exec: {
          process: {
            exec_id: 'e',
            pid: {},
            uid: {},
            binary: '/bin/x',
            start_time: { seconds: '1767323045' },
            refcnt: 1,
            tid: { value: 7 },
            in_init_tree: {},
          },
        },
        node_name: 'n',
        time: { seconds: '1767323045', nanos: 6 },
      },
      expect.objectContaining({
        process_kprobe: expect.objectContaining({
          args: [{ int_arg: 0 }, { size_arg: '18446744073709551615', label: 'n' }, { bytes_arg: 'aGk=' }, {
            capability_arg: { value: {}, name: 'CAP_CHOWN' },
          }],
          return: { long_arg: '-5' },
          action: 'KPROBE_ACTION_SIGKILL',
          kernel_stack_trace: [{ offset: '9', symbol: 's' }],
        }),
      }),
    ])
  })

  test('filters and trims as asked', async () => {
    await untilSubscribers(0)
    const answers = ask('GetEvents', {
      allow_list: [{ event_set: ['PROCESS_EXIT'], cel_expression: ['process_exit.status == 3'] }],
      deny_list: [{ cel_expression: ['process_exit.signal == "SIGKILL"'] }],
      field_filters: [{ fields: { paths: ['process.binary', 'status'] }, action: 'INCLUDE' }],
    }, 1)
    await untilSubscribers(1)
    emit('process_exec', { process: PROCESS })
    emit('process_exit', { process: PROCESS, status: 3, signal: 'SIGKILL' })
    emit('process_exit', { process: PROCESS, status: 3 })
    expect(await answers).toEqual([
      {
        process_exit: { process: { binary: '/bin/x' }, status: 3 },
        node_name: 'n',
        time: { seconds: '1767323045', nanos: 6 },
      },
    ])
  })

  test('refuses a filter that cannot be used', async () => {
    expect(await ask('GetEvents', { allow_list: [{ binary_regex: ['('] }] }, 1)).toEqual([
      { code: 'INVALID_ARGUMENT', details: expect.stringContaining('Cannot compile regular expression') },
    ])
  })

  test('gives its subscription back when the client goes', async () => {
    await untilSubscribers(0)
    expect(hub.subscribers).toBe(0)
  })
})

describe('tracing policies', () => {
  test('are added, listed, configured and deleted', async () => {
    expect(await ask('AddTracingPolicy', { yaml: 'metadata:\n  name: net' })).toEqual([{}])
    expect(await ask('ListTracingPolicies', {})).toEqual([{
      policies: [
        expect.objectContaining({
          name: 'net',
          state: 'TP_STATE_ENABLED',
          mode: 'TP_MODE_ENFORCE',
          domain: 'grpc',
          enabled: true,
        }),
      ],
    }])
    expect(await ask('ListDomains', {})).toEqual([{ domains: ['grpc'] }])
    expect(await ask('ConfigureTracingPolicy', { name: 'net', mode: 'TP_MODE_MONITOR', enable: false })).toEqual([{}])
    expect(patches.at(-1)).toEqual({ mode: 'monitor', enabled: false })
    expect(await ask('DeleteTracingPolicy', { name: 'net' })).toEqual([{}])
    expect(await ask('DeleteTracingPolicy', { name: 'net' })).toEqual([{
      code: 'NOT_FOUND',
      details: 'no policy "net"',
    }])
    expect(await ask('AddTracingPolicy', { yaml: '{' })).toEqual([{
      code: 'INVALID_ARGUMENT',
      details: 'grpc:1:2: Cannot parse',
    }])
  })
})

test('the other methods answer', async () => {
  expect(await ask('GetVersion', {})).toEqual([{ version: '1.2.3' }])
  expect(await ask('GetHealth', {})).toEqual([
    { health_status: [{ event: 'HEALTH_STATUS_TYPE_STATUS', status: 'HEALTH_STATUS_RUNNING', details: 'running' }] },
  ])
  expect(await ask('GetInfo', {})).toEqual([
    {
      version: '1.2.3',
      name: 'thump',
      probes: [{ Name: 'btf', Enabled: { value: true } }, { Name: 'lsm', Enabled: {} }],
      build: {},
    },
  ])
  expect(await ask('GetDebug', { flag: 'CONFIG_FLAG_DUMP_PROCESS_CACHE', dump: {} })).toMatchObject([
    { processes: { processes: [{ process: { exec_id: 'x', pid: {} }, color: 'inUse', refcnt: { value: 2 } }] } },
  ])
  expect(await ask('SetDebug', { flag: 'CONFIG_FLAG_LOG_LEVEL', level: 'LOG_LEVEL_DEBUG' })).toMatchObject([{
    level: 'LOG_LEVEL_DEBUG',
  }])
  expect(level).toBe('debug')
  expect(await ask('RuntimeHook', { createContainer: { containerID: 'c', mounts: [{ source: '/a' }] } })).toEqual([{}])
  expect(containers).toEqual([{ containerID: 'c', mounts: [{ source: '/a' }] }])
  expect(await ask('ListSensors', {})).toMatchObject([{ code: 'UNIMPLEMENTED' }])
}, 60_000)

test('EventLogService shows and changes the rotation of the export file', async () => {
  expect(await ask('GetEventLogParams', {})).toEqual([{ max_size: 10, rotation_interval: '1h30m0s', max_backups: 5 }])
  expect(await ask('SetEventLogParams', { max_size: 3, rotation_interval: '10s' })).toEqual([{}])
  expect(rotation).toEqual({ bytes_max: 3_000_000, age_ms_max: 10_000, backups_max: 5 })
  expect(await ask('SetEventLogParams', { max_backups: 0 })).toEqual([{}])
  expect(rotation.backups_max).toBe(0)
  for (const wrong of [{ max_size: 0 }, { max_backups: -1 }, { rotation_interval: 'soon' }]) {
    expect(await ask('SetEventLogParams', wrong)).toMatchObject([{ code: 'INVALID_ARGUMENT' }])
  }
  expect(await ask('GetEventLogParams', {}, 0, guarded.address)).toMatchObject([{ code: 'FAILED_PRECONDITION' }])
}, 60_000)

test('over TCP, changing needs the token, and reading does not', async () => {
  const add = { yaml: 'metadata:\n  name: other' }
  const refused = { code: 'UNAUTHENTICATED', details: expect.stringContaining('needs metadata') }
  expect(await ask('AddTracingPolicy', add, 0, guarded.address)).toEqual([refused])
  expect(await ask('AddTracingPolicy', add, 0, guarded.address, 'wrong')).toEqual([refused])
  expect(loaded.has('other')).toBe(false)
  expect(await ask('GetVersion', {}, 0, guarded.address)).toEqual([{ version: '1.2.3' }])
  expect(await ask('AddTracingPolicy', add, 0, guarded.address, 'sesame')).toEqual([{}])
}, 60_000)

test('the Unix socket is for its owner only', () => expect(statSync(`${folder}/sock`).mode & 0o777).toBe(0o600))
