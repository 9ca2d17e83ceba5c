/** Checks for what only a bug can bring about; operators never meet these. */

import type { Pointer } from 'bun:ffi'

/** What bun:ffi gives for a pointer that C returns: null for NULL, a bigint for what is too large to be one (MAP_FAILED). */
export type Returned = Pointer | bigint | null

export class AssertionError extends Error {
  override name = 'AssertionError'
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/**
 * The handle, if it can be given to C: throws TypeError for NULL (a disposed wrapper) and MAP_FAILED.
 * Every wrapper passes its handle through here right before each call.
 */
export function live(handle: Returned, owner: string): Pointer {
  if (typeof handle === 'number' && handle > 0 && handle < 2 ** 53) return handle
  throw new TypeError(`${owner} used after dispose`)
}
