// Hash maps that allocate entries while programs run, on kernels where that is not safe: they are made whole beforehand.
import type { Btf } from '../../ffi/btf.ts'
import type { BpfMapDefinition } from '../../ffi/map_definition.ts'
import { MAP_FLAG, MAP_TYPE } from '../../ffi/uapi.ts'

/** What one map may take that is there whether used or not. */
const MAP_BYTES_MAX = 8 << 20
/** struct htab_elem. */
const ELEMENT_BYTES = 48

const HASHES: ReadonlySet<number> = new Set([MAP_TYPE.HASH, MAP_TYPE.PERCPU_HASH, MAP_TYPE.HASH_OF_MAPS])

/**
 * Hash maps have an allocator that is safe in every context since 6.1 (commit 96da3f7d489d); older kernels warn of tracing
 * programs that use maps without preallocation ("trace type BPF program uses run-time allocation").
 */
export function allocatesInTracepoints(btf: Btf): boolean {
  return btf.findStruct('bpf_htab')?.members.some((member) => member.name === 'ma') === true
}

/** Before load; tries stay as they are, for they know no preallocation. */
export function preallocate(definition: BpfMapDefinition): void {
  const { flags, type, max_entries } = definition
  if ((flags & MAP_FLAG.NO_PREALLOC) === 0 || !HASHES.has(type)) return
  definition.setFlags(flags & ~MAP_FLAG.NO_PREALLOC)
  definition.setMaxEntries(preallocatedEntries(max_entries, definition.key_size, definition.value_size))
}

/** Pure. */
export function preallocatedEntries(max_entries: number, key_size: number, value_size: number): number {
  const bytes = ELEMENT_BYTES + roundUp8(key_size) + roundUp8(value_size)
  return Math.max(1, Math.min(max_entries, Math.floor(MAP_BYTES_MAX / bytes)))
}

function roundUp8(size: number): number {
  return (size + 7) & ~7
}
