// The well-known kernel functions of process_kprobe events, each in words of its own (reference: tetra's compact encoder).

import { at, type Json, numberAt, objectAt, textAt } from '../filter/json.ts'
import { maybeQuote, type Style } from './compact_style.ts'

/** What stands before the process (symbol and name) and what after it. */
export interface Parts {
  readonly symbol: string
  readonly name: string
  readonly details: readonly string[]
}

type Arguments = readonly Json[]
type Render = (args: Arguments, style: Style) => Parts

export function kprobeParts(function_name: string, args: Arguments, style: Style): Parts {
  const plain_name = function_name.replace(/^__(x64|arm64|ia32)_/, '')
  const render = Object.hasOwn(KNOWN, plain_name) ? KNOWN[plain_name] : undefined
  if (render) return render(args, style)
  return { symbol: '❓', name: 'syscall', details: [maybeQuote(function_name)] }
}

const KNOWN: Readonly<Record<string, Render>> = {
  sys_write: (args, style) => transfer('📝', 'write', args, style),
  sys_read: (args, style) => transfer('📚', 'read', args, style),
  fd_install: (args, style) => ({ symbol: '📬', name: 'open', details: [file(args, 1, style)] }),
  sys_openat: (args, style) => ({ symbol: '📬️', name: 'openat', details: [text(args, 1, style)] }),
  sys_open: (args, style) => ({ symbol: '📬️', name: 'open', details: [text(args, 1, style)] }),
  sys_close: (args, style) => ({ symbol: '📪', name: 'close', details: [file(args, 0, style)] }),
  sys_mount: (args, style) => ({ symbol: '💾', name: 'mount', details: [text(args, 0, style), text(args, 1, style)] }),
  sys_setuid: (args, style) => ({
    symbol: '🔑',
    name: 'setuid',
    details: [style.cyan(textAt(args[0], 'int_arg') || textAt(args[0], 'uint_arg') || '0')],
  }),
  sys_clock_settime: () => ({ symbol: '⏰', name: 'clock_settime', details: [] }),
  sys_pivot_root: (args, style) => ({
    symbol: '💾',
    name: 'pivot_root',
    details: [text(args, 0, style), text(args, 1, style)],
  }),
  proc_exec_connector: () => ({ symbol: '🔧', name: 'proc_exec_connector', details: [] }),
  sys_setns: (args, style) => ({ symbol: '🔧', name: 'setns', details: [style.blue(namespaceName(args))] }),
  tcp_connect: (args, style) => ({ symbol: '🔌', name: 'connect', details: [connection(args, style)] }),
  tcp_close: (args, style) => ({ symbol: '🧹', name: 'close', details: [connection(args, style)] }),
  tcp_sendmsg: (args, style) => ({
    symbol: '📤',
    name: 'sendmsg',
    details: [connection(args, style), `bytes ${numberAt(args[1], 'int_arg') || numberAt(args[1], 'size_arg')}`],
  }),
  bpf_check: (args) => {
    const program = objectAt(args[0], 'bpf_attr_arg') ?? objectAt(args[0], 'bpf_prog_arg')
    return {
      symbol: '🐝',
      name: 'bpf_load',
      details: [
        textAt(program, 'ProgType'),
        maybeQuote(textAt(program, 'ProgName')),
        `instruction count ${numberAt(program, 'InsnCnt')}`,
      ],
    }
  },
  security_perf_event_alloc: (args) => ({
    symbol: '🐝',
    name: 'perf_event_alloc',
    details: [textAt(args[0], 'perf_event_arg', 'Type'), maybeQuote(textAt(args[0], 'perf_event_arg', 'KprobeFunc'))],
  }),
  security_bpf_map_alloc: mapCreate,
  security_bpf_map_create: mapCreate,
  security_file_permission: (args, style) => {
    const path = file(args, 0, style)
    const mask = numberAt(args[1], 'int_arg')
    if (mask === 2) return { symbol: '📝', name: 'write', details: [path] }
    if (mask === 4) return { symbol: '📚', name: 'read', details: [path] }
    return { symbol: '❓', name: 'security_file_permission', details: [path] }
  },
  security_mmap_file: (args, style) => {
    const protection = numberAt(args[1], 'uint_arg')
    const letters = (protection & 1 ? 'r' : '') + (protection & 2 ? 'w' : '') + (protection & 4 ? 'x' : '')
    return { symbol: '📝', name: `mmap-${letters}`, details: [file(args, 0, style)] }
  },
  security_path_truncate: (args, style) => ({ symbol: '📝', name: 'truncate', details: [file(args, 0, style)] }),
  security_file_truncate: (args, style) => ({ symbol: '📝', name: 'truncate', details: [file(args, 0, style)] }),
}

function transfer(symbol: string, name: string, args: Arguments, style: Style): Parts {
  const bytes = args.length > 2 ? style.cyan(`${numberAt(args[2], 'size_arg')} bytes`) : ''
  return { symbol, name, details: [file(args, 0, style), bytes] }
}

function mapCreate(args: Arguments): Parts {
  const map = objectAt(args[0], 'bpf_map_arg')
  return {
    symbol: '🗺',
    name: 'bpf_map_create',
    details: [
      textAt(map, 'MapType'),
      maybeQuote(textAt(map, 'MapName')),
      `key size ${numberAt(map, 'KeySize')} value size ${numberAt(map, 'ValueSize')} ` +
      `max entries ${numberAt(map, 'MaxEntries')}`,
    ],
  }
}

function file(args: Arguments, index: number, style: Style): string {
  const path = textAt(args[index], 'file_arg', 'path') || textAt(args[index], 'path_arg', 'path')
  return style.cyan(maybeQuote(path))
}

function text(args: Arguments, index: number, style: Style): string {
  return style.cyan(maybeQuote(textAt(args[index], 'string_arg')))
}

function connection(args: Arguments, style: Style): string {
  const socket = at(args[0], 'sock_arg')
  const from = `${textAt(socket, 'saddr')}:${numberAt(socket, 'sport')}`
  const to = `${textAt(socket, 'daddr')}:${numberAt(socket, 'dport')}`
  return style.cyan(`tcp ${from} -> ${to}`)
}

// CLONE_NEW* of include/uapi/linux/sched.h.
const NAMESPACE: Readonly<Record<number, string>> = {
  0x00000000: 'any',
  0x00000080: 'time',
  0x00020000: 'mnt',
  0x02000000: 'cgroup',
  0x04000000: 'uts',
  0x08000000: 'ipc',
  0x10000000: 'user',
  0x20000000: 'pid',
  0x40000000: 'net',
}

function namespaceName(args: Arguments): string {
  const kind = numberAt(args[1], 'int_arg')
  return NAMESPACE[kind] ?? String(kind)
}
