import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { bundleInfo, BundleSource } from '../../src/container/bundle.ts'
import { containerName } from '../../src/process/container.ts'

const ID = 'a'.repeat(64)
const ANNOTATIONS = {
  'io.kubernetes.cri.container-type': 'container',
  'io.kubernetes.cri.container-name': 'app',
  'io.kubernetes.cri.image-name': 'docker.io/library/web:1',
  'io.kubernetes.cri.sandbox-id': 'b'.repeat(64),
  'io.kubernetes.cri.sandbox-name': 'web',
  'io.kubernetes.cri.sandbox-namespace': 'shop',
  'io.kubernetes.cri.sandbox-uid': 'uid-1',
}
const POD = { namespace: 'shop', name: 'web', uid: 'uid-1', labels: {}, partial: true }

test("look() reads containerd's annotations as soon as the bundle is there", () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-bundle-'))
  const source = new BundleSource(directory)
  const name = containerName(`/kubepods/pod8f6e7a52-1111-4222-8333-444455556666/${ID}`)!
  expect(source.look(name)).toBeUndefined()
  const bundle = path.join(directory, 'k8s.io', ID)
  fs.mkdirSync(bundle, { recursive: true })
  fs.writeFileSync(path.join(bundle, 'config.json'), '{"annotations":')
  expect(source.look(name)).toBeUndefined()
  fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify({ annotations: ANNOTATIONS }))
  const found = { pod: POD, name: 'app', image: 'docker.io/library/web:1', runtime: 'containerd' }
  expect(source.look(name)).toEqual(found)
  fs.rmSync(directory, { recursive: true })
  expect(source.look(name)).toEqual(found)
  expect(new BundleSource(directory).status.state).toBe('absent')
})

test("bundleInfo() tells a sandbox, CRI-O, and what is nobody's pod", () => {
  const sandbox = { ...ANNOTATIONS, 'io.kubernetes.cri.container-type': 'sandbox' }
  expect(bundleInfo(JSON.stringify({ annotations: sandbox }))).toMatchObject({ pod: POD, sandbox: true })
  const crio = {
    'io.kubernetes.container.name': 'app',
    'io.kubernetes.pod.name': 'web',
    'io.kubernetes.pod.namespace': 'shop',
    'io.kubernetes.pod.uid': 'uid-1',
    'io.kubernetes.cri-o.ImageName': 'web:1',
  }
  expect(bundleInfo(JSON.stringify({ annotations: crio }))).toEqual({
    pod: POD,
    name: 'app',
    image: 'web:1',
    runtime: 'cri-o',
  })
  expect(bundleInfo('{}')).toBeUndefined()
})
