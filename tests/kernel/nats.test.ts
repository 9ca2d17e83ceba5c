import { expect } from 'bun:test'
import { NATS_MISSING, NatsServer } from '../export/nats_server.ts'
import { TestAgent } from './agent.ts'
import { testWhere } from './need.ts'

testWhere(NATS_MISSING, 'a broker that is killed and comes back has every event of the agent, each once', async () => {
  await using server = await NatsServer.start()
  await using agent = await TestAgent.start(['--nats-url', server.url, '--nats-stream', 'EVENTS'])
  const sent = async () => (await agent.loss()).rows.find(({ where }) => where === 'nats')!
  for (let round = 0; round < 3; round++) {
    const load = Bun.spawn(['sh', '-c', 'for i in $(seq 200); do /bin/true; done'])
    await Bun.sleep(100)
    await server.signal('SIGKILL')
    await load.exited
    Bun.spawnSync(['/bin/true']) // one that surely came after the kill
    for (let i = 0; i < 600 && (await sent()).waiting === 0; i++) await Bun.sleep(50)
    expect((await sent()).waiting).toBeGreaterThan(0)
    await server.run()
  }
  for (let i = 0; i < 600 && (await sent()).waiting > 0; i++) await Bun.sleep(50)
  await agent.requireNoLoss()
  expect(await agent.stop()).toBe(0)
  const messages = await server.messages('EVENTS')
  const ids = (seqs: readonly string[]) => seqs.toSorted((a, b) => Number(a) - Number(b))
  const inStream = messages.map(({ text }) => (JSON.parse(text) as { thump: { seq: string } }).thump.seq)
  const onStdout = agent.events.map(({ line }) => (line['thump'] as { seq: string }).seq)
  expect(onStdout.length).toBeGreaterThan(1200)
  expect(ids(inStream)).toEqual(ids(onStdout))
  const { node_name, thump } = agent.events[0]!.line as { node_name: string; thump: { boot: string } }
  expect(messages.map(({ id }) => id)).toEqual(inStream.map((seq) => `${node_name}/${thump.boot}-${seq}`))
  expect(agent.stderr).toContain('cannot send events')
  expect(agent.stderr).toContain('sending works again')
})

testWhere(NATS_MISSING, 'NATS has filters of its own; the other sinks keep theirs', async () => {
  await using server = await NatsServer.start()
  const lists = [
    '--nats-allowlist',
    '{"event_set":["PROCESS_EXIT"]}',
    '--export-denylist',
    '{"event_set":["PROCESS_EXIT"]}',
  ]
  await using agent = await TestAgent.start(['--nats-url', server.url, '--nats-stream', 'EVENTS', ...lists])
  for (let i = 0; i < 5; i++) Bun.spawnSync(['/bin/true'])
  expect(await agent.stop()).toBe(0)
  const inStream = new Set((await server.messages('EVENTS')).map(({ text }) => Object.keys(JSON.parse(text))[0]))
  expect(inStream).toEqual(new Set(['process_exit']))
  expect(new Set(agent.events.map(({ kind }) => kind))).toEqual(new Set(['process_exec']))
})
