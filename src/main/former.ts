// What a former agent left by --keep-sensors-on-exit: whether its rings are read on, and what its hooks' records mean.
import type { Config } from '../config.ts'
import { Pins } from '../kernel/pins.ts'
import type { BaseSensor } from '../sensor/base.ts'
import { decodeState, type PolicyState } from '../sensor/kept.ts'
import type { ShownHook } from '../sensor/registry.ts'
import type { Log } from './log.ts'

export function createPins(boot: string, config: Pick<Config, 'keep_sensors_on_exit' | 'procfs'>, log: Log): Pins {
  return new Pins({
    generation: boot,
    keeping: config.keep_sensors_on_exit,
    procfs: config.procfs,
    onRefused: (policy, links) => {
      log.warn({ policy, links }, 'not kept: this kernel cannot pin these attachments, they end with the agent')
    },
  })
}

export interface FormerHook {
  readonly hook_id: number
  readonly shown: ShownHook
}

export interface Former {
  readonly hooks: readonly FormerHook[]
  /** No new hook may have a number up to this one. */
  readonly last_hook_id: number
}

/** After the base sensor was loaded: only then is it known whether it goes on with the former one's. */
export function findFormer(sensor: BaseSensor, pins: Pins, log: Log): Former {
  if (sensor.unread === null) {
    if (pins.formerBase() !== null) {
      log.warn('a former agent had another version or other settings: events of the time without an agent are not read')
    }
    return { hooks: [], last_hook_id: 0 }
  }
  const states = pins.formerStates().map((bytes) => decodeState<PolicyState>(bytes))
  const hooks = states.flatMap(({ plan, hook_ids }) =>
    plan.hooks.flatMap((hook, i) => {
      const hook_id = hook_ids[i]
      return hook_id === undefined ? [] : [{ hook_id, shown: { plan, hook } }]
    })
  )
  const { records, oldest_ns } = sensor.unread
  log.info({ records, policies: states.length, oldest_ns: String(oldest_ns) }, 'going on where a former agent stopped')
  return { hooks, last_hook_id: hooks.reduce((last, { hook_id }) => Math.max(last, hook_id), 0) }
}
