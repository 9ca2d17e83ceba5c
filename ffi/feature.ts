/** What libbpf finds this kernel able to do, by trying: each call loads or makes a tiny something and needs root. */

import { check } from './error.ts'
import { libbpf } from './library.ts'

/** Whether programs of one of PROGRAM_TYPE can be loaded. */
export function hasProgramType(type: number): boolean {
  return check(libbpf().libbpf_probe_bpf_prog_type(type, null), `probe program type ${type}`) === 1
}

/** Whether maps of one of MAP_TYPE can be made. */
export function hasMapType(type: number): boolean {
  return check(libbpf().libbpf_probe_bpf_map_type(type, null), `probe map type ${type}`) === 1
}

/**
 * Whether programs of a type may call a helper, by its number (`enum bpf_func_id`). EOPNOTSUPP for types of which the answer
 * depends on the attach point: tracing, LSM.
 */
export function hasHelper(program_type: number, helper: number): boolean {
  const rc = libbpf().libbpf_probe_bpf_helper(program_type, helper, null)
  return check(rc, `probe helper ${helper} in program type ${program_type}`) === 1
}
