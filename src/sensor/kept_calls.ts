// Calls whose entry half kept a record that its return half has not taken yet.
import type { BpfMap } from '../../ffi/map.ts'
import type { SharedMaps } from './shared_maps.ts'

const MAPS = ['kept_small', 'kept_large']
/** struct kept_key (hook_output.h): thread (tgid << 32 | tid), then the hook. */
const KEPT_KEY_HOOK = 8

/** How many there are of `hook_ids`. Those of threads that ended inside the call are removed: they never return. */
export function keptCalls(maps: SharedMaps, hook_ids: ReadonlySet<number>, isThread: (tid: number) => boolean): number {
  let calls = 0
  for (const name of MAPS) if (maps.has(name)) calls += keptIn(maps.get(name), hook_ids, isThread)
  return calls
}

function keptIn(map: BpfMap, hook_ids: ReadonlySet<number>, isThread: (tid: number) => boolean): number {
  let calls = 0
  for (const key of [...map.keys()]) {
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength)
    if (!hook_ids.has(view.getUint32(KEPT_KEY_HOOK, true))) continue
    if (isThread(view.getUint32(0, true))) calls++
    else map.delete(key)
  }
  return calls
}
