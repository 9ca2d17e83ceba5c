// Argument types of the language: how each is read, what may be asked of it, and which kernel type it expects.
import { ARGUMENT_TYPE } from '../../ffi/wire.gen.ts'

/** What operators see of a value. */
export type ArgumentShape = 'none' | 'integer' | 'mask' | 'text' | 'file' | 'sock' | 'skb' | 'sockaddr' | 'sockaddr_un'

export interface ArgumentType {
  readonly name: string
  /** ARGUMENT_TYPE of the wire. */
  readonly wire: number
  readonly shape: ArgumentShape
  /** Integers: bits and sign. */
  readonly bits: number
  readonly signed: boolean
  /** Place in the order of reading: 0 integers, 1 structs, 2 strings, 3 paths, 4 buffers. */
  readonly cost: number
  /** Structs or typedefs that a pointer parameter of this type points to; empty: any. */
  readonly targets: readonly string[]
  /** True where the parameter holds a pointer, false for values. */
  readonly pointer: boolean
}

type Row = readonly [shape: ArgumentShape, wire: keyof typeof ARGUMENT_TYPE, cost: number, targets?: readonly string[]]

const INTEGERS: Readonly<Record<string, readonly [wire: keyof typeof ARGUMENT_TYPE, bits: number, signed: boolean]>> = {
  int: ['INT32', 32, true],
  sint8: ['INT8', 8, true],
  int8: ['INT8', 8, true],
  uint8: ['UINT8', 8, false],
  sint16: ['INT16', 16, true],
  int16: ['INT16', 16, true],
  uint16: ['UINT16', 16, false],
  sint32: ['INT32', 32, true],
  int32: ['INT32', 32, true],
  uint32: ['UINT32', 32, false],
  sint64: ['INT64', 64, true],
  int64: ['INT64', 64, true],
  long: ['INT64', 64, true],
  uint64: ['UINT64', 64, false],
  ulong: ['UINT64', 64, false],
  size_t: ['SIZE', 64, false],
  capability: ['CAPABILITY', 32, true],
  bpf_cmd: ['BPF_CMD', 32, true],
  syscall64: ['SYSCALL64', 64, false],
}

const POINTERS: Readonly<Record<string, Row>> = {
  string: ['text', 'STRING', 2, ['char']],
  char_buf: ['text', 'CHAR_BUF', 4],
  char_iovec: ['text', 'CHAR_IOVEC', 4, ['iovec']],
  iov_iter: ['text', 'IOV_ITER', 4, ['iov_iter']],
  data_loc: ['text', 'DATA_LOC', 2],
  const_buf: ['none', 'CONST_BUF', 2],
  net_device: ['text', 'NET_DEVICE', 1, ['net_device']],
  filename: ['text', 'FILENAME', 2, ['filename']],
  file: ['file', 'FILE', 3, ['file']],
  path: ['file', 'PATH', 3, ['path']],
  dentry: ['file', 'DENTRY', 3, ['dentry']],
  kiocb: ['file', 'KIOCB', 3, ['kiocb']],
  linux_binprm: ['file', 'LINUX_BINPRM', 3, ['linux_binprm']],
  sock: ['sock', 'SOCK', 1, ['sock']],
  socket: ['sock', 'SOCKET', 1, ['socket']],
  skb: ['skb', 'SKB', 1, ['sk_buff']],
  sockaddr: ['sockaddr', 'SOCKADDR', 1, [
    'sockaddr',
    'sockaddr_unsized',
    'sockaddr_in',
    'sockaddr_in6',
    'sockaddr_storage',
    '__kernel_sockaddr_storage',
  ]],
  sockaddr_un: ['sockaddr_un', 'SOCKADDR_UN', 1, [
    'sockaddr',
    'sockaddr_unsized',
    'sockaddr_un',
    'sockaddr_storage',
    '__kernel_sockaddr_storage',
  ]],
  cred: ['none', 'CRED', 1, ['cred']],
  user_namespace: ['none', 'USER_NAMESPACE', 1, ['user_namespace']],
  kernel_cap_t: ['mask', 'KERNEL_CAP_T', 1, ['kernel_cap_struct', 'kernel_cap_t']],
  cap_inheritable: ['mask', 'CAP_INHERITABLE', 1, ['kernel_cap_struct', 'kernel_cap_t']],
  cap_permitted: ['mask', 'CAP_PERMITTED', 1, ['kernel_cap_struct', 'kernel_cap_t']],
  cap_effective: ['mask', 'CAP_EFFECTIVE', 1, ['kernel_cap_struct', 'kernel_cap_t']],
  bpf_attr: ['none', 'BPF_ATTR', 1, ['bpf_attr']],
  bpf_prog: ['none', 'BPF_PROG', 1, ['bpf_prog']],
  bpf_map: ['none', 'BPF_MAP', 1, ['bpf_map']],
  perf_event: ['none', 'PERF_EVENT', 1, ['perf_event']],
  module: ['none', 'MODULE', 1, ['module']],
  load_info: ['none', 'LOAD_INFO', 1, ['load_info']],
}

const TYPES = new Map<string, ArgumentType>()
TYPES.set('nop', {
  name: 'nop',
  wire: ARGUMENT_TYPE.NOP,
  shape: 'none',
  bits: 0,
  signed: false,
  cost: 0,
  targets: [],
  pointer: false,
})
// A descriptor is an integer in the parameter and a path for everything else.
TYPES.set('fd', {
  name: 'fd',
  wire: ARGUMENT_TYPE.FD,
  shape: 'file',
  bits: 32,
  signed: true,
  cost: 3,
  targets: [],
  pointer: false,
})
for (const [name, [wire, bits, signed]] of Object.entries(INTEGERS)) {
  TYPES.set(name, {
    name,
    wire: ARGUMENT_TYPE[wire],
    shape: 'integer',
    bits,
    signed,
    cost: 0,
    targets: [],
    pointer: false,
  })
}
for (const [name, [shape, wire, cost, targets = []]] of Object.entries(POINTERS)) {
  const bits = shape === 'mask' ? 64 : 0
  TYPES.set(name, { name, wire: ARGUMENT_TYPE[wire], shape, bits, signed: false, cost, targets, pointer: true })
}

/** Names that a policy may write; `auto` is inferred from BTF or the tracepoint's format. */
export const ARGUMENT_TYPE_NAMES: readonly string[] = [
  'auto',
  ...TYPES.keys(),
  's64',
  'u64',
  's32',
  'u32',
  'user_namespace_arg',
]
  .filter((name) => !/^[su]\d|_arg$/.test(name))

export function argumentType(name: string): ArgumentType | undefined {
  return TYPES.get(name)
}

/** The type that reads a struct of this tag by pointer: `file` for struct file. */
export function typeOfStruct(tag: string): ArgumentType | undefined {
  if (tag === 'sockaddr' || tag === 'sockaddr_unsized') return TYPES.get('sockaddr')
  if (tag === 'kernel_cap_struct') return TYPES.get('kernel_cap_t')
  for (const type of TYPES.values()) {
    if (type.pointer && type.targets.includes(tag) && type.name !== 'string') return type
  }
  return undefined
}

/** The type of an integer of this width. */
export function typeOfInteger(size: number, signed: boolean): ArgumentType | undefined {
  return TYPES.get(`${signed ? '' : 'u'}int${size * 8}`)
}
