import { describe, expect, test } from 'bun:test'
import { type CompactOptions, formatCompact } from '../../src/cli/compact.ts'
import { chooseStyle, COLOURED, maybeQuote, PLAIN, quote } from '../../src/cli/compact_style.ts'
import type { Json, JsonObject } from '../../src/filter/json.ts'

const PROCESS = { pid: 42, binary: '/bin/x', arguments: '-a b' }

function line(kind: string, event: JsonObject, options: CompactOptions = {}): string {
  return formatCompact(
    { [kind]: { process: PROCESS, ...event }, node_name: 'n1', time: '2026-01-02T03:04:05.6Z' },
    options,
  )
}

const kprobe = (function_name: string, args: readonly Json[]) => line('process_kprobe', { function_name, args })
const file = (path: string) => ({ file_arg: { path } })
const text = (string_arg: string) => ({ string_arg })
const SOCK = { sock_arg: { saddr: '10.0.0.1', sport: 1234, daddr: '::1', dport: 80 } }

const KPROBES: readonly [string, readonly Json[], string][] = [
  ['__x64_sys_write', [file('/etc/f'), { bytes_arg: '' }, { size_arg: '5' }], '📝 write   n1 /bin/x /etc/f 5 bytes'],
  ['__arm64_sys_write', [{ int_arg: 3 }], '📝 write   n1 /bin/x  '],
  ['__ia32_sys_read', [file('/a b'), {}, { size_arg: '1' }], '📚 read    n1 /bin/x "/a b" 1 bytes'],
  ['fd_install', [{ int_arg: 1 }, file('/f')], '📬 open    n1 /bin/x /f'],
  ['__x64_sys_openat', [{ int_arg: -100 }, text('/f')], '📬️ openat  n1 /bin/x /f'],
  ['__x64_sys_open', [text('x'), text('/f')], '📬️ open    n1 /bin/x /f'],
  ['__x64_sys_close', [file('/f')], '📪 close   n1 /bin/x /f'],
  ['__x64_sys_mount', [text('my fs'), text('/mnt')], '💾 mount   n1 /bin/x "my fs" /mnt'],
  ['__x64_sys_setuid', [{ int_arg: 0 }], '🔑 setuid  n1 /bin/x 0'],
  ['__x64_sys_clock_settime', [], '⏰ clock_settime n1 /bin/x'],
  ['__x64_sys_pivot_root', [text('/a'), text('/b')], '💾 pivot_root n1 /bin/x /a /b'],
  ['proc_exec_connector', [], '🔧 proc_exec_connector n1 /bin/x'],
  ['__x64_sys_setns', [{ int_arg: 3 }, { int_arg: 0x40000000 }], '🔧 setns   n1 /bin/x net'],
  ['__x64_sys_setns', [{ int_arg: 3 }, { int_arg: 0 }], '🔧 setns   n1 /bin/x any'],
  ['tcp_connect', [SOCK], '🔌 connect n1 /bin/x tcp 10.0.0.1:1234 -> ::1:80'],
  ['tcp_close', [SOCK], '🧹 close   n1 /bin/x tcp 10.0.0.1:1234 -> ::1:80'],
  ['tcp_sendmsg', [SOCK, { int_arg: 7 }], '📤 sendmsg n1 /bin/x tcp 10.0.0.1:1234 -> ::1:80 bytes 7'],
  ['tcp_connect', [{ int_arg: 1 }], '🔌 connect n1 /bin/x tcp :0 -> :0'],
  [
    'bpf_check',
    [{ bpf_attr_arg: { ProgType: 'BPF_PROG_TYPE_XDP', InsnCnt: 2, ProgName: 'p' } }],
    '🐝 bpf_load n1 /bin/x BPF_PROG_TYPE_XDP p instruction count 2',
  ],
  [
    'security_perf_event_alloc',
    [{ perf_event_arg: { Type: 'PERF_TYPE_PROBE', KprobeFunc: 'f' } }],
    '🐝 perf_event_alloc n1 /bin/x PERF_TYPE_PROBE f',
  ],
  [
    'security_bpf_map_alloc',
    [{ bpf_map_arg: { MapType: 'BPF_MAP_TYPE_HASH', MapName: 'm', KeySize: 4, ValueSize: 8, MaxEntries: 16 } }],
    '🗺 bpf_map_create n1 /bin/x BPF_MAP_TYPE_HASH m key size 4 value size 8 max entries 16',
  ],
  ['security_file_permission', [file('/f'), { int_arg: 2 }], '📝 write   n1 /bin/x /f'],
  ['security_file_permission', [file('/f'), { int_arg: 4 }], '📚 read    n1 /bin/x /f'],
  ['security_file_permission', [file('/f'), { int_arg: 1 }], '❓ security_file_permission n1 /bin/x /f'],
  ['security_mmap_file', [file('/f'), { uint_arg: 7 }], '📝 mmap-rwx n1 /bin/x /f'],
  ['security_mmap_file', [file('/f'), { uint_arg: 1 }], '📝 mmap-r  n1 /bin/x /f'],
  ['security_path_truncate', [{ path_arg: { path: '/f' } }], '📝 truncate n1 /bin/x /f'],
  ['security_file_truncate', [file('/f')], '📝 truncate n1 /bin/x /f'],
  ['__x64_sys_lseek', [], '❓ syscall n1 /bin/x __x64_sys_lseek'],
  ['constructor', [], '❓ syscall n1 /bin/x constructor'],
]

