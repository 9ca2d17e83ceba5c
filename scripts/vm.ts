/** Boots a Debian kernel under QEMU's emulator with an initramfs, and says what its job wrote and returned. KVM is not needed. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ageHours, cacheDirectory, listPackages, run, unpack } from './debian.ts'

/** Kernels by their short name, and where Debian has them: the first suite with a match wins. */
export const KERNELS: Readonly<Record<string, readonly string[]>> = {
  '5.10': ['bullseye'],
  '6.1': ['bookworm'],
  '6.12': ['trixie', 'bookworm-backports'],
  '7.2': ['sid'],
}

export interface Kernel {
  readonly image: string
  /** …/lib/modules/VERSION */
  readonly modules: string
}

/** A kernel is looked for anew after this time; older ones serve on when the mirror does not answer. */
const KERNEL_AGE_HOURS_MAX = 7 * 24

/** The newest point release of a kernel, from the cache or the mirror. */
export function findKernel(name: string): Kernel {
  const suites = KERNELS[name]
  if (!suites) throw new Error(`Cannot find kernel "${name}": not one of ${Object.keys(KERNELS).join(', ')}`)
  const directory = join(cacheDirectory(), 'kernels', name)
  const stamp = join(directory, 'packages')
  if (ageHours(stamp) > KERNEL_AGE_HOURS_MAX) {
    try {
      fetchKernel(name, suites, directory, stamp)
    } catch (error) {
      if (!existsSync(stamp)) throw error
      console.error(`guest: kernel ${name} stays as cached: ${error instanceof Error ? error.message : error}`)
    }
  }
  const modules_root = ['lib/modules', 'usr/lib/modules'].map((path) => join(directory, 'root', path)).find((path) =>
    existsSync(path)
  )
  const version = modules_root && readdirSync(modules_root)[0]
  if (!version) {
    throw new Error(`Cannot use kernel ${name}: no modules below ${directory}; remove that directory to fetch it again`)
  }
  const modules = join(modules_root, version)
  const image = [join(directory, 'root/boot', `vmlinuz-${version}`), join(modules, 'vmlinuz')].find((path) =>
    existsSync(path)
  )
  if (!image) {
    throw new Error(`Cannot use kernel ${name}: no image below ${directory}; remove that directory to fetch it again`)
  }
  return { image, modules }
}

/** linux-image-VERSION has all; where Debian splits kernels (7.x), linux-binary-VERSION has the image and linux-modules-VERSION the rest. */
function fetchKernel(name: string, suites: readonly string[], directory: string, stamp: string): void {
  const pattern = new RegExp(
    `^linux-(image|binary|modules)-(${RegExp.escape(name)}\\.[0-9][^-]*(?:-[0-9][^-]*)?|${
      RegExp.escape(name)
    }\\.0-[0-9]+)(-cloud-amd64|-amd64)?$`,
  )
  for (const suite of suites) {
    const packages = listPackages(suite, pattern)
    const newest = packages
      .filter((item) => /^linux-(image|binary)-.*-cloud-amd64$/.test(item.name))
      .sort((a, b) => compareVersions(b.name, a.name))[0]
    if (!newest) continue
    const version = newest.name.replace(/^linux-(image|binary)-/, '')
    const binary = packages.find((item) => item.name === `linux-binary-${version}`)
    const modules = [`linux-modules-${version}`, `linux-modules-${version.replace(/-cloud-amd64$/, '')}`]
    const chosen = binary ? [binary, ...packages.filter((item) => modules.includes(item.name))] : [newest]
    const list = chosen.map((item) => `${item.file} ${item.sha256}`).join('\n')
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === list) {
      utimesSync(stamp, new Date(), new Date())
      return
    }
    console.error(`guest: fetching ${chosen.map((item) => item.name).join(', ')}`)
    const part = `${directory}.${process.pid}`
    for (const item of chosen) unpack(item, join(part, 'root'))
    const base = existsSync(join(part, 'root/lib/modules')) ? join(part, 'root') : join(part, 'root/usr')
    for (const version of readdirSync(join(base, 'lib/modules'))) run('/sbin/depmod', '-b', base, version)
    writeFileSync(join(part, 'packages'), list)
    rmSync(directory, { recursive: true, force: true })
    renameSync(part, directory)
    return
  }
  throw new Error(`Cannot find a cloud kernel ${name} in ${suites.join(' or ')} on the mirror`)
}

