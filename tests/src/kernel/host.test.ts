import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parseVersion, readHostFacts } from '../../../src/kernel/host.ts'

const root = mkdtempSync(join(tmpdir(), 'thump-host-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0

/** A machine of these files. */
function machine(files: Record<string, string | Uint8Array>): string {
  const directory = join(root, String(count++))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), content)
  }
  return directory
}

test('readHostFacts() reads kernel, privileges, mounts and sizes', () => {
  const facts = readHostFacts(
    '/proc',
    '',
    machine({
      'proc/sys/kernel/osrelease': '6.12.107+deb13-cloud-amd64\n',
      'proc/sys/kernel/pid_max': '4194304\n',
      'proc/sys/kernel/bpf_stats_enabled': '1\n',
      'proc/sys/kernel/perf_event_paranoid': '3\n',
      'proc/self/mounts': [
        'tracefs /sys/kernel/tracing tracefs rw 0 0',
        'bpf /sys/fs/bpf bpf rw 0 0',
        'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0',
      ].join('\n'),
      'proc/self/limits': 'Max locked memory         8388608              unlimited            bytes     \n',
      'proc/self/status': 'Name:\tbun\nCapEff:\t000001c000000020\n',
      'proc/kallsyms': '0000000000000000 A fixed_percpu_data\nffffffff81000000 T startup_64\n',
      'proc/config.gz': gzipSync('CONFIG_KPROBES=y\n# CONFIG_FPROBE is not set\nCONFIG_SMP=y\n'),
      'proc/meminfo': 'MemTotal:        2048 kB\n',
      'sys/kernel/btf/vmlinux': 'btf',
      'sys/kernel/security/lsm': 'lockdown,capability,bpf',
      'sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
      'sys/devices/system/cpu/possible': '0-3,8\n',
    }),
  )
  expect(facts).toMatchObject({
    release: '6.12.107+deb13-cloud-amd64',
    version: [6, 12],
    btf: '/sys/kernel/btf/vmlinux',
    lsm: ['lockdown', 'capability', 'bpf'],
    lockdown: 'integrity',
    tracefs: '/sys/kernel/tracing',
    bpffs: '/sys/fs/bpf',
    memlock: [8_388_608, Infinity],
    capabilities: ['CAP_KILL', 'CAP_PERFMON', 'CAP_BPF'],
    kernel_addresses: true,
    config: { CONFIG_KPROBES: 'y' },
    config_known: true,
    cgroup: 'v2',
    cpus: 5,
    memory_bytes: 2 << 20,
    pid_max: 4_194_304,
    bpf_stats: true,
    perf_event_paranoid: 3,
  })
})

test('what cannot be read is unknown, and nothing throws', () => {
  expect(readHostFacts('/proc', '', machine({}))).toMatchObject({
    release: '',
    version: [0, 0],
    btf: null,
    lsm: [],
    lockdown: 'unknown',
    tracefs: null,
    bpffs: null,
    capabilities: [],
    kernel_addresses: false,
    config_known: false,
    cgroup: 'none',
    pid_max: 32_768,
    perf_event_paranoid: -1,
  })
})

test.each([
  ['#1 SMP Debian 5.10.223-1', '', '', '5.10.0-32', false],
  ['#1 SMP PREEMPT_DYNAMIC Debian', 'none (voluntary) full ', '', '6.12.1', false],
  ['#1 SMP PREEMPT_DYNAMIC Debian', 'none voluntary (full) ', '', '6.12.1', true],
  ['#1 SMP PREEMPT_DYNAMIC Debian', 'full (lazy) ', 'quiet preempt=full', '7.2.13', true],
  ['#1 SMP PREEMPT_DYNAMIC Debian', '', 'quiet preempt=full', '6.12.1', true],
  ['#1 SMP PREEMPT_DYNAMIC Debian', '', 'preempt=none quiet', '7.0.1', false],
  ['#1 SMP PREEMPT_DYNAMIC Debian', '', '', '6.18.44', false],
  ['#1 SMP PREEMPT_DYNAMIC Debian', '', '', '7.0.1', true],
  ['#1 SMP PREEMPT_RT Debian', '', '', '6.12.1', true],
  ['#1 SMP PREEMPT Arch', '', '', '6.6.1', true],
])('whether the kernel preempts: %s, %s, %s', (build, model, cmdline, release, wanted) => {
  const root = machine({
    'proc/version': `Linux version ${release} (gcc) ${build}\n`,
    'sys/kernel/debug/sched/preempt': model,
    'proc/cmdline': cmdline,
  })
  expect(readHostFacts('/proc', '', root).preempts).toBe(wanted)
})

test('BTF: a file that is named is the only one looked for; else places in order', () => {
  const both = machine({
    'proc/sys/kernel/osrelease': '5.10.0-1\n',
    'boot/vmlinux-5.10.0-1': 'elf',
    'own.btf': 'btf',
  })
  expect(readHostFacts('/proc', '', both).btf).toBe('/boot/vmlinux-5.10.0-1')
  expect(readHostFacts('/proc', '/own.btf', both).btf).toBe('/own.btf')
  expect(readHostFacts('/proc', '/nonexistent', both).btf).toBeNull()
})

test('tracefs below debugfs, cgroups of both versions', () => {
  const mounts =
    'debugfs /sys/kernel/debug debugfs rw 0 0\ncgroup /c/memory cgroup rw 0 0\ncgroup2 /c/unified cgroup2 rw 0 0'
  const facts = readHostFacts('/proc', '', machine({ 'proc/self/mounts': mounts }))
  expect([facts.tracefs, facts.cgroup]).toEqual(['/sys/kernel/debug/tracing', 'hybrid'])
})

test.each([['6.1.0-13-cloud-amd64', [6, 1]], ['7.2', [7, 2]], ['nonsense', [0, 0]]])(
  'parseVersion(%p)',
  (text, wanted) => {
    expect(parseVersion(text)).toEqual(wanted as [number, number])
  },
)
