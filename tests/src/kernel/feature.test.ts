import { expect, test } from 'bun:test'
import { ATTACH_KINDS, type AttachFact, type AttachKind, type KernelFacts } from '../../../src/kernel/facts.ts'
import { features, missing } from '../../../src/kernel/feature.ts'
import { whyPerfEvent } from '../../../src/kernel/probe.ts'

function facts(more: Partial<KernelFacts> = {}, absent: Partial<Record<AttachKind, string>> = {}): KernelFacts {
  const attach = Object.fromEntries(ATTACH_KINDS.map((kind): [AttachKind, AttachFact] => {
    const reason = absent[kind] ?? ''
    return [kind, { works: reason === '', reason }]
  })) as Record<AttachKind, AttachFact>
  return {
    release: '6.12.1',
    version: [6, 12],
    architecture: 'x64',
    btf: '/sys/kernel/btf/vmlinux',
    lsm: ['bpf'],
    lockdown: 'none',
    tracefs: '/sys/kernel/tracing',
    bpffs: '/sys/fs/bpf',
    memlock: [Infinity, Infinity],
    capabilities: ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_SYS_RESOURCE', 'CAP_SYSLOG', 'CAP_DAC_READ_SEARCH'],
    kernel_addresses: true,
    config: {},
    config_known: true,
    cgroup: 'v2',
    cpus: 2,
    memory_bytes: 1 << 30,
    pid_max: 32_768,
    bpf_stats: false,
    preempts: false,
    perf_event_paranoid: 2,
    attach,
    credential_source: 'fentry',
    ...more,
  }
}

function of(name: string, more: Partial<KernelFacts> = {}, absent: Partial<Record<AttachKind, string>> = {}) {
  const { state, reason } = features(facts(more, absent)).find((feature) => feature.name === name)!
  return { state, reason }
}

test('all is active where everything works, and nothing is missing', () => {
  expect(features(facts()).filter(({ state }) => state !== 'active')).toEqual([])
  expect(missing(facts())).toEqual([])
})

test('the next best way is a fallback that says why the best does not work; none is absent with every reason', () => {
  const name = 'function hooks (kprobes:)'
  expect(of(name, {}, { fentry: 'EPERM' })).toEqual({ state: 'fallback', reason: 'kprobe (fentry: EPERM)' })
  expect(of(name, {}, { fentry: 'EPERM', kprobe: 'no kprobe_events' })).toEqual({
    state: 'absent',
    reason: 'fentry: EPERM; kprobe: no kprobe_events',
  })
})

test('where the kernel preempts, kprobes come before fentry, which is said to lose some', () => {
  const name = 'function hooks (kprobes:)'
  expect(of(name, { preempts: true })).toEqual({ state: 'active', reason: 'kprobe.multi' })
  const { state, reason } = of(name, { preempts: true }, { kprobe_multi: 'no fprobe', kprobe: 'no kprobes' })
  expect(state).toBe('fallback')
  expect(reason).toContain('skips some runs')
})

test('tracepoints that are not raw may be more than this process is allowed', () => {
  const reason = whyPerfEvent('tracepoint', { perf_event_paranoid: 3 })
  expect(of('tracepoint policies', {}, { tracepoint: reason })).toEqual({
    state: 'fallback',
    reason:
      'raw tracepoints alone (classic and raw tracepoints: kernel.perf_event_paranoid is 3: above 2 this kernel wants CAP_SYS_ADMIN for tracepoints that are not raw)',
  })
  expect(whyPerfEvent('kprobe_override', { perf_event_paranoid: 4 })).toContain('for kprobes')
  expect(whyPerfEvent('kprobe', { perf_event_paranoid: 2 })).toBe('')
  // It has links of its own, and uprobes are refused whatever the number is.
  expect(whyPerfEvent('kprobe_multi', { perf_event_paranoid: 3 })).toBe('')
  expect(whyPerfEvent('uprobe', { perf_event_paranoid: 3 })).toContain('CAP_SYS_ADMIN for uprobes')
})

test.each(
  [
    ['privileges gained at exec', { credential_source: null }, 'absent', 'sched_prepare_exec'],
    ['tracefs', { tracefs: null }, 'absent', 'mount -t tracefs'],
    ['bpffs', { bpffs: null }, 'absent', '--keep-sensors-on-exit'],
    ['lockdown', { lockdown: 'integrity' }, 'fallback', 'integrity'],
    ['locked memory', { memlock: [65_536, 65_536], capabilities: ['CAP_SYS_ADMIN'] }, 'fallback', 'cgroup'],
    [
      'locked memory',
      { memlock: [65_536, 65_536], capabilities: ['CAP_BPF'], version: [5, 10] },
      'absent',
      'ulimit -l',
    ],
    ['CAP_SYS_PTRACE', { capabilities: ['CAP_SYS_ADMIN'] }, 'absent', 'older processes'],
    ['names in kernel stack traces', { capabilities: [], kernel_addresses: false }, 'absent', 'CAP_SYSLOG'],
    ['names in kernel stack traces', { kernel_addresses: false }, 'absent', 'kptr_restrict'],
    ['files that only their owner may read', { capabilities: ['CAP_SYSLOG'] }, 'absent', 'CAP_DAC_READ_SEARCH'],
    ['files that only their owner may read', { capabilities: ['CAP_DAC_OVERRIDE'] }, 'active', ''],
  ] as const,
)('features(): %s', (name, more, state, text) => {
  const feature = of(name, more as Partial<KernelFacts>)
  expect(feature.state).toBe(state)
  expect(feature.reason).toContain(text)
})

test.each(
  [
    ['an old kernel', { release: '5.4.0', version: [5, 4] }, 'Kernel 5.4.0 is too old: 5.10 or later is needed'],
    ['no capabilities', { capabilities: [] }, 'Missing CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE: run with sudo'],
    ['some capabilities', { capabilities: ['CAP_BPF', 'CAP_PERFMON'] }, 'Missing CAP_SYS_PTRACE: run with sudo'],
    ['what for', { capabilities: ['CAP_BPF', 'CAP_PERFMON'] }, 'Without, namespaces, programs and directories'],
    [
      'which for what',
      { capabilities: ['CAP_SYS_PTRACE'] },
      'CAP_BPF: programs and maps cannot be loaded; CAP_PERFMON:',
    ],
    ['no BTF', { btf: null }, 'name a file with --btf'],
    ['lockdown', { lockdown: 'confidentiality' }, 'boot with lockdown=integrity'],
  ] as const,
)('missing(): %s', (_, more, text) => {
  const lines = missing(facts(more as Partial<KernelFacts>))
  expect(lines.length).toBe(1)
  expect(lines[0]).toContain(text)
})

test('missing(): a BTF file that was named and is not there is named', () => {
  expect(missing(facts({ btf: null }), '/nonexistent')).toEqual([
    'No BTF of this kernel: no file "/nonexistent", named by --btf',
  ])
})
