import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { CriSource } from '../../src/container/cri.ts'
import { containerName } from '../../src/process/container.ts'
import { FakeCri } from './cri_server.ts'

const ID = 'a'.repeat(64)
const SANDBOX = 'b'.repeat(64)
const UID = '8f6e7a52-1111-4222-8333-444455556666'
const name = (id: string) => containerName(`/kubepods/besteffort/pod${UID}/${id}`)!

async function withRuntime(
  body: (cri: FakeCri, source: CriSource) => Promise<void>,
  timeout_ms = 20_000,
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-cri-'))
  const socket = path.join(directory, 'cri.sock')
  using cri = new FakeCri()
  using source = new CriSource({ socket, timeout_ms, annotations: false })
  expect(source.status.state).toBe('absent')
  await cri.listen(socket)
  cri.sandboxes.push({
    id: SANDBOX,
    name: 'web',
    namespace: 'shop',
    uid: UID,
    labels: { app: 'web', 'io.kubernetes.pod.name': 'web' },
    annotations: { note: 'x' },
  })
  cri.containers.push({ id: ID, sandbox: SANDBOX, name: 'app', image: 'docker.io/library/web:1' })
  await body(cri, source)
  fs.rmSync(directory, { recursive: true })
}

const POD = { namespace: 'shop', name: 'web', uid: UID, labels: { app: 'web' } }

test('ask() tells container, image and pod, and the sandbox as such', async () => {
  await withRuntime(async (cri, source) => {
    expect(await source.ask(name(ID))).toEqual({
      pod: POD,
      name: 'app',
      image: 'docker.io/library/web:1',
      image_id: 'docker.io/library/web:1@sha256:2',
      started: '2026-11-22T14:00:00Z',
      runtime: 'containerd',
    })
    expect(await source.ask(name(SANDBOX))).toEqual({ pod: POD, sandbox: true, runtime: 'containerd' })
    expect(cri.calls.filter((call) => call === 'PodSandboxStatus').length).toBe(1)
    // What the sandbox told is known of every container of the pod, before anybody is asked.
    expect(source.look(name('d'.repeat(64)))).toEqual({ pod: POD, runtime: 'containerd' })
    expect(source.status).toMatchObject({ state: 'active', detail: expect.stringContaining('containerd at') })
  })
})

test("ask() knows nothing of another runtime's container, which is no failure", async () => {
  await withRuntime(async (_, source) => {
    expect(await source.ask(name('c'.repeat(64)))).toBeUndefined()
    expect(source.status.state).toBe('active')
  })
})

test('a runtime that does not answer in time is failing, until it does', async () => {
  await withRuntime(async (cri, source) => {
    cri.delay_ms = 4000
    expect(await source.ask(name(ID))).toBeUndefined()
    expect(source.status.state).toBe('failing')
    cri.delay_ms = 0
    expect((await source.ask(name(ID)))?.name).toBe('app')
    expect(source.status.state).toBe('active')
  }, 2000)
})
