import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import type { BatchExporter, BatchOptions } from '../../src/export/batch.ts'
import { createNats, credentialsOf, type NatsOptions, subjectOf } from '../../src/export/nats.ts'
import { testWhere } from '../kernel/need.ts'
import { certificates, OPENSSL_MISSING } from './certificates.ts'
import { NATS_MISSING, NatsServer } from './nats_server.ts'

const BATCH: Omit<BatchOptions, 'name'> = {
  batch_lines_max: 50,
  batch_characters_max: 1 << 20,
  linger_ms: 5,
  spool_characters_max: 1 << 20,
  pause_ms_min: 10,
  pause_ms_max: 50,
  attempts_max: Infinity,
  flush_ms_max: 30_000,
}

interface Rig {
  readonly nats: BatchExporter
  /** What was logged: the message of each trouble, null for its end. */
  readonly troubles: (string | null)[]
  readonly write: (from: number, to: number, text?: string) => void
  readonly settled: () => Promise<void>
}

function rig(server: string, changes: Partial<NatsOptions> = {}, batch: Partial<BatchOptions> = {}): Rig {
  const troubles: (string | null)[] = []
  const files = { credentials: '', ca: '', certificate: '', key: '' }
  const nats = createNats({
    servers: [server],
    prefix: 'thump.events',
    node_name: 'node.one',
    boot: 'b00t',
    stream: 'EVENTS',
    ...files,
    timeout_ms: 10_000,
    ...changes,
    batch: { ...BATCH, ...batch, onTrouble: (error) => troubles.push(error === null ? null : error.message) },
  })
  return {
    nats,
    troubles,
    write: (from, to, text = '') => {
      for (let seq = from; seq <= to; seq++) {
        nats.write(`{"n":${seq}${text}}`, {
          type: 'process_exec',
          ktime_ns: 0,
          seq,
          process: undefined,
          policy: undefined,
        })
      }
      nats.push()
    },
    settled: () => until(() => nats.counters.queued === 0),
  }
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 3000 && !done(); i++) await Bun.sleep(10)
  expect(done()).toBe(true)
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const idsOf = (seqs: readonly number[]) => seqs.map((seq) => `node.one/b00t-${seq}`)

test('subjectOf() makes one token of a node', () => {
  const prefix = 'a.b'
  expect(subjectOf({ prefix, node_name: 'ip-10-0-0-1.ec2.internal' })).toBe('a.b.ip-10-0-0-1_ec2_internal')
  expect(subjectOf({ prefix, node_name: '*.> x' })).toBe('a.b.____x')
  expect(subjectOf({ prefix, node_name: '' })).toBe('a.b._')
})

