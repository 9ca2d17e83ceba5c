/**
 * Tells the main thread that a ring has records, without polling: a worker sleeps in epoll_wait on the rings' maps.
 *
 *   await using doorbell = await Doorbell.start([reserved_map, telemetry_map], () => turn())
 *   doorbell.arm()
 *
 * `arm()` allows one ring. The worker then sleeps until a ring holds records (at once if one does already: epoll is
 * level-triggered, so nothing can slip between the last drain and the sleep), calls `onRing` on this thread, and sleeps at a
 * gate until armed again. So: drain on each ring until `pair.state` is DRAINED.DONE, then arm.
 */

import { assert } from './assert.ts'
import { LibbpfError } from './error.ts'
import { checkErrno, libc } from './library.ts'
import type { BpfMap } from './map.ts'

export interface DoorbellSetup {
  readonly ring_fds: readonly number[]
  readonly stop_fd: number
  /** One Int32: how many rings were allowed so far. */
  readonly gate: SharedArrayBuffer
}

export type DoorbellMessage =
  | { readonly type: 'ready' | 'ring' }
  | { readonly type: 'failed'; readonly action: string; readonly errno: number }

const EFD_CLOEXEC = 0x80000

export class Doorbell implements AsyncDisposable {
  readonly #gate: Int32Array
  readonly #closed: Promise<void>
  #stop_fd: number
  #armed = false

  private constructor(worker: Worker, gate: Int32Array, stop_fd: number) {
    this.#gate = gate
    this.#stop_fd = stop_fd
    this.#closed = new Promise((resolve) => worker.addEventListener('close', () => resolve(), { once: true }))
  }

  /**
   * Starts the worker (some 30 ms). The maps must live longer than the doorbell. `onFailed` is called if the worker cannot go
   * on; no more rings come then.
   */
  static async start(
    rings: readonly BpfMap[],
    onRing: () => void,
    onFailed: (error: unknown) => void = (error) => {
      throw error
    },
  ): Promise<Doorbell> {
    const stop_fd = checkErrno(libc().eventfd(0, EFD_CLOEXEC), 'create event descriptor')
    const gate = new SharedArrayBuffer(4)
    const worker = new Worker(new URL('./doorbell_worker.ts', import.meta.url), { smol: true })
    const doorbell = new Doorbell(worker, new Int32Array(gate), stop_fd)
    const setup: DoorbellSetup = { ring_fds: rings.map((ring) => ring.fd), stop_fd, gate }
    await new Promise<void>((resolve, reject) => {
      let fail = reject
      worker.addEventListener('error', (event) => fail(event.error ?? new Error(event.message)))
      worker.addEventListener('message', (event: MessageEvent<DoorbellMessage>) => {
        const message = event.data
        if (message.type === 'failed') fail(new LibbpfError(message.action, message.errno))
        else if (message.type === 'ring') doorbell.#ring(onRing)
        else {
          fail = onFailed
          resolve()
        }
      })
      worker.postMessage(setup)
    })
    return doorbell
  }

  /** Allows one ring; does nothing if one is allowed already. */
  arm(): void {
    if (this.#stop_fd < 0) throw new TypeError('Doorbell used after dispose')
    if (this.#armed) return
    this.#armed = true
    this.#openGate()
  }

  /** Ends the worker, also out of epoll_wait, and waits for it: about a millisecond. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stop_fd = this.#stop_fd
    if (stop_fd < 0) return
    this.#stop_fd = -1
    checkErrno(libc().eventfd_write(stop_fd, 1), 'stop doorbell')
    this.#openGate()
    await this.#closed
    checkErrno(libc().close(stop_fd), 'close event descriptor')
  }

  #openGate(): void {
    Atomics.add(this.#gate, 0, 1)
    Atomics.notify(this.#gate, 0)
  }

  #ring(onRing: () => void): void {
    if (this.#stop_fd < 0) return
    assert(this.#armed, 'rang unarmed')
    this.#armed = false
    onRing()
  }
}