const OTHERS: readonly [string, JsonObject, string][] = [
  ['process_exec', {}, '🚀 process n1 /bin/x "-a b"'],
  ['process_exit', {}, '💥 exit    n1 /bin/x "-a b" 0'],
  ['process_exit', { status: 3 }, '💥 exit    n1 /bin/x "-a b" 3'],
  ['process_exit', { signal: 'SIGKILL' }, '💥 exit    n1 /bin/x "-a b" SIGKILL'],
  ['process_tracepoint', { subsys: 'sched', event: 'sched_switch' }, '⁉️ tracepoint n1 /bin/x sched sched_switch'],
  ['process_uprobe', { path: '/bin/bash', symbol: 'main' }, '🕵️ uprobe  n1 /bin/x /bin/bash main'],
  ['process_usdt', { path: '/u', provider: 'p', name: 'q' }, '🕵️ usdt    n1 /bin/x /u p q'],
  ['process_lsm', { function_name: 'file_open' }, '🔒 LSM     n1 /bin/x file_open'],
  ['process_loader', { path: '/lib/x.so', buildid: 'q80=' }, '🧬 loader  n1 /bin/x abcd /lib/x.so'],
  ['process_loader', { path: '/lib/x.so' }, '🧬 loader  n1 /bin/x /lib/x.so'],
  ['process_throttle', { type: 'THROTTLE_START', cgroup: 'abc\0\0' }, '🧬 throttle START abc'],
  ['process_throttle', { type: 'THROTTLE_STOP', cgroup: 'abc' }, '🧬 throttle STOP  abc'],
  ['rate_limit_info', { number_of_dropped_process_events: '5' }, '⏳ ratelimit 5 events not exported'],
  ['loss', { reason: 'slow', count: 3 }, '🕳️ loss    reason=slow count=3'],
  ['test', {}, 'TEST EVENT'],
  ['process_new_kind', {}, '❓ process_new_kind n1 /bin/x'],
]