test('credentialsOf() knows the forms of a file', async () => {
  const user = nkeys.createUser()
  const seed = new TextDecoder().decode(user.getSeed())
  expect((await credentialsOf('me:pass:word\n'))('')).toMatchObject({ user: 'me', pass: 'pass:word' })
  expect((await credentialsOf('secret\n'))('')).toMatchObject({ auth_token: 'secret' })
  expect((await credentialsOf(seed))('nonce')).toMatchObject({ nkey: user.getPublicKey() })
  const creds = `-----BEGIN NATS USER JWT-----\nabc.def.ghi\n------END NATS USER JWT------\n\n` +
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`
  expect((await credentialsOf(creds))('nonce')).toMatchObject({ jwt: 'abc.def.ghi', nkey: user.getPublicKey() })
})

testWhere(
  NATS_MISSING,
  'createNats() puts each line under its node and number into the stream that it makes',
  async () => {
    await using server = await NatsServer.start()
    const { nats, write, settled } = rig(server.url)
    write(1, 120)
    nats.write('{"loss":{},"thump":{"seq":"121","boot":"b00t"}}')
    nats.write('{"rate_limit_info":{}}')
    nats.push()
    await settled()
    const messages = await server.messages('EVENTS')
    expect(messages.map(({ id }) => id)).toEqual([...idsOf(numbers(1, 121)), 'node.one/b00t-x1'])
    expect(new Set(messages.map(({ subject }) => subject))).toEqual(new Set(['thump.events.node_one']))
    expect(messages[6]!.text).toBe('{"n":7}')
    expect(nats.counters).toMatchObject({ events: 122, written: 122, dropped: { refused: 0, queue_full: 0 } })
    await nats[Symbol.asyncDispose]()
  },
  60_000,
)

testWhere(
  NATS_MISSING,
  'createNats() loses nothing and doubles nothing where a broker is killed and comes back',
  async () => {
    await using server = await NatsServer.start()
    const { nats, write, settled, troubles } = rig(server.url)
    for (let round = 0; round < 3; round++) {
      const end = (async () => {
        for (let i = 0; i < 99; i++) {
          write(round * 1000 + i * 10 + 1, round * 1000 + i * 10 + 10)
          await Bun.sleep(2)
        }
      })()
      await Bun.sleep(60)
      await server.signal('SIGKILL')
      await end
      write(round * 1000 + 991, round * 1000 + 1000) // which surely nobody takes
      expect(nats.counters.queued).toBeGreaterThan(0)
      await server.run()
      await settled()
    }
    const messages = await server.messages('EVENTS')
    expect(messages.map(({ id }) => id).toSorted()).toEqual(idsOf(numbers(1, 3000)).toSorted())
    expect(troubles.filter((trouble) => trouble === null).length).toBeGreaterThanOrEqual(3)
    expect(nats.counters).toMatchObject({ events: 3000, written: 3000, queued: 0 })
    await nats[Symbol.asyncDispose]()
  },
  120_000,
)

testWhere(NATS_MISSING, 'createNats() counts what its spool has no room for, and tells the stream', async () => {
  await using server = await NatsServer.start()
  const lossLine = (count: number) => `{"loss":{"count":"${count}"},"thump":{"seq":"9999","boot":"b00t"}}`
  const { nats, write, settled } = rig(server.url, {}, { spool_characters_max: 1000, lossLine })
  write(1, 10)
  await settled()
  await server.signal('SIGKILL')
  write(11, 500)
  const lost = nats.counters.dropped['queue_full']!
  expect(lost).toBeGreaterThan(300)
  await server.run()
  await settled()
  write(501, 501)
  await settled()
  const messages = await server.messages('EVENTS')
  expect(messages.map(({ id }) => id)).toEqual(idsOf([...numbers(1, 500 - lost), 9999, 501]))
  expect(messages.at(-2)!.text).toContain(`"count":"${lost}"`)
  expect(nats.counters).toMatchObject({ events: 502, written: 502 - lost })
  await nats[Symbol.asyncDispose]()
}, 60_000)

testWhere(
  NATS_MISSING,
  'createNats() sends again what a slow broker did not acknowledge; what came twice has one id',
  async () => {
    await using server = await NatsServer.start()
    await server.addStream('EVENTS', 'thump.events.>', 100) // forgets ids at once, so that duplicates stay
    // The pause is longer than the server needs to take what it was sent, and to forget it.
    const pauses = { pause_ms_min: 4000, pause_ms_max: 5000 }
    const { nats, write, settled, troubles } = rig(server.url, { timeout_ms: 1000 }, pauses)
    write(1, 10)
    await settled()
    const before = troubles.length
    await server.signal('SIGSTOP')
    write(11, 200)
    await until(() => troubles.length > before)
    expect(troubles[before]).toBe('NATS did not acknowledge 50 of 50 events: no answer within 1000 ms')
    await Bun.sleep(200)
    await server.signal('SIGCONT')
    await settled()
    const ids = (await server.messages('EVENTS')).map(({ id }) => id)
    expect([...new Set(ids)].toSorted()).toEqual(idsOf(numbers(1, 200)).toSorted())
    expect(ids.length).toBeGreaterThan(200)
    expect(nats.counters).toMatchObject({ events: 200, written: 200 })
    await nats[Symbol.asyncDispose]()
  },
  60_000,
)

testWhere(
  NATS_MISSING,
  'createNats() says who refuses the credentials, and takes new ones without a restart',
  async () => {
    const user = nkeys.createUser()
    await using server = await NatsServer.start(
      `authorization { users: [{nkey: ${user.getPublicKey()}}, {user: a, password: b, permissions: {publish: "x", subscribe: ">"}}] }\n`,
    )
    const credentials = path.join(server.directory, 'secret')
    fs.writeFileSync(credentials, 'a:wrong')
    const { nats, write, settled, troubles } = rig(server.url, { credentials })
    write(1, 3)
    await until(() => troubles.length > 0)
    expect(troubles[0]).toBe(
      `Cannot use NATS at ${server.url}: it refuses the credentials, those of ${credentials}: Authorization Violation`,
    )
    fs.writeFileSync(credentials, user.getSeed())
    await settled()
    expect(nats.counters.written).toBe(3)
    await nats[Symbol.asyncDispose]()

    const none = rig(server.url)
    none.write(1, 1)
    await until(() => none.troubles.length > 0)
    expect(none.troubles[0]).toContain('refuses the credentials, none are given (--nats-credentials)')
    fs.writeFileSync(credentials, 'a:b')
    const other = rig(server.url, { credentials, stream: '', timeout_ms: 5000 })
    other.write(1, 1)
    await until(() => other.troubles.length > 0)
    expect(other.troubles[0]).toContain('Permissions Violation for Publish to "thump.events.node_one"')
  },
  60_000,
)

testWhere(
  NATS_MISSING,
  'createNats() says where no stream takes events, and refuses a line that is too long for the server',
  async () => {
    await using server = await NatsServer.start('max_payload: 4096\n')
    const { nats, write, settled, troubles } = rig(server.url, { stream: '' })
    write(1, 1)
    await until(() => troubles.length > 0)
    expect(troubles[0]).toContain('no stream takes the subject "thump.events.node_one"')
    await server.addStream('OTHER', 'thump.>')
    await settled()
    write(2, 2, `,"x":"${'é'.repeat(2100)}"`)
    write(3, 3)
    await settled()
    expect((await server.messages('OTHER')).map(({ id }) => id)).toEqual(idsOf([1, 3]))
    expect(nats.counters).toMatchObject({ events: 3, written: 2, dropped: { refused: 1 } })
    const wrong = rig(server.url, { stream: 'MINE' }) // whose subjects another stream has
    wrong.write(1, 1)
    await until(() => wrong.troubles.length > 0)
    expect(wrong.troubles[0]).toContain('subjects overlap with an existing stream')
    await nats[Symbol.asyncDispose]()
  },
  60_000,
)

testWhere(
  NATS_MISSING ?? OPENSSL_MISSING,
  'createNats() speaks TLS, checks the server and shows its own certificate',
  async () => {
    const config =
      'tls { cert_file: "@DIR@/server.pem", key_file: "@DIR@/server.key", ca_file: "@DIR@/ca.pem", verify: true }\n'
    const pki = certificates()
    await using server = await NatsServer.start(config.replaceAll('@DIR@', pki))
    const url = server.url.replace('nats:', 'tls:')
    const file = (name: string) => path.join(pki, name)
    const own = { certificate: file('client.pem'), key: file('client.key') }
    const { nats, write, settled } = rig(url, { ca: file('ca.pem'), ...own })
    write(1, 100)
    await settled()
    expect(nats.counters.written).toBe(100)
    await nats[Symbol.asyncDispose]()

    const cases: [Partial<NatsOptions>, RegExp][] = [
      [{ ca: file('other.pem'), ...own }, /^Cannot use NATS at tls:.*certificate/i],
      [{ ca: file('ca.pem') }, /^Cannot use NATS at tls:/],
      [{ ca: file('nowhere.pem'), ...own }, /ENOENT.*nowhere\.pem/],
    ]
    for (const [options, message] of cases) {
      const wrong = rig(url, options)
      wrong.write(1, 1)
      await until(() => wrong.troubles.length > 0)
      expect(wrong.troubles[0]).toMatch(message)
      expect(wrong.nats.counters.written).toBe(0)
    }
    fs.rmSync(pki, { recursive: true })
  },
  60_000,
)
