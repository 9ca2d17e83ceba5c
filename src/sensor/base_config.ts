// Constants of the base sensor's programs, written before they are loaded.
import type { BpfObject } from '../../ffi/object.ts'
import { encodeBaseConfig } from '../../ffi/wire.gen.ts'
import type { BaseOptions } from './base.ts'
import type { CgroupHierarchy } from './cgroup.ts'

export interface BaseFacts {
  readonly hierarchy: CgroupHierarchy
  readonly hash_key: Uint8Array
  readonly credentials_observed: boolean
  /** sched_process_exit says whether the whole thread group ended. */
  readonly group_dead: boolean
  readonly preemptible: boolean
}

export function configureBase(object: BpfObject, options: BaseOptions, facts: BaseFacts): void {
  const { argument_bytes, environment, cgroup_rate } = options
  const { hierarchy } = facts
  for (const name of object.mapNames) {
    if (name.endsWith('.rodata.config')) {
      object.global('base').edit((view) => {
        encodeBaseConfig(view, 0, {
          args_max: argument_bytes,
          envs_max: environment ? argument_bytes : 0,
          cgroup_subsystem: hierarchy.subsystem,
          exit_has_group_dead: facts.group_dead ? 1 : 0,
          credentials_observed: facts.credentials_observed ? 1 : 0,
          preemptible: facts.preemptible ? 1 : 0,
          cgroup_rate: cgroup_rate?.events ?? 0,
          cgroup_rate_interval_ns: BigInt(cgroup_rate?.interval_ns ?? 0),
        })
      })
    }
    if (name.endsWith('.rodata.cgroup')) {
      object.global('cgroup_hierarchy').edit((view) => view.setUint32(0, hierarchy.id, true))
    }
    if (name.endsWith('.rodata.hash')) object.global('hash_key').write(facts.hash_key)
  }
}
