// What workloads need of a map in the kernel, and how its keys are written.

export interface WorkloadMap {
  update(key: Uint8Array<ArrayBuffer>, value: Uint8Array): void
  delete(key: Uint8Array<ArrayBuffer>): boolean
}

/** The kernel's map of units may be older than the agent: that of one before it, kept on exit. */
export interface UnitMap extends WorkloadMap {
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array<ArrayBuffer>]>
}

/** A cgroup's id, or a number that stands for one. */
export function idKey(id: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new BigUint64Array([BigInt(id)]).buffer)
}
