// Why the agent cannot start, in words that say what to do, and the exit status for it.
import { LibbpfError, LibbpfMissingError, UnsupportedError, VerifierError } from '../../ffi/error.ts'
import { UsageError } from '../config.ts'
import type { HostFacts } from '../kernel/host.ts'

export const EXIT = { STOPPED: 0, FAILURE: 1, USAGE: 2, UNSUPPORTED: 3 } as const

/** Missing privileges or kernel support: exit status 3. Each line names one and how to get it. */
export class MissingError extends Error {
  override name = 'MissingError'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('; '))
    this.lines = lines
  }
}

export interface Failure {
  readonly status: number
  readonly lines: readonly string[]
}

/** `host` is null where the failure came before it was looked at. */
export function explain(error: unknown, host: HostFacts | null): Failure {
  if (error instanceof UsageError) return { status: EXIT.USAGE, lines: [error.message] }
  if (error instanceof MissingError) return { status: EXIT.UNSUPPORTED, lines: error.lines }
  if (error instanceof LibbpfMissingError) return { status: EXIT.UNSUPPORTED, lines: [error.message] }
  if (error instanceof UnsupportedError) return { status: EXIT.UNSUPPORTED, lines: [error.message] }
  if (error instanceof VerifierError) return { status: EXIT.UNSUPPORTED, lines: [error.message] }
  if (error instanceof LibbpfError) return { status: EXIT.UNSUPPORTED, lines: [error.message, ...hints(error, host)] }
  return { status: EXIT.FAILURE, lines: [error instanceof Error ? error.message : String(error)] }
}

/** What an errno of bpf(2) usually means on this machine. */
function hints(error: LibbpfError, host: HostFacts | null): string[] {
  if (host === null || (error.code !== 'EPERM' && error.code !== 'EACCES' && error.code !== 'ENOMEM')) return []
  const lines: string[] = []
  const missing = ['CAP_BPF', 'CAP_PERFMON'].filter((name) => !host.capabilities.includes(name))
  if (missing.length > 0 && !host.capabilities.includes('CAP_SYS_ADMIN')) lines.push(`Missing ${missing.join(', ')}`)
  const old = host.version[0] < 5 || (host.version[0] === 5 && host.version[1] < 11)
  if (old && host.memlock[0] !== Infinity && !host.capabilities.includes('CAP_SYS_RESOURCE')) {
    lines.push(
      `Kernel ${host.release} charges BPF memory to the limit of locked memory, ${
        host.memlock[0]
      } bytes: ulimit -l unlimited, or CAP_SYS_RESOURCE`,
    )
  }
  if (host.lockdown === 'confidentiality') {
    lines.push('Kernel lockdown is "confidentiality": BPF may not read kernel memory')
  }
  if (lines.length === 0) {
    lines.push('A security module, a seccomp filter or the container runtime refuses bpf(2): thump doctor tells more')
  }
  return lines
}
