// How large the kernel's maps and rings are made, from pid_max and memory.

export interface SizeFacts {
  readonly pid_max: number
  readonly memory_bytes: number
  /** 0: from pid_max and memory. */
  readonly process_map_entries: number
  readonly ring_bytes: number
  readonly reserved_ring_bytes: number
}

export interface BaseSizes {
  /** max_entries by map. */
  readonly entries: Readonly<Record<string, number>>
}

/** Bytes of an entry of map processes with the hash table's overhead (struct process and htab_elem). */
const PROCESS_ENTRY_BYTES = 256
/** The part of memory that the map of processes may take. It is preallocated: pid_max alone would be 1 GiB at 4 million. */
const PROCESS_MAP_MEMORY_PART = 1 / 256
const PROCESS_ENTRIES_MIN = 4096
/** Entries made on demand: different binaries, and chains of them. 4 KiB and 24 bytes each. */
const BINARIES_MAX = 16_384
const LINEAGES_MAX = 65_536

/** Pure. */
export function mapEntries(facts: SizeFacts): BaseSizes {
  const fitting = Math.floor(facts.memory_bytes * PROCESS_MAP_MEMORY_PART / PROCESS_ENTRY_BYTES)
  const wanted = facts.process_map_entries || Math.min(facts.pid_max, Math.max(PROCESS_ENTRIES_MIN, fitting))
  return {
    entries: {
      processes: wanted,
      exited: wanted,
      binaries: BINARIES_MAX,
      lineages: LINEAGES_MAX,
      lineage_nodes: LINEAGES_MAX,
      events_reserved: ringBytes(facts.reserved_ring_bytes),
      events_telemetry: ringBytes(facts.ring_bytes),
    },
  }
}

/** The next power of two that is a whole number of pages, as the kernel wants. */
export function ringBytes(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(bytes, 65_536)))
}
