// Features of the agent on a kernel: KernelFacts into active, fallback or absent, each with the reason.
import type { AttachFact, Feature, KernelFacts } from './facts.ts'
import type { HostFacts } from './host.ts'
import { missingCapabilities, privilegeFeatures } from './privilege.ts'

/** What `thump doctor` and /v1/coverage show. Pure. */
export function features(facts: KernelFacts): Feature[] {
  const { attach } = facts
  return [
    feature('kernel', facts.version[0] > 5 || (facts.version[0] === 5 && facts.version[1] >= 10), {
      active: facts.release,
      absent: `${facts.release} is older than 5.10`,
    }),
    feature('BTF', facts.btf !== null, {
      active: facts.btf ?? '',
      absent: 'no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF) and no file from --btf: nothing can be loaded',
    }),
    ...privilegeFeatures(facts),
    ...lifecycle(facts),
    either('tracepoint policies', [['classic and raw tracepoints', attach.tracepoint], [
      'raw tracepoints alone',
      attach.raw_tp,
    ]]),
    either('function hooks (kprobes:)', functionWays(facts)),
    either('return values', [['fexit', attach.fexit], ['kretprobe', attach.kprobe]]),
    either('many functions at once (list:)', [['kprobe.multi', attach.kprobe_multi], [
      'kprobe one by one',
      attach.kprobe,
    ], [
      'fentry one by one',
      attach.fentry,
    ]]),
    either('system call hooks', [...functionWays(facts), ['raw_tp/sys_enter', attach.raw_tp]]),
    one('LSM hooks (lsmhooks:)', attach.lsm, 'BPF LSM'),
    either('refusing operations (Override on security_*)', [['BPF LSM', attach.lsm], ['fmod_ret', attach.fmod_ret], [
      'kprobe override',
      attach.kprobe_override,
    ]]),
    either('refusing system calls (Override on a system call)', [['fmod_ret', attach.syscall_fmod_ret], [
      'kprobe override',
      attach.kprobe_override,
    ]]),
    one('user functions (uprobes:, usdts:)', attach.uprobe, 'uprobe'),
    one('refusing user functions (Override in uprobes:)', attach.uprobe_write, 'uprobe that writes registers, 6.18'),
    feature('tracefs', facts.tracefs !== null, {
      active: facts.tracefs ?? '',
      absent:
        'not mounted: classic tracepoints cannot be attached and their formats not be read (mount -t tracefs tracefs /sys/kernel/tracing)',
    }),
    feature('bpffs', facts.bpffs !== null, {
      active: facts.bpffs ?? '',
      absent: 'not mounted: --keep-sensors-on-exit cannot pin anything (mount -t bpf bpf /sys/fs/bpf)',
    }),
    lockdown(facts),
    feature('cgroups', facts.cgroup !== 'none', {
      active: facts.cgroup,
      absent: 'not mounted: no container ids',
    }),
  ]
}

/** What the agent cannot start without; empty when it can. Each line says how to get it. `btf` is the file of --btf. */
export function missing(facts: HostFacts, btf = ''): string[] {
  const lines: string[] = []
  if (facts.version[0] < 5 || (facts.version[0] === 5 && facts.version[1] < 10)) {
    lines.push(`Kernel ${facts.release} is too old: 5.10 or later is needed`)
  }
  lines.push(...missingCapabilities(facts))
  if (facts.btf === null && btf !== '') lines.push(`No BTF of this kernel: no file "${btf}", named by --btf`)
  else if (facts.btf === null) {
    lines.push('No BTF of this kernel: CONFIG_DEBUG_INFO_BTF is unset or /sys is not mounted; name a file with --btf')
  }
  if (facts.lockdown === 'confidentiality') {
    lines.push(
      'Kernel lockdown is "confidentiality": BPF programs may not read kernel memory; boot with lockdown=integrity',
    )
  }
  return lines
}

/** In the order of src/policy/attach.ts. */
function functionWays({ attach, preempts }: KernelFacts): Way[] {
  if (!preempts) return [['fentry', attach.fentry], ['kprobe', attach.kprobe]]
  const skipped = 'fentry, of which a kernel that preempts skips some runs and counts them as recursion'
  return [['kprobe.multi', attach.kprobe_multi], ['kprobe', attach.kprobe], [skipped, attach.fentry]]
}

function lifecycle({ attach, credential_source }: KernelFacts): Feature[] {
  const sources = { sched_prepare_exec: 'raw_tp/sched_prepare_exec', fentry: 'fentry', kprobe: 'kprobe' }
  return [
    one('process events', attach.raw_tp, 'raw tracepoints sched_process_exec, _fork, _exit'),
    feature('privileges gained at exec', credential_source !== null, {
      active: credential_source === null ? '' : sources[credential_source],
      absent: 'needs raw_tp sched_prepare_exec (6.10), fentry or kprobe: binary_properties has no privileges_changed',
    }),
  ]
}

function lockdown({ lockdown }: KernelFacts): Feature {
  switch (lockdown) {
    case 'none':
      return { name: 'lockdown', state: 'active', reason: 'none' }
    case 'unknown':
      return { name: 'lockdown', state: 'active', reason: 'not in force, or securityfs not mounted' }
    case 'integrity':
      return {
        name: 'lockdown',
        state: 'fallback',
        reason: 'integrity: bpf_probe_write_user is refused, everything else works',
      }
    case 'confidentiality':
      return { name: 'lockdown', state: 'absent', reason: 'confidentiality: BPF programs may not read kernel memory' }
  }
}

function feature(name: string, works: boolean, reasons: { active: string; absent: string }): Feature {
  return works ? { name, state: 'active', reason: reasons.active } : { name, state: 'absent', reason: reasons.absent }
}

function one(name: string, fact: AttachFact, how: string): Feature {
  return feature(name, fact.works, { active: how, absent: fact.reason })
}

type Way = readonly [name: string, fact: AttachFact]

/** Ways from best to worst: the first is active, a later one a fallback. */
function either(name: string, ways: readonly Way[]): Feature {
  const at = ways.findIndex(([, fact]) => fact.works)
  if (at < 0) {
    const reasons = [...new Set(ways.map(([how, fact]) => `${how}: ${fact.reason}`))]
    return { name, state: 'absent', reason: reasons.join('; ') }
  }
  const [how] = ways[at]!
  if (at === 0) return { name, state: 'active', reason: how }
  return { name, state: 'fallback', reason: `${how} (${ways[0]![0]}: ${ways[0]![1].reason})` }
}
