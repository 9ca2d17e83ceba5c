/**
 * bun run guest [--kernel 6.12] [--timeout 300] [--mem 3072] [--out DIR] [--env NAME=VALUE]... [--package NAME]... -- COMMAND...
 * Runs a command as root in /thump, a copy of this checkout, on a Debian kernel in an emulated machine; its output and status are the command's.
 * With --out what the command put into /out is in DIR afterwards. An emulator that broke is started once more, and says so.
 */
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { CpioWriter } from './cpio.ts'
import { run } from './debian.ts'
import { rootArchive, writeCheckout, writeModules } from './rootfs.ts'
import { findKernel, type GuestResult, KERNELS, runGuest } from './vm.ts'

export interface GuestJob {
  readonly kernel: string
  readonly command: readonly string[]
  readonly timeout_seconds: number
  readonly memory_mib: number
  readonly environment: readonly string[]
  /** Installed here, to be in the guest as well. */
  readonly packages?: readonly string[]
  /** Where /out of the guest goes; undefined: nowhere. */
  readonly out?: string | undefined
  readonly onStdout: (bytes: Uint8Array) => void
  readonly onStderr: (bytes: Uint8Array) => void
  /** Called when the guest broke and begins anew: what was written so far is void. */
  readonly onRetry: (reason: string) => void
}

const ROOT = join(import.meta.dirname, '..')
const TRIES_MAX = 2

/** Status of the command as `timeout` and shells count: 124 out of time, 125 the guest broke each time. */
export async function runInGuest(job: GuestJob): Promise<number> {
  const kernel = findKernel(job.kernel)
  const root = rootArchive(job.packages)
  const work = mkdtempSync(join(tmpdir(), 'thump-guest-'))
  // Half a gigabyte: also removed when a signal ends us in the middle.
  const clean = () => rmSync(work, { recursive: true, force: true })
  process.once('exit', clean)
  try {
    writeModules(kernel.modules, join(work, 'modules.cpio'))
    writeCheckout(ROOT, join(work, 'checkout.cpio'))
    writeJob(job, join(work, 'job.cpio'))
    const initrd = join(work, 'initrd')
    for (const part of [root, ...['modules', 'checkout', 'job'].map((name) => join(work, `${name}.cpio`))]) {
      await pipeline(createReadStream(part, { highWaterMark: 1 << 20 }), createWriteStream(initrd, { flags: 'a' }))
    }
    let result: GuestResult = { kind: 'crashed', console: 'not started' }
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      result = await runGuest({ ...job, kernel, initrd, work })
      if (result.kind !== 'crashed') break
      job.onRetry(
        `kernel ${job.kernel}: the guest broke (try ${
          tries + 1
        } of ${TRIES_MAX}); the end of its console:\n${result.console}`,
      )
    }
    if (job.out !== undefined) {
      mkdirSync(job.out, { recursive: true })
      // A guest that broke may have sent a part; what is whole in it is kept.
      if (result.kind === 'exited') run('tar', '-xf', join(work, 'out'), '-C', job.out)
    }
    if (result.kind === 'exited') return result.status
    if (result.kind === 'timeout') {
      job.onStderr(
        new TextEncoder().encode(
          `guest: not done after ${job.timeout_seconds} s; the end of its console:\n${result.console}\n`,
        ),
      )
      return 124
    }
    return 125
  } finally {
    process.off('exit', clean)
    clean()
  }
}

function writeJob(job: GuestJob, to: string): void {
  using archive = new CpioWriter(to)
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
  const lines = [
    'cd /thump',
    ...job.environment.map((entry) => `export ${quote(entry)}`),
    `exec ${job.command.map(quote).join(' ')}`,
  ]
  archive.file('job/run', lines.join('\n') + '\n', 0o755)
  if (job.out !== undefined) archive.file('job/out', '')
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kernel: { type: 'string', default: '6.12' },
      timeout: { type: 'string', default: '300' },
      mem: { type: 'string', default: '3072' },
      out: { type: 'string' },
      env: { type: 'string', multiple: true, default: [] },
      package: { type: 'string', multiple: true, default: [] },
    },
  })
  if (positionals.length === 0 || !(values.kernel in KERNELS)) {
    console.error(
      `usage: bun run guest [--kernel ${
        Object.keys(KERNELS).join('|')
      }] [--timeout SECONDS] [--mem MIB] [--out DIR] [--env NAME=VALUE]... [--package NAME]... -- COMMAND...`,
    )
    process.exit(2)
  }
  process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))
  process.exitCode = await runInGuest({
    kernel: values.kernel,
    command: positionals,
    timeout_seconds: Number(values.timeout),
    memory_mib: Number(values.mem),
    environment: values.env,
    packages: values.package,
    out: values.out,
    onStdout: (bytes) => process.stdout.write(bytes),
    onStderr: (bytes) => process.stderr.write(bytes),
    onRetry: (reason) => console.error(`guest: ${reason}`),
  })
}