/** Orders by the numbers in a name: 6.12.9 before 6.12.107. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

export interface GuestOptions {
  readonly kernel: Kernel
  /** One initramfs: cpio archives, each padded to 512 bytes, one after another. */
  readonly initrd: string
  readonly timeout_seconds: number
  readonly memory_mib: number
  /** Directory for the guest's files: console.txt, stdout, stderr, status, out.tar. */
  readonly work: string
  readonly onStdout: (bytes: Uint8Array) => void
  readonly onStderr: (bytes: Uint8Array) => void
}

export type GuestResult =
  | { readonly kind: 'exited'; readonly status: number }
  /** The guest itself broke; `console` is the end of what its kernel said. */
  | { readonly kind: 'crashed'; readonly console: string }
  | { readonly kind: 'timeout'; readonly console: string }

/** Seconds until the guest must have reached its job. */
const BOOT_SECONDS_MAX = 90
const POLL_MS = 30

/** Runs one guest to its end. The job is in the initramfs (see guest_init.sh). */
export async function runGuest(options: GuestOptions): Promise<GuestResult> {
  mkdirSync(options.work, { recursive: true })
  const path = (name: string) => join(options.work, name)
  const ports = ['stdout', 'stderr', 'status', 'out']
  for (const port of ports) writeFileSync(path(port), '')
  writeFileSync(path('console.txt'), '')
  const qemu = Bun.spawn([
    ...['nice', 'qemu-system-x86_64', '-accel', 'tcg,thread=multi'],
    // Without -cx16 the emulator makes 6.12 double-fault now and then.
    ...['-cpu', 'max,-cx16', '-smp', '2', '-m', String(options.memory_mib)],
    ...['-nographic', '-no-reboot', '-monitor', 'none', '-nic', 'none', '-serial', `file:${path('console.txt')}`],
    ...['-kernel', options.kernel.image, '-initrd', options.initrd, '-device', 'virtio-serial-pci'],
    ...ports.flatMap((
      port,
    ) => ['-chardev', `file,id=${port},path=${path(port)}`, '-device', `virtserialport,chardev=${port},name=${port}`]),
    ...[
      '-append',
      'console=ttyS0 quiet panic=-1 oops=panic rdinit=/init mitigations=off lsm=landlock,lockdown,yama,apparmor,bpf',
    ],
  ], { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' })
  const stop = () => qemu.kill('SIGKILL')
  process.once('exit', stop)
  const start = Date.now()
  using stdout = new Tail(path('stdout'))
  using stderr = new Tail(path('stderr'))
  let late: string | undefined
  try {
    while (true) {
      const ended = qemu.exitCode !== null || qemu.signalCode !== null
      stdout.read(options.onStdout)
      stderr.read(options.onStderr)
      if (ended) break
      const seconds = (Date.now() - start) / 1000
      if (seconds > options.timeout_seconds) late = `not done after ${options.timeout_seconds} s`
      else if (seconds > BOOT_SECONDS_MAX && !consoleText(path('console.txt')).includes('guest up')) late = 'boot hangs'
      if (late) {
        stop()
        await qemu.exited
      } else await Bun.sleep(POLL_MS)
    }
  } finally {
    stop()
    process.off('exit', stop)
  }
  const status = readFileSync(path('status'), 'utf8').trim()
  const console_text = consoleText(path('console.txt'))
  if (status !== '') return { kind: 'exited', status: Number(status) }
  const tail = console_text.slice(-3000)
  if (late?.startsWith('not done') && !/Kernel panic|soft lockup|rcu.*stall|double fault|Oops/.test(console_text)) {
    return { kind: 'timeout', console: tail }
  }
  return { kind: 'crashed', console: late ? `${tail}\n(${late})` : tail }
}

function consoleText(path: string): string {
  // deno-lint-ignore no-control-regex -- terminal sequences of the firmware
  return readFileSync(path, 'latin1').replace(/\x1b\[?[0-9;?]*[a-zA-Z]/g, '').replaceAll('\r', '')
}

/** Hands on what is appended to a file. */
class Tail {
  #fd: number
  #buffer = new Uint8Array(65536)

  constructor(path: string) {
    this.#fd = openSync(path, 'r')
  }

  read(to: (bytes: Uint8Array) => void): void {
    for (let size = 1; size > 0;) {
      size = readSync(this.#fd, this.#buffer)
      if (size > 0) to(this.#buffer.slice(0, size))
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
