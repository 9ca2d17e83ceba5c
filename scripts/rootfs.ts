/** The guest's root file system: programs of this machine's own Debian packages, Bun, kernel modules and the checkout, as cpio archives. */
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { CpioWriter } from './cpio.ts'
import { ageHours, cacheDirectory, installedClosure, run } from './debian.ts'

/** Packages whose files, with those of what they depend on, make the guest. */
export const GUEST_PACKAGES = [
  ...[
    'bash',
    'dash',
    'coreutils',
    'findutils',
    'grep',
    'sed',
    'mawk',
    'tar',
    'gzip',
    'diffutils',
    'hostname',
    'procps',
    'kmod',
  ],
  ...[
    'util-linux',
    'mount',
    'login',
    'passwd',
    'iproute2',
    'curl',
    'netcat-openbsd',
    'libcap2-bin',
    'perl-base',
    'python3',
    'libbpf1',
    'bpftool',
    'strace',
    'runc',
    'busybox-static',
  ],
] as const

const SKIPPED =
  /^\/usr\/share\/(doc|man|locale|info|lintian|bash-completion|menu|bug|zsh|pixmaps|perl5\/debconf|debconf|i18n)\/|\/(idlelib|lib2to3|__pycache__|ensurepip)\/|^\/(lib|usr\/lib)\/udev\/|^\/usr\/bin\/containerd-(stress|shim|shim-runc-v1)$/

/** Modules a guest may load, besides what they depend on. */
const MODULES = [
  'virtio_pci',
  'virtio_console',
  'dummy',
  'veth',
  'bridge',
  'overlay',
  'loop',
  'tls',
  'nf_tables',
  'nft_compat',
  'nf_nat',
  'br_netfilter',
]

/** Path of the cached root archive, with `more` packages; built anew when a package, Bun or one of these scripts changed. */
export function rootArchive(more: readonly string[] = []): string {
  const packages = installedClosure([...GUEST_PACKAGES, ...more])
  const bun = realpathSync(process.execPath)
  const hash = new Bun.CryptoHasher('sha256')
  for (const file of ['rootfs.ts', 'cpio.ts', 'guest_init.sh']) {
    hash.update(readFileSync(join(import.meta.dirname, file)))
  }
  hash.update(JSON.stringify([[...packages].sort(), Bun.version, Bun.revision]))
  const key = hash.digest('hex').slice(0, 16)
  const path = join(cacheDirectory(), `root-${key}.cpio`)
  if (existsSync(path)) return path
  console.error("guest: building the root file system from this machine's packages")
  for (const old of readdirSync(cacheDirectory())) {
    if (/^root-.*\.cpio/.test(old) && ageHours(join(cacheDirectory(), old)) > 24) rmSync(join(cacheDirectory(), old))
  }
  const part = `${path}.${process.pid}`
  {
    using archive = new CpioWriter(part)
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) archive.symlink(name, `usr/${name}`)
    for (
      const name of [
        'proc',
        'sys',
        'dev',
        'run',
        'mnt',
        'opt',
        'srv',
        'usr/local/bin',
        'out',
        'job',
        'var/tmp',
        'var/log',
        'etc',
      ]
    ) archive.directory(name)
    archive.symlink('var/run', '/run')
    archive.directory('tmp', 0o1777)
    archive.directory('root', 0o700)
    for (const file of packageFiles([...packages.keys()], bun)) archive.copy(file, file.slice(1))
    archive.file('usr/bin/bun', readFileSync(bun), 0o755)
    archive.file('init', readFileSync(join(import.meta.dirname, 'guest_init.sh')), 0o755)
    archive.file(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nalice:x:1000:1000:Alice:/tmp:/bin/bash\n',
    )
    archive.file('etc/group', 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\nalice:x:1000:\n')
    archive.file(
      'etc/shadow',
      ['root', 'daemon', 'nobody', 'alice'].map((user) => `${user}:*:20000:0:99999:7:::\n`).join(''),
      0o640,
    )
    archive.file('etc/hosts', '127.0.0.1 localhost guest\n::1 localhost\n')
    archive.file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')
  }
  renameSync(part, path)
  return path
}

