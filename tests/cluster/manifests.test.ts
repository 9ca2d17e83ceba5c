/** What deploy/ would install, judged by a real API server: schemas, defaults, definitions. */
import { expect } from 'bun:test'
import { parseAllDocuments } from 'yaml'
import { testWhere } from '../kernel/need.ts'
import { renderChart } from '../deploy/chart.ts'
import { Cluster, missingForCluster } from './cluster.ts'

const KINDS = [
  'clusterrole',
  'clusterrolebinding',
  'configmap',
  'configmap',
  'daemonset',
  'networkpolicy',
  'serviceaccount',
]

/** Kinds of what was created, without the groups: `daemonset.apps/thump created (server dry run)`. */
function kinds(output: string): string[] {
  return output.trim().split('\n').map((line) => /^([a-z]+)/.exec(line)![1]!).sort()
}

testWhere(
  missingForCluster(),
  'the API server takes the base, the one file, the chart, and nothing that is wrong',
  async () => {
    await using cluster = await Cluster.start()
    const dry = ['apply', '--dry-run=server']
    // A dry run makes no namespace for what lies in it.
    cluster.kubectl(['apply', '-f', 'deploy/base/namespace.yaml'])
    const expected = ['customresourcedefinition', 'customresourcedefinition', 'namespace', ...KINDS].sort()
    expect(kinds(cluster.kubectl([...dry, '-k', 'deploy/base']))).toEqual(expected)
    expect(kinds(cluster.kubectl([...dry, '-f', 'deploy/']))).toEqual(expected)

    const chart = (values: Readonly<Record<string, unknown>> = {}) => [...renderChart(values).values()].join('\n---\n')
    expect(kinds(cluster.kubectl([...dry, '-f', '-'], chart()))).toEqual(KINDS)
    const more = {
      nodeSelector: { disk: 'fast' },
      extraArgs: ['--tetragon-only'],
      extraEnv: [{ name: 'THUMP_LOG_LEVEL', value: 'debug' }],
      policies: { 'one.yaml': 'kind: TracingPolicy\n' },
    }
    expect(kinds(cluster.kubectl([...dry, '-f', '-'], chart(more)))).toEqual(KINDS)

    // It looks: a field that does not exist, a value that does not fit.
    const wrong = (from: string, to: string) => {
      const text = chart()
      expect(text).toContain(from)
      return cluster.tryKubectl([...dry, '--validate=strict', '-f', '-'], text.replace(from, to))
    }
    expect(wrong('hostPID: true', 'hostPid: true').exitCode).not.toBe(0)
    expect(wrong('periodSeconds: 2', 'periodSeconds: often').stderr).toContain('periodSeconds')
    expect(wrong('mountPath: /tmp', 'mountPath: /run/thump').stderr).toContain('must be unique')

    // Installed as it is, the API server adds what it defaults; applying once more changes nothing.
    cluster.kubectl(['apply', '-f', 'deploy/'])
    const again = cluster.kubectl(['apply', '-f', 'deploy/']).trim().split('\n')
    // An empty `data` is not kept, so that kubectl finds a difference each time.
    const changed = again.filter((line) => !line.endsWith(' unchanged'))
    expect(changed).toEqual(['configmap/thump-policies configured'])
    for (const { contents } of parseAllDocuments(cluster.kubectl(['get', 'crd', '-o', 'yaml']))) {
      expect(JSON.stringify(contents)).not.toContain('NonStructuralSchema')
    }
  },
)

testWhere(
  missingForCluster(),
  'the definitions take every shipped policy, and refuse what has another shape',
  async () => {
    await using cluster = await Cluster.start()
    cluster.kubectl(['apply', '-k', 'deploy/crd'])
    cluster.kubectl(['wait', '--for=condition=established', '--timeout=120s', 'crd', '--all'])
    const applied = cluster.kubectl(['apply', '--dry-run=server', '-f', 'policies/']).trim().split('\n')
    expect(applied.length).toBeGreaterThan(5)
    expect(
      applied.filter((line) => !/^tracingpolic(y|ynamespaced)\.cilium\.io\/\S+ created \(server dry run\)$/.test(line)),
    ).toEqual([])
    const refused = (spec: object) => {
      const object = { apiVersion: 'cilium.io/v1alpha1', kind: 'TracingPolicy', metadata: { name: 'x' }, spec }
      return cluster.tryKubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(object)).stderr
    }
    expect(refused({ kprobes: 'tcp_connect' })).toContain('spec.kprobes')
    expect(refused({ nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } })).toContain(
      'Unsupported value',
    )
    expect(refused({})).toBe('')
  },
)
