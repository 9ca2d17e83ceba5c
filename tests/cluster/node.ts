/**
 * A whole Kubernetes node beside the machine's own life: API server, controllers, scheduler, containerd and kubelet in namespaces of
 * mounts and network and below a cgroup of their own, so that nothing of it meets what else runs here, and all of it goes with it.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { builtComponent, COMPONENTS } from '../../scripts/kubernetes.ts'
import { podman, podmanEnvironment } from '../../scripts/image.ts'
import { IMAGE, imageArchive } from '../kernel/containerd.ts'
import { Runc } from '../kernel/runc.ts'
import { Cluster, eventually, missingForCluster } from './cluster.ts'

/** Where the API is for pods, with no kube-proxy to bend the way: the first address of the services, on a loopback of our own. */
const SERVICE = '10.0.0.1'
const BRIDGE = 'thump0'
const BRIDGE_ADDRESS = '10.88.77.1'
const PODS = '10.88.77.0/24'
const PLUGINS = '/usr/lib/cni'
/** Where plugins remember networks, whatever the runtime's configuration says. */
const CACHE = '/var/lib/cni'
const TENTHS_TO_END = 300
export const NODE_NAME = 'node-1'
/** What a kubelet would set for the whole machine: it finds these values instead, in files over those of /proc. */
const SYSCTLS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
}

/** What is missing for a node, undefined if nothing is. */
export function missingForNode(): string | undefined {
  const unbuilt = COMPONENTS.find((name) => builtComponent(name) === undefined)
  if (unbuilt !== undefined) return `no ${unbuilt}: bun scripts/kubernetes.ts builds it`
  const program = ['containerd', 'ctr', 'runc', 'podman', 'nsenter', 'ip'].find((name) => Bun.which(name) === null)
  if (program !== undefined) return `no ${program}`
  const plugin = ['bridge', 'host-local', 'loopback'].find((name) => !fs.existsSync(path.join(PLUGINS, name)))
  if (plugin !== undefined) return `no ${PLUGINS}/${plugin}`
  for (const kind of ['bridge', 'veth']) {
    const { exitCode, stderr } = Bun.spawnSync(['unshare', '--net', 'ip', 'link', 'add', 'x', 'type', kind])
    if (exitCode !== 0) return `no network devices of type ${kind}: ${stderr.toString().trim()}`
  }
  if (!/\boverlay$/m.test(fs.readFileSync('/proc/filesystems', 'utf8'))) return 'no overlay file system'
  return missingForCluster()
}

/** Where each hierarchy of cgroups is. */
function hierarchies(): string[] {
  const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' '))
  return mounts.filter(([, , type]) => type === 'cgroup' || type === 'cgroup2').map(([, place]) => place!)
}

export class KubeNode implements AsyncDisposable {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-node-'))
  readonly #cgroup = path.basename(this.directory)
  readonly #hierarchies = hierarchies()
  readonly #holder: Bun.Subprocess<'pipe'>
  #cluster: Cluster | null = null
  /** To be removed again. */
  readonly #made = fs.mkdirSync(CACHE, { recursive: true })

