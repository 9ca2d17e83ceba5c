// KernelFacts: what this kernel and these privileges allow, as plain data for planning, doctor and /v1/coverage.
import type { HostFacts } from './host.ts'

/**
 * Ways to attach a program. `syscall_fmod_ret`: fmod_ret on a system call, which needs error injection; `uprobe_write`: a
 * uprobe that changes registers.
 */
export const ATTACH_KINDS = [
  'raw_tp',
  'tp_btf',
  'tracepoint',
  'fentry',
  'fexit',
  'fmod_ret',
  'syscall_fmod_ret',
  'lsm',
  'kprobe',
  'kprobe_multi',
  'kprobe_override',
  'uprobe',
  'uprobe_write',
] as const
export type AttachKind = typeof ATTACH_KINDS[number]

export interface AttachFact {
  readonly works: boolean
  /** Why it does not; '' where it does. */
  readonly reason: string
}

export interface KernelFacts extends HostFacts {
  /** Found by loading and, where that proves nothing, attaching tiny programs. */
  readonly attach: Readonly<Record<AttachKind, AttachFact>>
  /** Raw tracepoint or function that shows credentials before exec replaces them; null: gains are not known. */
  readonly credential_source: 'sched_prepare_exec' | 'fentry' | 'kprobe' | null
}

/** active: as good as it gets; fallback: works another way, `reason` says what is lost; absent: does not work. */
export interface Feature {
  readonly name: string
  readonly state: 'active' | 'fallback' | 'absent'
  readonly reason: string
}
