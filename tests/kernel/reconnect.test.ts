import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { JsonObject } from '../../src/filter/json.ts'

const ROOT = path.join(import.meta.dirname, '../..')

async function startAgent(socket: string, token_file: string): Promise<Bun.Subprocess> {
  const flags = ['--listen', `unix:${socket}`, '--policies', 'none', '--token-file', token_file, '--log-format', 'json']
  const child = Bun.spawn([process.execPath, path.join(ROOT, 'src/main.ts'), ...flags], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  for (const until = performance.now() + 180_000; performance.now() < until;) {
    const answer = await fetch('http://localhost/readyz', { unix: socket }).catch(() => null) // not listening yet
    if (answer?.status === 200) return child
    await Bun.sleep(50)
  }
  throw new Error('The agent did not become ready')
}

test('thump events goes on after a restart of the agent: nothing twice, and one line for what was missed', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-reconnect-'))
  const socket = path.join(directory, 's')
  const token_file = path.join(directory, 'token')
  let agent = await startAgent(socket, token_file)
  const command = [
    process.execPath,
    path.join(ROOT, 'src/cli/thump.ts'),
    'events',
    '-o',
    'json',
    '--server',
    `unix:${socket}`,
  ]
  const client = Bun.spawn([...command, '--binaries', '/bin/echo'], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const lines: JsonObject[] = []
  const reading = (async () => {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const bytes of client.stdout) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = parts.pop()!
      lines.push(...parts.map((line) => JSON.parse(line) as JsonObject))
    }
  })()
  const seen = (word: string) => lines.filter((line) => JSON.stringify(line).includes(`"arguments":"${word}"`)).length
  const until = async (word: string) => {
    for (const end = performance.now() + 60_000; seen(word) < 2 && performance.now() < end;) await Bun.sleep(25)
  }
  for (const end = performance.now() + 60_000; seen('hello') === 0 && performance.now() < end;) { // until the client is there
    Bun.spawnSync(['/bin/echo', 'hello'])
    await Bun.sleep(50)
  }
  Bun.spawnSync(['/bin/echo', 'before'])
  await until('before')

  agent.kill('SIGTERM')
  await agent.exited
  Bun.spawnSync(['/bin/echo', 'between'])
  agent = await startAgent(socket, token_file)
  Bun.spawnSync(['/bin/echo', 'early']) // most likely before the client is back: from the history
  await until('early')
  await Bun.sleep(1500)
  Bun.spawnSync(['/bin/echo', 'after'])
  await until('after')
  client.kill('SIGTERM')
  await reading
  agent.kill('SIGTERM')
  await agent.exited
  fs.rmSync(directory, { recursive: true })

  expect([seen('before'), seen('between'), seen('early'), seen('after')]).toEqual([2, 0, 2, 2])
  const ids = lines.filter((line) => !('loss' in line)).map((line) => JSON.stringify(line['thump']))
  expect(new Set(ids).size).toBe(ids.length)
  const losses = lines.filter((line) => 'loss' in line)
  expect(losses).toHaveLength(1)
  expect(losses[0]).toMatchObject({ loss: { reason: 'boot' } })
})