/** Files of the packages and of the libraries that Bun needs, by their real directories (Debian's /bin is a link to /usr/bin). */
function packageFiles(packages: string[], bun: string): Set<string> {
  const files = new Set<string>()
  const directories = new Map<string, string>()
  const real = (path: string): string => {
    const parent = dirname(path)
    let directory = directories.get(parent)
    if (directory === undefined) directories.set(parent, directory = existsSync(parent) ? realpathSync(parent) : parent)
    return join(directory, path.slice(parent.length))
  }
  // Written by pam-auth-update, so in no package's list.
  const generated = ['auth', 'account', 'session', 'password'].map((name) => `/etc/pam.d/common-${name}`)
  const libraries = run('ldd', bun).matchAll(/(?:=> )?(\/\S+)/g)
  const listed = run('dpkg', '-L', ...packages).split('\n').concat(
    [...libraries].map((match) => match[1] ?? ''),
    generated,
  )
  for (const line of listed) {
    if (!line.startsWith('/') || SKIPPED.test(line)) continue
    const path = real(line)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat || stat.isDirectory()) continue
    files.add(path)
    // Libraries that are no package's own link target, as with libraries outside the packages listed.
    if (stat.isSymbolicLink() && existsSync(path) && path.includes('.so')) files.add(realpathSync(path))
  }
  // /etc/alternatives: awk, which, nc and their like are links to links.
  for (const name of readdirSync('/etc/alternatives')) {
    const link = join('/etc/alternatives', name)
    if (!lstatSync(link).isSymbolicLink() || !files.has(real(readlinkSync(link)))) continue
    files.add(link)
    for (const user of ['/usr/bin', '/usr/sbin']) {
      const path = join(user, name)
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(path) === link) files.add(path)
    }
  }
  return files
}

/** Writes the modules a guest may load from a kernel's module directory (…/lib/modules/VERSION, depmod has run). */
export function writeModules(directory: string, to: string): void {
  using archive = new CpioWriter(to)
  const target = `usr/lib/modules/${directory.slice(directory.lastIndexOf('/') + 1)}`
  const dependencies = new Map<string, string[]>()
  for (const line of readFileSync(join(directory, 'modules.dep'), 'utf8').split('\n')) {
    const [path, needs] = line.split(':')
    if (path) dependencies.set(path, (needs ?? '').trim().split(/\s+/).filter(Boolean))
  }
  for (const path of dependencies.keys()) {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_')
    if (!MODULES.includes(name)) continue
    for (const file of [path, ...(dependencies.get(path) ?? [])]) {
      archive.copy(join(directory, file), `${target}/${file}`)
    }
  }
  for (const name of readdirSync(directory)) {
    if (name.startsWith('modules.')) archive.copy(join(directory, name), `${target}/${name}`)
  }
}

/** What a guest never runs: history, and tools for developing only, which are most of node_modules. */
const NOT_IN_GUEST =
  /^(\.git|node_modules\/(deno|@deno|typescript|@typescript|@types|bun-types|undici-types|bun|@oven)|node_modules\/\.bin)$/

/** Writes the checkout as it stands, with node_modules and built objects, below /thump. */
export function writeCheckout(root: string, to: string): void {
  using archive = new CpioWriter(to)
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory)) {
      const path = join(directory, entry)
      const name = relative(root, path)
      if (NOT_IN_GUEST.test(name)) continue
      const stat = statSync(path, { throwIfNoEntry: false })
      if (!stat) continue // removed while we looked
      archive.copy(path, `thump/${name}`)
      if (lstatSync(path).isDirectory()) visit(path)
    }
  }
  archive.directory('thump')
  visit(root)
}
