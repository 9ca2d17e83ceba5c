import { expect, test } from 'bun:test'
import { containerFeatures, containerPlaces } from '../../src/container/coverage.ts'
import { CriSource } from '../../src/container/cri.ts'

test('containerPlaces() says where names of containers would come from', () => {
  const states = (exists: (path: string) => boolean) => containerPlaces(exists).map(({ state }) => state).join(' ')
  expect(states(() => false)).toBe('absent absent absent absent absent')
  expect(states((path) => path === '/run/crio/crio.sock')).toBe('absent absent absent active absent')
  expect(containerPlaces(() => true)[0]!.reason).toBe('/var/run/secrets/kubernetes.io/serviceaccount')
})

test('containerFeatures() says which sources answer', () => {
  const features = containerFeatures([new CriSource({ socket: '/none', timeout_ms: 1, annotations: false })])
  expect(features.map(({ name, state, reason }) => `${name}: ${state} (${reason})`)).toEqual([
    'containers from the Kubernetes API: absent (nobody to ask, or switched off)',
    'containers from the OCI hook: absent (nobody to ask, or switched off)',
    "containers from containerd's bundles: absent (nobody to ask, or switched off)",
    'containers from the CRI socket: absent (no /none)',
    "containers from Docker's socket: absent (nobody to ask, or switched off)",
  ])
})
