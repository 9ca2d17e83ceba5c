/** deploy/ as it is shipped on a whole node: a DaemonSet that runs, whose log tells of the pods of others, and policies as objects. */
import { expect } from 'bun:test'
import fs from 'node:fs'
import path from 'node:path'
import { parseAllDocuments } from 'yaml'
import { buildImage } from '../../scripts/image.ts'
import { IMAGE } from '../kernel/containerd.ts'
import { testWhere } from '../kernel/need.ts'
import { missingForContainers } from '../kernel/runc.ts'
import { type Cluster, type ClusterObject, type Condition, eventually } from './cluster.ts'
import { KubeNode, missingForNode, NODE_NAME } from './node.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const PROGRAM = 'build/program/setns'
/** THUMP_TEST_IMAGE names one that is built already. */
const TAG = process.env.THUMP_TEST_IMAGE ?? 'localhost/thump:test'
/** What `setns` is called with: one is told of, the other killed in one namespace's chosen pods. */
const [TOLD, KILLED] = ['471147', '815815']
const PROBE = ['/bin/cat', '/etc/passwd']
/** Bits of /proc/PID/status. */
const CAPABILITIES: Readonly<Record<string, number>> = {
  DAC_READ_SEARCH: 2,
  SYS_PTRACE: 19,
  SYS_RESOURCE: 24,
  SYSLOG: 34,
  PERFMON: 38,
  BPF: 39,
}
const MINUTES = 20

interface Process {
  readonly binary: string
  readonly arguments?: string
  readonly pod?: { readonly namespace: string; readonly name: string; readonly container: { readonly name: string } }
}

interface Event {
  readonly kind: string
  readonly node_name: string
  readonly policy_name: string | undefined
  readonly signal: string | undefined
  readonly process: Process
}

interface Pod extends Omit<ClusterObject, 'status'> {
  readonly status: { readonly containerStatuses: readonly [{ readonly containerID: string; readonly imageID: string }] }
}

const missing = missingForNode() ?? missingForContainers() ??
  (fs.existsSync(path.join(ROOT, PROGRAM)) ? undefined : `no ${PROGRAM}`)

function commandLine(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch (error) {
    // Ended meanwhile, as health checks do.
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return ''
  }
}

function capabilities(pid: number | 'self', set: 'CapBnd' | 'CapEff'): bigint {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  return BigInt(`0x${new RegExp(`^${set}:\\s+(\\w+)`, 'm').exec(status)![1]!}`)
}

/** What `kubectl apply -f deploy/` installs, without the one capability that not every machine's root has: no runtime could give it. */
function manifest(): string {
  const text = fs.readFileSync(path.join(ROOT, 'deploy/thump.yaml'), 'utf8')
  if ((capabilities('self', 'CapBnd') >> BigInt(CAPABILITIES.SYS_RESOURCE!) & 1n) === 1n) return text
  console.error('node: root has no CAP_SYS_RESOURCE on this machine, so the DaemonSet goes without')
  const line = /^ +- SYS_RESOURCE .*\n/m
  expect(text).toMatch(line)
  return text.replace(line, '')
}

/** One that runs the same again and again, and is checked each second. */
function deployment(name: string, namespace: string) {
  const labels = { app: name }
  const script = `while true; do /bin/echo by-${name}; /bin/setns ${TOLD}; /bin/setns ${KILLED}; /bin/sleep 1; done`
  const container = {
    name: 'main',
    image: IMAGE,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', script],
    readinessProbe: { exec: { command: PROBE }, periodSeconds: 1 },
  }
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } }
  const spec = { selector: { matchLabels: labels }, template }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace }, spec }
}

function policy(name: string, number: string, action: string, more: object, namespace?: string) {
  const hook = {
    call: 'sys_setns',
    syscall: true,
    args: [{ index: 1, type: 'int' }],
    selectors: [{
      matchArgs: [{ index: 1, operator: 'Equal', values: [number] }],
      matchActions: [{ action }],
    }],
  }
  return {
    apiVersion: 'cilium.io/v1alpha1',
    kind: namespace === undefined ? 'TracingPolicy' : 'TracingPolicyNamespaced',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    spec: { ...more, kprobes: [hook] },
  }
}

