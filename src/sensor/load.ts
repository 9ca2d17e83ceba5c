// From a Plan to a Sensor: programs loaded in a thread, sets written, programs attached; all of it or nothing.
import type { AttachSpec } from '../../ffi/attach.ts'
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
import type { HookPlan, Plan, ProgramPlan } from '../policy/plan_type.ts'
import { checkWireSizes } from './base.ts'
import { hashKey } from './hash.ts'
import { mapEntriesFor, mapNameFor } from './hook_maps.ts'
import { removeSet, SetNumbers, writeSet, type WrittenSet } from './hook_sets.ts'
import { type Loader, LoadError } from './loader.ts'
import type { LoadRequest, ProgramLoaded } from './load_request.ts'
import type { SharedMaps } from './shared_maps.ts'
import type { Workloads } from './workloads.ts'

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
}

export class Sensor implements Disposable {
  readonly plan: Plan
  readonly slot: number
  readonly hooks: readonly LoadedHook[]
  readonly #context: SensorContext
  readonly #stack: DisposableStack
  /** Owned by `#links`. */
  readonly links: readonly BpfLink[]
  readonly #links: DisposableStack

  constructor(
    plan: Plan,
    slot: number,
    hooks: readonly LoadedHook[],
    context: SensorContext,
    owned: DisposableStack,
    links: readonly BpfLink[],
    attached: DisposableStack,
  ) {
    this.plan = plan
    this.slot = slot
    this.hooks = hooks
    this.#context = context
    this.#stack = owned
    this.links = links
    this.#links = attached
  }

  get load_ms(): number {
    return this.hooks.reduce((sum, hook) => sum + hook.load_ms, 0)
  }

  /** One store: every hook of the policy follows from the next hit on. */
  setState(state: { readonly enabled: boolean; readonly enforce: boolean }): void {
    writePolicyState(this.#context.maps.get('policy_states'), this.slot, this.plan, state)
  }

  /** Detaches, then unloads; the sets go last. */
  [Symbol.dispose](): void {
    this.#links.dispose()
    this.#stack.dispose()
  }
}

/** Loads and attaches `plan` under policy slot `slot`; off until setState(). Throws LoadError or LibbpfError. */
export async function loadSensor(plan: Plan, slot: number, context: SensorContext): Promise<Sensor> {
  using owned = new DisposableStack()
  const loaded: { hook: LoadedHook; object: BpfObject }[] = []
  const written: WrittenSet[] = []
  owned.defer(() => {
    for (const set of written) removeSet(set, (name) => context.maps.get(name))
  })
  // Before anything is attached, so that the policy is for whom it is for from its first hit on.
  const first_filter = context.workloads.add(plan)
  owned.defer(() => context.workloads.remove(first_filter))
  for (const hook of plan.hooks) {
    if (hook.family === 'loader') {
      throw new LoadError('Cannot load "spec.loader": this version has no loader events', '')
    }
    const first_set = context.sets.take(hook.sets.length)
    const hook_id = context.takeHookId()
    const config = finishConfig(hook, { hook_id, slot, first_set, first_filter })
    const request = loadRequest(hook, config, plan.name, context)
    const { object, load_ms, programs } = await context.loader.load(request)
    owned.use(object)
    checkWireSizes(object)
    collectMaps(object, config, context.maps)
    if (loaded.length === 0) {
      writePolicyState(context.maps.get('policy_states'), slot, plan, { enabled: false, enforce: false })
    }
    const key = hashKey(context.hash_key_bytes)
    hook.sets.forEach((set, i) => written.push(writeSet(set, first_set + i, key, (name) => context.maps.get(name))))
    const counters = object.map('hook_counters')
    const kernel_memory_bytes = ownMemory(object, programs)
    loaded.push({ hook: { plan: hook, hook_id, load_ms, programs, counters, object, kernel_memory_bytes }, object })
  }
  using attached = new DisposableStack()
  const links: BpfLink[] = []
  for (const { hook, object } of loaded) {
    // The return half first: an entry without its return would keep a record for nobody.
    for (const program of [...hook.plan.programs].reverse()) {
      for (const link of attachAll(object, program, hook.plan)) links.push(attached.use(link))
    }
  }
  return new Sensor(plan, slot, loaded.map(({ hook }) => hook), context, owned.move(), links, attached.move())
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

/** Keeps maps that are new; those that belong to one hook, or are small because it does not use them, stay apart. */
function collectMaps(object: BpfObject, config: HookConfig, maps: SharedMaps): void {
  for (const name of object.mapNames) {
    if (name.includes('.') || name === 'hook_counters') continue
    const shared = mapNameFor(name, config)
    if (!maps.has(shared)) maps.add(shared, object.map(name).duplicate())
  }
}

function ownMemory(object: BpfObject, programs: readonly ProgramLoaded[]): number {
  const own = object.mapNames.filter((name) => name.includes('.') || name === 'hook_counters')
  return own.reduce((sum, name) => sum + object.map(name).memlockBytes(), 0) +
    programs.reduce((sum, { jited_bytes, xlated_bytes }) => sum + jited_bytes + xlated_bytes, 0)
}

function* attachAll(object: BpfObject, program: ProgramPlan, hook: HookPlan): Generator<BpfLink> {
  for (const spec of attachSpecs(program, hook)) yield object.program(program.program).attach(spec)
}

/** Pure: how the program of a plan is attached, once or at several places. */
export function attachSpecs(program: ProgramPlan, hook: HookPlan): AttachSpec[] {
  const { attach } = program
  const cookies = (hook.config.flags & HOOK_FLAG.COOKIE) !== 0
  switch (attach.kind) {
    case 'fentry':
    case 'fexit':
    case 'fmod_ret':
      return [{ kind: 'trampoline' }]
    case 'lsm':
      return [{ kind: 'lsm' }]
    case 'kprobe':
    case 'kretprobe':
      return attach.functions.map((name, i) => ({
        kind: 'kprobe',
        function: name,
        return: attach.kind === 'kretprobe',
        ...(cookies ? { cookie: BigInt(i) } : {}),
      }))
    case 'kprobe.multi':
    case 'kretprobe.multi':
      return [{
        kind: 'kprobe_multi',
        functions: attach.functions,
        return: attach.kind === 'kretprobe.multi',
        ...(cookies ? { cookies: attach.functions.map((_, i) => BigInt(i)) } : {}),
      }]
    case 'sys_enter':
    case 'sys_exit':
      return [{ kind: 'raw_tp', tracepoint: attach.kind }]
    case 'tracepoint':
      return [{ kind: 'tracepoint', category: attach.subsystem, name: attach.event }]
    case 'raw_tp':
      return [{ kind: 'raw_tp', tracepoint: attach.event }]
    case 'uprobe':
    case 'uretprobe':
      return attach.sites.map((site, i) => ({
        kind: 'uprobe',
        path: attach.path,
        offset: Number(site.offset ?? 0n),
        return: attach.kind === 'uretprobe',
        ...(site.ref_ctr_offset === undefined ? {} : { ref_ctr_offset: Number(site.ref_ctr_offset) }),
        ...(cookies ? { cookie: BigInt(i) } : {}),
      }))
  }
}
