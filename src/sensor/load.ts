// From a Plan to a Sensor: programs loaded in a thread, sets written, programs attached; all of it or nothing.
import { LibbpfError } from '../../ffi/error.ts'
import type { BpfLink } from '../../ffi/link.ts'
import type { BpfMap } from '../../ffi/map.ts'
import type { BpfObject } from '../../ffi/object.ts'
import {
  ARGUMENT_SOURCE,
  encodeHookConfig,
  encodePolicyState,
  FILTER_KIND,
  HOOK_CONFIG_SIZE,
  HOOK_FLAG,
  type HookConfig,
  POLICY_STATE_BIT,
  POLICY_STATE_SIZE,
} from '../../ffi/wire.gen.ts'
import type { PolicyExtra } from '../kernel/pins.ts'
import type { HookPlan, Plan, ProgramPlan } from '../policy/plan_type.ts'
import { attachSpecs } from './attach_spec.ts'
import { openBuildIds } from './build_ids.ts'
import { hashKey } from './hash.ts'
import { mapEntriesFor, mapNameFor } from './hook_maps.ts'
import { entryHalves, HookObject, HookSite, returnHalves, siteKey, versioned } from './hook_site.ts'
import { encodeState } from './kept.ts'
import { keptCalls } from './kept_calls.ts'
import { removeSet, SetNumbers, writeSet, type WrittenSet } from './hook_sets.ts'
import type { Loader } from './loader.ts'
import type { LoadRequest, ProgramLoaded } from './load_request.ts'
import type { SharedMaps } from './shared_maps.ts'
import { checkWireSizes } from './wire_check.ts'
import type { Workloads } from './workloads.ts'

/** A function has as many fentry, fexit, fmod_ret or LSM programs, of all agents, as the kernel takes (BPF_MAX_TRAMP_LINKS: 38). */
export class FullTrampolineError extends Error {
  override name = 'FullTrampolineError'

  constructor(readonly function_name: string, cause: LibbpfError) {
    super(`The trampoline of ${function_name} holds as many programs as the kernel takes (38): ${cause.message}`, {
      cause,
    })
  }
}

/** What all policies share. */
export interface SensorContext {
  readonly loader: Loader
  readonly maps: SharedMaps
  readonly hash_key_bytes: Uint8Array
  readonly objectFile: (name: string) => string
  readonly btf: string
  readonly sets: SetNumbers
  readonly workloads: Workloads
  /** Next hook_id; never used twice while the agent runs. */
  takeHookId(): number
}

export interface LoadedHook {
  readonly plan: HookPlan
  readonly hook_id: number
  readonly load_ms: number
  readonly programs: readonly ProgramLoaded[]
  /** Per-CPU array of struct hook_counters. */
  readonly counters: BpfMap
  /** Its programs can be asked how often they ran. */
  readonly object: BpfObject
  /** Programs, and maps that only this hook has. */
  readonly kernel_memory_bytes: number
  readonly held: HookObject
}

/** One version of a policy in the kernel: loaded, then attached or put in its former version's place. */
export class Sensor implements Disposable {
  readonly plan: Plan
  readonly slot: number
  readonly hooks: readonly LoadedHook[]
  readonly #context: SensorContext
  readonly #owned: DisposableStack
  /** Return halves of this version. */
  readonly #return_links: BpfLink[] = []
  /** In the order of hooks; empty until attach() and after another version took over. */
  #sites: HookSite[] = []
  readonly #site_of = new Map<LoadedHook, HookSite>()
  /** Of the former version, until takeOver(). */
  #shared = new Map<HookSite, LoadedHook>()
  #disposed = false

  constructor(plan: Plan, slot: number, hooks: readonly LoadedHook[], context: SensorContext, owned: DisposableStack) {
    this.plan = plan
    this.slot = slot
    this.hooks = hooks
    this.#context = context
    this.#owned = owned
  }

