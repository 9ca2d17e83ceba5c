/** Debian's packages for the test rig: what is installed here, what the mirror has, and single packages unpacked outside the system. */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Package {
  readonly name: string
  readonly file: string
  readonly sha256: string
}

/** Where downloads and built images are kept between runs. */
export function cacheDirectory(): string {
  const path = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'thump')
  mkdirSync(path, { recursive: true })
  return path
}

/** Runs a command of the host to its end and returns its stdout; throws with its stderr. */
export function run(...command: string[]): string {
  const result = Bun.spawnSync(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  if (result.exitCode === 0) return result.stdout.toString()
  throw new Error(
    `Cannot run ${JSON.stringify(command.join(' '))}: status ${result.exitCode}: ${result.stderr.toString().trim()}`,
  )
}

/** The Debian archive that apt is configured with; its other suites are beside the one in use. */
export function mirror(): string {
  for (const line of run('apt-get', 'indextargets', '--format', '$(ORIGIN)|$(CREATED_BY)|$(REPO_URI)').split('\n')) {
    const [origin, kind, url] = line.split('|')
    if (origin === 'Debian' && kind === 'Packages' && url && !url.includes('security')) return url.replace(/\/$/, '')
  }
  throw new Error('Cannot find a Debian mirror in the configuration of apt: add one, or run "apt-get update"')
}

/** Downloads with apt's own helper, so that its proxies, mirrors and certificates apply. */
function download(url: string, to: string, sha256?: string): void {
  const part = to + '.part'
  run(
    '/usr/lib/apt/apt-helper',
    '-o',
    'APT::Sandbox::User=root',
    'download-file',
    url,
    part,
    ...(sha256 ? [`SHA256:${sha256}`] : []),
  )
  renameSync(part, to)
}

/** Downloads a file of the mirror by its path in the archive. */
export function downloadFile(path: string, to: string, sha256: string): void {
  download(`${mirror()}/${path}`, to, sha256)
}

/** Age of a file in hours, Infinity where there is none. */
export function ageHours(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? (Date.now() - stat.mtimeMs) / 3_600_000 : Infinity
}

/** All packages of a suite whose name matches; the index is kept for a day. */
export function listPackages(suite: string, name: RegExp): Package[] {
  const index = join(cacheDirectory(), `Packages-${suite}.xz`)
  if (ageHours(index) > 24) download(`${mirror()}/dists/${suite}/main/binary-amd64/Packages.xz`, index)
  const packages: Package[] = []
  for (const paragraph of run('xz', '-dc', index).split('\n\n')) {
    const package_name = /^Package: (.*)$/m.exec(paragraph)?.[1] ?? ''
    if (!name.test(package_name)) continue
    const file = /^Filename: (.*)$/m.exec(paragraph)?.[1]
    const sha256 = /^SHA256: (.*)$/m.exec(paragraph)?.[1]
    if (file && sha256) packages.push({ name: package_name, file, sha256 })
  }
  return packages
}

/** Unpacks one package of the mirror below `directory`; nothing of it runs. */
export function unpack(item: Package, directory: string): void {
  const deb = join(cacheDirectory(), `${item.name}.deb`)
  download(`${mirror()}/${item.file}`, deb, item.sha256)
  mkdirSync(directory, { recursive: true })
  run('dpkg-deb', '-x', deb, directory)
  rmSync(deb)
}

interface Installed {
  readonly version: string
  readonly depends: string
}

/** The packages of `roots` and what they depend on, as far as installed here: name to version. Throws naming a root that is missing. */
export function installedClosure(roots: readonly string[]): Map<string, string> {
  const installed = new Map<string, Installed>()
  const format = '${db:Status-Status}|${Package}|${Version}|${Pre-Depends}, ${Depends}\n'
  for (const line of run('dpkg-query', '-W', '-f', format).split('\n')) {
    const [status, name, version, depends] = line.split('|', 3).concat(line.split('|').slice(3).join('|'))
    if (status === 'installed' && name) installed.set(name, { version: version ?? '', depends: depends ?? '' })
  }
  const missing = roots.filter((name) => !installed.has(name))
  if (missing.length > 0) {
    throw new Error(
      `Cannot build the guest's root file system: not installed: ${missing.join(' ')} ("./thump test" installs them)`,
    )
  }
  const closure = new Map<string, string>()
  const queue = [...roots]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const found = installed.get(name)
    if (!found || closure.has(name)) continue
    closure.set(name, found.version)
    // "a (>= 1) | b, c:any": alternatives that are not installed drop out by themselves
    for (const word of found.depends.split(/[,|]/)) {
      const depended = /^\s*([^\s:(]+)/.exec(word)?.[1]
      if (depended) queue.push(depended)
    }
  }
  return closure
}
