/** Cgroups that start more processes than --cgroup-rate allows: a process_throttle line when it begins and when it ends. */

import { THROTTLE_EVENT } from '../../ffi/wire.gen.ts'
import { bytesBehind, decodeUtf8 } from '../event/text.ts'
import type { EventLine, EventType } from '../event/type.ts'
import { readNumber } from './ktime.ts'

/** As THROTTLE_QUIET_NS of bpf/event.h: so long must nothing have been beyond the rate. */
export const THROTTLE_QUIET_NS = 5_000_000_000n

const NAME_BYTES = 128

export interface ThrottleOptions {
  readonly line: (type: EventType, json: string, ktime_ns: bigint) => EventLine
  /** When something of the cgroup was last beyond the rate (CLOCK_MONOTONIC), as map cgroup_rates has it; undefined: not in it. */
  readonly exceededNs: (cgroup_id: number) => bigint | undefined
}

interface Throttled {
  readonly name: string
  /** Of the record that said so. */
  readonly since_ns: bigint
}

export class Throttles {
  readonly #options: ThrottleOptions
  readonly #throttled = new Map<number, Throttled>()

  constructor(options: ThrottleOptions) {
    this.#options = options
  }

  /** Cgroups over their rate now. */
  get size(): number {
    return this.#throttled.size
  }

  /** For Pipeline.handle(EVENT_TYPE.THROTTLE, …). The kernel says it once until the cgroup was quiet for THROTTLE_QUIET_NS. */
  readonly onRecord = (view: DataView, at: number): EventLine | undefined => {
    const ktime_ns = view.getBigUint64(at + 8, true)
    const cgroup_id = readNumber(view, at + THROTTLE_EVENT.cgroup_id)
    const bytes = bytesBehind(view)
    const start = view.byteOffset + at + THROTTLE_EVENT.cgroup
    const nul = bytes.indexOf(0, start)
    const end = nul < 0 || nul > start + NAME_BYTES ? start + NAME_BYTES : nul
    const name = decodeUtf8(bytes, start, end)
    this.#throttled.set(cgroup_id, { name, since_ns: ktime_ns })
    return this.#line('THROTTLE_START', name, ktime_ns)
  }

  /** Lines of those that were quiet long enough. Costs a system call per throttled cgroup; once a second will do. */
  ended(now_ns: bigint): EventLine[] {
    const lines: EventLine[] = []
    for (const [cgroup_id, { name, since_ns }] of this.#throttled) {
      const exceeded_ns = this.#options.exceededNs(cgroup_id) ?? since_ns
      if (now_ns - exceeded_ns < THROTTLE_QUIET_NS) continue
      this.#throttled.delete(cgroup_id)
      lines.push(this.#line('THROTTLE_STOP', name, now_ns))
    }
    return lines
  }

  #line(type: 'THROTTLE_START' | 'THROTTLE_STOP', name: string, ktime_ns: bigint): EventLine {
    // The root of a hierarchy has no name.
    return this.#options.line('process_throttle', JSON.stringify({ type, cgroup: name === '' ? '/' : name }), ktime_ns)
  }
}
