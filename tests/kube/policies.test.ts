import { expect, test } from 'bun:test'
import { KubeApi } from '../../src/kube/api.ts'
import { nodeAnswers } from '../../src/kube/answers.ts'
import { ClusterPolicies, conditionType } from '../../src/kube/policies.ts'
import { FakeApiServer } from './server.ts'

const GROUP = '/apis/cilium.io/v1alpha1'
const POLICIES = `${GROUP}/tracingpolicies`
const NAMESPACED = `${GROUP}/tracingpoliciesnamespaced`

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 25_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('It did not come to pass within 25 s')
    await Bun.sleep(2)
  }
}

function start(server: FakeApiServer, refuse: (source: string) => string | undefined = () => undefined) {
  const applied: [string, string | null][] = []
  const troubles: string[] = []
  const policies = new ClusterPolicies({
    api: new KubeApi({ server: server.url, service_account: '', timeout_ms: 20_000 }),
    node_name: 'node-1',
    apply: (source, text) => {
      applied.push([source, text])
      return Promise.resolve(text === null ? undefined : refuse(source))
    },
    onTrouble: (what, error) => void troubles.push(`${what}: ${error?.message ?? 'works'}`),
  })
  return { policies, applied, troubles }
}

function statuses(server: FakeApiServer) {
  return server.requests.filter(({ method }) => method === 'PATCH').map(({ path, query, body, content_type }) => {
    const { status } = JSON.parse(body) as { status: { conditions: Record<string, unknown>[] } }
    const { lastTransitionTime: _, ...condition } = status.conditions[0]!
    return { path, manager: query.get('fieldManager'), content_type, condition }
  })
}

test('policies of the cluster are applied, changed, removed, and answered', async () => {
  await using server = new FakeApiServer()
  server.put('/api/v1/nodes', { metadata: { name: 'node-1', labels: { zone: 'a' } } })
  server.put(POLICIES, { metadata: { name: 'one', generation: 3 }, spec: { kprobes: [] } })
  server.put(NAMESPACED, { metadata: { name: 'two', namespace: 'shop' }, spec: { podSelector: {} } })
  const { policies, applied } = start(server, (source) => source.endsWith('two') ? 'two.yaml:1:1: no' : undefined)
  using _ = policies
  await policies.start(20_000)
  const apiVersion = 'cilium.io/v1alpha1'
  expect(applied.toSorted().map(([source, text]) => [source, JSON.parse(text!)])).toEqual([
    [
      'kubernetes:tracingpolicies/one',
      { apiVersion, kind: 'TracingPolicy', metadata: { name: 'one' }, spec: { kprobes: [] } },
    ],
    [
      'kubernetes:tracingpoliciesnamespaced/shop/two',
      {
        apiVersion,
        kind: 'TracingPolicyNamespaced',
        metadata: { name: 'two', namespace: 'shop' },
        spec: { podSelector: {} },
      },
    ],
  ])
  await until(() => statuses(server).length === 2)
  expect(statuses(server).toSorted((a, b) => a.path.length - b.path.length)).toEqual([
    {
      path: `${POLICIES}/one/status`,
      manager: 'thump-node-1',
      content_type: 'application/apply-patch+yaml',
      condition: {
        type: 'node/node-1',
        status: 'True',
        reason: 'Loaded',
        message: 'Loaded on this node',
        observedGeneration: 3,
      },
    },
    {
      path: `${GROUP}/namespaces/shop/tracingpoliciesnamespaced/two/status`,
      manager: 'thump-node-1',
      content_type: 'application/apply-patch+yaml',
      condition: { type: 'node/node-1', status: 'False', reason: 'Refused', message: 'two.yaml:1:1: no' },
    },
  ])
  // A change of the status alone is none of the policy.
  await Bun.sleep(30)
  expect(applied.length).toBe(2)
  server.put(POLICIES, { metadata: { name: 'one', generation: 4 }, spec: { kprobes: [], loader: true } })
  await until(() => applied.length === 3)
  server.remove(POLICIES, 'one')
  await until(() => applied.length === 4)
  expect(applied[3]).toEqual(['kubernetes:tracingpolicies/one', null])
})

test('nodeSelector is followed as the labels of the node change', async () => {
  await using server = new FakeApiServer()
  server.put('/api/v1/nodes', { metadata: { name: 'node-1', labels: { zone: 'a' } } })
  const nodeSelector = { matchLabels: { zone: 'b' } }
  server.put(POLICIES, { metadata: { name: 'one' }, spec: { nodeSelector } })
  const { policies, applied } = start(server)
  using _ = policies
  await policies.start(20_000)
  expect(applied).toEqual([['kubernetes:tracingpolicies/one', null]])
  await until(() => statuses(server).length === 1)
  expect(statuses(server)[0]!.condition.reason).toBe('OtherNodes')
  server.put('/api/v1/nodes', { metadata: { name: 'node-1', labels: { zone: 'b' } } })
  await until(() => applied.length === 2)
  expect(applied[1]![1]).toContain('"zone": "b"')
})

