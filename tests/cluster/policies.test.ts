/** Policies as objects of a real API server: two agents, each a node, load, answer, enforce and let go of them. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import { fakeTerminal } from '../cli/terminal.ts'
import { runClient } from '../../src/cli/thump.ts'
import type { NodeAnswer } from '../../src/kube/answers.ts'
import { TestAgent } from '../kernel/agent.ts'
import { testWhere } from '../kernel/need.ts'
import { missingForContainers, Runc } from '../kernel/runc.ts'
import { Account, USERNAME } from './account.ts'
import { Cluster, type Condition, eventually, missingForCluster, OURS } from './cluster.ts'
import { addNamespace, addNode, addPod, type ClusterPod } from './workload.ts'

const PROGRAM = 'build/program/setns'
const missing = missingForCluster() ?? missingForContainers() ??
  (fs.existsSync(PROGRAM) ? undefined : `no ${PROGRAM}`)
const NODES = ['node-1', 'node-2'] as const
const KILLED = 137
/** What no other agent on this machine looks for. */
const NUMBER = String(100_000 + Math.floor(Math.random() * 900_000))

async function agentOf(node: string, cluster: Cluster, account: Account): Promise<TestAgent> {
  const api = ['--enable-k8s-api', 'true', '--k8s-api-server', cluster.url, '--k8s-service-account', account.directory]
  const flags = [...api, '--cri-endpoint', 'none', '--docker-endpoint', 'none', '--oci-state', 'none', ...OURS]
  return await TestAgent.start(flags, { env: { NODE_NAME: node } })
}

function hook(action: string, number = NUMBER, call = 'sys_setns') {
  return {
    call,
    syscall: true,
    args: [{ index: 0, type: 'int' }, { index: 1, type: 'int' }],
    selectors: [{
      matchArgs: [{ index: 1, operator: 'Equal', values: [number] }],
      matchActions: [{ action }],
    }],
  }
}

function policy(name: string, spec: object, namespace?: string) {
  return {
    apiVersion: 'cilium.io/v1alpha1',
    kind: namespace === undefined ? 'TracingPolicy' : 'TracingPolicyNamespaced',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    spec,
  }
}

