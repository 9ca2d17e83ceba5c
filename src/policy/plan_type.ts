// What a policy becomes before anything touches the kernel: plain data between plan.ts and sensor/load.ts.
import type { HookConfig } from '../../ffi/wire.gen.ts'
import type { WorkloadMatch } from './type.ts'

/** A pod, container or host filter; numbered from 1 by its place in Plan.workloads. */
export type WorkloadPlan = WorkloadMatch

/** BPF object (build/<object>.bpf.o) and program inside it that a hook uses. */
export type HookFamily = 'trampoline' | 'lsm' | 'kprobe' | 'syscall' | 'tracepoint' | 'uprobe' | 'enforcer' | 'loader'

/** How one program is attached. `offset` in bytes; `path` is that of the policy. */
export type Attach =
  | { readonly kind: 'fentry' | 'fexit' | 'fmod_ret'; readonly function: string; readonly module?: string }
  | { readonly kind: 'lsm'; readonly hook: string }
  | { readonly kind: 'kprobe' | 'kretprobe'; readonly functions: readonly string[] }
  | { readonly kind: 'kprobe.multi' | 'kretprobe.multi'; readonly functions: readonly string[] }
  /** raw_tp/sys_enter or sys_exit, filtered by config.syscall_id or syscall_set. */
  | { readonly kind: 'sys_enter' | 'sys_exit' }
  | { readonly kind: 'tracepoint'; readonly subsystem: string; readonly event: string }
  | { readonly kind: 'raw_tp'; readonly event: string }
  | { readonly kind: 'uprobe' | 'uretprobe'; readonly path: string; readonly sites: readonly UprobeSite[] }

export interface UprobeSite {
  /** File offset; or symbol, resolved by the loader against the file as it is then. */
  readonly symbol?: string
  readonly offset?: bigint
  readonly address?: bigint
  readonly ref_ctr_offset?: bigint
}

/** One program of a hook: an entry half, a return half, or both in one. */
export interface ProgramPlan {
  readonly program: string
  readonly attach: Attach
  readonly half: 'entry' | 'return' | 'both'
}

/** A value set, numbered by its place in HookPlan.sets; the loader gives it a number of its own in the shared map. */
export type SetPlan =
  | { readonly map: 'strings' | 'prefixes' | 'postfixes' | 'needles'; readonly values: readonly string[] }
  | {
    readonly map: 'addresses'
    readonly values: readonly { readonly bytes: readonly number[]; readonly bits: number }[]
  }
  | { readonly map: 'values'; readonly values: readonly bigint[] }
  | { readonly map: 'ranges'; readonly values: readonly { readonly min: bigint; readonly max: bigint }[] }

/** How the return value and arguments of an event are shown; indexes are those of config.arguments. */
export interface ArgumentShow {
  readonly label: string
  /** Type name as the policy has it (after aliases), for what the wire type does not say. */
  readonly type: string
}

export interface HookPlan {
  readonly family: HookFamily
  /** Event kind that the hook emits. */
  readonly event:
    | 'process_kprobe'
    | 'process_tracepoint'
    | 'process_uprobe'
    | 'process_usdt'
    | 'process_lsm'
    | 'process_loader'
  /** Why this attach kind, for `policy plan`. */
  readonly reason: string
  readonly programs: readonly ProgramPlan[]
  /** hook_id, policy_slot and set numbers are filled by the loader: sets count from 1 in HookPlan.sets, 0 is none. */
  readonly config: HookConfig
  readonly sets: readonly SetPlan[]
  /** Names by function index: symbol as Tetragon shows it (`__x64_sys_lseek`), tracepoint `subsystem/event`, symbol of a uprobe. */
  readonly names: readonly string[]
  readonly arguments: readonly ArgumentShow[]
  readonly message: string
  readonly tags: readonly string[]
  /** argUrl, argFqdn by index of config.actions. */
  readonly outbound: Readonly<Record<number, string>>
  /** For uprobe and usdt events: file, provider, name. */
  readonly path?: string
  readonly provider?: string
  /** `refuses`: it answers with an error, and no test has shown that nothing happens then (effect.ts). */
  readonly verdict: 'prevents' | 'refuses' | 'terminates' | 'observes'
  readonly selector_labels: readonly string[]
  /** Refuses in place of the hook before it, of whose event it takes name and arguments (tcp_connect on socket_connect). */
  readonly companion: boolean
  /** uprobes: `sha256:...`, `build-id:...` of which the file must have one when it is attached. */
  readonly digests: readonly string[]
}

export interface Plan {
  readonly name: string
  readonly namespace: string
  readonly mode: 'enforce' | 'monitor'
  readonly enforcing: boolean
  readonly kill_budget: number
  readonly on_budget: 'kill' | 'monitor'
  /** An enforcing action on everything: the loader starts it in monitor mode unless --allow-match-all. */
  readonly matches_all: boolean
  /** The policy as a whole is for these only: HookConfig.cgroup_filter is 1 where this is set, which is workloads[0]. */
  readonly workloads: readonly WorkloadPlan[]
  readonly node_selector: WorkloadPlan['podSelector']
  readonly hooks: readonly HookPlan[]
  /** Hooks left out and why (ignore.callNotFound), things worth saying. */
  readonly warnings: readonly string[]
}

/** `NAMESPACE/NAME`, or the name alone where there is none: what tells policies apart. */
export function policyKey({ name, namespace }: { readonly name: string; readonly namespace: string }): string {
  return namespace === '' ? name : `${namespace}/${name}`
}
