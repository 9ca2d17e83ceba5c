// How full the hash maps are that grow with what happens on the machine, and what the kernel keeps for them.
import type { SharedMaps } from './shared_maps.ts'

export interface MapUse {
  readonly name: string
  readonly entries: number
  readonly capacity: number
  /** Kernel memory: all of a preallocated map, what is in use of others. */
  readonly bytes: number
}

const COUNTED_MAPS = [
  ...['processes', 'exited', 'binaries', 'lineages', 'lineage_nodes', 'gains'],
  ...['cgroup_containers', 'cgroup_units', 'policy_cgroups', 'cgroup_rates'],
]

export function mapUse(maps: SharedMaps): MapUse[] {
  return COUNTED_MAPS.filter((name) => maps.has(name)).map((name) => {
    const map = maps.get(name)
    return { name, entries: map.count(), capacity: map.max_entries, bytes: map.memlockBytes() }
  })
}
