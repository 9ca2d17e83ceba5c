/** Pods of a real container runtime by its CRI: named at once, and policies are for the pods that they select. */
import { expect } from 'bun:test'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { TestAgent } from './agent.ts'
import { Containerd, type TestPod } from './containerd.ts'
import { testWhere } from './need.ts'
import { inInitramfs, missingForContainers, Runc } from './runc.ts'

/** Each takes a second here and ten in an emulated machine. */
const PODS = Number(process.env.THUMP_TEST_CRI ?? (inInitramfs() ? 3 : 50))
const MINUTES = 6
const PROGRAM = 'build/program/setns'
/**
 * Without an OCI hook the agent reads who a container is while the runtime starts it: before its first instruction, but for
 * an emulated machine, where it can come later.
 */
const COMMAND = inInitramfs() ? ['/bin/sh', '-c', 'sleep 5; exec /bin/setns'] : ['/bin/setns']

const missing = Bun.which('containerd') === null || Bun.which('ctr') === null
  ? 'no containerd'
  : missingForContainers() ?? (fs.existsSync(PROGRAM) ? undefined : `no ${PROGRAM}`)

function testPod(n: number): TestPod {
  const hash = createHash('sha256').update(`pod ${n}`).digest('hex')
  const uid = `${hash.slice(0, 8)}-1111-4222-8333-${hash.slice(8, 20)}`
  return {
    name: `web-${n}`,
    namespace: n % 2 === 0 ? 'shop' : 'blog',
    uid,
    labels: { app: n % 5 === 0 ? 'chosen' : 'other' },
  }
}

const POLICY = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicyNamespaced
metadata:
  name: no-setns
  namespace: shop
spec:
  podSelector: {matchLabels: {app: chosen}}
  kprobes:
  - call: sys_setns
    syscall: true
    args:
    - {index: 1, type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: ["4711"]}
      matchActions:
      - action: Sigkill
`

testWhere(missing, `containers of ${PODS} CRI pods tell their pods, and Sigkill hits the chosen ones`, async () => {
  using runc = new Runc({ setns: PROGRAM })
  await using containerd = await Containerd.start(runc.rootfs)
  const flags = ['--enable-k8s-api', 'false', '--docker-endpoint', 'none', '--container-wait', '30s']
  const sources = ['--cri-endpoint', `unix:${containerd.socket}`, '--oci-state', containerd.bundles]
  await using agent = await TestAgent.start([...flags, ...sources])
  const authorization = `Bearer ${fs.readFileSync(agent.token_file, 'utf8').trim()}`
  const loaded = await agent.request('/v1/policies', { method: 'POST', headers: { authorization }, body: POLICY })
  expect(loaded.status).toBe(201)

  const codes: string[] = []
  const expected: string[] = []
  const ids = new Map<string, TestPod>()
  for (let n = 0; n < PODS; n++) {
    const pod = testPod(n)
    const sandbox = await containerd.pod(pod)
    const { id, exit_code } = await containerd.run(sandbox, pod, 'app', COMMAND)
    ids.set(id.slice(0, 31), pod)
    codes.push(`${pod.name} ${exit_code}`)
    expected.push(`${pod.name} ${pod.namespace === 'shop' && pod.labels.app === 'chosen' ? 137 : 0}`)
  }
  expect(codes).toEqual(expected)
  await agent.run(['/bin/true', 'the end'])
  let seen = 0
  for (const { process, kind } of agent.events) {
    const pod = ids.get(process?.docker as string)
    if (pod === undefined || process?.arguments === 'init') continue
    if (kind === 'process_exec' && process?.binary === '/bin/setns') seen++
    expect(process?.pod).toMatchObject({
      namespace: pod.namespace,
      name: pod.name,
      uid: pod.uid,
      container: { name: 'app', image: { name: 'localhost/thump-test:1' } },
      pod_labels: pod.labels,
    })
  }
  expect(seen).toBe(PODS)
  await agent.requireNoLoss()
}, MINUTES * 60_000)
