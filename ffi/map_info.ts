/** What the kernel tells about a map. */

import { readFileSync } from 'node:fs'
import { decodeText } from './cstring.ts'
import { check } from './error.ts'
import { libbpf } from './library.ts'
import { allocate } from './memory.ts'

export interface MapInfo {
  readonly type: number
  readonly id: number
  readonly key_size: number
  readonly value_size: number
  readonly max_entries: number
  readonly flags: number
  /** Up to 15 bytes. */
  readonly name: string
}

const INFO_SIZE = 88
const NAME_BYTES = 16

export function mapInfo(fd: number): MapInfo {
  const bytes = allocate(INFO_SIZE)
  const length = new Uint32Array([INFO_SIZE])
  check(libbpf().bpf_obj_get_info_by_fd(fd, bytes, length), `get info of map behind descriptor ${fd}`)
  const view = new DataView(bytes.buffer)
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    key_size: view.getUint32(8, true),
    value_size: view.getUint32(12, true),
    max_entries: view.getUint32(16, true),
    flags: view.getUint32(20, true),
    name: decodeText(view, 24, NAME_BYTES),
  }
}

/** The line `memlock:` of the descriptor's fdinfo, 0 if there is none. */
export function memlockBytes(fd: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
  return Number(/^memlock:\s*(\d+)/m.exec(text)?.[1] ?? 0)
}
