/** A containerd of our own for tests: its state in a temporary directory, one image of busybox, pods by its CRI. */
import { Client, credentials } from '@grpc/grpc-js'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import protobuf from 'protobufjs'
import { inInitramfs } from './runc.ts'

/** What a kubelet asks a runtime for; names and numbers of fields are the interface's. */
const CRI = `syntax = "proto3";
package runtime.v1;
message NamespaceOption { int32 network = 1; int32 pid = 2; int32 ipc = 3; }
message SandboxSecurity { NamespaceOption namespace_options = 1; }
message SandboxLinux { string cgroup_parent = 1; SandboxSecurity security_context = 2; }
message SandboxMetadata { string name = 1; string uid = 2; string namespace = 3; uint32 attempt = 4; }
message DNSConfig { repeated string servers = 1; }
message SandboxConfig {
  SandboxMetadata metadata = 1; string hostname = 2; string log_directory = 3; DNSConfig dns_config = 4;
  map<string, string> labels = 6; map<string, string> annotations = 7; SandboxLinux linux = 8;
}
message RunPodSandboxRequest { SandboxConfig config = 1; }
message RunPodSandboxResponse { string pod_sandbox_id = 1; }
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
message ImageSpec { string image = 1; }
message ContainerSecurity { NamespaceOption namespace_options = 3; }
message ContainerLinux { ContainerSecurity security_context = 2; }
message ContainerConfig {
  ContainerMetadata metadata = 1; ImageSpec image = 2; repeated string command = 3;
  map<string, string> labels = 9; string log_path = 11; ContainerLinux linux = 15;
}
message CreateContainerRequest { string pod_sandbox_id = 1; ContainerConfig config = 2; SandboxConfig sandbox_config = 3; }
message CreateContainerResponse { string container_id = 1; }
message StartContainerRequest { string container_id = 1; }
message StartContainerResponse {}
message ContainerStatusRequest { string container_id = 1; }
message ContainerStatus { int32 state = 3; int32 exit_code = 7; }
message ContainerStatusResponse { ContainerStatus status = 1; }
message StopPodSandboxRequest { string pod_sandbox_id = 1; }
message StopPodSandboxResponse {}
message RemovePodSandboxRequest { string pod_sandbox_id = 1; }
message RemovePodSandboxResponse {}
`

const NODE = 2
const CONTAINER = 1
const EXITED = 2
/** Name of that image. */
export const IMAGE = 'localhost/thump-test:1'

export interface TestPod {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
}

export class Containerd implements AsyncDisposable {
  readonly #directory: string
  readonly #child: Bun.Subprocess
  readonly #client: Client
  readonly #root = protobuf.parse(CRI, { keepCase: true }).root
  readonly #sandboxes: string[] = []

