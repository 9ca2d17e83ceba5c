/** Opens the C library and libbpf, once per thread and on first use, and reads errno. */

import { dlopen, toArrayBuffer } from 'bun:ffi'
import { readCString } from './cstring.ts'
import { LibbpfError, LibbpfMissingError } from './error.ts'
import { LIBBPF_SYMBOLS } from './libbpf.ts'
import { LIBC_SYMBOLS } from './libc.ts'

const LIBBPF_FILE = 'libbpf.so.1'
const LIBBPF_MINOR_MIN = 1

type Libc = ReturnType<typeof openLibc>
type Libbpf = ReturnType<typeof openLibbpf>['symbols']

let opened_libc: Libc | undefined
let opened_libbpf: Libbpf | undefined

function openLibc() {
  const { symbols } = dlopen('libc.so.6', LIBC_SYMBOLS)
  const location = symbols.__errno_location()
  if (location === null) throw new LibbpfError('find errno of this thread', 14)
  return { symbols, errno: new Int32Array(toArrayBuffer(location, 0, 4)) }
}

export function libc(): Libc['symbols'] {
  opened_libc ??= openLibc()
  return opened_libc.symbols
}

/** errno of this thread, as the last call left it. Read it right after the call, before any other. */
export function lastErrno(): number {
  opened_libc ??= openLibc()
  return opened_libc.errno[0] ?? 0
}

/** For calls that return -1 and set errno. `action` completes "Cannot ...". */
export function checkErrno(rc: number, action: string): number {
  if (rc < 0) throw new LibbpfError(action, lastErrno())
  return rc
}

/** libbpf's functions. Throws LibbpfMissingError, which names the Debian package, if it is absent or older than 1.1. */
export function libbpf(): Libbpf {
  if (opened_libbpf === undefined) {
    libc() // so that errno can be read right after the first call that fails
    opened_libbpf = openLibbpf(LIBBPF_FILE).symbols
    // libbpf prints to stderr else; its va_list cannot be read from here, and errors carry the verifier's log.
    opened_libbpf.libbpf_set_print(null)
  }
  return opened_libbpf
}

/** `1.1` for "v1.1". */
export function libbpfVersion(): string {
  return readCString(libbpf().libbpf_version_string(), 64).replace(/^v/, '')
}

/** Exported for its test; others call `libbpf()`. */
export function openLibbpf(file: string) {
  const needed = `version 1.${LIBBPF_MINOR_MIN} or later is needed (Debian and Ubuntu: package libbpf1)`
  const probe = { libbpf_version_string: LIBBPF_SYMBOLS.libbpf_version_string }
  let version: string
  try {
    const library = dlopen(file, probe)
    version = readCString(library.symbols.libbpf_version_string(), 64)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LibbpfMissingError(`Cannot open "${file}": ${reason}; ${needed}`, { cause })
  }
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  if (Number(major) !== 1 || Number(minor) < LIBBPF_MINOR_MIN) {
    throw new LibbpfMissingError(`Cannot use "${file}": found version "${version}", ${needed}`)
  }
  try {
    return dlopen(file, LIBBPF_SYMBOLS)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LibbpfMissingError(`Cannot use "${file}" ${version}: ${reason}; ${needed}`, { cause })
  }
}
