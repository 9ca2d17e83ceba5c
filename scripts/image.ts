/**
 * bun run image [--tag thump:0.1.0]: builds the container image where no registry can be reached: its base is made of Debian's packages.
 * Prints the name of the image and its size. With a registry `podman build -t thump .` is all it takes.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ageHours, cacheDirectory, mirror, run } from './debian.ts'

const ROOT = join(import.meta.dirname, '..')
/** A local name: it must not be taken for Debian's own image. */
const BASE = 'localhost/thump-debian:bookworm'
const AUTHORITIES_HERE = '/etc/ssl/certs/ca-certificates.crt'
const AUTHORITIES = '/run/authorities.crt'
/** What Debian's own slim image leaves out. */
const LEFT_OUT = ['doc', 'groff', 'info', 'linda', 'lintian', 'locale', 'man'].map((name) =>
  `--dpkgopt=path-exclude=/usr/share/${name}/*`
)
/** After this the base is made anew. */
const BASE_HOURS_MAX = 14 * 24

/** Where there is no systemd, no journal and no crun that takes hybrid cgroups. */
const CONFIGURATION = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=20000:20000","nproc=32768:32768"]
`

/** Environment for podman on a machine that may be no usual one. */
export function podmanEnvironment(): Record<string, string | undefined> {
  const file = join(cacheDirectory(), 'containers.conf')
  writeFileSync(file, CONFIGURATION)
  return { ...process.env, CONTAINERS_CONF: file }
}

/** Runs podman to its end and gives its stdout; throws what it said. */
export function podman(...args: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['podman', ...args], {
    cwd: ROOT,
    stdin: 'ignore',
    env: podmanEnvironment(),
  })
  if (exitCode !== 0) throw new Error(`podman ${args[0]}: status ${exitCode}: ${stderr.toString().slice(-3000)}`)
  return stdout.toString()
}

/** A minimal Debian 12 as an archive, from the mirror that apt is configured with. */
export function debianArchive(): string {
  const directory = join(cacheDirectory(), 'image')
  const archive = join(directory, 'bookworm.tar')
  if (ageHours(archive) < BASE_HOURS_MAX) return archive
  mkdirSync(directory, { recursive: true })
  console.error('image: making a minimal Debian 12')
  const part = `${archive}.${process.pid}.tar`
  run('mmdebstrap', '--quiet', '--variant=minbase', ...LEFT_OUT, 'bookworm', part, mirror())
  renameSync(part, archive)
  return archive
}

/** Name of the base image, imported where it is missing. */
export function baseImage(): string {
  const archive = debianArchive()
  const stamp = join(cacheDirectory(), 'image/imported')
  const present = podman('images', '--quiet', BASE).trim() !== ''
  if (!present || ageHours(stamp) > ageHours(archive)) {
    podman('import', '--change', 'CMD ["/bin/bash"]', archive, BASE)
    writeFileSync(stamp, '')
  }
  return BASE
}

/** Builds the image, its layers from the cache where nothing changed. */
export function buildImage(tag: string): void {
  podman(
    'build',
    '--format=docker', // OCI's has no health check
    '--pull=never',
    '--network=host',
    '--build-arg',
    `BASE=${baseImage()}`,
    ...npmSettings(),
    '-t',
    tag,
    '.',
  )
}

/** Where packages of npm come from and whom to trust there, as it is set up here. */
export function npmSettings(): string[] {
  const texts = ['/etc/npmrc', join(homedir(), '.npmrc')].filter((path) => existsSync(path)).map((path) =>
    readFileSync(path, 'utf8')
  )
  const lines = texts.join('\n').split('\n').filter((line) => line !== '' && !/^(cafile|nodedir)\s*=/.test(line))
  const settings = join(cacheDirectory(), 'image/npmrc')
  writeFileSync(settings, [...lines, `cafile=${AUTHORITIES}`, ''].join('\n'), { mode: 0o600 })
  return [`${settings}:/root/.npmrc:ro`, `${AUTHORITIES_HERE}:${AUTHORITIES}:ro`].flatMap((
    volume,
  ) => ['--volume', volume])
}

/** Bytes of an image, its base included. */
export function imageBytes(tag: string): number {
  return Number(podman('image', 'inspect', '--format', '{{.Size}}', tag))
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { tag: { type: 'string', default: 'localhost/thump:dev' } } })
  const start = performance.now()
  buildImage(values.tag)
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  console.log(
    `${values.tag}: ${(imageBytes(values.tag) / 1e6).toFixed(0)} MB, ${
      (imageBytes(BASE) / 1e6).toFixed(0)
    } MB of them the base; built in ${seconds} s`,
  )
}
