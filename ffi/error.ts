/**
 * Errors that can come out of `ffi/`, and `check()`, through which every return code of C goes.
 * Messages follow one grammar: `Cannot <action>: <why>`, values in double quotes, no full stop.
 */

import { errnoName, errnoText } from './errno.ts'

/** A call into libbpf, the kernel or libc that failed. `code` is the errno's name, to be compared with. */
export class LibbpfError extends Error {
  override name = 'LibbpfError'
  readonly code: string
  constructor(readonly action: string, readonly errno: number, cause?: unknown) {
    super(`Cannot ${action}: ${errnoText(errno)}`, cause === undefined ? undefined : { cause })
    this.code = errnoName(errno)
  }
}

/** The verifier refused a program. `summary` is what to show; `log` is all that the kernel said (may be megabytes). */
export class VerifierError extends Error {
  override name = 'VerifierError'
  constructor(
    readonly program: string,
    readonly summary: string,
    readonly log: string,
    override readonly cause: LibbpfError,
  ) {
    super(`Cannot load program "${program}": ${summary}`)
  }
}

/** The shared library is absent or too old. */
export class LibbpfMissingError extends Error {
  override name = 'LibbpfMissingError'
}

/** This kernel cannot do it. `kernel_min` is the first mainline version that can, where one is known. */
export class UnsupportedError extends Error {
  override name = 'UnsupportedError'
  constructor(readonly feature: string, readonly kernel_min?: string, cause?: unknown) {
    const since = kernel_min === undefined ? '' : `, it came with Linux ${kernel_min}`
    super(`Cannot use ${feature}: not supported by this kernel${since}`, cause === undefined ? undefined : { cause })
  }
}

/** Passes on what is not negative; `rc` < 0 is -errno (libbpf 1.0 and later). `action` completes "Cannot ...". */
export function check(rc: number, action: string): number {
  if (rc < 0) throw new LibbpfError(action, -rc)
  return rc
}

/** Lines of a verifier log that only count, or that are instructions and register states. */
const NOISE =
  /^(processed \d+ insns|verification time|stack depth|\d+: |; |from \d+ to \d+|R\d+(_\w+)?=|arg#|func#|last_idx|regs=|parent |frame\d|mark_precise|max_states|\s*$|old state|cur state|propagating|caller:|callee:|returning from|to caller)/
const SUMMARY_LINES_MAX = 3
const SUMMARY_CHARS_MAX = 400

/** The last lines of a verifier log that say why, and the last source line before them, as one line. */
export function summarizeVerifierLog(log: string): string {
  const lines = log.split('\n')
  const reasons: string[] = []
  let source = ''
  let position = lines.length
  while (--position >= 0 && reasons.length < SUMMARY_LINES_MAX) {
    const line = (lines[position] ?? '').trim()
    if (!NOISE.test(line)) reasons.unshift(line)
    else if (reasons.length > 0) break
  }
  for (; position >= 0 && source === ''; position--) {
    const line = lines[position] ?? ''
    if (line.startsWith('; ')) source = line.slice(2).trim()
  }
  const reason = reasons.join('; ') || 'refused without a reason'
  return (source === '' ? reason : `${reason} (at: ${source})`).slice(0, SUMMARY_CHARS_MAX)
}