function onlyPod(cluster: Cluster, label: string, namespace: string): Pod {
  const list = JSON.parse(cluster.kubectl(['get', 'pods', '-n', namespace, '-l', label, '-o', 'json'])) as {
    items: Pod[]
  }
  expect(list.items).toHaveLength(1)
  return list.items[0]!
}

/** The agent's stdout, without what is about the agent. */
function events(node: KubeNode): Event[] {
  return node.lines('thump', 'thump-', 'stdout').flatMap((line) => {
    const { node_name, ...rest } = JSON.parse(line) as { readonly node_name: string }
    const [kind, body] = Object.entries(rest)[0] as [string, Partial<Event>]
    const { process, policy_name, signal } = body
    return process === undefined ? [] : [{ kind, node_name, policy_name, signal, process }]
  })
}

async function seen(node: KubeNode, what: string, wanted: (event: Event) => boolean): Promise<Event> {
  return await eventually(what, () => events(node).find(wanted))
}

/** As docs/operations.md has it. */
function inside(cluster: Cluster, ...args: readonly string[]): string {
  return cluster.kubectl(['-n', 'thump', 'exec', 'ds/thump', '--', '/opt/thump/thump', ...args])
}

/** A policy that this node has answered for. */
async function answered(cluster: Cluster, ...args: readonly string[]): Promise<Condition> {
  return await eventually(`an answer about ${args.join(' ')}`, () => {
    return cluster.get(...args).status?.conditions?.find(({ type }) => type === `node/${NODE_NAME}`)
  })
}

