// Bytes that outlive the agent beside its pins: a file system of BPF objects holds no files, so they lie in a map of one entry.
import { BpfMap } from '../../ffi/map.ts'
import { MAP_TYPE } from '../../ffi/uapi.ts'

const LENGTH_BYTES = 4
const NAME = 'thump_state'

/** Throws LibbpfError, for more than 4 MiB among others. */
export function pinBytes(path: string, bytes: Uint8Array): void {
  const packed = Bun.gzipSync(Uint8Array.from(bytes))
  using map = createBytes(packed.length)
  writeBytes(map, packed)
  map.pin(path)
}

export function pinnedBytes(path: string): Uint8Array<ArrayBuffer> {
  using map = BpfMap.open(path)
  return Uint8Array.from(Bun.gunzipSync(readBytes(map)))
}

/** Room for `size` bytes. */
export function createBytes(size: number): BpfMap {
  const value_size = LENGTH_BYTES + size
  return BpfMap.create({ type: MAP_TYPE.ARRAY, name: NAME, key_size: 4, value_size, max_entries: 1 })
}

/** Throws RangeError for more than there is room for. */
export function writeBytes(map: BpfMap, bytes: Uint8Array): void {
  const value = new Uint8Array(new ArrayBuffer(map.value_bytes))
  new DataView(value.buffer).setUint32(0, bytes.length, true)
  value.set(bytes, LENGTH_BYTES)
  map.update(0, value)
}

export function readBytes(map: BpfMap): Uint8Array<ArrayBuffer> {
  const value = map.lookup(0)
  if (value === undefined) return new Uint8Array(0)
  const length = new DataView(value.buffer).getUint32(0, true)
  return value.slice(LENGTH_BYTES, LENGTH_BYTES + length)
}
