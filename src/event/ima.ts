// Hashes of files that the kernel's IMA computed for an LSM event.
import { IMA_HASH_VALUE, IMA_HASH_VALUE_SIZE } from '../../ffi/wire.gen.ts'

/** Name and bytes by enum hash_algo (include/uapi/linux/hash_info.h). */
const ALGORITHMS: readonly (readonly [name: string, bytes: number])[] = [
  ['md4', 16],
  ['md5', 16],
  ['sha1', 20],
  ['rmd160', 20],
  ['sha256', 32],
  ['sha384', 48],
  ['sha512', 64],
  ['sha224', 28],
  ['rmd128', 16],
  ['rmd256', 32],
  ['rmd320', 40],
  ['wp256', 32],
  ['wp384', 48],
  ['wp512', 64],
  ['tgr128', 16],
  ['tgr160', 20],
  ['tgr192', 24],
  ['sm3', 32],
  ['streebog256', 32],
  ['streebog512', 64],
  ['sha3-256', 32],
  ['sha3-384', 48],
  ['sha3-512', 64],
]

/** `sha256:c79b...`; '' where the kernel had none. */
export function imaHash(view: DataView, at: number, size: number): string {
  if (size < IMA_HASH_VALUE_SIZE) return ''
  const algorithm = ALGORITHMS[view.getInt32(at + IMA_HASH_VALUE.algorithm, true)]
  if (algorithm === undefined) return ''
  const [name, bytes] = algorithm
  const hash = new Uint8Array(view.buffer, view.byteOffset + at + IMA_HASH_VALUE.bytes, bytes)
  return `${name}:${hash.toHex()}`
}