test('what was deleted while the server was away is removed, and the rest stays', async () => {
  await using server = new FakeApiServer()
  server.put(POLICIES, { metadata: { name: 'goes' }, spec: {} })
  server.put(POLICIES, { metadata: { name: 'stays' }, spec: {} })
  const { policies, applied, troubles } = start(server)
  using _ = policies
  await policies.start(20_000)
  await until(() => server.watchers === 3)
  await server.stop()
  await until(() => troubles.length > 0)
  server.remove(POLICIES, 'goes')
  server.compact()
  server.start()
  await until(() => applied.some(([, text]) => text === null))
  expect(applied.filter(([, text]) => text === null)).toEqual([['kubernetes:tracingpolicies/goes', null]])
  expect(applied.filter(([source]) => source.endsWith('stays')).length).toBe(1)
  expect(policies.policies).toBe(1)
})

test('definitions without a status are told of once', async () => {
  await using server = new FakeApiServer()
  server.intercept = ({ method }) => method === 'PATCH' ? Response.json({ message: 'no' }, { status: 403 }) : undefined
  for (const name of ['one', 'two', 'three']) server.put(POLICIES, { metadata: { name }, spec: {} })
  const { policies, troubles } = start(server)
  using _ = policies
  await policies.start(20_000)
  await until(() => troubles.length > 0)
  await Bun.sleep(20)
  expect(troubles).toEqual(['status of tracingpolicies: Cannot write the status of tracingpolicies "one": 403 no'])
})

test('a policy that was deleted before its status was written costs the others nothing', async () => {
  await using server = new FakeApiServer()
  server.intercept = ({ path }) =>
    path.includes('/gone') ? Response.json({ message: 'no' }, { status: 404 }) : undefined
  for (const name of ['gone-1', 'gone-2', 'stays']) server.put(POLICIES, { metadata: { name }, spec: {} })
  const { policies, troubles } = start(server)
  using _ = policies
  await policies.start(20_000)
  await until(() => statuses(server).some(({ path }) => path.includes('stays')))
  expect(troubles).toEqual([])
})

test('definitions that get a status later are asked again with the next list', async () => {
  await using server = new FakeApiServer()
  server.intercept = ({ method }) => method === 'PATCH' ? Response.json({ message: 'no' }, { status: 405 }) : undefined
  server.put(POLICIES, { metadata: { name: 'one' }, spec: {} })
  const { policies, troubles } = start(server)
  using _ = policies
  await policies.start(20_000)
  await until(() => troubles.length > 0 && server.watchers === 3)
  server.intercept = () => undefined
  server.fail(410)
  server.put(POLICIES, { metadata: { name: 'two' }, spec: {} })
  await until(() => statuses(server).some(({ path }) => path.includes('two')))
})

test('conditionType() makes any node name a type of a condition', () => {
  expect(conditionType('ip-10-0-0-1.eu')).toBe('node/ip-10-0-0-1.eu')
  expect(conditionType('a b/c')).toBe('node/a-b-c')
  const [one, two] = ['1', '2'].map((digit) => conditionType('a'.repeat(70) + digit))
  expect(one).not.toBe(two)
  expect(one!.length).toBe('node/'.length + 63)
})

test('nodeAnswers() tells per node what became of a policy', async () => {
  await using server = new FakeApiServer()
  const long = `${'n'.repeat(70)}.eu`
  for (const name of ['a', 'b', 'c', long]) server.put('/api/v1/nodes', { metadata: { name } })
  const condition = (node: string, status: string, reason: string, observedGeneration: number) => {
    return { type: conditionType(node), status, reason, message: `${reason} at ${node}`, observedGeneration }
  }
  server.put(POLICIES, {
    metadata: { name: 'one', generation: 2 },
    spec: {},
    status: {
      conditions: [
        condition('a', 'True', 'Loaded', 2),
        condition('b', 'False', 'Refused', 1),
        condition(long, 'False', 'OtherNodes', 2),
        condition('z', 'True', 'Loaded', 2),
        { type: 'Ready', status: 'True', reason: 'x', message: '' },
      ],
    },
  })
  server.put(NAMESPACED, { metadata: { name: 'two', namespace: 'shop' }, spec: {} })
  const api = new KubeApi({ server: server.url, service_account: '', timeout_ms: 20_000 })
  const lines = (await nodeAnswers(api)).map(({ policy, namespace, node, state, current, gone, message }) => {
    return `${namespace}/${policy} ${node} ${state} ${current ? 'current' : 'old'}${gone ? ' gone' : ''}: ${message}`
  })
  expect(lines).toEqual([
    '/one a loaded current: Loaded at a',
    '/one b refused old: Refused at b',
    '/one c silent current: ',
    `/one ${long} other nodes current: OtherNodes at ${long}`,
    '/one z loaded current gone: Loaded at z',
    ...['a', 'b', 'c', long].map((node) => `shop/two ${node} silent current: `),
  ])
})
