// One value of a hook's record to the member of KprobeArgument that Tetragon gives it.
import {
  ARGUMENT_TYPE,
  BUFFER_BYTES_MAX,
  BUFFER_VALUE_SIZE,
  CHUNK_BYTES,
  decodeBpfMapValue,
  decodeBpfProgramValue,
  decodeCredValue,
  decodePerfEventValue,
  decodeSkbValue,
  decodeSockValue,
  decodeUserNamespaceValue,
  HOOK_VALUE_FLAG,
  PATH_VALUE_SIZE,
  SKB_VALUE,
  SOCK_VALUE,
  SOCKADDR_VALUE_SIZE,
  type UserNamespaceValue,
} from '../../ffi/wire.gen.ts'
import { capabilitiesJson, CAPABILITY_NAMES, secureBitsList } from '../process/capability.ts'
import {
  bpfCommandName,
  bpfMapTypeName,
  bpfProgramTypeName,
  familyName,
  perfTypeName,
  protocolName,
  socketTypeName,
  stateName,
  taintNames,
} from './hook_name.ts'
import { addressText, permissionText } from './hook_text.ts'
import { bytesBehind, decodeUtf8, quote } from './text.ts'

/** Bytes of a hook argument that came in `count` chunks before its event; fewer where some are missing. */
export type TakeChunks = (id: number, count: number) => Uint8Array

/** Where a value lies: `size` bytes at `at`, of `type` (ARGUMENT_TYPE). */
export interface HookValue {
  readonly type: number
  readonly flags: number
  readonly at: number
  readonly size: number
}

