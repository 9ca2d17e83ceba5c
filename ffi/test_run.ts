/** BPF_PROG_TEST_RUN: a program run by hand, for unit tests of BPF code. */

import { check } from './error.ts'
import { libbpf } from './library.ts'
import { allocate, CStruct } from './memory.ts'

export interface TestRun {
  readonly data_in?: Uint8Array
  readonly data_out_bytes_max?: number
  /** The context struct. For raw_tp programs: up to 12 u64 arguments. */
  readonly ctx_in?: Uint8Array
  readonly repeat?: number
  /** Run on this CPU (raw_tp only). */
  readonly cpu?: number
}

export interface TestRunResult {
  readonly return_value: number
  /** Mean of one run; 0 for program types that do not measure. */
  readonly duration_ns: number
  readonly data_out: Uint8Array
}

const OPTIONS_SIZE = 80
const BPF_F_TEST_RUN_ON_CPU = 1

export function runTest(fd: number, name: string, run: TestRun): TestRunResult {
  const data_out = allocate(run.data_out_bytes_max ?? 0)
  const options = CStruct.options(OPTIONS_SIZE)
    .pointer(8, run.data_in && owned(run.data_in)).u32(24, run.data_in?.length ?? 0)
    .pointer(16, data_out).u32(28, data_out.length)
    .pointer(32, run.ctx_in && owned(run.ctx_in)).u32(48, run.ctx_in?.length ?? 0)
    .u32(60, run.repeat ?? 0)
  if (run.cpu !== undefined) options.u32(68, BPF_F_TEST_RUN_ON_CPU).u32(72, run.cpu)
  check(options.lend((bytes) => libbpf().bpf_prog_test_run_opts(fd, bytes)), `run program "${name}"`)
  return {
    return_value: options.getU32(56),
    duration_ns: options.getU32(64),
    data_out: data_out.subarray(0, options.getU32(28)),
  }
}

/** A copy whose address stays. */
function owned(bytes: Uint8Array): Uint8Array {
  const copy = allocate(bytes.length)
  copy.set(bytes)
  return copy
}
