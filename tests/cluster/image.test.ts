/** The container image, built and run with exactly what the DaemonSet gives it: capabilities, mounts, a root that cannot be written. */
import { afterAll, expect } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parse } from 'yaml'
import { buildImage, imageBytes, podman, podmanEnvironment } from '../../scripts/image.ts'
import { testWhere } from '../kernel/need.ts'

const ROOT = path.join(import.meta.dirname, '../..')
/** THUMP_TEST_IMAGE names one that is built already. */
const TAG = process.env.THUMP_TEST_IMAGE ?? 'localhost/thump:test'
const POLICY = `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: watch-setns
spec:
  kprobes:
  - call: sys_setns
    syscall: true
`
/** Base, Bun, libbpf and what is ours. */
const BYTES_MAX = 260e6
const BUILD_MS = 1_200_000
/** Number of CAP_SYS_RESOURCE, which not every machine's root has. */
const SYS_RESOURCE = 24

interface Mount {
  readonly name: string
  readonly mountPath: string
  readonly readOnly?: boolean
  readonly mountPropagation?: string
}

interface Volume {
  readonly name: string
  readonly hostPath?: { readonly path: string }
  readonly emptyDir?: object
  readonly configMap?: { readonly name: string }
}

interface PodSpec {
  readonly hostPID?: boolean
  readonly hostNetwork?: boolean
  readonly containers: readonly [{
    readonly args: readonly string[]
    readonly volumeMounts: readonly Mount[]
    readonly securityContext: {
      readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] }
      readonly readOnlyRootFilesystem: boolean
      readonly allowPrivilegeEscalation: boolean
      readonly seccompProfile: { readonly type: string }
    }
  }]
  readonly volumes: readonly Volume[]
}

const manifest = parse(fs.readFileSync(path.join(ROOT, 'deploy/base/daemonset.yaml'), 'utf8')) as {
  readonly spec: { readonly template: { readonly spec: PodSpec } }
}
const pod = manifest.spec.template.spec
const [agent] = pod.containers
const ALL = agent.securityContext.capabilities.add

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-image-'))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

/** The pod as podman understands it. */
function flagsOf(capabilities: readonly string[]): string[] {
  const { securityContext } = agent
  expect([pod.hostPID, pod.hostNetwork, securityContext.readOnlyRootFilesystem]).toEqual([true, undefined, true])
  expect([securityContext.seccompProfile.type, securityContext.allowPrivilegeEscalation]).toEqual(['Unconfined', false])
  expect(securityContext.capabilities.drop).toEqual(['ALL'])
  const bounds = BigInt(`0x${/^CapBnd:\s+(\w+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))![1]!}`)
  const able = capabilities.filter((name) => name !== 'SYS_RESOURCE' || (bounds >> BigInt(SYS_RESOURCE) & 1n) === 1n)
  const flags = [
    ...['--pid=host', '--network=none', '--read-only', '--read-only-tmpfs=false', '--cap-drop=all'],
    ...able.map((name) => `--cap-add=${name}`),
    ...['--security-opt=seccomp=unconfined', '--security-opt=no-new-privileges'],
    ...['--env=NODE_NAME=node-1', '--log-driver=none', '--rm'],
  ]
  for (const { name, mountPath, readOnly } of agent.volumeMounts) {
    const volume = pod.volumes.find((each) => each.name === name)!
    const options = readOnly === true ? ':ro' : ''
    if (volume.hostPath !== undefined) flags.push(`--volume=${volume.hostPath.path}:${mountPath}${options}`)
    else if (volume.emptyDir !== undefined) flags.push(`--tmpfs=${mountPath}`)
    else flags.push(`--volume=${path.join(directory, volume.configMap!.name)}:${mountPath}${options}`)
  }
  return flags
}

/** The ConfigMaps; without the default deny list, which leaves out what happens outside of pods. */
function writeConfiguration(): void {
  for (const name of ['thump-config', 'thump-policies']) fs.mkdirSync(path.join(directory, name), { recursive: true })
  fs.writeFileSync(path.join(directory, 'thump-config/config.yaml'), 'listen: 0.0.0.0:8467\nread-token: true\n')
  for (const name of ['/run/crio', '/run/containerd']) fs.mkdirSync(name, { recursive: true }) // DirectoryOrCreate
}

class Run implements AsyncDisposable {
  readonly name = `thump-test-${crypto.randomUUID().slice(0, 8)}`
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  stdout = ''
  stderr = ''
  readonly #reading: Promise<unknown>

