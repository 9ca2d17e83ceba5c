// Probing: tiny programs loaded and attached one at a time, because configuration options and versions do not tell.
import fs from 'node:fs'
import type { AttachSpec } from '../../ffi/attach.ts'
import { LibbpfError, VerifierError } from '../../ffi/error.ts'
import { BpfObject } from '../../ffi/object.ts'
import { ATTACH_KINDS, type AttachFact, type AttachKind, type KernelFacts } from './facts.ts'
import { type HostFacts, readHostFacts } from './host.ts'

export interface ProbeOptions {
  readonly procfs: string
  /** As --btf; '' to search. */
  readonly btf: string
  /** Compiled bpf/probe.bpf.c. */
  readonly object: string
}

interface Probe {
  readonly program: string
  readonly attach: AttachSpec | null
  /** Set before loading where the section's target depends on the architecture. */
  readonly target?: string
}

const SYSCALL_PREFIX = process.arch === 'arm64' ? '__arm64_sys_' : '__x64_sys_'
const FUNCTION = 'security_bprm_committing_creds'

const PROBES: Readonly<Record<AttachKind, Probe>> = {
  raw_tp: { program: 'probe_raw_tp', attach: { kind: 'raw_tp', tracepoint: 'sched_process_exec' } },
  tp_btf: { program: 'probe_tp_btf', attach: { kind: 'trampoline' } },
  tracepoint: {
    program: 'probe_tracepoint',
    attach: { kind: 'tracepoint', category: 'sched', name: 'sched_process_exec' },
  },
  fentry: { program: 'probe_fentry', attach: { kind: 'trampoline' } },
  fexit: { program: 'probe_fexit', attach: { kind: 'trampoline' } },
  fmod_ret: { program: 'probe_fmod_ret', attach: { kind: 'trampoline' } },
  // Loading proves it: the verifier asks whether the function allows error injection.
  syscall_fmod_ret: { program: 'probe_syscall_fmod_ret', attach: null, target: `${SYSCALL_PREFIX}getpgid` },
  lsm: { program: 'probe_lsm', attach: { kind: 'lsm' } },
  kprobe: { program: 'probe_kprobe', attach: { kind: 'kprobe', function: FUNCTION } },
  kprobe_multi: { program: 'probe_kprobe_multi', attach: { kind: 'kprobe_multi', functions: [FUNCTION] } },
  kprobe_override: {
    program: 'probe_kprobe_override',
    attach: { kind: 'kprobe', function: `${SYSCALL_PREFIX}getpgid` },
  },
  uprobe: { program: 'probe_uprobe', attach: { kind: 'uprobe', path: '/proc/self/exe', offset: 0 } },
  // Loading proves it: the verifier refuses stores to the context before 6.18.
  uprobe_write: { program: 'probe_uprobe_write', attach: null },
}

/** Of kernel.perf_event_paranoid, as Linux knows it; above, kernels of Debian 11 and 12 want more than CAP_PERFMON. */
const PARANOID_MAX = 2

const WORKS: AttachFact = { works: true, reason: '' }

/** Takes a few hundred milliseconds, most of them in the kernel: call it in a worker or a command. Throws LibbpfMissingError. */
export function probeFacts(options: ProbeOptions): KernelFacts {
  const host = readHostFacts(options.procfs, options.btf)
  const attach = Object.fromEntries(ATTACH_KINDS.map((kind) => [kind, probe(kind, host, options.object)]))
  return {
    ...host,
    attach: attach as Record<AttachKind, AttachFact>,
    credential_source: credentialSource(host, options, attach),
  }
}

function credentialSource(
  host: HostFacts,
  options: ProbeOptions,
  attach: Readonly<Record<string, AttachFact>>,
): KernelFacts['credential_source'] {
  const prepare: Probe = { program: 'probe_prepare_exec', attach: { kind: 'raw_tp', tracepoint: 'sched_prepare_exec' } }
  if (host.btf !== null && tryProbe(prepare, options.object).works) return 'sched_prepare_exec'
  if (attach.fentry?.works) return 'fentry'
  return attach.kprobe?.works ? 'kprobe' : null
}