  private constructor(directory: string, child: Bun.Subprocess) {
    this.#directory = directory
    this.#child = child
    this.#client = new Client(`unix://${this.socket}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
    })
  }

  get socket(): string {
    return path.join(this.#directory, 'containerd.sock')
  }

  /** Where bundles lie, for --oci-state. */
  get bundles(): string {
    return path.join(this.#directory, 'state/io.containerd.runtime.v2.task')
  }

  /** `rootfs` becomes the image. */
  static async start(rootfs: string): Promise<Containerd> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-containerd-'))
    const config = path.join(directory, 'config.toml')
    fs.writeFileSync(config, configuration(directory))
    const child = Bun.spawn(['containerd', '-c', config], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: Bun.file(path.join(directory, 'log')),
    })
    const containerd = new Containerd(directory, child)
    const until = performance.now() + 120_000
    const archive = imageArchive(directory, rootfs)
    for (;;) {
      const load = Bun.spawnSync(
        ['ctr', '-a', containerd.socket, '-n', 'k8s.io', 'images', 'import', archive],
        { stdout: 'ignore', stderr: 'pipe' },
      )
      if (load.exitCode === 0) return containerd
      if (performance.now() > until) throw new Error(`containerd does not work: ${load.stderr.toString()}`)
      await Bun.sleep(200)
    }
  }

  /** A pod with the network of the host; gives its sandbox. */
  async pod(pod: TestPod): Promise<string> {
    const { pod_sandbox_id } = await this.#call<{ pod_sandbox_id: string }>('RunPodSandbox', { config: sandbox(pod) })
    this.#sandboxes.push(pod_sandbox_id)
    return pod_sandbox_id
  }

  /** Runs a container of a pod to its end; gives its id and exit code. */
  async run(sandbox_id: string, pod: TestPod, name: string, command: readonly string[]) {
    const { container_id } = await this.#call<{ container_id: string }>('CreateContainer', {
      pod_sandbox_id: sandbox_id,
      sandbox_config: sandbox(pod),
      config: {
        metadata: { name },
        image: { image: IMAGE },
        command,
        log_path: `${name}.log`,
        linux: { security_context: { namespace_options: { network: NODE, pid: CONTAINER, ipc: NODE } } },
      },
    })
    await this.#call('StartContainer', { container_id })
    for (;;) {
      const { status } = await this.#call<{ status: { state: number; exit_code: number } }>('ContainerStatus', {
        container_id,
      })
      if (status.state === EXITED) return { id: container_id, exit_code: status.exit_code }
      await Bun.sleep(10)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Shims live on without their containerd: pods go first.
    for (const pod_sandbox_id of this.#sandboxes) {
      await this.#call('StopPodSandbox', { pod_sandbox_id })
      await this.#call('RemovePodSandbox', { pod_sandbox_id })
    }
    this.#client.close()
    this.#child.kill('SIGTERM')
    await this.#child.exited
    fs.rmSync(this.#directory, { recursive: true, force: true })
  }

  #call<T>(method: string, request: object): Promise<T> {
    const [asked, answered] = ['Request', 'Response'].map((end) => this.#root.lookupType(`runtime.v1.${method}${end}`))
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<object, T>(
        `/runtime.v1.RuntimeService/${method}`,
        (message) => Buffer.from(asked!.encode(asked!.fromObject(message)).finish()),
        (bytes) => answered!.toObject(answered!.decode(bytes), { defaults: true }) as T,
        request,
        { deadline: Date.now() + 120_000 },
        (error, answer) => error === null && answer !== undefined ? resolve(answer) : reject(error),
      )
    })
  }
}

function sandbox({ name, namespace, uid, labels }: TestPod) {
  return {
    metadata: { name, uid, namespace },
    log_directory: path.join(os.tmpdir(), 'thump-pod-logs'),
    // Else the host's resolv.conf is copied, which a guest has not.
    dns_config: { servers: ['127.0.0.1'] },
    labels: { ...labels, 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': namespace },
    linux: {
      cgroup_parent: `/kubepods/besteffort/pod${uid}`,
      security_context: { namespace_options: { network: NODE, pid: CONTAINER, ipc: NODE } },
    },
  }
}

function configuration(directory: string): string {
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${directory}/containerd.sock"
[ttrpc]
  address = "${directory}/containerd.sock.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "${Bun.which('runc')}"
        NoPivotRoot = ${inInitramfs()}
`
}

/** An image with one layer, as `docker save` would write it. */
export function imageArchive(directory: string, rootfs: string): string {
  const image = path.join(directory, 'image')
  fs.mkdirSync(image)
  Bun.spawnSync(['tar', '-C', rootfs, '-cf', path.join(image, 'layer.tar'), '.'])
  const layer = createHash('sha256').update(fs.readFileSync(path.join(image, 'layer.tar'))).digest('hex')
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['/bin/sleep', '2147483647'], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  })
  fs.writeFileSync(path.join(image, 'config.json'), config)
  const manifest = [{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }]
  fs.writeFileSync(path.join(image, 'manifest.json'), JSON.stringify(manifest))
  const archive = path.join(directory, 'image.tar')
  Bun.spawnSync(['tar', '-C', image, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
  return archive
}