/** Conditions of a policy once `wanted` holds, by node. */
async function conditions(
  cluster: Cluster,
  wanted: (found: Readonly<Record<string, Condition>>) => boolean,
  ...args: readonly string[]
): Promise<Readonly<Record<string, Condition>>> {
  let last = ''
  try {
    return await eventually(`conditions of ${args.join(' ')}`, () => {
      const found: Record<string, Condition> = {}
      for (const each of cluster.get(...args).status?.conditions ?? []) found[each.type.replace('node/', '')] = each
      last = JSON.stringify(found)
      return wanted(found) ? found : undefined
    })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}: ${last}`)
  }
}

const both = (wanted: (condition: Condition) => boolean) => (found: Readonly<Record<string, Condition>>) => {
  return NODES.every((node) => found[node] !== undefined && wanted(found[node]))
}

async function loaded(agent: TestAgent): Promise<string[]> {
  const list = await (await agent.request('/v1/policies')).json() as {
    name: string
    namespace: string
    state: string
  }[]
  return list.filter(({ state }) => state === 'enabled').map(({ name, namespace }) =>
    namespace === '' ? name : `${namespace}/${name}`
  ).sort()
}

async function isLoaded(agent: TestAgent, names: readonly string[]): Promise<void> {
  let found: string[] = []
  await eventually(`policies ${names.join(' ')}`, async () => {
    found = await loaded(agent)
    return JSON.stringify(found) === JSON.stringify([...names].sort()) ? true : undefined
  }).catch((error: unknown) => {
    throw new Error(`${error instanceof Error ? error.message : error}, loaded are ${found.join(' ')}\n${agent.stderr}`)
  })
}

testWhere(
  missing,
  'policies of both kinds are applied, changed, refused, chosen by node and deleted, and each node answers',
  async () => {
    await using cluster = await Cluster.start()
    const account = new Account(cluster)
    cluster.kubectl(['apply', '-k', 'deploy/crd'])
    addNode(cluster, 'node-1', { disk: 'fast' })
    addNode(cluster, 'node-2', { disk: 'slow' })
    addNamespace(cluster, 'shop')
    addNamespace(cluster, 'blog')
    // There before the agents are.
    cluster.apply(policy('watch', { kprobes: [hook('Post')] }))
    await using first = await agentOf('node-1', cluster, account)
    await using second = await agentOf('node-2', cluster, account)
    const answers = await conditions(cluster, both(({ status }) => status === 'True'), 'tracingpolicy', 'watch')
    expect(answers['node-1']).toMatchObject({ reason: 'Loaded', observedGeneration: 1 })
    const managers = cluster.get('tracingpolicy', 'watch', '--show-managed-fields').metadata.managedFields ?? []
    expect(managers.map(({ manager }) => manager).filter((name) => name.startsWith('thump-')).sort()).toEqual([
      'thump-node-1',
      'thump-node-2',
    ])
    expect(await Bun.spawn([PROGRAM, NUMBER]).exited).toBe(0)
    await first.waitFor(({ kind, body }) => kind === 'process_kprobe' && body.policy_name === 'watch')

    // Changed: the conditions are about the new generation, and what it says is what happens.
    cluster.apply(policy('watch', { kprobes: [hook('Post', '815')] }))
    await conditions(cluster, both(({ observedGeneration }) => observedGeneration === 2), 'tracingpolicy', 'watch')
    const hits = first.events.filter(({ kind }) => kind === 'process_kprobe').length
    expect(await Bun.spawn([PROGRAM, NUMBER]).exited).toBe(0)
    await first.run(['/bin/true', 'after'])
    expect(first.events.filter(({ kind }) => kind === 'process_kprobe').length).toBe(hits)

    // Refused, with the reason; what was loaded before stays.
    cluster.apply(policy('watch', { kprobes: [{ ...hook('Post'), call: 'sys_sentns' }] }))
    const refused = await conditions(cluster, both(({ status }) => status === 'False'), 'tracingpolicy', 'watch')
    expect(refused['node-2']).toMatchObject({
      reason: 'Refused',
      observedGeneration: 3,
      message: expect.stringContaining('sys_sentns'),
    })
    expect(await loaded(first)).toEqual(['watch'])
    const terminal = fakeTerminal('', {
      THUMP_K8S_API_SERVER: cluster.url,
      THUMP_K8S_SERVICE_ACCOUNT: account.directory,
    })
    expect(await runClient(['policy', 'list', '--all-nodes'], terminal)).toBe(1)
    expect(terminal.out).toMatch(/^watch +node-1 +refused +.*sys_sentns.*\nwatch +node-2 +refused +.*sys_sentns/m)

    // Chosen by the node's labels, also when these change.
    cluster.apply(policy('watch', { nodeSelector: { matchLabels: { disk: 'fast' } }, kprobes: [hook('Post')] }))
    const chosen = await conditions(
      cluster,
      both(({ observedGeneration }) => observedGeneration === 4),
      'tracingpolicy',
      'watch',
    )
    expect([chosen['node-1']!.reason, chosen['node-2']!.reason]).toEqual(['Loaded', 'OtherNodes'])
    expect([await loaded(first), await loaded(second)]).toEqual([['watch'], []])
    cluster.kubectl(['label', 'node', 'node-2', 'disk=fast', '--overwrite'])
    await conditions(cluster, both(({ status }) => status === 'True'), 'tracingpolicy', 'watch')
    cluster.kubectl(['label', 'node', 'node-1', 'disk=slow', '--overwrite'])
    await isLoaded(first, [])
    await isLoaded(second, ['watch'])
    addNode(cluster, 'node-3')
    const json = fakeTerminal('', { THUMP_K8S_API_SERVER: cluster.url, THUMP_K8S_SERVICE_ACCOUNT: account.directory })
    expect(await runClient(['policy', 'list', '--all-nodes', '-o', 'json'], json)).toBe(0)
    const told = (JSON.parse(json.out) as NodeAnswer[]).map(({ node, state, current }) => [node, state, current])
    expect(told).toEqual([['node-1', 'other nodes', true], ['node-2', 'loaded', true], ['node-3', 'silent', true]])

    // Namespaced: the selected pod's container is killed, nobody else.
    using runc = new Runc({ setns: PROGRAM })
    const pods: readonly (readonly [string, ClusterPod])[] = [
      ['shop/web', addPod(cluster, { name: 'web', labels: { app: 'web' } })],
      ['shop/db', addPod(cluster, { name: 'db', labels: { app: 'db' } })],
      ['blog/web', addPod(cluster, { name: 'web', namespace: 'blog', labels: { app: 'web' } })],
    ]
    const statuses = async (): Promise<Readonly<Record<string, number>>> => {
      const found: Record<string, number> = {}
      for (const [name, { id, cgroup }] of pods) {
        found[name] = await runc.status({
          id,
          cgroup,
          command: ['/bin/setns', NUMBER],
        })
      }
      return { ...found, host: await Bun.spawn([PROGRAM, NUMBER]).exited }
    }
    cluster.apply(policy('kill', { podSelector: { matchLabels: { app: 'web' } }, kprobes: [hook('Sigkill')] }, 'shop'))
    await conditions(cluster, both(({ status }) => status === 'True'), 'tracingpolicynamespaced', 'kill', '-n', 'shop')
    expect(await statuses()).toEqual({ 'shop/web': KILLED, 'shop/db': 0, 'blog/web': 0, host: 0 })
    cluster.kubectl(['label', 'pod', 'db', '-n', 'shop', 'app=web', '--overwrite'])
    await eventually('the label', async () => (await statuses())['shop/db'] === KILLED ? true : undefined)

    // Deleted.
    cluster.kubectl(['delete', 'tracingpolicynamespaced', 'kill', '-n', 'shop'])
    cluster.kubectl(['delete', 'tracingpolicy', 'watch'])
    for (const agent of [first, second]) await isLoaded(agent, [])
    expect(await statuses()).toEqual({ 'shop/web': 0, 'shop/db': 0, 'blog/web': 0, host: 0 })
    for (const agent of [first, second]) await agent.requireNoLoss()
    expect(cluster.audit(USERNAME).filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([])
  },
)

testWhere(
  missing,
  'a policy enforces on while the server is away, and goes when it was deleted meanwhile',
  async () => {
    await using cluster = await Cluster.start()
    const account = new Account(cluster)
    cluster.kubectl(['apply', '-k', 'deploy/crd'])
    addNode(cluster, 'node-1')
    addNamespace(cluster, 'shop')
    const web = addPod(cluster, { name: 'web', labels: { app: 'web' } })
    cluster.apply(policy('kill', { podSelector: { matchLabels: { app: 'web' } }, kprobes: [hook('Sigkill')] }, 'shop'))
    cluster.apply(policy('stays', { kprobes: [hook('Post', '815')] }))
    using runc = new Runc({ setns: PROGRAM })
    const run = () => runc.status({ id: web.id, cgroup: web.cgroup, command: ['/bin/setns', NUMBER] })
    await using agent = await agentOf('node-1', cluster, account)
    await isLoaded(agent, ['shop/kill', 'stays'])
    expect(await run()).toBe(KILLED)
    expect(await run()).toBe(KILLED)
    await cluster.killServer()
    await Bun.sleep(3000)
    expect(await run()).toBe(KILLED)
    agent.child.kill('SIGSTOP')
    await cluster.startServer()
    cluster.kubectl(['delete', 'tracingpolicynamespaced', 'kill', '-n', 'shop'])
    cluster.apply(policy('new', { kprobes: [hook('Post', '816')] }))
    // A history that begins after that: what was deleted is told by nobody.
    await cluster.killServer()
    await cluster.startServer()
    agent.child.kill('SIGCONT')
    await isLoaded(agent, ['new', 'stays'])
    expect(await run()).toBe(0)
    await agent.requireNoLoss()
  },
)

/** As Tetragon installs them: what it does not know is cut, and there is no status. */
function foreignDefinition(kind: string, plural: string, scope: string) {
  const value = {
    type: 'object',
    properties: { index: { type: 'integer', format: 'int32' }, type: { type: 'string' } },
  }
  const filter = {
    type: 'object',
    required: ['index', 'operator'],
    properties: {
      index: { type: 'integer', format: 'int32' },
      operator: { type: 'string', enum: ['Equal', 'NotEqual'] },
      values: { type: 'array', items: { type: 'string' } },
    },
  }
  const action = { type: 'object', properties: { action: { type: 'string', enum: ['Post', 'Sigkill'] } } }
  const selector = {
    type: 'object',
    properties: {
      matchArgs: { type: 'array', items: filter },
      matchActions: { type: 'array', items: action },
    },
  }
  const kprobe = {
    type: 'object',
    required: ['call', 'syscall'],
    properties: {
      call: { type: 'string' },
      syscall: { type: 'boolean', default: true },
      args: { type: 'array', items: value },
      selectors: { type: 'array', items: selector },
    },
  }
  const spec = { type: 'object', properties: { kprobes: { type: 'array', items: kprobe } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.cilium.io` },
    spec: {
      group: 'cilium.io',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope,
      versions: [{
        name: 'v1alpha1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['metadata', 'spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec,
            },
          },
        },
      }],
    },
  }
}