function probe(kind: AttachKind, host: HostFacts, object: string): AttachFact {
  if (host.btf === null) return { works: false, reason: 'no BTF of this kernel' }
  const known = knownObstacle(kind, host)
  const tried = tryProbe(PROBES[kind], object)
  if (tried.reason.endsWith('EACCES') && !host.capabilities.includes('CAP_SYS_ADMIN')) {
    const reason = whyPerfEvent(kind, host)
    if (reason !== '') return { works: false, reason }
  }
  return tried.works || known === '' ? tried : { works: false, reason: known }
}

/** Those that are attached to a perf event; '' where nothing is known of why one is refused without CAP_SYS_ADMIN. */
export function whyPerfEvent(
  kind: AttachKind,
  { perf_event_paranoid }: Pick<HostFacts, 'perf_event_paranoid'>,
): string {
  if (kind === 'uprobe') return 'this kernel wants CAP_SYS_ADMIN for uprobes (6.16 and later, stable ones since 2025)'
  const what = kind === 'tracepoint' ? 'tracepoints that are not raw' : kind.startsWith('kprobe') ? 'kprobes' : ''
  if (what === '' || kind === 'kprobe_multi' || perf_event_paranoid <= PARANOID_MAX) return ''
  return `kernel.perf_event_paranoid is ${perf_event_paranoid}: above ${PARANOID_MAX} this kernel wants CAP_SYS_ADMIN for ${what}`
}

function tryProbe({ program: name, attach, target }: Probe, path: string): AttachFact {
  try {
    using object = BpfObject.open(path)
    for (const program of object.programs) program.setAutoload(program.name === name)
    const program = object.program(name)
    if (target !== undefined) program.setAttachTarget(target)
    object.load()
    if (attach === null) return WORKS
    using _link = program.attach(attach)
    return attach.kind === 'lsm' ? lsmRuns(object) : WORKS
  } catch (error) {
    if (error instanceof VerifierError) return { works: false, reason: error.summary }
    if (error instanceof LibbpfError) {
      const step = error.action.startsWith('attach') ? 'attaching' : 'loading'
      return { works: false, reason: `${step} a program of this kind is refused with ${error.code}` }
    }
    throw error
  }
}

/** Attaching succeeds without the BPF LSM being enabled: only a call proves it. */
function lsmRuns(object: BpfObject): AttachFact {
  fs.closeSync(fs.openSync('/dev/null', 'r'))
  const section = object.mapNames.find((name) => name.endsWith('.bss'))
  const seen = section === undefined ? undefined : object.map(section).lookup(0)
  if (seen?.[0] === 1) return WORKS
  return { works: false, reason: '"bpf" is not among the active security modules: boot with lsm=...,bpf' }
}

/** The configuration option to name where it explains a failure; '' where none is known to. */
function knownObstacle(kind: AttachKind, host: HostFacts): string {
  const unset = (...names: string[]) => {
    const name = host.config_known ? names.find((each) => host.config[each] === undefined) : undefined
    return name === undefined ? '' : `${name} is unset`
  }
  switch (kind) {
    case 'kprobe':
      return unset('CONFIG_KPROBES', 'CONFIG_KPROBE_EVENTS')
    case 'kprobe_multi':
      return unset('CONFIG_KPROBES', 'CONFIG_FPROBE')
    case 'kprobe_override':
      return unset('CONFIG_KPROBES', 'CONFIG_FUNCTION_ERROR_INJECTION', 'CONFIG_BPF_KPROBE_OVERRIDE')
    case 'syscall_fmod_ret':
      return unset('CONFIG_FUNCTION_ERROR_INJECTION')
    case 'lsm':
      return unset('CONFIG_BPF_LSM')
    case 'uprobe':
      return unset('CONFIG_UPROBE_EVENTS')
    case 'uprobe_write':
      if (host.lockdown === 'integrity' || host.lockdown === 'confidentiality') {
        return `kernel lockdown: ${host.lockdown}`
      }
      if (host.config.CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY !== undefined) return 'kernel lockdown: integrity'
      return isBefore(host.version, 6, 18) ? `${host.release} is older than 6.18` : ''
    case 'tracepoint':
      return host.tracefs === null ? 'tracefs is not mounted' : ''
    default:
      return ''
  }
}

function isBefore([major, minor]: HostFacts['version'], than_major: number, than_minor: number): boolean {
  return major < than_major || (major === than_major && minor < than_minor)
}