  /** Of what this version attached itself. Borrowed. */
  get links(): readonly BpfLink[] {
    return [...this.#sites.flatMap((site) => site.links), ...this.#return_links]
  }

  /** What an agent that comes after this one must know of it. */
  kept(): PolicyExtra {
    const state = encodeState({ plan: this.plan, hook_ids: this.hooks.map(({ hook_id }) => hook_id) })
    return { state, switches: this.#context.maps.get('policy_states') }
  }

  get load_ms(): number {
    return this.hooks.reduce((sum, hook) => sum + hook.load_ms, 0)
  }

  /** One store: every hook of the policy follows from the next hit on. */
  setState(state: { readonly enabled: boolean; readonly enforce: boolean }): void {
    writePolicyState(this.#context.maps.get('policy_states'), this.slot, this.plan, state)
  }

  /**
   * Attaches what the former version does not have at the same place; it runs as the policy's slot says. Dispose after an
   * error: the former version is as it was.
   */
  attach(former: Sensor | null): void {
    const free = former === null ? [] : [...former.#sites]
    for (const hook of this.hooks) {
      // The return half first: an entry without its return would keep a record for nobody.
      for (const program of returnHalves(hook.plan)) {
        for (const link of attachAll(hook.held.object, program, hook.plan)) this.#return_links.push(link)
      }
      const key = siteKey(hook.plan)
      const at = key === '' ? -1 : free.findIndex((site) => site.key === key)
      const [shared] = at < 0 ? [] : free.splice(at, 1)
      const site = shared ?? newSite(key, hook)
      this.#site_of.set(hook, site)
      if (shared !== undefined) this.#shared.set(shared, hook)
      else this.#sites.push(site)
    }
  }

  /** After attach(former): each hit that begins from now on is this version's; the former one keeps only calls under way. */
  takeOver(former: Sensor): void {
    for (const [site, hook] of this.#shared) site.switchTo(hook.held, versioned(hook.plan)!.program.program)
    this.#sites.push(...this.#shared.keys())
    for (const site of former.#sites) if (!this.#shared.has(site)) site[Symbol.dispose]()
    former.#sites = []
    this.#shared.clear()
  }

  /** Where the kernel counts runs of a hook's program: the attached one's also count for versions that it jumps to. */
  countedObject(hook: LoadedHook, program: string): BpfObject {
    const own = returnHalves(hook.plan).some((half) => half.program === program)
    return own ? hook.object : this.#site_of.get(hook)?.first.object ?? hook.object
  }

  /** Calls under way whose records wait for this version's return half. */
  callsUnderWay(isThread: (tid: number) => boolean): number {
    const ids = new Set(this.hooks.filter(({ plan }) => returnHalves(plan).length > 0).map(({ hook_id }) => hook_id))
    return ids.size === 0 ? 0 : keptCalls(this.#context.maps, ids, isThread)
  }

  /** Detaches, then unloads; the sets go last. */
  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    for (const site of this.#sites) site[Symbol.dispose]()
    this.#sites = []
    for (const link of this.#return_links) link[Symbol.dispose]()
    for (const { held } of this.hooks) held.release()
    this.#owned.dispose()
  }
}

function newSite(key: string, hook: LoadedHook): HookSite {
  const { object } = hook.held
  const found = versioned(hook.plan)
  using attached = new DisposableStack()
  const links: BpfLink[] = []
  for (const program of entryHalves(hook.plan)) {
    for (const link of attachAll(object, program, hook.plan)) links.push(attached.use(link))
  }
  attached.move()
  return new HookSite(key, hook.held, found === null ? null : object.map(found.map), links)
}

/**
 * Loads `plan` under policy slot `slot`. The slot of a new policy is off until setState(); that of one that has a former
 * version stays as it is. Throws LoadError or LibbpfError.
 */
export async function loadSensor(plan: Plan, slot: number, context: SensorContext, is_new: boolean): Promise<Sensor> {
  using owned = new DisposableStack()
  using objects = new DisposableStack()
  const loaded: LoadedHook[] = []
  // Before anything is attached, so that the policy is for whom it is for from its first hit on.
  const first_filter = context.workloads.add(plan)
  owned.defer(() => context.workloads.remove(first_filter))
  for (const hook of plan.hooks) {
    const first_set = context.sets.take(hook.sets.length)
    const hook_id = context.takeHookId()
    const config = finishConfig(hook, { hook_id, slot, first_set, first_filter })
    const request = loadRequest(hook, config, plan.name, context)
    const { object, load_ms, programs } = await context.loader.load(request)
    using parts = new DisposableStack()
    const written: WrittenSet[] = []
    parts.defer(() => {
      for (const set of written) removeSet(set, (name) => context.maps.get(name))
    })
    parts.use(object)
    if (hook.family === 'loader') parts.use(openBuildIds())
    checkWireSizes(object)
    collectMaps(object, config, context.maps)
    if (loaded.length === 0 && is_new) {
      writePolicyState(context.maps.get('policy_states'), slot, plan, { enabled: false, enforce: false })
    }
    const key = hashKey(context.hash_key_bytes)
    hook.sets.forEach((set, i) => written.push(writeSet(set, first_set + i, key, (name) => context.maps.get(name))))
    const held = new HookObject(object, parts.move())
    objects.defer(() => held.release())
    const counters = object.map('hook_counters')
    const kernel_memory_bytes = ownMemory(object, programs)
    loaded.push({ plan: hook, hook_id, load_ms, programs, counters, object, kernel_memory_bytes, held })
  }
  objects.move()
  return new Sensor(plan, slot, loaded, context, owned.move())
}

function writePolicyState(
  map: BpfMap,
  slot: number,
  plan: Plan,
  { enabled, enforce }: { readonly enabled: boolean; readonly enforce: boolean },
): void {
  const bytes = new Uint8Array(POLICY_STATE_SIZE)
  const budget = plan.on_budget === 'monitor' ? POLICY_STATE_BIT.BUDGET_MONITOR : 0
  encodePolicyState(new DataView(bytes.buffer), 0, {
    state: (enabled ? POLICY_STATE_BIT.ENABLED : 0) | (enforce ? POLICY_STATE_BIT.ENFORCE : 0) | budget,
    kill_budget: plan.kill_budget,
    budget_window_ns: 0,
    budget_used: 0,
    generation: 0,
  })
  map.update(slot, bytes)
}

/** Pure: what a plan cannot know. Sets count from 1 in a plan, 0 is none. */
export function finishConfig(
  hook: HookPlan,
  given: {
    readonly hook_id: number
    readonly slot: number
    readonly first_set: number
    readonly first_filter: number
  },
): HookConfig {
  const set = (number: number) => number === 0 ? 0 : given.first_set + number - 1
  const workload = (number: number) => number === 0 ? 0 : given.first_filter + number - 1
  const { config } = hook
  let mask = 0
  for (const argument of config.arguments) {
    if (argument.source === ARGUMENT_SOURCE.PARAMETER) mask |= 1 << argument.index
    if (argument.size_argument > 0) mask |= 1 << (argument.size_argument - 1)
  }
  const syscall = (config.flags & HOOK_FLAG.SYSCALL) !== 0
  return {
    ...config,
    hook_id: given.hook_id,
    policy_slot: given.slot,
    parameter_mask: syscall ? 0 : mask,
    syscall_set: set(config.syscall_set),
    cgroup_filter: workload(config.cgroup_filter),
    filters: config.filters.map((filter) => ({
      ...filter,
      set: filter.kind === FILTER_KIND.CGROUP ? workload(filter.set) : set(filter.set),
    })),
  }
}

function loadRequest(
  hook: HookPlan,
  config: HookConfig,
  policy: string,
  context: SensorContext,
): Omit<LoadRequest, 'id'> {
  const bytes = new Uint8Array(HOOK_CONFIG_SIZE)
  encodeHookConfig(new DataView(bytes.buffer), 0, config)
  const reuse: Record<string, number> = {}
  const entries = mapEntriesFor(config)
  for (const name of context.maps.names) reuse[name] = context.maps.get(name).fd
  for (const name of Object.keys(entries)) {
    const shared = mapNameFor(name, config)
    if (shared === name) continue
    delete reuse[name]
    if (context.maps.has(shared)) reuse[name] = context.maps.get(shared).fd
  }
  return {
    file: context.objectFile(hook.family),
    name: `${policy}:${hook.names[0] ?? hook.family}`,
    btf: context.btf,
    config: bytes,
    hash_key: context.hash_key_bytes,
    programs: hook.programs.map((program) => ({ name: program.program, target: target(program) })),
    reuse,
    plain: versioned(hook) === null ? VERSION_MAPS : [],
    entries,
    preallocate: context.maps.preallocate,
  }
}

function target({ attach }: ProgramPlan): string {
  switch (attach.kind) {
    case 'fentry':
    case 'fexit':
    case 'fmod_ret':
      return attach.function
    case 'lsm':
      return attach.hook
    default:
      return ''
  }
}

const VERSION_MAPS: readonly string[] = ['hook_versions', 'hook_return_versions']
/** Each object has its own. */
const OWN_MAPS: ReadonlySet<string> = new Set(['hook_counters', ...VERSION_MAPS])

/** Keeps maps that are new; those that belong to one hook, or are small because it does not use them, stay apart. */
function collectMaps(object: BpfObject, config: HookConfig, maps: SharedMaps): void {
  for (const name of object.mapNames) {
    if (name.includes('.') || OWN_MAPS.has(name)) continue
    const shared = mapNameFor(name, config)
    if (!maps.has(shared)) maps.add(shared, object.map(name).duplicate())
  }
}

function ownMemory(object: BpfObject, programs: readonly ProgramLoaded[]): number {
  const own = object.mapNames.filter((name) => name.includes('.') || OWN_MAPS.has(name))
  return own.reduce((sum, name) => sum + object.map(name).memlockBytes(), 0) +
    programs.reduce((sum, { jited_bytes, xlated_bytes }) => sum + jited_bytes + xlated_bytes, 0)
}

/** Throws FullTrampolineError, and LibbpfError for everything else. */
function* attachAll(object: BpfObject, program: ProgramPlan, hook: HookPlan): Generator<BpfLink> {
  for (const spec of attachSpecs(program, hook)) {
    try {
      yield object.program(program.program).attach(spec)
    } catch (error) {
      const place = target(program)
      if (place === '' || !(error instanceof LibbpfError) || error.code !== 'E2BIG') throw error
      throw new FullTrampolineError(program.attach.kind === 'lsm' ? `bpf_lsm_${place}` : place, error)
    }
  }
}
