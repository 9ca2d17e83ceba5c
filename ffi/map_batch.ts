/** Many entries of a map in one system call (kernel 5.6; by single calls where the map's type has no batches). */

import type { BpfMap } from './map.ts'
import { ERRNO } from './errno.ts'
import { check } from './error.ts'
import { libbpf } from './library.ts'
import { allocate } from './memory.ts'

const ENTRIES_MAX = 4096
/** EINVAL and ENOTSUPP (524, EOPNOTSUPP): this map type or kernel has no batches. ENOSPC: one hash bucket is larger. */
const FALLBACK: ReadonlySet<number> = new Set([ERRNO.EINVAL ?? 22, ERRNO.EOPNOTSUPP ?? 95, 524, ERRNO.ENOSPC ?? 28])

/**
 * Calls `visit` for every entry. `keys` and `values` are borrowed: entry i lies at i * key_size and i * value_bytes, and both
 * are written again after `visit`. Entries changed meanwhile may come or not.
 */
export function readEntries(
  map: BpfMap,
  visit: (keys: DataView, values: DataView, count: number) => void,
): void {
  const capacity = Math.max(1, Math.min(ENTRIES_MAX, map.max_entries))
  const keys = allocate(capacity * map.key_size)
  const values = allocate(capacity * map.value_bytes)
  const [key_view, value_view] = [new DataView(keys.buffer), new DataView(values.buffer)]
  const cursor = allocate(Math.max(8, map.key_size))
  const count = new Uint32Array(1)
  let first = true
  for (;;) {
    count[0] = capacity
    const rc = libbpf().bpf_map_lookup_batch(map.fd, first ? null : cursor, cursor, keys, values, count, null)
    const done = rc === -(ERRNO.ENOENT ?? 2)
    if (!done && rc < 0) {
      if (first && FALLBACK.has(-rc)) return readOneByOne(map, visit)
      check(rc, `read entries of map "${map.name}"`)
    }
    if ((count[0] ?? 0) > 0) visit(key_view, value_view, count[0] ?? 0)
    if (done) return
    first = false
  }
}

function readOneByOne(map: BpfMap, visit: (keys: DataView, values: DataView, count: number) => void): void {
  for (const [key, value] of map.entries()) {
    visit(new DataView(key.buffer), new DataView(value.buffer), 1)
  }
}

/** Writes `count` entries laid side by side. */
export function writeEntries(map: BpfMap, keys: Uint8Array, values: Uint8Array, count: number): void {
  if (keys.length !== count * map.key_size || values.length !== count * map.value_bytes) {
    throw new TypeError(`Cannot write ${count} entries to map "${map.name}": ${keys.length} and ${values.length} bytes`)
  }
  if (count === 0) return
  const written = new Uint32Array([count])
  const rc = libbpf().bpf_map_update_batch(map.fd, keys, values, written, null)
  if (rc >= 0) return
  if (!FALLBACK.has(-rc)) check(rc, `write ${count} entries to map "${map.name}"`)
  for (let i = 0; i < count; i++) {
    map.update(
      keys.subarray(i * map.key_size, (i + 1) * map.key_size),
      values.subarray(i * map.value_bytes, (i + 1) * map.value_bytes),
    )
  }
}