testWhere(
  missing,
  'definitions that come after the agent, without a status as Tetragon has them, serve as well',
  async () => {
    await using cluster = await Cluster.start()
    const account = new Account(cluster)
    addNode(cluster, 'node-1')
    addNamespace(cluster, 'shop')
    await using agent = await agentOf('node-1', cluster, account)
    cluster.apply(foreignDefinition('TracingPolicy', 'tracingpolicies', 'Cluster'))
    cluster.apply(foreignDefinition('TracingPolicyNamespaced', 'tracingpoliciesnamespaced', 'Namespaced'))
    const wait = ['wait', '--for=condition=established', '--timeout=120s', 'crd', '--all']
    cluster.kubectl(wait)
    cluster.apply(policy('watch', { kprobes: [hook('Post')] }))
    cluster.apply(policy('more', { kprobes: [hook('Post', '815')] }, 'shop'))
    await isLoaded(agent, ['shop/more', 'watch'])
    expect(await Bun.spawn([PROGRAM, NUMBER]).exited).toBe(0)
    await agent.waitFor(({ kind, body }) => kind === 'process_kprobe' && body.policy_name === 'watch')
    expect(cluster.get('tracingpolicy', 'watch').status).toBeUndefined()
    expect(await agent.logged(['status of tracingpolicies"'])).toHaveLength(1)
    cluster.kubectl(['delete', 'tracingpolicy', 'watch'])
    await isLoaded(agent, ['shop/more'])

    // Ours over theirs, as `kubectl apply` would do it: from then on the node answers.
    cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-k', 'deploy/crd'])
    cluster.kubectl(wait)
    cluster.kubectl(['delete', 'crd', '--all'])
    await isLoaded(agent, [])
    cluster.kubectl(['apply', '-k', 'deploy/crd'])
    cluster.kubectl(wait)
    cluster.apply(policy('watch', { kprobes: [hook('Post')] }))
    const found = await conditions(cluster, (each) => each['node-1']?.status === 'True', 'tracingpolicy', 'watch')
    expect(found['node-1']!.reason).toBe('Loaded')
  },
)
