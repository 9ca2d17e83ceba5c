// Registry: the policies of this agent, changed one at a time. Main thread; loading happens in the loader's.
import type { Pins } from '../kernel/pins.ts'
import type { LocatedMistake } from '../policy/error.ts'
import { planJson } from '../policy/plan.ts'
import { type HookPlan, type Plan, policyKey } from '../policy/plan_type.ts'
import { type Answer, mistake, refused, text } from './answer.ts'
import type { Guard } from './guard.ts'
import { FullTrampolineError, loadSensor, type Sensor, type SensorContext } from './load.ts'
import { LoadError } from './loader.ts'
import { planAnswer } from './plan_answer.ts'
import { Planner, type PlannerOptions } from './planner.ts'
import { policyState } from './policy_state.ts'
import { RetiredSensors } from './retired.ts'

export interface RegistryOptions extends SensorContext, PlannerOptions {
  /** Enforcing on everything is meant. */
  readonly allow_match_all: boolean
  readonly guard: Guard
  readonly pins: Pins
  /** What events of a hook look like; called before its first event can come, and again with null after its last. */
  readonly onHook: (hook_id: number, hook: ShownHook | null) => void
  /** The programs of a policy are attached and not yet enabled. */
  readonly onAttached: (plan: Plan) => void
}

export interface ShownHook {
  readonly plan: Plan
  readonly hook: HookPlan
}

export interface LoadedPolicy {
  readonly plan: Plan
  readonly source: string
  readonly sensor: Sensor
  readonly loaded_at: string
  /** Attachments that end with the agent although it was to keep them. */
  not_kept: readonly string[]
  mode: 'enforce' | 'monitor'
  enabled: boolean
}

interface Wanted {
  readonly plan: Plan
  /** The version that it replaces. */
  readonly old: LoadedPolicy | undefined
}

/** Of one text: all plans, and what was loaded of them and is attached, but not enabled. */
interface Brought {
  readonly plans: readonly Plan[]
  readonly loaded: readonly { readonly policy: LoadedPolicy; readonly old: LoadedPolicy | undefined }[]
}

const NOTHING: Answer<Brought> = { ok: true, value: { plans: [], loaded: [] } }

/** Events that lie in the rings when a policy goes still want its names. */
const HOOK_KEPT_MS = 10_000
const SLOTS_MAX = 4096

