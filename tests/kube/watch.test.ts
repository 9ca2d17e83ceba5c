import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { KubeApi } from '../../src/kube/api.ts'
import { type KubeObject, Watch } from '../../src/kube/watch.ts'
import { FakeApiServer } from './server.ts'

const PODS = '/api/v1/pods'

class Mirror {
  readonly objects = new Map<string, KubeObject>()
  readonly troubles: (string | null)[] = []
  lists = 0

  replace(objects: readonly KubeObject[]): void {
    this.lists++
    this.objects.clear()
    for (const object of objects) this.change(object)
  }
  change(object: KubeObject): void {
    this.objects.set(object.metadata.name, object)
  }
  remove(object: KubeObject): void {
    this.objects.delete(object.metadata.name)
  }
  trouble(error: Error | null): void {
    this.troubles.push(error?.message ?? null)
  }
  get names(): string[] {
    return [...this.objects.keys()].sort()
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 25_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('It did not come to pass within 25 s')
    await Bun.sleep(2)
  }
}

function begin(server: FakeApiServer, options: { service_account?: string; page_objects?: number } = {}) {
  const mirror = new Mirror()
  const { service_account = '', ...rest } = options
  const api = new KubeApi({ server: server.url, service_account, timeout_ms: 20_000 })
  const pauses = { pause_ms_min: 5, pause_ms_max: 20 }
  const watch = new Watch({ api, path: PODS, query: '', what: 'pods', ...pauses, ...rest }, mirror)
  void watch.run()
  return { mirror, watch }
}

test('lists in pages, then follows changes', async () => {
  await using server = new FakeApiServer()
  for (let n = 0; n < 5; n++) server.put(PODS, { metadata: { name: `p${n}` } })
  const { mirror, watch } = begin(server, { page_objects: 2 })
  using _ = watch
  await watch.listed
  expect(mirror.names).toEqual(['p0', 'p1', 'p2', 'p3', 'p4'])
  expect(server.requests.filter(({ query }) => query.get('watch') === null).length).toBe(3)
  await until(() => server.watchers === 1)
  server.put(PODS, { metadata: { name: 'new' } })
  server.remove(PODS, 'p0')
  await until(() => mirror.objects.has('new') && !mirror.objects.has('p0'))
  expect(mirror.troubles).toEqual([])
})

test('goes on from a bookmark when the server ends a watch, without a new list', async () => {
  await using server = new FakeApiServer()
  const { mirror, watch } = begin(server)
  using _ = watch
  await until(() => server.watchers === 1)
  server.bookmark()
  const version = await new Promise<string>((resolve) => {
    server.intercept = (request) => {
      if (request.query.get('watch') === '1') resolve(request.query.get('resourceVersion') ?? '')
      return undefined
    }
    setTimeout(() => server.endWatches(), 20)
  })
  expect(version).toBe('101')
  expect(mirror.lists).toBe(1)
})

test('lists anew on 410, as an answer and as an event', async () => {
  await using server = new FakeApiServer()
  server.put(PODS, { metadata: { name: 'old' } })
  const { mirror, watch } = begin(server)
  using _ = watch
  await until(() => server.watchers === 1)
  server.fail(410)
  await until(() => mirror.lists === 2 && server.watchers === 1)
  server.compact()
  server.endWatches()
  await until(() => mirror.lists === 3 && server.watchers === 1)
  server.put(PODS, { metadata: { name: 'new' } })
  await until(() => mirror.names.join() === 'new,old')
  expect(mirror.troubles).toEqual([])
})

test('says what the server refuses, tries again, and says when it works', async () => {
  await using server = new FakeApiServer()
  server.intercept = () => Response.json({ message: 'pods is forbidden' }, { status: 403 })
  const { mirror, watch } = begin(server)
  using _ = watch
  await until(() => mirror.troubles.length > 0 && server.requests.length > 2)
  server.intercept = () => undefined
  await watch.listed
  await until(() => mirror.troubles.at(-1) === null)
  // Once, however often it was tried.
  expect(mirror.troubles).toEqual(['Cannot list pods: 403 pods is forbidden', null])
})

test('a server that is gone and comes back: nothing is missing, nothing stays', async () => {
  await using server = new FakeApiServer()
  server.put(PODS, { metadata: { name: 'stays' } })
  server.put(PODS, { metadata: { name: 'goes' } })
  const { mirror, watch } = begin(server)
  using _ = watch
  await until(() => server.watchers === 1)
  await server.stop()
  await until(() => mirror.troubles.length > 0)
  server.remove(PODS, 'goes')
  server.put(PODS, { metadata: { name: 'comes' } })
  server.start()
  await until(() => mirror.names.join() === 'comes,stays')
})

test('reads the token for every request, because it rotates', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-account-'))
  fs.writeFileSync(path.join(directory, 'token'), 'first\n')
  await using server = new FakeApiServer()
  server.token = 'first'
  const { mirror, watch } = begin(server, { service_account: directory })
  using _ = watch
  await until(() => server.watchers === 1)
  server.token = 'second'
  server.endWatches()
  await until(() => mirror.troubles.length > 0)
  expect(mirror.troubles[0]).toContain('401')
  fs.writeFileSync(path.join(directory, 'token'), 'second\n')
  await until(() => mirror.troubles.at(-1) === null && server.watchers === 1)
  fs.rmSync(directory, { recursive: true })
})
