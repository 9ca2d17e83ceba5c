/** Perf events that are only there to make the kernel do something for BPF programs; nobody reads them. */

import { LibbpfError } from './error.ts'
import { checkErrno, lastErrno, libc } from './library.ts'
import { addressOf, allocate } from './memory.ts'

const SYS_PERF_EVENT_OPEN = process.arch === 'arm64' ? 241 : 298
const TYPE_SOFTWARE = 1
const COUNT_SW_DUMMY = 9
const FLAG_FD_CLOEXEC = 8n
/** struct perf_event_attr as of its first version, which has all that is used here. */
const ATTR_SIZE = 64
const ATTR_FLAGS_AT = 40
const MMAP = 1n << 8n
const MMAP2 = 1n << 23n
const BUILD_ID = 1n << 34n

export class PerfEvent implements Disposable {
  #fd: number

  private constructor(fd: number) {
    this.#fd = fd
  }

  /**
   * One that wants to know, on `cpu`, of each mapping with the build id of its file: while it is open the kernel looks for
   * build ids and calls perf_event_mmap_output(). EINVAL before 5.12.
   */
  static buildIds(cpu: number): PerfEvent {
    const attributes = allocate(ATTR_SIZE)
    const view = new DataView(attributes.buffer)
    view.setUint32(0, TYPE_SOFTWARE, true)
    view.setUint32(4, ATTR_SIZE, true)
    view.setBigUint64(8, BigInt(COUNT_SW_DUMMY), true)
    view.setBigUint64(ATTR_FLAGS_AT, MMAP | MMAP2 | BUILD_ID, true)
    const fd = Number(libc().syscall(SYS_PERF_EVENT_OPEN, addressOf(attributes), -1, cpu, -1, FLAG_FD_CLOEXEC))
    if (fd < 0) throw new LibbpfError(`open a perf event for build ids on CPU ${cpu}`, lastErrno())
    return new PerfEvent(fd)
  }

  [Symbol.dispose](): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    checkErrno(libc().close(fd), 'close a perf event')
  }
}
