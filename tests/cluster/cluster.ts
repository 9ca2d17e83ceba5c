/** A real Kubernetes API server with etcd on loopback, as scripts/kubernetes.ts has them; nodes and pods in it are objects only. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { builtComponent, clusterTools } from '../../scripts/kubernetes.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const READY_MS = 180_000
/** Flags of an agent: events of what these tests start, because nobody reads them while kubectl runs. */
export const OURS = ['--export-allowlist', '{"binary_regex":["/(echo|true|setns)$"]}']
/** Groups of the token that kubectl uses. */
const ADMIN = 'admin-of-the-test'

/** What a test wants of an object; the rest is as the server has it. */
export interface ClusterObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly managedFields?: readonly { readonly manager: string; readonly subresource?: string }[]
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: { readonly conditions?: readonly Condition[] }
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string }
  readonly responseStatus?: { readonly code: number }
}

/** What is missing for a cluster, undefined if nothing is. */
export function missingForCluster(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root'
  return builtComponent('kube-apiserver') === undefined
    ? 'no kube-apiserver: bun scripts/kubernetes.ts builds it'
    : undefined
}

/** Where a server is that real nodes speak to; without, it is for objects alone, on loopback. */
export interface ClusterPlace {
  /** Command in front of every program, which enters the place. */
  readonly enter: readonly string[]
  readonly address: string
  readonly port: number
  /** Further addresses that its certificate is for. */
  readonly names: readonly string[]
}

export class Cluster implements AsyncDisposable {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-cluster-'))
  readonly port: number
  readonly #etcd_port: number
  readonly #tools = clusterTools()
  readonly #place: ClusterPlace | null
  #etcd: Bun.Subprocess | null = null
  #server: Bun.Subprocess | null = null

