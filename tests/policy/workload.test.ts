import { expect, test } from 'bun:test'
import type { LabelSelector, WorkloadMatch } from '../../src/policy/type.ts'
import {
  imageRepository,
  matchesContainer,
  matchesHost,
  matchesLabels,
  unitsOf,
  type WorkloadSubject,
} from '../../src/policy/workload.ts'

const ALL: LabelSelector = { matchLabels: {}, matchExpressions: [] }
const WEB: LabelSelector = { matchLabels: { app: 'web' }, matchExpressions: [] }
const SIDECAR: LabelSelector = { matchLabels: { name: 'sidecar' }, matchExpressions: [] }

const SUBJECTS: Readonly<Record<string, WorkloadSubject>> = {
  web_app: { namespace: 'shop', labels: { app: 'web' }, pod: 'web-1', container: 'app', image: 'web:1' },
  web_sidecar: { namespace: 'shop', labels: { app: 'web' }, pod: 'web-1', container: 'sidecar', image: 'proxy' },
  other_ns: { namespace: 'blog', labels: { app: 'web' }, pod: 'web-2', container: 'app', image: 'web:1' },
  database: { namespace: 'shop', labels: { app: 'db' }, pod: 'db-0', container: 'db', image: 'db:1' },
  docker: { namespace: '', labels: {}, pod: undefined, container: 'sidecar', image: 'proxy' },
  unknown: { namespace: '', labels: {}, pod: undefined, container: undefined, image: undefined },
}

/** Selectors and a namespace, and who is meant: of the subjects, and the host. */
const TRUTH: readonly (readonly [
  pod: LabelSelector | null,
  container: LabelSelector | null,
  host: LabelSelector | null,
  namespace: string,
  expected: string,
])[] = [
  [null, null, null, '', 'host web_app web_sidecar other_ns database docker unknown'],
  [WEB, null, null, '', 'web_app web_sidecar other_ns'],
  [null, SIDECAR, null, '', 'web_sidecar docker'],
  [WEB, SIDECAR, null, '', 'web_sidecar'],
  [null, null, ALL, '', 'host'],
  [WEB, null, ALL, '', 'host web_app web_sidecar other_ns'],
  [null, SIDECAR, ALL, '', 'host web_sidecar docker'],
  [ALL, ALL, ALL, '', 'host web_app web_sidecar other_ns database docker unknown'],
  [ALL, null, null, '', 'web_app web_sidecar other_ns database docker unknown'],
  [null, null, null, 'shop', 'web_app web_sidecar database'],
  [WEB, null, null, 'shop', 'web_app web_sidecar'],
  [ALL, SIDECAR, null, 'shop', 'web_sidecar'],
  // Even if it could be written: the host is in no namespace.
  [null, null, ALL, 'shop', ''],
]

test('a policy is for whom the truth table says', () => {
  for (const [podSelector, containerSelector, hostSelector, namespace, expected] of TRUTH) {
    const match: WorkloadMatch = { podSelector, containerSelector, hostSelector }
    const meant = Object.keys(SUBJECTS).filter((name) => matchesContainer(match, namespace, SUBJECTS[name]!))
    if (matchesHost(match, namespace)) meant.unshift('host')
    expect([match, namespace, meant.join(' ')]).toEqual([match, namespace, expected])
  }
})

test('hostSelector names units, one by one or all but some', () => {
  const host = (hostSelector: LabelSelector): WorkloadMatch => ({
    podSelector: null,
    containerSelector: null,
    hostSelector,
  })
  const is = host({ matchLabels: { unit: 'a.service' }, matchExpressions: [] })
  const not = host({ matchLabels: {}, matchExpressions: [{ key: 'unit', operator: 'NotIn', values: ['a.service'] }] })
  const meant = (match: WorkloadMatch, namespace = '') => {
    return [undefined, 'a.service', 'b.service'].map((unit) => matchesHost(match, namespace, unit))
  }
  expect([meant(is), meant(not), meant(host(ALL))]).toEqual([
    [false, true, false],
    [true, false, true],
    [true, true, true],
  ])
  expect([meant(is, 'shop'), unitsOf(is), unitsOf(not), unitsOf(host(ALL))]).toEqual([
    [false, false, false],
    ['a.service'],
    ['a.service'],
    [],
  ])
})

test('the namespace is a label of every pod', () => {
  const match = (value: string): WorkloadMatch => ({
    podSelector: { matchLabels: { 'k8s:io.kubernetes.pod.namespace': value }, matchExpressions: [] },
    containerSelector: null,
    hostSelector: null,
  })
  expect(matchesContainer(match('shop'), '', SUBJECTS.web_app!)).toBe(true)
  expect(matchesContainer(match('shop'), '', SUBJECTS.other_ns!)).toBe(false)
})

test('expressions are as Kubernetes has them', () => {
  const labels = { tier: 'front' }
  const cases: [LabelSelector['matchExpressions'][number], boolean][] = [
    [{ key: 'tier', operator: 'In', values: ['front', 'back'] }, true],
    [{ key: 'tier', operator: 'In', values: ['back'] }, false],
    [{ key: 'tier', operator: 'NotIn', values: ['back'] }, true],
    [{ key: 'none', operator: 'NotIn', values: ['back'] }, true],
    [{ key: 'none', operator: 'In', values: ['back'] }, false],
    [{ key: 'tier', operator: 'Exists', values: [] }, true],
    [{ key: 'toString', operator: 'Exists', values: [] }, false],
    [{ key: 'none', operator: 'DoesNotExist', values: [] }, true],
  ]
  for (const [expression, expected] of cases) {
    expect([expression, matchesLabels({ matchLabels: {}, matchExpressions: [expression] }, labels)])
      .toEqual([expression, expected])
  }
})

test('imageRepository() is without tag and digest, with the registry that is meant', () => {
  const cases = [
    ['nginx', 'docker.io/library/nginx'],
    ['nginx:1.25', 'docker.io/library/nginx'],
    ['team/web:1', 'docker.io/team/web'],
    ['docker.io/library/nginx:1', 'docker.io/library/nginx'],
    ['registry:5000/a/web:1', 'registry:5000/a/web'],
    ['localhost/web', 'localhost/web'],
    ['ghcr.io/a/web@sha256:123', 'ghcr.io/a/web'],
    ['ghcr.io/a/web:1@sha256:123', 'ghcr.io/a/web'],
  ]
  for (const [image, repository] of cases) expect(imageRepository(image!)).toBe(repository!)
})
