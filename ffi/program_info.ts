/** What the kernel tells about a loaded program. */

import { decodeText } from './cstring.ts'
import { check } from './error.ts'
import { libbpf } from './library.ts'
import { allocate } from './memory.ts'

export interface ProgramInfo {
  readonly id: number
  /** Up to 15 bytes. */
  readonly name: string
  readonly type: number
  /** Eight bytes in hex, as the kernel's logs have it. */
  readonly tag: string
  readonly jited_bytes: number
  readonly xlated_bytes: number
  /** Instructions that the verifier looked at; 0 where the kernel does not tell (before 5.16). */
  readonly verified_insns: number
  /** Run time and count move only while `enableRunStatistics()` is on or kernel.bpf_stats_enabled is set. */
  readonly run_time_ns: bigint
  readonly run_count: bigint
  readonly recursion_misses: bigint
}

const INFO_SIZE = 232
const NAME_BYTES = 16

export function programInfo(fd: number, name: string): ProgramInfo {
  const bytes = allocate(INFO_SIZE)
  const length = new Uint32Array([INFO_SIZE])
  check(libbpf().bpf_obj_get_info_by_fd(fd, bytes, length), `get info of program "${name}"`)
  const view = new DataView(bytes.buffer)
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    name: decodeText(view, 64, NAME_BYTES),
    tag: bytes.subarray(8, 16).toHex(),
    jited_bytes: view.getUint32(16, true),
    xlated_bytes: view.getUint32(20, true),
    run_time_ns: view.getBigUint64(192, true),
    run_count: view.getBigUint64(200, true),
    recursion_misses: view.getBigUint64(208, true),
    verified_insns: view.getUint32(216, true),
  }
}

const BPF_STATS_RUN_TIME = 0

/** Has the kernel count runs of all programs and their time (about 20 ns each) until the returned descriptor is closed. */
export function enableRunStatistics(): number {
  return check(libbpf().bpf_enable_stats(BPF_STATS_RUN_TIME), 'enable run statistics')
}