export class Registry implements Disposable {
  readonly #options: RegistryOptions
  readonly #planner: Planner
  readonly #policies = new Map<string, LoadedPolicy>()
  readonly #free_slots: number[] = []
  /** Files that could not be taken, and why. */
  readonly #failed = new Map<string, readonly LocatedMistake[]>()
  readonly #retired: RetiredSensors
  /** Learned from refusals; tried again once a policy went. */
  readonly #full_trampolines = new Set<string>()
  #slots = 0
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#planner = new Planner(options)
    this.#retired = new RetiredSensors(options.procfs, (sensor) => this.#dispose(sensor))
  }

  get policies(): readonly LoadedPolicy[] {
    return [...this.#policies.values()]
  }
  get retired(): readonly Sensor[] {
    return this.#retired.sensors
  }

  list(): readonly unknown[] {
    const failed = [...this.#failed].map(([source, errors]) => ({
      name: '',
      namespace: '',
      state: 'load_error',
      source,
      errors,
    }))
    return [...this.policies.map(policyState), ...failed]
  }

  get(name: string): Answer<unknown> {
    const found = this.#find(name)
    return found.ok ? { ok: true, value: policyState(found.value) } : found
  }

  add(yaml: string, source: string): Promise<Answer<readonly unknown[]>> {
    return this.#inTurn(async () => {
      const brought = await this.#bring(yaml, source, true, (plans) => {
        const clash = plans.find((plan) => this.#policies.has(policyKey(plan)))
        if (clash === undefined) return { ok: true, value: plans.map((plan) => ({ plan, old: undefined })) }
        return refused(409, [mistake(source, `Policy "${policyKey(clash)}" is loaded already`)])
      })
      if (!brought.ok) return brought
      const { loaded } = brought.value
      for (const { policy } of loaded) this.#enable(policy)
      return { ok: true, value: loaded.map(({ policy }) => policyState(policy)) }
    })
  }

  /**
   * Makes the policies of one file those that its text has: new ones are loaded, changed ones replaced, others removed; null:
   * the file is gone. If anything in it is wrong, what it had before stays, and list() shows the mistakes.
   */
  syncFile(file: string, yaml: string | null): Promise<Answer<null>> {
    return this.#inTurn(async () => {
      const mine = this.policies.filter(({ source }) => source === file)
      const oldOf = (plan: Plan) => mine.find((policy) => policyKey(policy.plan) === policyKey(plan))
      const brought = yaml === null ? NOTHING : await this.#bring(yaml, file, mine.length === 0, (plans) => {
        const clashes = this.#clashes(plans, file)
        if (clashes.length > 0) return refused(422, clashes)
        const pairs = plans.map((plan) => ({ plan, old: oldOf(plan) }))
        const changed = pairs.filter(({ plan, old }) => old === undefined || planJson(old.plan) !== planJson(plan))
        return { ok: true, value: changed }
      })
      if (!brought.ok) {
        this.#failed.set(file, brought.mistakes)
        return brought
      }
      this.#failed.delete(file)
      const { plans, loaded } = brought.value
      for (const { policy, old } of loaded) this.#takeOver(policy, old)
      for (const policy of mine) {
        if (!plans.some((plan) => policyKey(plan) === policyKey(policy.plan))) this.#unload(policy)
      }
      return { ok: true, value: null }
    })
  }

  remove(name: string): Promise<Answer<null>> {
    return this.#inTurn(() => {
      const found = this.#find(name)
      if (!found.ok) return found
      this.#unload(found.value)
      return { ok: true, value: null }
    })
  }

  /** Loads and attaches the new version beside the old one before the two change places. */
  replace(name: string, yaml: string, source: string): Promise<Answer<unknown>> {
    return this.#inTurn(async () => {
      const found = this.#find(name)
      if (!found.ok) return found
      const old = found.value
      const brought = await this.#bring(yaml, source, false, ([plan, ...others]) => {
        const names = [plan, ...others].map((each) => each === undefined ? 'nothing' : `"${policyKey(each)}"`)
        if (plan !== undefined && names.length === 1 && policyKey(plan) === policyKey(old.plan)) {
          return { ok: true, value: [{ plan, old }] }
        }
        return refused(422, [mistake(source, `Cannot replace policy "${policyKey(old.plan)}" by ${names.join(', ')}`)])
      })
      if (!brought.ok) return brought
      const { policy } = brought.value.loaded[0]!
      this.#takeOver(policy, old)
      return { ok: true, value: policyState(policy) }
    })
  }

  patch(
    name: string,
    change: { readonly mode?: 'enforce' | 'monitor'; readonly enabled?: boolean },
  ): Promise<Answer<unknown>> {
    return this.#inTurn(() => {
      const found = this.#find(name)
      if (!found.ok) return found
      const policy = found.value
      if (change.mode === 'enforce' && !policy.plan.enforcing) {
        return refused(422, [
          mistake('', `Cannot enforce policy "${policyKey(policy.plan)}": none of its actions enforces`),
        ])
      }
      policy.mode = change.mode ?? policy.mode
      policy.enabled = change.enabled ?? policy.enabled
      this.#apply(policy)
      return { ok: true, value: policyState(policy) }
    })
  }

  async plan(yaml: string, source: string): Promise<Answer<readonly unknown[]>> {
    const planned = await this.#planner.plan(yaml, source, this.#full_trampolines)
    if (planned.errors.length > 0) return refused(422, planned.errors)
    return { ok: true, value: planned.plans.map((plan) => planAnswer(plan, this.#policies.get(policyKey(plan)))) }
  }

  /** Detaches everything, or leaves all to the pins. */
  [Symbol.dispose](): void {
    this.#retired[Symbol.dispose]()
    if (this.#options.pins.keeping) return this.#options.pins.end()
    for (const policy of this.policies) this.#unload(policy)
  }

  /**
   * Plans a text, then loads and attaches what `choose` wants of it: all or nothing. A function whose trampoline is full is
   * planned again, to be hooked in another way; what is loaded first as it was, for it may be in there itself.
   */
  async #bring(
    yaml: string,
    source: string,
    is_new: boolean,
    choose: (plans: readonly Plan[]) => Answer<readonly Wanted[]>,
  ): Promise<Answer<Brought>> {
    const full = new Set(is_new ? this.#full_trampolines : [])
    for (;;) {
      const { errors, plans } = await this.#planner.planSigned(yaml, source, full)
      if (errors.length > 0) return refused(422, errors)
      const wanted = choose(plans)
      if (!wanted.ok) return wanted
      const loaded: { readonly policy: LoadedPolicy; readonly old: LoadedPolicy | undefined }[] = []
      try {
        for (const { plan, old } of wanted.value) loaded.push({ policy: await this.#load(plan, source, old), old })
        for (const { policy, old } of loaded) this.#attach(policy, old)
        return { ok: true, value: { plans, loaded } }
      } catch (error) {
        for (const { policy, old } of loaded) this.#drop(policy, old)
        if (!(error instanceof FullTrampolineError) || full.has(error.function_name)) {
          return refused(422, [mistake(source, text(error))])
        }
        full.add(error.function_name)
        this.#full_trampolines.add(error.function_name)
      }
    }
  }

  /** A version of a policy that is there has its slot: what the kernel keeps per policy stays as it is. */
  async #load(plan: Plan, source: string, old: LoadedPolicy | undefined): Promise<LoadedPolicy> {
    const shared = this.#shares(old)
    const slot = shared?.slot ?? this.#free_slots.pop() ?? ++this.#slots
    if (slot >= SLOTS_MAX) {
      throw new LoadError(`Cannot load policy "${policyKey(plan)}": ${SLOTS_MAX} are loaded already`, '')
    }
    let sensor: Sensor
    try {
      sensor = await loadSensor(plan, slot, this.#options, shared === null)
      this.#options.guard.write(this.#options.maps)
    } catch (error) {
      if (shared === null) this.#free_slots.push(slot)
      throw error
    }
    const mode = plan.matches_all && !this.#options.allow_match_all ? 'monitor' : plan.mode
    for (const hook of sensor.hooks) this.#options.onHook(hook.hook_id, { plan, hook: hook.plan })
    return { plan, source, sensor, not_kept: [], mode, enabled: true, loaded_at: new Date().toISOString() }
  }

  /** The former version that gives its slot and places; none of pinned policies, whose every version has pins of its own. */
  #shares(old: LoadedPolicy | undefined): Sensor | null {
    return old === undefined || this.#options.pins.keeping ? null : old.sensor
  }

  #attach(policy: LoadedPolicy, old: LoadedPolicy | undefined): void {
    const { sensor, plan } = policy
    sensor.attach(this.#shares(old))
    policy.not_kept = this.#options.pins.keep(policyKey(plan), sensor.slot, sensor.links, () => sensor.kept())
    this.#options.onAttached(plan)
  }

  #enable(policy: LoadedPolicy): void {
    this.#policies.set(policyKey(policy.plan), policy)
    this.#apply(policy)
    this.#options.pins.replaced(policyKey(policy.plan))
  }

  /** Mode and switch that an operator set at run time outlive a change of the file. */
  #takeOver(policy: LoadedPolicy, old: LoadedPolicy | undefined): void {
    if (old !== undefined) {
      policy.enabled = old.enabled
      if (old.mode !== old.plan.mode) policy.mode = old.mode
      if (this.#shares(old) === null) old.sensor.setState({ enabled: false, enforce: false })
      else policy.sensor.takeOver(old.sensor)
    }
    this.#enable(policy)
    if (old === undefined) return
    if (this.#shares(old) === null) this.#unload(old)
    else this.#retired.add(old.sensor)
  }

  #clashes(plans: readonly Plan[], file: string): LocatedMistake[] {
    const seen = new Set<string>()
    return plans.flatMap((plan) => {
      const name = policyKey(plan)
      const other = this.#policies.get(name)
      const doubled = seen.has(name)
      seen.add(name)
      if (doubled) return [mistake(file, `Policy "${name}" stands twice in this file`)]
      return other === undefined || other.source === file
        ? []
        : [mistake(file, `Policy "${name}" is loaded already from ${other.source}`)]
    })
  }

  #apply({ sensor, mode, enabled }: LoadedPolicy): void {
    sensor.setState({ enabled, enforce: mode === 'enforce' })
  }

  #unload(policy: LoadedPolicy): void {
    const { sensor, plan } = policy
    if (this.#policies.get(policyKey(plan)) === policy) this.#policies.delete(policyKey(plan))
    this.#full_trampolines.clear()
    sensor.setState({ enabled: false, enforce: false })
    this.#options.pins.forget(policyKey(plan), sensor.slot)
    this.#dispose(sensor)
    this.#free_slots.push(sensor.slot)
  }

  /** A version that never came to be. */
  #drop({ sensor, plan }: LoadedPolicy, old: LoadedPolicy | undefined): void {
    this.#options.pins.forget(policyKey(plan), sensor.slot)
    this.#dispose(sensor)
    if (this.#shares(old) === null) this.#free_slots.push(sensor.slot)
  }

  #dispose(sensor: Sensor): void {
    sensor[Symbol.dispose]()
    const timer = setTimeout(() => {
      for (const { hook_id } of sensor.hooks) this.#options.onHook(hook_id, null)
    }, HOOK_KEPT_MS)
    timer.unref()
  }

  #find(name: string): Answer<LoadedPolicy> {
    const exact = this.#policies.get(name)
    if (exact !== undefined) return { ok: true, value: exact }
    const named = this.policies.filter(({ plan }) => plan.name === name)
    if (named.length > 1) {
      return refused(409, [mistake('', `"${name}" is the name of ${named.length} policies: say NAMESPACE/NAME`)])
    }
    const [policy] = named
    return policy === undefined ? refused(404, [mistake('', `No policy "${name}"`)]) : { ok: true, value: policy }
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.then(() => {}, () => {}) // whoever asked gets the error
    return turn
  }
}