  private constructor(ports: readonly number[], place: ClusterPlace | null) {
    this.#place = place
    this.port = place?.port ?? ports[0]!
    this.#etcd_port = ports[1]!
    this.#makeKeys()
    this.#etcd = this.spawn('etcd', this.#tools.etcd, [
      `--data-dir=${this.directory}/etcd`,
      `--listen-client-urls=http://127.0.0.1:${this.#etcd_port}`,
      `--advertise-client-urls=http://127.0.0.1:${this.#etcd_port}`,
      `--listen-peer-urls=http://127.0.0.1:${ports[2]}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${ports[2]}`,
      `--initial-cluster=default=http://127.0.0.1:${ports[2]}`,
      // What a test writes need not outlive the machine.
      '--unsafe-no-fsync',
    ])
  }

  static async start(place: ClusterPlace | null = null): Promise<Cluster> {
    const cluster = new Cluster(freePorts(3), place)
    await cluster.startServer()
    return cluster
  }

  get url(): string {
    return `https://${this.#place?.address ?? '127.0.0.1'}:${this.port}`
  }

  /** Authority that signed the server's certificate, in a file. */
  get ca(): string {
    return path.join(this.directory, 'ca.crt')
  }

  /** Resolves when it answers. */
  async startServer(): Promise<void> {
    const file = (name: string) => path.join(this.directory, name)
    const address = this.#place?.address ?? '127.0.0.1'
    this.#server = this.spawn('kube-apiserver', builtComponent('kube-apiserver')!, [
      `--etcd-servers=http://127.0.0.1:${this.#etcd_port}`,
      `--bind-address=${this.#place === null ? address : '0.0.0.0'}`,
      `--advertise-address=${address}`,
      `--secure-port=${this.port}`,
      `--tls-cert-file=${file('server.crt')}`,
      `--tls-private-key-file=${file('server.key')}`,
      `--client-ca-file=${this.ca}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${file('account.key')}`,
      `--service-account-key-file=${file('account.pub')}`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${file('tokens.csv')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--allow-privileged=true',
      `--audit-policy-file=${file('audit.yaml')}`,
      `--audit-log-path=${file('audit.log')}`,
      // Accounts and their authority are made by a controller, which runs for nodes only.
      ...(this.#place === null
        ? ['--disable-admission-plugins=ServiceAccount']
        : ['--feature-gates=BoundServiceAccountTokenVolume=true', '--kubelet-preferred-address-types=InternalIP']),
    ])
    const until = performance.now() + READY_MS
    while (this.tryKubectl(['get', '--raw', '/readyz']).exitCode !== 0) {
      if (performance.now() > until || this.#server.exitCode !== null) {
        throw new Error(`The API server does not become ready:\n${this.log('kube-apiserver').slice(-3000)}`)
      }
      await Bun.sleep(100)
    }
  }

  /** At once, as a node that loses its power: open watches break. */
  async killServer(): Promise<void> {
    this.#server?.kill('SIGKILL')
    await this.#server?.exited
  }

  /** Throws what kubectl said if it failed. */
  kubectl(args: readonly string[], input = ''): string {
    const { exitCode, stdout, stderr } = this.tryKubectl(args, input)
    if (exitCode === 0) return stdout
    throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  }

  tryKubectl(args: readonly string[], input = '') {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...this.#enter, this.#tools.kubectl, ...args], {
      cwd: ROOT,
      stdin: Buffer.from(input),
      env: { HOME: this.directory, KUBECONFIG: this.kubeconfig() },
    })
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() }
  }

  get(...args: readonly string[]): ClusterObject {
    return JSON.parse(this.kubectl(['get', ...args, '-o', 'json'])) as ClusterObject
  }

  apply(...objects: readonly object[]): void {
    this.kubectl(['apply', '--server-side', '-f', '-'], objects.map((each) => JSON.stringify(each)).join('\n---\n'))
  }

  /** A kubeconfig of the administrator, or of who has `token`. */
  kubeconfig(token = ADMIN): string {
    const file = path.join(this.directory, `kubeconfig-${Bun.hash(token).toString(16)}`)
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority': this.ca } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    }
    fs.writeFileSync(file, JSON.stringify(config))
    return file
  }

  /** Status of a request with a token, for instance 401. */
  async status(token: string, route: string): Promise<number> {
    return await this.#ask(route, token)
  }

  /** What a service account asked for since the beginning. */
  audit(username: string): AuditEntry[] {
    // The last line may still be being written.
    const lines = fs.readFileSync(path.join(this.directory, 'audit.log'), 'utf8').split('\n').slice(0, -1)
    return lines.filter((line) => line.includes(`"${username}"`)).map((line) => JSON.parse(line) as AuditEntry)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killServer()
    this.#etcd?.kill('SIGKILL')
    await this.#etcd?.exited
    fs.rmSync(this.directory, { recursive: true, force: true })
  }

  async #ask(route: string, token = ADMIN): Promise<number> {
    try {
      const response = await fetch(this.url + route, {
        headers: { authorization: `Bearer ${token}` },
        tls: { ca: fs.readFileSync(this.ca, 'utf8') },
        signal: AbortSignal.timeout(5000),
      })
      await response.arrayBuffer()
      return response.status
    } catch {
      return 0 // not listening yet
    }
  }

  /** Starts one of its programs, whose output goes into a file. */
  spawn(name: string, program: string, args: readonly string[], enter = this.#enter): Bun.Subprocess {
    const log = fs.openSync(path.join(this.directory, `${name}.log`), 'a')
    try {
      return Bun.spawn([...enter, program, ...args], { stdin: 'ignore', stdout: log, stderr: log, cwd: this.directory })
    } finally {
      fs.closeSync(log)
    }
  }

  get #enter(): readonly string[] {
    return this.#place?.enter ?? []
  }

  /** What a program said. */
  log(name: string): string {
    return fs.readFileSync(path.join(this.directory, `${name}.log`), 'utf8')
  }

  #makeKeys(): void {
    const openssl = (...args: readonly string[]) => {
      const { exitCode, stderr } = Bun.spawnSync(['openssl', ...args], { cwd: this.directory, stdin: 'ignore' })
      if (exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
    }
    const addresses = ['127.0.0.1', ...this.#place?.names ?? []].map((each) => `,IP:${each}`)
    const names = `subjectAltName=DNS:localhost${addresses.join('')}`
    openssl('genrsa', '-out', 'account.key', '2048')
    openssl('rsa', '-in', 'account.key', '-pubout', '-out', 'account.pub')
    const ca = [
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-days',
      '2',
      '-subj',
      '/CN=test',
    ]
    openssl('req', '-x509', ...ca)
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'server.key',
      '-out',
      'server.csr',
      '-subj',
      '/CN=server',
    )
    fs.writeFileSync(path.join(this.directory, 'names'), names)
    const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'server.crt', '-days', '2']
    openssl('x509', '-req', '-in', 'server.csr', ...sign, '-extfile', 'names')
    fs.writeFileSync(path.join(this.directory, 'tokens.csv'), `${ADMIN},admin,admin,system:masters\n`)
    const policy = {
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: [{ level: 'Metadata' }],
    }
    fs.writeFileSync(path.join(this.directory, 'audit.yaml'), JSON.stringify(policy))
  }
}

/** Ports that nobody listens at now. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } }),
  )
  const ports = listeners.map(({ port }) => port)
  for (const listener of listeners) listener.stop(true)
  return ports
}

/** Waits until `look` gives something, and returns it. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeout_ms = 90_000,
): Promise<T> {
  const until = performance.now() + timeout_ms
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`Not within ${timeout_ms / 1000} s: ${what}`)
    await Bun.sleep(100)
  }
}
