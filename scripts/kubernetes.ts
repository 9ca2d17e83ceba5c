/**
 * A Kubernetes of Debian's own source for the tests: kube-apiserver (and for a whole node the other three) built once and cached,
 * etcd and kubectl unpacked from their packages. `bun scripts/kubernetes.ts [COMPONENT]...` builds and prints where they are.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory, downloadFile, listPackages, run, unpack } from './debian.ts'

export const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'] as const
export type Component = typeof COMPONENTS[number]

/** The last release of which Debian has the whole source: later packages are stripped to kubectl. */
const VERSION = '1.20.2'
const SOURCE = {
  path: `pool/main/k/kubernetes/kubernetes_1.20.5+really${VERSION}.orig.tar.gz`,
  sha256: 'b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc',
}
/** Packages of the mirror that are unpacked beside the system, by suite: Go and what the source's makefiles call, etcd, kubectl. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  bookworm: [
    'golang-1.19-go',
    'golang-1.19-src',
    'golang-github-modern-go-reflect2-dev',
    'make',
    'rsync',
    'libpopt0',
    'libxxhash0',
  ],
}
const SERVERS: Readonly<Record<string, readonly string[]>> = { trixie: ['etcd-server', 'kubectl'] }

function directory(): string {
  return join(cacheDirectory(), 'kubernetes')
}

/** Path of a component that is built, undefined where it is not. */
export function builtComponent(name: Component): string | undefined {
  const path = join(directory(), VERSION, name)
  return existsSync(path) ? path : undefined
}

/** Paths of etcd and kubectl. */
export function clusterTools(): { readonly etcd: string; readonly kubectl: string } {
  const root = unpackAll('servers', SERVERS)
  return { etcd: join(root, 'usr/bin/etcd'), kubectl: join(root, 'usr/bin/kubectl') }
}

/** Builds what of `names` is missing: six minutes of CPU for the API server, two for the other three. */
export async function buildComponents(names: readonly Component[]): Promise<void> {
  const missing = names.filter((name) => builtComponent(name) === undefined)
  if (missing.length === 0) return
  const tools = unpackAll('tools', TOOLS)
  const source = await unpackSource(tools)
  console.error(`kubernetes: building ${missing.join(', ')} ${VERSION}; this takes minutes`)
  const child = Bun.spawn(['nice', '-n', '19', 'make', `WHAT=${missing.map((name) => `cmd/${name}`).join(' ')}`], {
    cwd: source,
    stdin: 'ignore',
    stdout: process.stderr.fd,
    stderr: process.stderr.fd,
    env: {
      PATH: `${tools}/usr/lib/go-1.19/bin:${tools}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      LD_LIBRARY_PATH: `${tools}/usr/lib/x86_64-linux-gnu`,
      GOROOT: `${tools}/usr/lib/go-1.19`,
      GOPATH: join(source, '.go'),
      GOFLAGS: '-p=2',
      CGO_ENABLED: '0',
      GOPROXY: 'off',
      HOME: join(source, '.home'),
      KUBE_GIT_VERSION: `v${VERSION}`,
      KUBE_GIT_COMMIT: 'debian',
      KUBE_GIT_TREE_STATE: 'archive',
      KUBE_GIT_MAJOR: '1',
      KUBE_GIT_MINOR: '20',
    },
  })
  if (await child.exited !== 0) throw new Error(`Cannot build Kubernetes: make ended with ${child.exitCode}`)
  mkdirSync(join(directory(), VERSION), { recursive: true })
  for (const name of missing) {
    renameSync(join(source, '_output/local/go/bin', name), join(directory(), VERSION, name))
  }
  // Two gigabytes that a second build would use, and there hardly is one.
  for (const path of [source, tools]) rmSync(path, { recursive: true })
}

/** The source with the one change that Go 1.18 and later need. */
async function unpackSource(tools: string): Promise<string> {
  const source = join(directory(), 'source')
  if (existsSync(source)) return source
  const archive = join(directory(), 'source.tar.gz')
  const part = `${source}.${process.pid}`
  mkdirSync(part, { recursive: true })
  downloadFile(SOURCE.path, archive, SOURCE.sha256)
  run('tar', '-xzf', archive, '-C', part, '--strip-components=1')
  rmSync(archive)
  // The vendored 1.0.1 crashes in mapiterinit on the first custom resource.
  const reflect = join(part, 'vendor/github.com/modern-go/reflect2')
  const newer = join(tools, 'usr/share/gocode/src/github.com/modern-go/reflect2')
  rmSync(reflect, { recursive: true })
  mkdirSync(reflect)
  for (const name of readdirSync(newer)) {
    if (/\.(go|s)$/.test(name) && !name.endsWith('_test.go')) await cp(join(newer, name), join(reflect, name))
  }
  // Its makefiles want the place in GOPATH that its import path names.
  mkdirSync(join(part, '.go/src/k8s.io'), { recursive: true })
  symlinkSync('../../..', join(part, '.go/src/k8s.io/kubernetes'))
  renameSync(part, source)
  return source
}

function unpackAll(name: string, wanted: Readonly<Record<string, readonly string[]>>): string {
  const root = join(directory(), name)
  if (existsSync(root)) return root
  const part = `${root}.${process.pid}`
  for (const [suite, names] of Object.entries(wanted)) {
    const found = listPackages(suite, new RegExp(`^(${names.map((each) => RegExp.escape(each)).join('|')})$`))
    for (const each of names) {
      const item = found.find((candidate) => candidate.name === each)
      if (item === undefined) throw new Error(`Cannot find the package "${each}" of ${suite} on the mirror`)
      unpack(item, part)
    }
  }
  renameSync(part, root)
  return root
}

if (import.meta.main) {
  const names = COMPONENTS.filter((name) => process.argv.length <= 2 || process.argv.includes(name))
  await buildComponents(names)
  for (const name of names) console.log(builtComponent(name))
  for (const path of Object.values(clusterTools())) console.log(path)
}