/** JSON of the value without its label and closing brace: `{"int_arg":5`; '' for one that is not shown. */
export function valueJson(view: DataView, value: HookValue, takeChunks: TakeChunks): string {
  const { type, flags, at, size } = value
  if ((flags & HOOK_VALUE_FLAG.FAULT) !== 0) return faultJson(view, value)
  switch (type) {
    case ARGUMENT_TYPE.NOP:
      return ''
    case ARGUMENT_TYPE.INT8:
    case ARGUMENT_TYPE.INT16:
    case ARGUMENT_TYPE.INT32:
      return '{"int_arg":' + view.getInt32(at, true)
    case ARGUMENT_TYPE.UINT8:
    case ARGUMENT_TYPE.UINT16:
    case ARGUMENT_TYPE.UINT32:
      return '{"uint_arg":' + view.getUint32(at, true)
    case ARGUMENT_TYPE.INT64:
      return '{"long_arg":"' + view.getBigInt64(at, true) + '"'
    case ARGUMENT_TYPE.UINT64:
    case ARGUMENT_TYPE.SIZE:
      return '{"size_arg":"' + view.getBigUint64(at, true) + '"'
    case ARGUMENT_TYPE.STRING:
    case ARGUMENT_TYPE.FILENAME:
    case ARGUMENT_TYPE.NET_DEVICE:
    case ARGUMENT_TYPE.DATA_LOC:
      return '{"string_arg":' + quote(text(view, at, size))
    case ARGUMENT_TYPE.CHAR_BUF:
    case ARGUMENT_TYPE.CHAR_IOVEC:
    case ARGUMENT_TYPE.IOV_ITER:
      return bufferJson(view, value, takeChunks)
    case ARGUMENT_TYPE.CONST_BUF:
      return '{"bytes_arg":"' + base64(view, at, size) + '"'
    case ARGUMENT_TYPE.FD:
    case ARGUMENT_TYPE.FILE:
    case ARGUMENT_TYPE.KIOCB:
      return '{"file_arg":' + pathJson(view, value)
    case ARGUMENT_TYPE.PATH:
    case ARGUMENT_TYPE.DENTRY:
      return '{"path_arg":' + pathJson(view, value)
    case ARGUMENT_TYPE.LINUX_BINPRM:
      return '{"linux_binprm_arg":' + pathJson(view, value)
    case ARGUMENT_TYPE.SOCK:
    case ARGUMENT_TYPE.SOCKET:
      return '{"sock_arg":' + sockJson(view, at)
    case ARGUMENT_TYPE.SKB:
      return '{"skb_arg":' + skbJson(view, at)
    case ARGUMENT_TYPE.SOCKADDR:
      return '{"sockaddr_arg":' + sockaddrJson(view, at)
    case ARGUMENT_TYPE.SOCKADDR_UN:
      return '{"sockaddrun_arg":' + unixAddressJson(view, at, size)
    case ARGUMENT_TYPE.CRED:
      return '{"process_credentials_arg":' + credJson(view, at)
    case ARGUMENT_TYPE.USER_NAMESPACE:
      return '{"user_ns_arg":' + userNamespaceJson(decodeUserNamespaceValue(view, at))
    case ARGUMENT_TYPE.CAPABILITY: {
      const number = view.getInt32(at, true)
      const name = CAPABILITY_NAMES[number]
      return '{"capability_arg":{"value":' + number + (name === undefined ? '' : ',"name":' + quote(name)) + '}'
    }
    case ARGUMENT_TYPE.KERNEL_CAP_T:
      return '{"kernel_cap_t_arg":"' + mask(view, at) + '"'
    case ARGUMENT_TYPE.CAP_INHERITABLE:
      return '{"cap_inheritable_arg":"' + mask(view, at) + '"'
    case ARGUMENT_TYPE.CAP_PERMITTED:
      return '{"cap_permitted_arg":"' + mask(view, at) + '"'
    case ARGUMENT_TYPE.CAP_EFFECTIVE:
      return '{"cap_effective_arg":"' + mask(view, at) + '"'
    case ARGUMENT_TYPE.BPF_ATTR:
      return '{"bpf_attr_arg":' + bpfProgramJson(view, at)
    case ARGUMENT_TYPE.BPF_PROG:
      return '{"bpf_prog_arg":' + bpfProgramJson(view, at)
    case ARGUMENT_TYPE.BPF_MAP:
      return '{"bpf_map_arg":' + bpfMapJson(view, at)
    case ARGUMENT_TYPE.BPF_CMD:
      return '{"bpf_cmd_arg":' + JSON.stringify(bpfCommandName(view.getInt32(at, true)))
    case ARGUMENT_TYPE.PERF_EVENT:
      return '{"perf_event_arg":' + perfEventJson(view, at)
    case ARGUMENT_TYPE.MODULE:
    case ARGUMENT_TYPE.LOAD_INFO:
      return '{"module_arg":' + moduleJson(view, at, type)
    case ARGUMENT_TYPE.SYSCALL64: {
      const abi = view.getUint32(at + 4, true) === 0 ? NATIVE_ABI : COMPAT_ABI
      const id = view.getUint32(at, true)
      // Zero (read on x86-64) is the default of protobuf, which its JSON leaves out.
      return '{"syscall_id":{' + (id === 0 ? '' : '"id":' + id + ',') + '"abi":"' + abi + '"}'
    }
  }
  return ''
}

const NATIVE_ABI = process.arch === 'arm64' ? 'arm64' : 'x64'
const COMPAT_ABI = process.arch === 'arm64' ? 'arm32' : 'i386'

const BUFFERS: ReadonlySet<number> = new Set([ARGUMENT_TYPE.CHAR_BUF, ARGUMENT_TYPE.CHAR_IOVEC, ARGUMENT_TYPE.IOV_ITER])

/** Depth 0: the object itself; n: the nth step of a resolve path. */
function faultJson(view: DataView, { type, at }: HookValue): string {
  if (BUFFERS.has(type)) return '{"bytes_arg":"' + Buffer.from('CharBufErrorPageFault').toString('base64') + '"'
  const depth = view.getUint32(at, true)
  // An address that is not given, as in send(), is one of zeroes in Tetragon.
  if (depth === 0 && type === ARGUMENT_TYPE.SOCKADDR) {
    return '{"sockaddr_arg":{"family":"AF_UNSPEC","addr":"invalid IP"}'
  }
  if (depth === 0 && type === ARGUMENT_TYPE.SOCKADDR_UN) return '{"sockaddrun_arg":{}'
  const message = depth === 0
    ? 'Bad address for basic type'
    : `Bad address encountered during resolve dereference at depth ${depth}`
  return '{"error_arg":{"Message":"' + message + '"}'
}

function text(view: DataView, at: number, size: number): string {
  const start = view.byteOffset + at
  return decodeUtf8(bytesBehind(view), start, start + size)
}