  constructor(capabilities: readonly string[]) {
    const command = ['podman', 'run', '--name', this.name, ...flagsOf(capabilities), TAG, ...agent.args]
    this.child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', env: podmanEnvironment() })
    this.#reading = Promise.all([
      this.#read(this.child.stdout, (text) => this.stdout += text),
      this.#read(this.child.stderr, (text) => this.stderr += text),
    ])
  }

  /** The exit status, once all output was read. */
  async exited(): Promise<number> {
    const status = await this.child.exited
    await this.#reading
    return status
  }

  /** Whole lines of stdout with a text in them. */
  lines(text: string): string[] {
    return this.stdout.split('\n').slice(0, -1).filter((line) => line.includes(text))
  }

  /** Waits for a text in what it wrote. */
  async until(wanted: () => boolean): Promise<void> {
    const end = performance.now() + 180_000
    while (!wanted()) {
      if (performance.now() > end || this.child.exitCode !== null) {
        throw new Error(`Not seen: ${wanted}; status ${this.child.exitCode}\n${this.stderr}`)
      }
      await Bun.sleep(50)
    }
  }

  inside(...command: readonly string[]): string {
    return podman('exec', this.name, ...command)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    // It passes the signal on; meanwhile its output has to be read.
    this.child.kill('SIGTERM')
    await this.child.exited
  }

  async #read(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }))
  }
}

const missing = process.getuid?.() !== 0
  ? 'not root'
  : ['podman', 'mmdebstrap', 'runc'].map((name) => Bun.which(name) === null ? `no ${name}` : undefined).find((each) =>
    each !== undefined
  )

testWhere(missing, 'the image is small, runs as the DaemonSet would run it, and says what it lacks', async () => {
  if (process.env.THUMP_TEST_IMAGE === undefined) buildImage(TAG)
  console.error(`image: ${(imageBytes(TAG) / 1e6).toFixed(0)} MB`)
  expect(imageBytes(TAG)).toBeLessThan(BYTES_MAX)
  // No compiler, no package manager of npm, nothing of development.
  const found = podman('run', '--rm', '--entrypoint=sh', TAG, '-c', 'ls /usr/bin /opt/thump /opt/thump/node_modules')
  expect(found.split('\n').filter((name) => /^(clang.*|npm|node|tests|deno|typescript)$/.test(name))).toEqual([])

  writeConfiguration()
  {
    await using run = new Run(ALL)
    await run.until(() => run.stderr.includes('"ready"') || run.stderr.includes('ready'))
    const marker = `marker-${crypto.randomUUID()}`
    Bun.spawnSync(['/bin/true', marker])
    await run.until(() => run.lines(marker).length >= 2)
    const [exec] = run.lines(marker).map((line) => JSON.parse(line))
    expect(exec).toMatchObject({
      node_name: 'node-1',
      process_exec: { process: { binary: '/bin/true', arguments: marker } },
    })
    // The host's processes are the host's, though the agent is in a container.
    expect(exec.process_exec.process.docker).toBeUndefined()
    expect(run.inside('/opt/thump/thump', 'coverage')).toMatch(/active +process events/)
    expect(
      run.inside('bun', '-e', 'process.exit((await fetch("http://127.0.0.1:8467/readyz")).status === 200 ? 0 : 1)'),
    ).toBe('')
    expect(run.stderr).not.toContain('missing privilege')
    expect(() => run.inside('touch', '/opt/thump/x')).toThrow('Read-only file system')
    // As a kubelet changes a ConfigMap.
    fs.writeFileSync(path.join(directory, 'thump-policies/one.yaml'), POLICY)
    await run.until(() => /^watch-setns +enabled /m.test(run.inside('/opt/thump/thump', 'policy', 'list')))
    fs.rmSync(path.join(directory, 'thump-policies/one.yaml'))
  }
  for (const capability of ALL) {
    await using run = new Run(ALL.filter((name) => name !== capability))
    if (['BPF', 'PERFMON', 'SYS_PTRACE'].includes(capability)) {
      expect([capability, await run.exited()]).toEqual([capability, 3])
      expect(run.stderr).toContain(`Missing CAP_${capability}: `)
      expect(run.stderr).toContain('Without, ')
      continue
    }
    await run.until(() => run.stderr.includes('ready'))
    const lost = { SYSLOG: 'names in kernel stack traces', DAC_READ_SEARCH: 'files that only their owner may read' }
    for (const [name, feature] of Object.entries(lost)) {
      expect([name, run.stderr.includes(feature)]).toEqual([name, name === capability])
    }
    if (capability === 'SYS_RESOURCE') {
      expect(run.inside('/opt/thump/thump', 'coverage')).toMatch(/locked memory +.*(no limit|without CAP_SYS_RESOURCE)/)
    }
  }
}, BUILD_MS)
