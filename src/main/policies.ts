// Policies of the agent: the registry, and lines of the records that their hooks send.
import {
  ACTION_FLAG,
  ACTION_KIND,
  CHUNK_KIND,
  HOOK_EVENT,
  HOOK_EVENT_FLAG,
  type HookEvent,
} from '../../ffi/wire.gen.ts'
import { hookBody, type HookShow } from '../event/hook.ts'
import { goEscaped } from '../event/hook_text.ts'
import type { EventLine } from '../event/type.ts'
import type { KernelCounters } from '../ledger.ts'
import { type HookPlan, type Plan, policyKey } from '../policy/plan_type.ts'
import type { Tracker } from '../process/tracker.ts'
import { hookCounts } from '../sensor/hook_counts.ts'
import { SetNumbers } from '../sensor/hook_sets.ts'
import { Registry, type RegistryOptions, type ShownHook } from '../sensor/registry.ts'
import type { FormerHook } from './former.ts'
import type { Log } from './log.ts'
import type { Outbound } from './outbound.ts'
import type { Stacks } from './stacks.ts'

const MINUTE_NS = 60_000_000_000n

export interface PoliciesOptions extends Omit<RegistryOptions, 'onHook' | 'onAttached' | 'sets'> {
  readonly log: Log
  readonly tracker: Tracker
  readonly stacks: Stacks
  readonly outbound: Outbound
}

export class Policies implements Disposable {
  readonly registry: Registry
  readonly #tracker: Tracker
  readonly #stacks: Stacks
  readonly #outbound: Outbound
  readonly #takeHookId: () => number
  readonly #log: Log
  /** When it was last said of a policy that its budget is used up, by the clock of records. */
  readonly #budget_told_ns = new Map<string, bigint>()
  readonly #shows = new Map<number, HookShow>()
  /** Hooks with GetUrl or DnsLookup, which are few. */
  readonly #asking = new Map<number, HookPlan>()
  /** Records of hooks that nobody knows any more. */
  unknown = 0

  constructor(options: PoliciesOptions) {
    this.#tracker = options.tracker
    this.#stacks = options.stacks
    this.#outbound = options.outbound
    this.#takeHookId = () => options.takeHookId()
    this.#log = options.log
    this.registry = new Registry({
      ...options,
      sets: new SetNumbers(),
      onHook: (id, shown) => this.#onHook(id, shown),
      onAttached: (plan) => this.#onAttached(plan),
    })
  }

  /** Hooks that a former agent left attached: their records come by its rings, which are read on. */
  adopt(hooks: readonly FormerHook[]): void {
    for (const { hook_id, shown } of hooks) this.#onHook(hook_id, shown)
  }

  /** Hooks that are no policy's send records, too. Gives the hook_id for them. */
  showBuiltin(show: HookShow): number {
    const id = this.#takeHookId()
    this.#shows.set(id, show)
    return id
  }

  /** For Pipeline.handle(EVENT_TYPE.HOOK, …). */
  readonly onRecord = (view: DataView, at: number, size: number): EventLine | undefined => {
    const show = this.#shows.get(view.getUint32(at + HOOK_EVENT.hook_id, true))
    if (show === undefined) {
      this.unknown++
      return undefined
    }
    const takeChunks = (id: number, count: number) => this.#tracker.chunks.take(CHUNK_KIND.HOOK, id, count).bytes
    const body = hookBody(view, at, size, show, takeChunks, this.#stacks)
    if (body === undefined) {
      this.#tracker.records.short++
      return undefined
    }
    const { head } = body
    if (this.#asking.size > 0) this.#ask(head)
    if ((head.flags & HOOK_EVENT_FLAG.BUDGET) !== 0) this.#tellBudget(show.policy, head)
    const origin = { key: head.exec_id, pid: head.pid, tid: head.tid, ktime_ns: head.header.ktime_ns }
    return this.#tracker.hookLine(show.event, origin, show.policy, body.before, body.after, body.extra)
  }

  /** For the ledger: rows of the rings, then a row per policy. */
  withHooks(rings: readonly KernelCounters[]): KernelCounters[] {
    return [...rings, ...hookCounts(this.registry.policies)]
  }

  [Symbol.dispose](): void {
    this.registry[Symbol.dispose]()
  }

  /** Once a minute, which is what a budget is for. */
  #tellBudget(policy: string, { header: { ktime_ns }, flags }: HookEvent): void {
    const told_ns = this.#budget_told_ns.get(policy)
    if (told_ns !== undefined && ktime_ns - told_ns < MINUTE_NS) return
    this.#budget_told_ns.set(policy, ktime_ns)
    const refused = (flags & HOOK_EVENT_FLAG.PREVENTED) !== 0
    this.#log.warn(
      { policy },
      refused
        ? 'the budget of kills is used up: operations are still refused, and nobody is killed until the minute is over'
        : 'the budget of kills is used up and onBudget is monitor: NOTHING is stopped until the minute is over',
    )
  }

  #onHook(id: number, shown: ShownHook | null): void {
    this.#stacks.invalidate()
    this.#asking.delete(id)
    if (shown === null) {
      this.#shows.delete(id)
      return
    }
    this.#shows.set(id, showOf(shown))
    if (Object.keys(shown.hook.outbound).length > 0) this.#asking.set(id, shown.hook)
  }

  /** The kernel's table of symbols takes its time to read: now, rather than when the first trace waits for it. */
  #onAttached({ hooks }: Plan): void {
    const traced = hooks.some(({ config }) =>
      config.actions.some(({ flags }) => (flags & ACTION_FLAG.KERNEL_STACK) !== 0)
    )
    if (traced) this.#stacks.prepare()
  }

  /** Bits of `actions` are places in config.actions. */
  #ask(head: HookEvent): void {
    const hook = this.#asking.get(head.hook_id)
    if (hook === undefined) return
    for (const [index, what] of Object.entries(hook.outbound)) {
      if ((head.actions >>> Number(index) & 1) === 0) continue
      if (hook.config.actions[Number(index)]?.kind === ACTION_KIND.GETURL) this.#outbound.getUrl(what)
      else this.#outbound.lookUp(what)
    }
  }
}

function showOf({ plan, hook }: ShownHook): HookShow {
  return {
    event: hook.event,
    policy: policyKey(plan),
    policy_name: plan.name,
    config: hook.config,
    names: hook.names,
    numbers: syscallNumbers(hook),
    places: placesOf(hook),
    labels: hook.arguments.map(({ label }) => label),
    message: goEscaped(hook.message),
    tags: hook.tags.map(goEscaped),
    path: hook.path ?? '',
    provider: hook.provider ?? '',
    verdict: hook.verdict,
    companion: hook.companion,
  }
}

/** System call numbers by index into a hook's names; empty where records carry the index itself. */
function syscallNumbers({ family, config, sets }: HookPlan): number[] {
  if (family !== 'syscall') return []
  const set = sets[config.syscall_set - 1]
  if (set === undefined) return [config.syscall_id]
  return set.map === 'values' ? set.values.map((value) => Number(value)) : []
}

/** Of a function that has a symbol the event has no offset. */
function placesOf({ event, programs }: HookPlan): string[] {
  const attach = programs[0]?.attach
  if (event !== 'process_uprobe' || attach?.kind !== 'uprobe') return []
  return attach.sites.map(({ symbol, offset, ref_ctr_offset }) => {
    const place = symbol === undefined && offset !== undefined ? `,"offset":"${offset}"` : ''
    return ref_ctr_offset === undefined ? place : `${place},"ref_ctr_offset":"${ref_ctr_offset}"`
  })
}
