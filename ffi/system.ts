/** Small calls about this machine and process: CPUs, clocks, limits, capabilities, mounts. */

import { encodeCString } from './cstring.ts'
import { check, LibbpfError } from './error.ts'
import { checkErrno, lastErrno, libbpf, libc } from './library.ts'
import { allocate } from './memory.ts'

const SC_CLK_TCK = 2
const SC_PAGESIZE = 30

let possible_cpus: number | undefined

/** CPUs that may ever be there, as the kernel counts them for per-CPU maps. */
export function possibleCpus(): number {
  possible_cpus ??= check(libbpf().libbpf_num_possible_cpus(), 'count possible CPUs')
  return possible_cpus
}

export function pageSize(): number {
  return Number(libc().sysconf(SC_PAGESIZE))
}

/** Ticks per second of the times in /proc (USER_HZ). */
export function clockTicks(): number {
  return Number(libc().sysconf(SC_CLK_TCK))
}

/** As include/uapi/linux/time.h numbers them. BPF's bpf_ktime_get_ns() is MONOTONIC, bpf_ktime_get_boot_ns() BOOTTIME. */
export const CLOCK = { REALTIME: 0, MONOTONIC: 1, BOOTTIME: 7 } as const

const timespec_bytes = allocate(16)
const timespec = new DataView(timespec_bytes.buffer)

/** Nanoseconds on one of CLOCK. */
export function clockNs(clock: number): bigint {
  checkErrno(libc().clock_gettime(clock, timespec_bytes), `read clock ${clock}`)
  return timespec.getBigInt64(0, true) * 1_000_000_000n + timespec.getBigInt64(8, true)
}

/** Milliseconds with fraction on one of CLOCK: exact to the microsecond for the next 280 years. */
export function clockMs(clock: number): number {
  checkErrno(libc().clock_gettime(clock, timespec_bytes), `read clock ${clock}`)
  return timespec.getUint32(0, true) * 1000 + timespec.getUint32(4, true) * 4294967296000 +
    timespec.getUint32(8, true) / 1_000_000
}

export interface CapabilitySets {
  readonly effective: bigint
  readonly permitted: bigint
  readonly inheritable: bigint
}

const CAPABILITY_VERSION_3 = 0x20080522

/** Capability bit masks of the calling thread. */
export function ownCapabilities(): CapabilitySets {
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0])
  const data = new Uint32Array(6) // effective, permitted, inheritable; low words, then high ones
  checkErrno(libc().capget(header, data), 'read own capabilities')
  const mask = (at: number) => BigInt(data[at] ?? 0) | BigInt(data[at + 3] ?? 0) << 32n
  return { effective: mask(0), permitted: mask(1), inheritable: mask(2) }
}

const RLIMIT_MEMLOCK = 8

/**
 * Lifts the limit on locked memory, which kernels before 5.11 charge maps and programs to. Returns undefined when done, else
 * why not: harmless on newer kernels, which charge the cgroup.
 */
export function raiseMemlockLimit(): LibbpfError | undefined {
  const unlimited = new BigUint64Array([0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn])
  const rc = libc().setrlimit(RLIMIT_MEMLOCK, unlimited)
  return rc < 0 ? new LibbpfError('raise the memlock limit', lastErrno()) : undefined
}

/** mount(2) of a kernel file system: `mountFilesystem('bpf', '/sys/fs/bpf')`. EBUSY if that is mounted there already. */
export function mountFilesystem(type: string, path: string): void {
  const [source, target, name] = [encodeCString(type), encodeCString(path), encodeCString(type)]
  checkErrno(libc().mount(source, target, name, 0, null), `mount ${type} at "${path}"`)
}
