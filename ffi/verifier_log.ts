/** Room for the kernel's words about each program of an object, while it is being loaded. */

import { type Pointer, toArrayBuffer } from 'bun:ffi'
import { live } from './assert.ts'
import { check, LibbpfError, summarizeVerifierLog } from './error.ts'
import { lastErrno, libbpf, libc } from './library.ts'
import { readCString } from './cstring.ts'
import type { BpfProgram } from './program.ts'

/** UINT_MAX >> 8: the largest that every kernel takes (kernel/bpf/verifier.c before 6.4 refuses more than this). */
const LOG_BYTES = 0xffffff
/** What is kept of a log: its end, which says why. */
const LOG_KEPT_BYTES = 4 << 20

const PROT_READ_WRITE = 3
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000

export interface Refused {
  readonly program: string
  readonly summary: string
  readonly log: string
}

/**
 * One buffer per program, in anonymous memory: pages that no log touches never exist, and the garbage collector does not
 * count them. libbpf keeps the addresses: dispose after load, and nothing loads again.
 */
export class VerifierLogs implements Disposable {
  #base: Pointer | null = null
  readonly #programs: readonly BpfProgram[]

  constructor(programs: readonly BpfProgram[]) {
    this.#programs = programs
    if (programs.length === 0) return
    const bytes = programs.length * (LOG_BYTES + 1)
    const base = libc().mmap(null, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
    // MAP_FAILED comes as a bigint.
    if (typeof base !== 'number') throw new LibbpfError('reserve memory for verifier logs', lastErrno())
    const start = live(base, 'VerifierLogs')
    this.#base = start
    programs.forEach((program, index) => {
      const rc = libbpf().bpf_program__set_log_buf(program.borrow(), this.#at(start, index), LOG_BYTES)
      check(rc, `set log buffer of program "${program.name}"`)
    })
  }

  /** The program that has a log, if any: it is the last that was tried. */
  refused(): Refused | undefined {
    const base = this.#base
    if (base === null) return undefined
    for (let index = this.#programs.length - 1; index >= 0; index--) {
      const at = this.#at(base, index)
      if (readCString(at, 1) === '') continue
      const log = readLog(at)
      return { program: this.#programs[index]?.name ?? '', summary: summarizeVerifierLog(log), log }
    }
    return undefined
  }

  [Symbol.dispose](): void {
    const base = this.#base
    this.#base = null
    if (base !== null) libc().munmap(base, this.#programs.length * (LOG_BYTES + 1))
  }

  #at(base: Pointer, index: number): Pointer {
    return base + index * (LOG_BYTES + 1) as Pointer
  }
}

/** The log up to its NUL; of a very long one the end. */
function readLog(at: Pointer): string {
  const whole = new Uint8Array(toArrayBuffer(at, 0, LOG_BYTES))
  const end = whole.indexOf(0)
  const length = end < 0 ? LOG_BYTES : end
  return Buffer.from(whole.slice(Math.max(0, length - LOG_KEPT_BYTES), length)).toString('utf8')
}