  private constructor() {
    for (const name of ['run', 'log', 'cni', 'kubelet', 'plugins', 'static']) {
      fs.mkdirSync(path.join(this.directory, name))
    }
    this.#makeCgroup()
    this.#makeFiles()
    const place = 'unshare --mount --net --propagation private sh -c "$1" && rm -rf "$2"'
    this.#holder = Bun.spawn(['sh', '-c', place, 'sh', this.#script(), this.directory], {
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: Bun.file(path.join(this.directory, 'holder.log')),
    })
  }

  /** A node that is ready, with the image of busybox (`IMAGE`, with `programs`) and `image` of podman under the name `as`. */
  static async start(
    images: { readonly programs: Readonly<Record<string, string>>; readonly image: string; readonly as: string },
  ): Promise<KubeNode> {
    const node = new KubeNode()
    try {
      await node.#startAll(images)
      return node
    } catch (error) {
      const logs = ['holder', 'containerd', 'kubelet'].map((name) => `${name}: ${node.#tail(name)}`)
      await node[Symbol.asyncDispose]()
      throw new Error(`The node does not work: ${error instanceof Error ? error.message : error}\n${logs.join('\n')}`)
    }
  }

  get cluster(): Cluster {
    return this.#cluster!
  }

  /** Lines that the containers of a pod wrote, of one stream, as a log shipper reads them. */
  lines(namespace: string, pod: string, stream: 'stdout' | 'stderr'): string[] {
    const pods = path.join(this.directory, 'log/pods')
    const names = fs.readdirSync(pods, { recursive: true, encoding: 'utf8' }).filter((name) => {
      return name.startsWith(`${namespace}_${pod}`) && name.endsWith('.log')
    })
    const lines: string[] = []
    let part = ''
    for (const line of names.flatMap((name) => whole(path.join(pods, name)))) {
      const [, from, tag, text] = /^\S+ (stdout|stderr) ([FP]) (.*)$/.exec(line) ?? []
      if (from !== stream) continue
      part += text
      if (tag === 'P') continue
      lines.push(part)
      part = ''
    }
    return lines
  }

  /** Pids of all that runs in pods. */
  pids(): number[] {
    const found = new Set<number>()
    for (const hierarchy of this.#hierarchies) {
      const root = path.join(hierarchy, this.#cgroup, 'kubepods')
      const names = fs.existsSync(root) ? fs.readdirSync(root, { recursive: true, encoding: 'utf8' }) : []
      for (const name of names.filter((each) => path.basename(each) === 'cgroup.procs')) {
        const text = fs.readFileSync(path.join(root, name), 'utf8')
        for (const line of text.split('\n')) if (line !== '') found.add(Number(line))
      }
    }
    return [...found]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster?.[Symbol.asyncDispose]()
    this.#holder.stdin.end()
    await this.#holder.exited
    if (fs.existsSync(this.directory)) throw new Error('Something of the node is left')
    if (this.#made !== undefined) fs.rmdirSync(this.#made)
  }

  async #startAll(images: { programs: Readonly<Record<string, string>>; image: string; as: string }): Promise<void> {
    const file = (name: string) => path.join(this.directory, name)
    await eventually('namespaces', () => fs.existsSync(file('pid')) || undefined)
    const pid = fs.readFileSync(file('pid'), 'utf8').trim()
    const enter = ['sh', '-c', `${this.#move}\nexec "$@"`, 'sh', 'nsenter', `--net=/proc/${pid}/ns/net`]
    const both = [...enter, `--mount=/proc/${pid}/ns/mnt`]
    const place = { enter, address: BRIDGE_ADDRESS, port: 443, names: [BRIDGE_ADDRESS, SERVICE] }
    const start = Cluster.start(place)
    Bun.spawn([...both, 'containerd', '-c', file('containerd.toml')], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: Bun.file(file('containerd.log')),
    })
    this.#cluster = await start
    const configuration = this.cluster.kubeconfig()
    const keys = path.join(this.cluster.directory, 'account.key')
    const common = [`--kubeconfig=${configuration}`, '--bind-address=127.0.0.1', '--port=0', '--leader-elect=false']
    for (const name of ['kube-controller-manager', 'kube-scheduler'] as const) {
      const accounts = [`--service-account-private-key-file=${keys}`, `--root-ca-file=${this.cluster.ca}`]
      const more = name === 'kube-scheduler' ? [] : [...accounts, '--use-service-account-credentials=false']
      this.cluster.spawn(name, builtComponent(name)!, [...common, ...more])
    }
    const ctr = (...args: readonly string[]) => [...both, 'ctr', '-n', 'k8s.io', ...args]
    await eventually('containerd', () => Bun.spawnSync(ctr('version')).exitCode === 0 || undefined)
    this.#importImages(images, ctr)
    const kubelet = Bun.spawn([
      ...both,
      builtComponent('kubelet')!,
      `--kubeconfig=${configuration}`,
      `--config=${file('kubelet.json')}`,
      '--container-runtime=remote',
      '--container-runtime-endpoint=unix:///run/containerd/containerd.sock',
      `--root-dir=${file('kubelet')}`,
      `--cert-dir=${file('kubelet/pki')}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${BRIDGE_ADDRESS}`,
      `--pod-infra-container-image=${IMAGE}`,
    ], { stdin: 'ignore', stdout: 'ignore', stderr: Bun.file(file('kubelet.log')) })
    await eventually('a node that is ready', () => {
      if (kubelet.exitCode !== null) throw new Error(`the kubelet ended with status ${kubelet.exitCode}`)
      const { exitCode, stdout } = this.cluster.tryKubectl(['get', 'node', NODE_NAME, '-o', 'json'])
      if (exitCode !== 0) return undefined
      const { status } = JSON.parse(stdout) as { status: { conditions: { type: string; status: string }[] } }
      return status.conditions.some((each) => each.type === 'Ready' && each.status === 'True') ? true : undefined
    }, 180_000)
  }

  #importImages(
    images: { programs: Readonly<Record<string, string>>; image: string; as: string },
    ctr: (...args: readonly string[]) => string[],
  ): void {
    const check = ({ exitCode, stderr }: Bun.SyncSubprocess<'pipe', 'pipe'>) => {
      if (exitCode !== 0) throw new Error(`ctr: ${stderr.toString()}`)
    }
    using runc = new Runc(images.programs)
    check(Bun.spawnSync(ctr('images', 'import', imageArchive(this.directory, runc.rootfs))))
    const archive = path.join(this.directory, 'agent.tar')
    podman('save', '--quiet', '--format=docker-archive', '--output', archive, images.image)
    check(Bun.spawnSync(ctr('images', 'import', archive), { env: podmanEnvironment() }))
    check(Bun.spawnSync(ctr('images', 'tag', images.image, images.as)))
    fs.rmSync(archive)
  }

  #tail(name: string): string {
    const file = path.join(this.directory, `${name}.log`)
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').slice(-3000) : 'not started'
  }

  /** Children of the holder's cgroup in every hierarchy: daemons in one, pods in `kubepods`, which the kubelet makes. */
  #makeCgroup(): void {
    for (const hierarchy of this.#hierarchies) {
      const root = path.join(hierarchy, this.#cgroup)
      fs.mkdirSync(path.join(root, 'daemons'), { recursive: true })
      for (const name of ['cpuset.cpus', 'cpuset.mems']) {
        const [from, to] = [path.join(hierarchy, name), path.join(root, name)]
        if (!fs.existsSync(from)) continue
        fs.writeFileSync(to, fs.readFileSync(from))
        fs.writeFileSync(path.join(root, 'daemons', name), fs.readFileSync(from))
      }
    }
  }

  /** What makes the node's place, waits, and takes everything away, also when the test was killed and its pipe breaks. */
  #script(): string {
    const bind = (from: string, to: string) => `mount --bind ${path.join(this.directory, from)} ${to}`
    const roots = this.#hierarchies.map((each) => path.join(each, this.#cgroup)).join(' ')
    return [
      'set -e',
      this.#move,
      'mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf',
      '[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing',
      // As systemd makes all of a node.
      'mount --make-shared /sys/fs/bpf',
      bind('run', '/run'),
      bind('log', '/var/log'),
      'mkdir -p /run/containerd /run/netns',
      bind('cni', CACHE),
      ...Object.keys(SYSCTLS).map((name) => bind(`sysctl/${name}`, `/proc/sys/${name}`)),
      'ip link set lo up',
      `ip address add ${SERVICE}/32 dev lo`,
      `ip link add ${BRIDGE} type bridge`,
      `ip address add ${BRIDGE_ADDRESS}/24 dev ${BRIDGE}`,
      `ip link set ${BRIDGE} up`,
      'echo 1 >/proc/sys/net/ipv4/ip_forward',
      `echo $$ >${this.directory}/pid.new`,
      `mv ${this.directory}/pid.new ${this.directory}/pid`,
      'cat >/dev/null',
      'set +e',
      ...this.#hierarchies.map((each) => `echo $$ >${each}/cgroup.procs`),
      `left=${TENTHS_TO_END}`,
      `until find ${roots} -depth -type d -exec rmdir {} + 2>/dev/null || [ $left = 0 ]; do`,
      `  kill -9 $(find ${roots} -name cgroup.procs -exec cat {} + 2>/dev/null) 2>/dev/null`,
      '  left=$((left - 1)); sleep 0.1',
      'done',
      '[ $left -gt 0 ]',
    ].join('\n')
  }

  /** Shell that takes itself into the cgroup of the daemons. */
  get #move(): string {
    return this.#hierarchies.map((each) => `echo $$ >${path.join(each, this.#cgroup, 'daemons/cgroup.procs')}`).join(
      '\n',
    )
  }

  #makeFiles(): void {
    const write = (name: string, text: string) => {
      const file = path.join(this.directory, name)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, text)
    }
    for (const [name, value] of Object.entries(SYSCTLS)) write(`sysctl/${name}`, `${value}\n`)
    const network = {
      type: 'bridge',
      bridge: BRIDGE,
      isGateway: true,
      ipMasq: false,
      ipam: { type: 'host-local', ranges: [[{ subnet: PODS }]], routes: [{ dst: '0.0.0.0/0' }] },
    }
    write('net.d/10.conflist', JSON.stringify({ cniVersion: '0.4.0', name: 'pods', plugins: [network] }))
    write('resolv.conf', '')
    write('containerd.toml', runtimeConfiguration(this.directory))
    write('kubelet.json', JSON.stringify(kubeletConfiguration(this.directory, this.#cgroup)))
  }
}

/** Lines of a file, but for one that is still being written. */
function whole(file: string): string[] {
  return fs.readFileSync(file, 'utf8').split('\n').slice(0, -1)
}

function kubeletConfiguration(directory: string, cgroup: string): object {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    address: '0.0.0.0',
    readOnlyPort: 0,
    healthzBindAddress: '127.0.0.1',
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    resolvConf: path.join(directory, 'resolv.conf'),
    volumePluginDir: path.join(directory, 'plugins'),
    staticPodPath: path.join(directory, 'static'),
    fileCheckFrequency: '1s',
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  }
}

function runtimeConfiguration(directory: string): string {
  return `version = 2
root = "${directory}/containerd"
state = "/run/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${PLUGINS}"
    conf_dir = "${directory}/net.d"
`
}
