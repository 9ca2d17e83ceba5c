import { describe, expect, test } from 'bun:test'
import { parseOptions } from '../../src/cli/command.ts'
import { parseMessages, readEvents } from '../../src/cli/event_stream.ts'
import { eventQuery } from '../../src/cli/events.ts'
import { readLines } from '../../src/cli/line_reader.ts'
import { runClient } from '../../src/cli/thump.ts'
import { fakeTerminal } from './terminal.ts'

const exec = (pid: number, binary = '/bin/x') =>
  JSON.stringify({ process_exec: { process: { pid, binary } }, node_name: 'n' })
const NDJSON = [exec(1), 'not json', exec(2, '/usr/bin/y'), '{"loss":{"count":3}}', ''].join('\n')

describe('thump events -', () => {
  test('prints compact lines of what stdin holds, and counts what is no event', async () => {
    const terminal = fakeTerminal(NDJSON)
    expect(await runClient(['events', '-'], terminal)).toBe(0)
    expect(terminal.out).toBe('🚀 process n /bin/x \n🚀 process n /usr/bin/y \n🕳️ loss    count=3\n')
    expect(terminal.err).toBe('thump events: 1 of 4 lines were no events\n')
  })

  test('filters, and trims fields of JSON, but never what was lost', async () => {
    const terminal = fakeTerminal(NDJSON)
    expect(await runClient(['events', '-', '-o', 'json', '--binaries', '/usr', '-f', 'process.pid'], terminal)).toBe(0)
    expect(terminal.out).toBe('{"process_exec":{"process":{"pid":2}},"node_name":"n"}\n{"loss":{"count":3}}\n')
  })

  test('passes JSON lines on byte for byte', async () => {
    const terminal = fakeTerminal(`${exec(1)}\n`)
    await runClient(['events', '-', '-o', 'json', '--cel', 'process_exec.process.pid == 1'], terminal)
    expect(terminal.out).toBe(`${exec(1)}\n`)
  })

  for (
    const args of [['-o', 'xml'], ['--pids', 'x'], ['--nope'], ['word'], ['--types', 'exec'], ['--process', '('], [
      '--color',
      'blue',
    ], ['--allow', '{}', '--pod', 'x']]
  ) {
    test(`refuses ${args.join(' ')} with status 2`, async () => {
      const terminal = fakeTerminal(NDJSON)
      expect(await runClient(['events', '-', ...args], terminal)).toBe(2)
      expect(terminal.out).toBe('')
    })
  }
})

test('eventQuery() makes one filter of the flags that tetra has', () => {
  const known = { '--process': true, '--pod': true, '-n': true, '-e': true }
  const query = eventQuery(
    parseOptions(['--process', 'a', '--process', 'b', '--pod', 'c', '-n', 'd', '-e', 'PROCESS_EXEC'], known),
  )
  expect([...query]).toEqual([['namespaces', 'd'], ['types', 'PROCESS_EXEC'], [
    'allow',
    '{"binary_regex":["a","b"],"pod_regex":["c"]}',
  ]])
})

describe('parseMessages()', () => {
  test('joins pieces, drops comments, keeps ids', async () => {
    const pieces = [
      ': hello\n',
      '\nid: b-1\nda',
      'ta: {"ü":1}\n\nid: b-2\ndata: x\ndata: y\n',
      '\nevent: loss\ndata: z\n\ndata: cut',
    ]
    const body = new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece))
        controller.close()
      },
    })
    expect(await Array.fromAsync(parseMessages(new Response(body)))).toEqual([
      { id: 'b-1', event: '', data: '{"ü":1}' },
      { id: 'b-2', event: '', data: 'x\ny' },
      { id: '', event: 'loss', data: 'z' },
    ])
  })
})

describe('readEvents()', () => {
  /** A server whose streams break off: each connection gets the next list of messages. */
  function brokenServer(rounds: readonly string[]) {
    const wanted: (string | null)[] = []
    const server = Bun.serve({
      port: 0,
      fetch(request) {
        wanted.push(new URL(request.url).searchParams.get('since'))
        const text = rounds[wanted.length - 1]
        return text === undefined ? new Response('gone', { status: 410 }) : new Response(text)
      },
    })
    return { server, wanted }
  }

  test('resumes after the last event, and passes on what was missed', async () => {
    const { server, wanted } = brokenServer([
      'id: a-1\ndata: 1\n\nid: a-2\ndata: 2\n\n',
      'id: a-3\ndata: 3\n\n',
      'event: loss\ndata: {"reason":"boot"}\n\nid: b-1\ndata: 4\n\n',
      '',
    ])
    const { AgentClient, AgentError } = await import('../../src/cli/client.ts')
    const client = new AgentClient(parseOptions([`--server=127.0.0.1:${server.port}`], { '--server': true }), {})
    const breaks: string[] = []
    const items: string[] = []
    const stream = readEvents({
      connect: (since) => client.request(`/v1/events${since === undefined ? '' : `?since=${since}`}`),
      since: undefined,
      reconnect: true,
      onBreak: (reason) => breaks.push(reason),
      pause_ms_min: 1,
    })
    const all = (async () => {
      for await (const { kind, data } of stream) items.push(`${kind} ${data}`)
    })()
    await expect(all).rejects.toThrow(AgentError)
    expect(items).toEqual(['event 1', 'event 2', 'event 3', 'loss {"reason":"boot"}', 'event 4'])
    expect(wanted).toEqual([null, 'a-2', 'a-3', 'b-1', 'b-1'])
    expect(breaks).toHaveLength(4)
    await server.stop(true)
  })

  test('ends with the connection when told not to reconnect', async () => {
    const { server } = brokenServer([
      'id: a-1\ndata: {"process_exec":{}}\n\nevent: loss\ndata: {"reason":"slow","count":2}\n\n',
    ])
    const terminal = fakeTerminal()
    expect(
      await runClient(['events', '--server', `127.0.0.1:${server.port}`, '--no-reconnect', '-o', 'json'], terminal),
    ).toBe(0)
    expect(terminal.out).toBe('{"process_exec":{}}\n{"loss":{"reason":"slow","count":2}}\n')
    await server.stop(true)
  })
})

test('readLines() skips a line that is too long and goes on', async () => {
  const stream = new Response(`a\n${'x'.repeat(50)}\nb`).body!
  expect(await Array.fromAsync(readLines(stream, 10))).toEqual(['a', 'x'.repeat(50), 'b'])
  const pieces = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of ['a\nxxxxxx', 'xxxxxxx', 'xxxx\nb\n']) controller.enqueue(new TextEncoder().encode(piece))
      controller.close()
    },
  })
  expect(await Array.fromAsync(readLines(pieces, 10))).toEqual(['a', undefined, 'b'])
})
