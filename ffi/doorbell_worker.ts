/** The thread of a Doorbell: sleeps in epoll_wait, or at the gate while the main thread is draining. Holds nothing else. */

import type { DoorbellMessage, DoorbellSetup } from './doorbell.ts'
import { ERRNO } from './errno.ts'
import { LibbpfError } from './error.ts'
import { checkErrno, lastErrno, libc } from './library.ts'

declare const self: Worker

const EPOLL_CLOEXEC = 0x80000
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
const STOP = 0xffff_ffff
/**
 * How long to let more records come before ringing, in ms. A short process gives three within two: one turn of the main
 * thread for all of them costs a third. The rings hold what the CPUs can write in this time many times over.
 */
const GATHER_MS = 5
/** struct epoll_event is packed on x86-64 only. */
const [EVENT_BYTES, DATA_AT] = process.arch === 'x64' ? [12, 4] : [16, 8]

self.onmessage = (event: MessageEvent<DoorbellSetup>) => {
  try {
    work(event.data)
  } catch (error) {
    if (!(error instanceof LibbpfError)) throw error
    post({ type: 'failed', action: error.action, errno: error.errno })
  }
  process.exit(0)
}

function work(setup: DoorbellSetup): void {
  const gate = new Int32Array(setup.gate)
  const epoll = checkErrno(libc().epoll_create1(EPOLL_CLOEXEC), 'create epoll descriptor')
  setup.ring_fds.forEach((fd, index) => watch(epoll, fd, index))
  watch(epoll, setup.stop_fd, STOP)
  post({ type: 'ready' })
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  let rings = 0
  while (true) {
    Atomics.wait(gate, 0, rings)
    rings++
    if (waitForRecords(epoll, setup.ring_fds.length + 1)) break
    Atomics.wait(nothing, 0, 0, GATHER_MS)
    post({ type: 'ring' })
  }
  checkErrno(libc().close(epoll), 'close epoll descriptor')
}

/** Sleeps until a ring has records; true if the doorbell is to stop. */
function waitForRecords(epoll: number, descriptors: number): boolean {
  const events = new Uint8Array(new ArrayBuffer(descriptors * EVENT_BYTES))
  const view = new DataView(events.buffer)
  for (;;) {
    const count = libc().epoll_wait(epoll, events, descriptors, -1)
    if (count < 0 && lastErrno() === ERRNO.EINTR) continue
    checkErrno(count, 'wait for records')
    for (let i = 0; i < count; i++) if (view.getUint32(i * EVENT_BYTES + DATA_AT, true) === STOP) return true
    return false
  }
}

function watch(epoll: number, fd: number, label: number): void {
  const event = new Uint8Array(new ArrayBuffer(EVENT_BYTES))
  const view = new DataView(event.buffer)
  view.setUint32(0, EPOLLIN, true)
  view.setUint32(DATA_AT, label, true)
  checkErrno(libc().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event), `watch descriptor ${fd}`)
}

function post(message: DoorbellMessage): void {
  self.postMessage(message)
}
