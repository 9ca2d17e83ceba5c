import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { TestAgent } from './agent.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const MARK = 'S3cr3tV4lueThatMustNotLeave'

/** As people write them; the value is MARK each time. */
const ARGUMENTS = [
  [`--password=${MARK}`],
  ['--password', MARK],
  ['-H', `Authorization: Bearer ${MARK}`],
  [`https://user:${MARK}@example.org/`],
  [`--api-key=${MARK}`],
  [`--token=${MARK}`],
]
const ENVIRONMENT = { DB_PASSWORD: MARK, AWS_SECRET_ACCESS_KEY: MARK, API_TOKEN: MARK, HARMLESS: 'shown' }

test('secrets in arguments and environment reach neither stdout, file, SSE, gRPC, the process list nor the log', async () => {
  const grpc = 'unix:/tmp/thump-secrets-grpc.sock'
  const file = '/tmp/thump-secrets.log'
  fs.rmSync(file, { force: true })
  await using agent = await TestAgent.start([
    ...['--grpc', grpc, '--export-file', file, '--log-level', 'trace'],
    '--enable-process-environment-variables',
  ])
  const stop = new AbortController()
  const stream = await agent.request('/v1/events', { signal: stop.signal })
  let sse = ''
  const reading = (async () => {
    for await (const bytes of stream.body!) sse += new TextDecoder().decode(bytes)
  })().catch(() => 'aborted') // how this stream ends
  const events = 1 + ARGUMENTS.length
  const request = { allow_list: [{ arguments_regex: ['secrets-test'], event_set: ['PROCESS_EXEC'] }] }
  const client = Bun.spawn(
    [
      process.execPath,
      path.join(ROOT, 'tests/grpc/client.ts'),
      grpc,
      'GetEvents',
      JSON.stringify(request),
      String(events),
    ],
    { stdin: 'ignore', stdout: 'pipe' },
  )
  for (let i = 0; i < 600; i++) { // until both are there
    if (/^thump_subscribers 2$/m.test(await (await agent.request('/metrics')).text())) break
    await Bun.sleep(100)
  }
  for (const each of ARGUMENTS) {
    await agent.run(['/bin/echo', 'secrets-test', ...each], { env: ENVIRONMENT })
  }
  await agent.run(['/bin/echo', 'secrets-test', 'end'])
  const over_grpc = await Promise.race([new Response(client.stdout).text(), Bun.sleep(60_000).then(() => '')])
  client.kill()
  const list = await (await agent.request('/v1/processes')).text()
  await agent.stop()
  stop.abort()
  await reading
  const texts = {
    stdout: JSON.stringify(agent.events.filter(({ process }) => process?.arguments?.includes('secrets-test'))),
    file: fs.readFileSync(file, 'utf8').split('\n').filter((line) => line.includes('secrets-test')).join('\n'),
    sse: sse.split('\n').filter((line) => line.includes('secrets-test')).join('\n'),
    grpc: over_grpc,
    list: (JSON.parse(list) as { process: { arguments?: string } }[])
      .filter(({ process }) => process.arguments?.includes('secrets-test')).map((each) => JSON.stringify(each)).join(
        '\n',
      ),
  }
  for (const [where, text] of Object.entries(texts)) {
    expect([where, text.includes('secrets-test'), text.includes(MARK)]).toEqual([where, true, false])
    expect([where, text.includes('*****')]).toEqual([where, true])
  }
  expect(texts.stdout).toContain('shown')
  expect(agent.stderr).not.toContain(MARK)
  fs.rmSync(file)
})
