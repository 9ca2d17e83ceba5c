import { describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { generatedFiles } from '../../scripts/deploy.ts'
import { parseConfig } from '../../src/config.ts'
import { chartValues, renderChart } from '../deploy/chart.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')

// deno-lint-ignore no-explicit-any -- manifests are looked into at many depths
type Manifest = Record<string, any>

function documents(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as Manifest
  }).filter((document) => document !== null)
}

const base = documents(readFileSync(join(DEPLOY, 'thump.yaml'), 'utf8'))
const find = (kind: string, from = base, name?: string) =>
  from.find((each) => each.kind === kind && (name === undefined || each.metadata.name === name))!
const key = ({ kind, metadata }: Manifest) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`
const sorted = (from: readonly Manifest[]) => from.toSorted((one, other) => key(one) < key(other) ? -1 : 1)

test('generated files are what scripts/deploy.ts makes', () => {
  for (const [path, text] of generatedFiles()) {
    expect([path, readFileSync(join(DEPLOY, path), 'utf8')]).toEqual([path, text])
  }
})

/** Null without kubectl: then the structure alone is looked at. */
function kustomize(directory: string): Manifest[] | null {
  if (Bun.which('kubectl') === null) return null
  const { stdout, exitCode, stderr } = Bun.spawnSync(['kubectl', 'kustomize', join(DEPLOY, directory)])
  expect([exitCode, stderr.toString()]).toEqual([0, ''])
  return documents(stdout.toString())
}

test('kustomize makes the same of deploy/base as the one file has', () => {
  const made = kustomize('base')
  if (made !== null) expect(sorted(made)).toEqual(sorted(base))
})

test('the chart with its defaults is deploy/base, but for namespace and definitions, which Helm makes', () => {
  const rendered = [...renderChart().values()].flatMap(documents)
  const expected = base.filter(({ kind }) => kind !== 'Namespace' && kind !== 'CustomResourceDefinition')
  const plain = (from: Manifest[]) =>
    sorted(from).map((each) => {
      // The text of a file in a ConfigMap may be formatted otherwise.
      const data = each.data?.['config.yaml']
      return data === undefined ? each : { ...each, data: documents(data) }
    })
  expect(plain(rendered)).toEqual(plain(expected))
})

test('the chart shows what is switched on, and another namespace everywhere', () => {
  const values = {
    podMonitor: true,
    networkPolicy: false,
    nodeSelector: { disk: 'fast' },
    extraArgs: ['--tetragon-only'],
  }
  const rendered = [
    ...renderChart({ ...values, policies: { 'one.yaml': 'kind: TracingPolicy\n' } }, 'security').values(),
  ]
    .flatMap(documents)
  expect(find('PodMonitor', rendered).spec.podMetricsEndpoints[0].path).toBe('/metrics')
  expect(find('NetworkPolicy', rendered)).toBeUndefined()
  const pod = find('DaemonSet', rendered).spec.template.spec
  expect(pod.nodeSelector).toEqual({ disk: 'fast' })
  expect(pod.containers[0].args.slice(-1)).toEqual(['--tetragon-only'])
  expect(find('ConfigMap', rendered, 'thump-policies').data).toEqual({ 'one.yaml': 'kind: TracingPolicy\n' })
  for (const each of rendered) {
    if (!each.kind.startsWith('Cluster')) expect([key(each), each.metadata.namespace]).toEqual([key(each), 'security'])
  }
})

describe('least privilege', () => {
  const { spec } = find('DaemonSet').spec.template
  const [agent] = spec.containers

  test('exactly the capabilities that are justified, nothing privileged, a root that cannot be written', () => {
    expect(agent.securityContext).toEqual({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
      seccompProfile: { type: 'Unconfined' },
      capabilities: {
        drop: ['ALL'],
        add: ['BPF', 'PERFMON', 'SYS_PTRACE', 'SYS_RESOURCE', 'SYSLOG', 'DAC_READ_SEARCH'],
      },
    })
    expect([spec.hostPID, spec.hostNetwork, spec.hostIPC]).toEqual([true, undefined, undefined])
    const text = readFileSync(join(DEPLOY, 'base/daemonset.yaml'), 'utf8')
    for (const capability of agent.securityContext.capabilities.add) {
      expect(text).toMatch(new RegExp(`- ${capability} +# \\S`))
    }
    expect(chartValues().capabilities).toEqual(agent.securityContext.capabilities.add)
  })

  test("every mount has its volume, and what is the host's is read only where it can be", () => {
    const volumes = new Map<string, Manifest>(spec.volumes.map((volume: Manifest) => [volume.name, volume]))
    const written = []
    for (const mount of agent.volumeMounts) {
      const volume = volumes.get(mount.name)
      expect([mount.name, volume === undefined]).toEqual([mount.name, false])
      if (volume!.hostPath !== undefined && mount.readOnly !== true) written.push(mount.mountPath)
      expect(mount.subPath).toBeUndefined()
    }
    expect(written).toEqual(['/sys/fs/bpf', '/sys/kernel/tracing'])
    expect(agent.volumeMounts.length).toBe(volumes.size)
    for (
      const path of ['/proc', '/sys/fs/cgroup', '/sys/fs/bpf', '/sys/kernel/tracing', '/run/containerd', '/run/crio']
    ) {
      expect([path, spec.volumes.some((volume: Manifest) => volume.hostPath?.path === path)]).toEqual([path, true])
    }
  })

  test('the role reads, and writes nothing but the status of policies', () => {
    const rules: Manifest[] = find('ClusterRole').rules
    const writing = rules.filter(({ verbs }) => verbs.some((verb: string) => !['get', 'list', 'watch'].includes(verb)))
    expect(writing).toEqual([{
      apiGroups: ['cilium.io'],
      resources: ['tracingpolicies/status', 'tracingpoliciesnamespaced/status'],
      verbs: ['patch'],
    }])
    expect(JSON.stringify(rules)).not.toContain('*')
    expect(JSON.stringify(rules)).not.toContain('secrets')
    const { subjects } = find('ClusterRoleBinding')
    expect(subjects).toEqual([{ kind: 'ServiceAccount', name: spec.serviceAccountName, namespace: 'thump' }])
  })

  test('it runs on every node, is asked whether it is alive, and has bounds', () => {
    expect(spec.tolerations).toEqual([{ operator: 'Exists' }])
    expect(spec.priorityClassName).toBe('system-node-critical')
    expect([agent.livenessProbe.httpGet.path, agent.readinessProbe.httpGet.path]).toEqual(['/healthz', '/readyz'])
    expect(agent.resources.limits.memory).toBe('1Gi')
    expect(find('NetworkPolicy').spec.policyTypes).toEqual(['Ingress', 'Egress'])
    expect(find('DaemonSet').spec.selector.matchLabels).toEqual(find('DaemonSet').spec.template.metadata.labels)
  })

  test('the agent understands its configuration and arguments', () => {
    const text = find('ConfigMap', base, 'thump-config').data['config.yaml'] as string
    const config = parseConfig({
      argv: agent.args.slice(1),
      env: { NODE_NAME: 'node-1' },
      hostname: 'pod',
      readText: () => text,
      exists: () => true,
    })
    expect(config.listen).toEqual({ kind: 'tcp', host: '0.0.0.0', port: 8467 })
    expect([config.procfs, config.policies, config.node_name]).toEqual([
      '/host/proc',
      ['/etc/thump/policies'],
      'node-1',
    ])
    expect(config.export_denylist).toContain('kube-system')
  })
})

