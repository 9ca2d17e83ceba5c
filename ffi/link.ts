/**
 * An attached program. Disposing it detaches the program, unless the link is pinned (then the pin keeps it) or was
 * disconnected.
 */

import type { Pointer } from 'bun:ffi'
import { live, type Returned } from './assert.ts'
import { encodeCString } from './cstring.ts'
import { check, LibbpfError } from './error.ts'
import { lastErrno, libbpf } from './library.ts'
import { CStruct } from './memory.ts'
import type { BpfProgram } from './program.ts'
import { LINK_TYPE } from './uapi.ts'

/** A link on its way to another thread of this process; `BpfLink.adopt()` makes it one again, once. */
export interface MovedLink {
  readonly link: number
  readonly name: string
}

export interface LinkInfo {
  readonly type: string
  readonly id: number
  readonly program_id: number
}

const INFO_SIZE = 96

export class BpfLink implements Disposable {
  #handle: Pointer | null
  /** What is attached where, for messages. */
  readonly name: string

  /** For `ffi/` itself: takes over what a call to attach returned; NULL throws with errno. */
  constructor(handle: Returned, name: string) {
    if (handle === null) throw new LibbpfError(`attach ${name}`, lastErrno())
    this.#handle = live(handle, 'BpfLink')
    this.name = name
  }

  /** Opens a link pinned in bpffs. It stays pinned, so that disposing this does not detach it. */
  static open(path: string): BpfLink {
    const handle = libbpf().bpf_link__open(encodeCString(path))
    if (handle === null) throw new LibbpfError(`open pinned link "${path}"`, lastErrno())
    return new BpfLink(handle, `pinned "${path}"`)
  }

  /** Takes over a link from another thread. */
  static adopt(moved: MovedLink): BpfLink {
    return new BpfLink(moved.link as Pointer, moved.name)
  }

  /** Gives up the link without detaching, for `adopt()` in another thread; this object is then as if disposed. */
  detachToNumbers(): MovedLink {
    const link = live(this.#handle, 'BpfLink')
    this.#handle = null
    return { link, name: this.name }
  }

  get fd(): number {
    const handle = live(this.#handle, 'BpfLink')
    return check(libbpf().bpf_link__fd(handle), `get descriptor of link ${this.name}`)
  }

  /** The link outlives this process when pinned. EINVAL for a kprobe on 5.10. */
  pin(path: string): void {
    const handle = live(this.#handle, 'BpfLink')
    check(libbpf().bpf_link__pin(handle, encodeCString(path)), `pin link ${this.name} at "${path}"`)
  }

  /** As `pin()`, also of a link that is pinned elsewhere already; `unpin()` does not know of it. */
  pinAgain(path: string): void {
    check(libbpf().bpf_obj_pin(this.fd, encodeCString(path)), `pin link ${this.name} at "${path}"`)
  }

  unpin(): void {
    const handle = live(this.#handle, 'BpfLink')
    check(libbpf().bpf_link__unpin(handle), `unpin link ${this.name}`)
  }

  /** Disposing will then only free memory and close nothing: the program stays attached while anything else holds it. */
  disconnect(): void {
    const handle = live(this.#handle, 'BpfLink')
    libbpf().bpf_link__disconnect(handle)
  }

  /** Swaps the program behind the link at once. Not for tracing links: kernels answer EINVAL there. */
  updateProgram(program: BpfProgram): void {
    const handle = live(this.#handle, 'BpfLink')
    check(libbpf().bpf_link__update_program(handle, program.borrow()), `replace program of link ${this.name}`)
  }

  /** Of real links only; perf-event attachments of kernels before 5.15 have none and throw EINVAL. */
  info(): LinkInfo {
    const fd = this.fd
    const info = new CStruct(INFO_SIZE)
    const size = new CStruct(4).u32(0, INFO_SIZE)
    const rc = info.lend((bytes) => size.lend((length) => libbpf().bpf_obj_get_info_by_fd(fd, bytes, length)))
    check(rc, `get info of link ${this.name}`)
    const type = info.getU32(0)
    return { type: LINK_TYPE[type] ?? String(type), id: info.getU32(4), program_id: info.getU32(8) }
  }

  /** A new descriptor that reads what an iterator program writes; the caller closes it. */
  createIterator(): number {
    return check(libbpf().bpf_iter_create(this.fd), `create iterator of link ${this.name}`)
  }

  /** Detaches. Throws LibbpfError if the kernel refuses, which leaves nothing to be done: the link is gone either way. */
  [Symbol.dispose](): void {
    const handle = this.#handle
    if (handle === null) return
    this.#handle = null
    check(libbpf().bpf_link__destroy(live(handle, 'BpfLink')), `detach ${this.name}`)
  }
}