function base64(view: DataView, at: number, size: number): string {
  const start = view.byteOffset + at
  return bytesBehind(view).toString('base64', start, start + size)
}

/** The bytes of a buffer that came inside the record, none for other types. Borrowed from the ring. */
export function capturedBytes(view: DataView, { type, flags, at, size }: HookValue): Uint8Array {
  const none = !BUFFERS.has(type) || (flags & HOOK_VALUE_FLAG.FAULT) !== 0 || size < BUFFER_VALUE_SIZE
  return none ? new Uint8Array(0) : bytesAt(view, at + BUFFER_VALUE_SIZE, size - BUFFER_VALUE_SIZE)
}

function bufferJson(view: DataView, { at, size }: HookValue, takeChunks: TakeChunks): string {
  const total = view.getBigUint64(at, true)
  const data_id = Number(view.getBigUint64(at + 8, true))
  const inside = size - BUFFER_VALUE_SIZE
  const chunks = data_id === 0 ? undefined : takeChunks(data_id, chunkCount(total, inside))
  const have = inside + (chunks?.length ?? 0)
  const encoded = chunks === undefined
    ? base64(view, at + BUFFER_VALUE_SIZE, inside)
    : Buffer.concat([bytesAt(view, at + BUFFER_VALUE_SIZE, inside), chunks]).toString('base64')
  if (total <= BigInt(have)) return '{"bytes_arg":"' + encoded + '"'
  return '{"truncated_bytes_arg":{"bytes_arg":"' + encoded + '","orig_size":"' + total + '"}'
}

/** Of what did not fit into the record. */
function chunkCount(total: bigint, inside: number): number {
  return Math.ceil((Math.min(Number(total), BUFFER_BYTES_MAX) - inside) / CHUNK_BYTES)
}

function bytesAt(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, size)
}

function pathJson(view: DataView, { at, size, flags }: HookValue): string {
  const path = text(view, at + PATH_VALUE_SIZE, size - PATH_VALUE_SIZE)
  const unresolved = (flags & HOOK_VALUE_FLAG.UNRESOLVED) !== 0 ? ',"flags":"unresolvedPathComponents"' : ''
  const named = path === '' ? '' : '"path":' + quote(path)
  return ('{' + named + unresolved + ',"permission":"' + permissionText(view.getUint32(at, true)) + '"}').replace(
    '{,',
    '{',
  )
}

function member(name: string, value: number): string {
  return value === 0 ? '' : ',"' + name + '":' + value
}

function sockJson(view: DataView, at: number): string {
  const sock = decodeSockValue(view, at)
  return '{"family":"' + familyName(sock.family) + '","type":"' + socketTypeName(sock.type) + '","protocol":"' +
    protocolName(sock.protocol) + '"' + member('mark', sock.mark) + member('priority', sock.priority) +
    ',"saddr":"' + addressText(sock.family, view, at + SOCK_VALUE.source) +
    '","daddr":"' + addressText(sock.family, view, at + SOCK_VALUE.destination) + '"' +
    member('sport', sock.source_port) + member('dport', sock.destination_port) +
    (sock.cookie === 0n ? '' : ',"cookie":"' + sock.cookie + '"') + ',"state":"' + stateName(sock.state) + '"}'
}

function skbJson(view: DataView, at: number): string {
  const skb = decodeSkbValue(view, at)
  const json = member('hash', skb.hash) + member('len', skb.length) + member('priority', skb.priority) +
    member('mark', skb.mark) +
    ',"saddr":"' + addressText(skb.family, view, at + SKB_VALUE.source) +
    '","daddr":"' + addressText(skb.family, view, at + SKB_VALUE.destination) + '"' +
    member('sport', skb.source_port) + member('dport', skb.destination_port) + member('proto', skb.protocol) +
    member('sec_path_len', skb.sec_path_length) + member('sec_path_olen', skb.sec_path_olen) +
    ',"protocol":"' + protocolName(skb.protocol) + '","family":"' + familyName(skb.family) + '"'
  return '{' + json.slice(1) + '}'
}

function sockaddrJson(view: DataView, at: number): string {
  const family = view.getUint16(at, true)
  return '{"family":"' + familyName(family) + '","addr":"' + addressText(family, view, at + 8) + '"' +
    member('port', view.getUint16(at + 2, true)) + '}'
}