test('definitions are structural, with a status that nodes can share', () => {
  const definitions = base.filter(({ kind }) => kind === 'CustomResourceDefinition')
  expect(definitions.map(({ spec }) => [spec.names.kind, spec.scope])).toEqual([
    ['TracingPolicy', 'Cluster'],
    ['TracingPolicyNamespaced', 'Namespaced'],
  ])
  for (const { metadata, spec } of definitions) {
    expect(metadata.name).toBe(`${spec.names.plural}.${spec.group}`)
    const [version] = spec.versions
    expect([version.name, version.subresources]).toEqual(['v1alpha1', { status: {} }])
    const schema = version.schema.openAPIV3Schema
    expect(withoutType(schema, '')).toEqual([])
    const { conditions } = schema.properties.status.properties
    expect([conditions['x-kubernetes-list-type'], conditions['x-kubernetes-list-map-keys']]).toEqual(['map', ['type']])
  }
})

/** Places in a schema without a type: the API server refuses those. */
function withoutType(schema: Manifest, at: string): string[] {
  const found = schema.type === undefined ? [at] : []
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    found.push(...withoutType(property as Manifest, `${at}.${name}`))
  }
  if (schema.items !== undefined) found.push(...withoutType(schema.items, `${at}[]`))
  if (schema.additionalProperties !== undefined) found.push(...withoutType(schema.additionalProperties, `${at}{}`))
  return found
}

test('what deploy/ refers to is there', () => {
  for (const path of ['base', 'crd', 'podmonitor']) {
    expect(existsSync(join(DEPLOY, path, 'kustomization.yaml'))).toBe(true)
    kustomize(path)
  }
})
