import { expect, test } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { openHealth } from '../../src/grpc/health.ts'

const SERVING = '0801'
const NOT_SERVING = '0802'

/** HealthCheckRequest by hand: field 1 is the name. */
function request(service: string): Buffer {
  return service === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)])
}

const bytes = (value: Buffer) => value

test('openHealth() says who lives and who is ready, to whoever asks', async () => {
  let ready = false
  const folder = fs.mkdtempSync('/tmp/thump-health-')
  await using door = await openHealth(`unix:${path.join(folder, 'sock')}`, () => ready)
  const client = new Client(door.address, credentials.createInsecure())
  const check = (service: string) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const done = (error: ServiceError | null, answer?: Buffer) => {
      resolve(error === null ? answer!.toString('hex') : `${status[error.code]}: ${error.details}`)
    }
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', bytes, bytes, request(service), done)
    return promise
  }
  expect([await check('liveness'), await check(''), await check('readiness')]).toEqual([
    SERVING,
    NOT_SERVING,
    NOT_SERVING,
  ])
  expect(await check('tetragon')).toBe('NOT_FOUND: no service "tetragon": liveness, readiness')
  const watched: string[] = []
  const watch = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', bytes, bytes, request(''))
  watch.on('data', (answer: Buffer) => watched.push(answer.toString('hex')))
  watch.on('error', (error: ServiceError) => watched.push(status[error.code]!))
  await until(() => watched.length === 1)
  ready = true
  await until(() => watched.length === 2)
  expect(watched).toEqual([NOT_SERVING, SERVING])
  expect(await check('')).toBe(SERVING)
  watch.cancel()
  await until(() => watched.length === 3)
  expect(watched[2]).toBe('CANCELLED')
  client.close()
  fs.rmSync(folder, { recursive: true })
}, 30_000)

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !done(); i++) await Bun.sleep(10)
  expect(done()).toBe(true)
}
