import { afterEach, expect, test } from 'bun:test'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { openHookSocket } from '../../src/container/hook_socket.ts'
import type { HookAnswer, HookMessage } from '../../src/hook/message.ts'
import { runHook } from '../../src/hook/run.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-hook-'))
const socket = path.join(directory, 'a/hook.sock')
const log = path.join(directory, 'log')
afterEach(() => fs.rmSync(log, { force: true }))

const STATE = JSON.stringify({ ociVersion: '1.0.2', id: 'web', pid: process.pid, bundle: directory })

/** A generous bound beyond whatever this test process has been up for: the hook counts from the start of its own. */
function run(parts: { on_failure?: 'start' | 'refuse'; within_ms?: number; stdin?: ReadableStream<Uint8Array> } = {}) {
  const { on_failure = 'start', within_ms = 30_000, stdin = new Blob([STATE]).stream() } = parts
  const options = { socket, timeout_ms: performance.now() + within_ms, on_failure, except: ['kube-system'], log }
  return runHook(options, stdin)
}

function door(answer: (message: HookMessage) => Promise<HookAnswer>): Promise<AsyncDisposable> {
  return openHookSocket(socket, answer)
}

const logged = () => fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : ''

test('runHook() tells the agent who is about to start', async () => {
  const messages: HookMessage[] = []
  await using _door = await door((message) => {
    messages.push(message)
    return Promise.resolve({ told: true, known: true })
  })
  expect(fs.statSync(socket).mode & 0o777).toBe(0o600)
  expect(await Promise.all([run(), run({ on_failure: 'refuse' })])).toEqual([0, 0])
  expect(messages).toHaveLength(2)
  expect(messages[0]).toMatchObject({ id: 'web', cgroup: fs.readFileSync('/proc/self/cgroup', 'utf8') })
  expect(messages[0]!.wait_ms).toBeGreaterThan(1000)
  expect(logged()).toBe('')
})

test('runHook() lets the container start or not where nobody answers, and says so', async () => {
  expect(await run()).toBe(0)
  expect(logged()).toMatch(/^\d{4}-.*Z thump oci-hook: Cannot reach the agent at .*; the container starts all the same/)
  expect(await run({ on_failure: 'refuse' })).toBe(1)
  expect(logged()).toContain('the container does not start\n')
})

test('runHook() lets containers of namespaces that are excepted start, so that an agent in one can come back', async () => {
  const of = (namespace: string) => {
    const annotations = { 'io.kubernetes.pod.namespace': namespace }
    return new Blob([JSON.stringify({ id: 'x', pid: process.pid, bundle: directory, annotations })]).stream()
  }
  expect(await run({ on_failure: 'refuse', stdin: of('kube-system') })).toBe(0)
  expect(await run({ on_failure: 'refuse', stdin: of('shop') })).toBe(1)
})

test('runHook() waits no longer than its bound, for the agent or for the runtime', async () => {
  await using _door = await door(() => new Promise(() => {}))
  const since = performance.now()
  expect(await run({ within_ms: 150 })).toBe(0)
  expect(await run({ within_ms: 150, stdin: new ReadableStream() })).toBe(0)
  expect(performance.now() - since).toBeLessThan(20_000)
  expect(logged()).toContain(`Waited too long for an agent at ${socket}`)
  expect(logged()).toContain('Waited too long for the runtime to give the state')
})

test('runHook() passes on why the agent could not use it', async () => {
  await using _door = await door(() => Promise.reject(new Error('no such cgroup')))
  expect(await run({ on_failure: 'refuse' })).toBe(1)
  expect(logged()).toContain('The agent could not use it: no such cgroup')
  expect(await run({ stdin: new Blob(['{}']).stream() })).toBe(0)
  expect(logged()).toContain('it has no id')
})

test('openHookSocket() answers nonsense with the reason, drops a flood, and takes the place of a dead socket', async () => {
  await using _door = await door(() => Promise.resolve({ told: true, known: true }))
  expect(await say('nonsense\n')).toContain('"told":false')
  expect(await say('{"id":1}\n')).toContain('\\"annotations\\" is no object')
  expect(await say('x'.repeat((1 << 20) + 1))).toContain('more than 1048576 bytes')
  await Bun.spawn([
    process.execPath,
    '-e',
    `Bun.listen({unix: ${JSON.stringify(socket + '2')}, socket: {data() {}}}); process.exit()`,
  ]).exited
  await expect(openHookSocket(socket, () => Promise.reject(new Error()))).rejects.toThrow('another agent does')
  await using _second = await openHookSocket(socket + '2', () => Promise.resolve({ told: true, known: true }))
})

async function say(text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let answer = ''
  const connection = net.connect(socket, () => connection.write(text))
  connection.on('data', (bytes) => answer += bytes.toString())
  connection.on('error', () => connection.destroy()) // hung up on while writing: what was answered counts
  connection.on('close', () => resolve(answer))
  return await promise
}