describe('formatCompact()', () => {
  for (const [name, args, wanted] of KPROBES) test(`${name}: ${wanted}`, () => expect(kprobe(name, args)).toBe(wanted))
  for (const [kind, event, wanted] of OTHERS) test(`${kind}: ${wanted}`, () => expect(line(kind, event)).toBe(wanted))

  test('shows the pod instead of the node', () => {
    const pod = { namespace: 'default', name: 'xwing' }
    expect(line('process_exec', { process: { ...PROCESS, pod } })).toBe('🚀 process default/xwing /bin/x "-a b"')
  })

  test('ends the capability trailer at column 120', () => {
    const process = { ...PROCESS, cap: { effective: ['CAP_SYS_ADMIN'] } }
    expect(line('process_exec', { process })).toBe(`🚀 process n1 /bin/x "-a b" ${' '.repeat(76)}🛑 CAP_SYS_ADMIN`)
    const long = line('process_exec', { process: { ...process, arguments: 'y'.repeat(200) } })
    expect(long).toEndWith('y 🛑 CAP_SYS_ADMIN')
    expect(line('process_exec', { process: { ...PROCESS, cap: { effective: ['CAP_BPF'] } } })).not.toContain('🛑')
  })

  test('prints times with nine digits', () => {
    expect(line('process_exec', {}, { timestamps: true })).toStartWith('2026-01-02T03:04:05.600000000Z 🚀')
    const loader = {
      process_loader: { process: PROCESS, path: '/l' },
      node_name: 'n1',
      thump: { time: '2026-01-02T03:04:05Z' },
    }
    expect(formatCompact(loader, { timestamps: true })).toStartWith('2026-01-02T03:04:05.000000000Z 🧬')
  })

  test('prints stack traces and file hashes below the line, unless told not to', () => {
    const event = {
      function_name: 'f',
      kernel_stack_trace: [{ address: '255', offset: '16', symbol: 'a' }],
      user_stack_trace: [{ offset: '31', symbol: 'main', module: '/bin/x' }],
    }
    const wanted = '❓ syscall n1 /bin/x f\nKernel:\n   0xff: a+0x10\nUser:\n   0x0: main (/bin/x+0x1f)'
    expect(line('process_kprobe', event)).toBe(wanted)
    expect(line('process_kprobe', event, { stack_traces: false })).toBe('❓ syscall n1 /bin/x f')
    const lsm = { function_name: 'file_open', ima_hash: 'sha256:aa', args: [file('/f')] }
    expect(line('process_lsm', lsm)).toBe('🔒 LSM     n1 /bin/x file_open\n   /f sha256:aa')
    expect(line('process_lsm', lsm, { ima_hash: false })).toBe('🔒 LSM     n1 /bin/x file_open')
  })

  test('tells policy, action and arguments when asked for details', () => {
    const event = {
      function_name: 'f',
      policy_name: 'p',
      action: 'KPROBE_ACTION_SIGKILL',
      args: [text('a b'), { int_arg: 4, label: 'n' }, file('/f'), SOCK, { bytes_arg: 'YWI=' }],
      return: { int_arg: -1 },
      message: 'hello you',
      tags: ['t1', 't2'],
    }
    expect(line('process_kprobe', event, { details: true }).split('\n')[1]).toBe(
      '   policy=p action=sigkill args=["a b", n=4, /f, 10.0.0.1:1234->::1:80, 2 bytes] return=-1 message="hello you" tags=t1,t2',
    )
  })

  test('makes a line of whatever comes', () => {
    for (
      const event of [{}, { process_kprobe: {} }, { x: 1 }, { process_exec: { process: 3 } }, {
        process_kprobe: { args: 'no' },
      }, { process_kprobe: { args: [null, 1, []] } }]
    ) {
      expect(formatCompact(event as JsonObject)).toBeString()
    }
  })

  test('colours what tetra colours', () => {
    const coloured = line('process_exit', {}, { style: COLOURED })
    expect(coloured).toBe(
      '\u001b[34m💥 exit   \u001b[0m \u001b[32mn1\u001b[0m \u001b[35m/bin/x\u001b[0m \u001b[36m"-a b"\u001b[0m \u001b[31m0\u001b[0m',
    )
  })
})

describe('chooseStyle()', () => {
  test('colours only on a terminal, and never with NO_COLOR', () => {
    expect(chooseStyle('auto', true, {})).toBe(COLOURED)
    expect(chooseStyle('auto', false, {})).toBe(PLAIN)
    expect(chooseStyle('auto', true, { NO_COLOR: '1' })).toBe(PLAIN)
    expect(chooseStyle('auto', true, { TERM: 'dumb' })).toBe(PLAIN)
    expect(chooseStyle('never', true, {})).toBe(PLAIN)
    expect(chooseStyle('always', false, {})).toBe(COLOURED)
  })
})

describe('quote()', () => {
  test('writes as strconv.Quote', () => {
    expect(quote('a"b\\c\n\t\u0001\u001b\u007f\u00a0\u200bü😀\u{e0001}')).toBe(
      '"a\\"b\\\\c\\n\\t\\x01\\x1b\\x7f\\u00a0\\u200bü😀\\U000e0001"',
    )
    expect(maybeQuote('plain-ü,(1)')).toBe('plain-ü,(1)')
    expect(maybeQuote('a b')).toBe('"a b"')
    expect(maybeQuote('')).toBe('')
  })
})