testWhere(
  missing,
  'a DaemonSet of deploy/ names, watches and judges the pods of its node, and goes without a trace',
  async () => {
    if (process.env.THUMP_TEST_IMAGE === undefined) buildImage(TAG)
    const text = manifest()
    const daemon = parseAllDocuments(text).map((each) => each.toJS()).find((each) => each.kind === 'DaemonSet')
    const [agent] = daemon.spec.template.spec.containers
    await using node = await KubeNode.start({
      programs: { setns: path.join(ROOT, PROGRAM) },
      image: TAG,
      as: `docker.io/library/${agent.image}`,
    })
    const { cluster } = node
    cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
    cluster.kubectl(['apply', '-f', '-'], text)
    cluster.kubectl(['-n', 'thump', 'rollout', 'status', 'ds/thump', '--timeout=180s'])

    // It has what the manifest gives, and nothing else.
    const [pid] = node.pids().filter((each) => commandLine(each).includes('/etc/thump/config'))
    const given = (agent.securityContext.capabilities.add as string[]).map((name) => 1n << BigInt(CAPABILITIES[name]!))
    expect(capabilities(pid!, 'CapEff')).toBe(given.reduce((sum, bit) => sum | bit))
    expect(fs.readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(onlyPod(cluster, 'app.kubernetes.io/name=thump', 'thump')).toMatchObject({
      status: { qosClass: 'Burstable', containerStatuses: [{ ready: true, restartCount: 0 }] },
      spec: { priorityClassName: 'system-node-critical', nodeName: NODE_NAME },
    })

    // Two of a user, and one where the cluster's own pods are.
    for (const [name, namespace] of [['web', 'shop'], ['other', 'shop'], ['quiet', 'kube-system']] as const) {
      cluster.apply(deployment(name, namespace))
    }
    for (const [name, namespace] of [['web', 'shop'], ['other', 'shop'], ['quiet', 'kube-system']] as const) {
      cluster.kubectl(['-n', namespace, 'rollout', 'status', `deploy/${name}`, '--timeout=120s'])
    }
    // One that the kubelet has from a file: its uid in cgroups is not the one that the API server gives its copy.
    const { metadata: { labels }, spec } = deployment('static', 'shop').spec.template
    const metadata = { name: 'static', namespace: 'shop', labels }
    fs.writeFileSync(
      path.join(node.directory, 'static/pod.json'),
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }),
    )
    const copy = await eventually('a copy of the static pod that is ready', () => {
      const { exitCode } = cluster.tryKubectl([
        '-n',
        'shop',
        'wait',
        '--for=condition=ready',
        `pod/static-${NODE_NAME}`,
      ])
      return exitCode === 0 ? onlyPod(cluster, 'app=static', 'shop') : undefined
    })
    const static_exec = await seen(node, 'an exec of the static pod', ({ kind, process }) => {
      return kind === 'process_exec' && process.arguments === 'by-static' && JSON.stringify(process).includes('labels')
    })
    const { name, uid } = copy.metadata
    expect(static_exec.process.pod).toMatchObject({
      namespace: 'shop',
      name,
      uid,
      workload: name,
      workload_kind: 'Pod',
    })
    const web = onlyPod(cluster, 'app=web', 'shop')
    const [{ containerID, imageID }] = web.status.containerStatuses
    const exec = await seen(node, 'an exec with all that is known of its pod', ({ kind, process }) => {
      return kind === 'process_exec' && process.arguments === 'by-web' && JSON.stringify(process).includes(imageID)
    })
    expect(exec).toMatchObject({
      node_name: NODE_NAME,
      process: {
        binary: '/bin/echo',
        docker: containerID.replace('containerd://', '').slice(0, 31),
        pod: {
          namespace: 'shop',
          name: web.metadata.name,
          uid: web.metadata.uid,
          workload: 'web',
          workload_kind: 'Deployment',
          pod_labels: { app: 'web' },
          container: { id: containerID, name: 'main', image: { name: IMAGE, id: imageID } },
        },
      },
    })

    cluster.apply(policy('watch-setns', TOLD, 'Post', {}))
    const chosen = { podSelector: { matchLabels: { app: 'web' } } }
    cluster.apply(policy('no-setns', KILLED, 'Sigkill', chosen, 'shop'))
    const loaded = { status: 'True', reason: 'Loaded' }
    expect(await answered(cluster, 'tracingpolicy', 'watch-setns')).toMatchObject(loaded)
    expect(await answered(cluster, 'tracingpolicynamespaced', 'no-setns', '-n', 'shop')).toMatchObject(loaded)
    expect(inside(cluster, 'policy', 'list', '--all-nodes')).toMatch(/^watch-setns +node-1 +loaded *$/m)
    for (const name of ['web', 'other']) {
      const hit = await seen(node, `a system call of ${name}`, ({ policy_name, process }) => {
        return policy_name === 'watch-setns' && process.pod?.name.startsWith(name) === true
      })
      expect(hit).toMatchObject({ kind: 'process_kprobe', process: { pod: { namespace: 'shop', workload: name } } })
    }
    const ends = (name: string) =>
      events(node).filter(({ kind, process }) => {
        return kind === 'process_exit' && process.arguments === KILLED && process.pod?.name.startsWith(name) === true
      })
    await eventually('the end of one that is killed', () => ends('web').find(({ signal }) => signal === 'SIGKILL'))
    expect(new Set(ends('other').map(({ signal }) => signal))).toEqual(new Set([undefined]))
    // And no longer than the policy is there.
    cluster.kubectl(['-n', 'shop', 'delete', 'tracingpolicynamespaced', 'no-setns'])
    await eventually('the end of one that is let live', () => {
      return ends('web').at(-1)?.signal === undefined ? true : undefined
    })

    // Of the cluster's own pods, health checks and the host the log tells nothing, though the agent knows them.
    Bun.spawnSync(['/bin/true', 'on-the-host'])
    await Bun.sleep(2000)
    const told = events(node)
    expect(new Set(told.map(({ process }) => process.pod?.namespace))).toEqual(new Set(['shop']))
    expect(told.filter(({ process }) => process.binary === PROBE[0])).toEqual([])
    // Who has ended is known for some seconds only, of which kubectl takes its part.
    await eventually('what the log leaves out, among the processes that the agent knows', () => {
      Bun.spawnSync(['/bin/true', 'on-the-host'])
      const known = inside(cluster, 'ps', '-o', 'json', '--all')
      return ['by-quiet', 'on-the-host', PROBE.at(-1)!].every((each) => known.includes(each)) || undefined
    })
    // Exit status 1, and kubectl's with it, if anything was lost.
    expect(inside(cluster, 'loss')).toMatch(/^export +event +\d+ +\d+ +0 +filter \d+ +-$/m)

    cluster.kubectl(['delete', '--timeout=120s', '-f', '-'], text)
    expect(fs.existsSync(`/proc/${pid}`)).toBe(false)
    for (const kind of ['namespace', 'crd', 'clusterrole', 'clusterrolebinding', 'daemonset']) {
      expect(cluster.kubectl(['get', kind, '-A', '-o', 'name'])).not.toMatch(/thump|cilium/)
    }
  },
  MINUTES * 60_000,
)