/** Families that Tetragon names in addresses of Unix sockets, and in whatever a tracepoint tells: UNIX, INET, INET6. */
const NAMED_FAMILIES: ReadonlySet<number> = new Set([1, 2, 10])
const OTHER_FAMILY = /"family":"(?!AF_UNIX"|AF_INET"|AF_INET6")[^"]*",|,"family":"(?!AF_UNIX"|AF_INET"|AF_INET6")[^"]*"/

/** The same value in an event of a tracepoint. Text and numbers (string_arg, size_arg), of which there are most, are not searched. */
export function tracepointJson(json: string): string {
  return json.startsWith('{"so') || json.startsWith('{"sk') ? json.replace(OTHER_FAMILY, '') : json
}

function unixAddressJson(view: DataView, at: number, size: number): string {
  const family = view.getUint16(at, true)
  const name = text(view, at + SOCKADDR_VALUE_SIZE, size - SOCKADDR_VALUE_SIZE)
  const abstract = name.startsWith('\0')
  const path = abstract ? '@' + name.replaceAll('\0', '') : name.split('\0', 1)[0] ?? ''
  const members = [
    ...(NAMED_FAMILIES.has(family) ? ['"family":"' + familyName(family) + '"'] : []),
    ...(path === '' || path === '@' ? [] : ['"path":' + quote(path)]),
  ]
  return '{' + members.join(',') + '}'
}

function mask(view: DataView, at: number): string {
  return view.getBigUint64(at, true).toString(16).padStart(16, '0')
}

function userNamespaceJson({ level, uid, gid, inum }: UserNamespaceValue): string {
  const host = level === 0 ? ',"is_host":true' : ''
  return '{"level":' + level + ',"uid":' + uid + ',"gid":' + gid + ',"ns":{"inum":' + inum + host + '}}'
}

function credJson(view: DataView, at: number): string {
  const { credentials: c, user_namespace } = decodeCredValue(view, at)
  const bits = secureBitsList(c.securebits)
  return '{"uid":' + c.uid + ',"gid":' + c.gid + ',"euid":' + c.euid + ',"egid":' + c.egid + ',"suid":' + c.suid +
    ',"sgid":' + c.sgid + ',"fsuid":' + c.fsuid + ',"fsgid":' + c.fsgid + (bits === '' ? '' : ',"securebits":' + bits) +
    ',"caps":' + capabilitiesJson(c.permitted, c.effective, c.inheritable) +
    ',"user_ns":' + userNamespaceJson(user_namespace) + '}'
}

function bpfProgramJson(view: DataView, at: number): string {
  const { type, instructions, name } = decodeBpfProgramValue(view, at)
  return object({ ProgType: bpfProgramTypeName(type), InsnCnt: instructions, ProgName: name })
}

function bpfMapJson(view: DataView, at: number): string {
  const map = decodeBpfMapValue(view, at)
  return object({
    MapType: bpfMapTypeName(map.type),
    KeySize: map.key_size,
    ValueSize: map.value_size,
    MaxEntries: map.max_entries,
    MapName: map.name,
  })
}

function perfEventJson(view: DataView, at: number): string {
  const event = decodePerfEventValue(view, at)
  return object({
    KprobeFunc: event.function,
    Type: perfTypeName(event.type),
    Config: event.config === 0n ? '' : String(event.config),
    ProbeOffset: event.probe_offset === 0n ? '' : String(event.probe_offset),
  })
}

function moduleJson(view: DataView, at: number, type: number): string {
  const taints = taintNames(view.getBigUint64(at, true))
  const length = view.byteLength
  let end = at + 16
  while (end < at + 80 && end < length && view.getUint8(end) !== 0) end++
  const name = text(view, at + 16, end - at - 16)
  const signature = type === ARGUMENT_TYPE.LOAD_INFO ? { signature_ok: view.getUint32(at + 8, true) !== 0 } : {}
  const tainted = taints.length > 0 ? { tainted: taints } : {}
  return JSON.stringify({ ...(name === '' ? {} : { name }), ...signature, ...tainted })
}

/** Without members that are 0 or '', as protobuf JSON leaves them out. */
function object(members: Readonly<Record<string, string | number>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== '' && value !== 0)))
}
