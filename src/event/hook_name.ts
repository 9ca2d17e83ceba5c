// Names of numbers in hook events, as Tetragon writes them: address families, protocols, socket types, TCP states, BPF kinds.

/** By number (include/linux/socket.h). */
const FAMILIES = [
  'UNSPEC',
  'UNIX',
  'INET',
  'AX25',
  'IPX',
  'APPLETALK',
  'NETROM',
  'BRIDGE',
  'ATMPVC',
  'X25',
  'INET6',
  'ROSE',
  'DECnet',
  'NETBEUI',
  'SECURITY',
  'KEY',
  'NETLINK',
  'PACKET',
  'ASH',
  'ECONET',
  'ATMSVC',
  'RDS',
  'SNA',
  'IRDA',
  'PPPOX',
  'WANPIPE',
  'LLC',
  'IB',
  'MPLS',
  'CAN',
  'TIPC',
  'BLUETOOTH',
  'IUCV',
  'RXRPC',
  'ISDN',
  'PHONET',
  'IEEE802154',
  'CAIF',
  'ALG',
  'NFC',
  'VSOCK',
  'KCM',
  'QIPCRTR',
  'SMC',
  'XDP',
  'MCTP',
] as const

/** uapi/linux/in.h */
const PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'IP',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  8: 'EGP',
  12: 'PUP',
  17: 'UDP',
  22: 'IDP',
  29: 'TP',
  33: 'DCCP',
  41: 'IPV6',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPV6',
  92: 'MTP',
  94: 'BEETPH',
  98: 'ENCAP',
  103: 'PIM',
  108: 'COMP',
  132: 'SCTP',
  136: 'UDPLITE',
  137: 'MPLS',
  143: 'ETHERNET',
  255: 'RAW',
  262: 'MPTCP',
}

const SOCKET_TYPES: Readonly<Record<number, string>> = {
  1: 'SOCK_STREAM',
  2: 'SOCK_DGRAM',
  3: 'SOCK_RAW',
  4: 'SOCK_RDM',
  5: 'SOCK_SEQPACKET',
  6: 'SOCK_DCCP',
  7: 'SOCK_PACKET',
}

/** net/tcp_states.h, from 1. */
const STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const

export function familyName(family: number): string {
  const name = FAMILIES[family]
  return name === undefined ? String(family) : 'AF_' + name
}

export function protocolName(protocol: number): string {
  const name = PROTOCOLS[protocol]
  return name === undefined ? String(protocol) : 'IPPROTO_' + name
}

export function socketTypeName(type: number): string {
  return SOCKET_TYPES[type] ?? String(type)
}

export function stateName(state: number): string {
  const name = STATES[state - 1]
  return name === undefined ? String(state) : 'TCP_' + name
}

const BPF_PROGRAM_TYPES = [
  'UNSPEC',
  'SOCKET_FILTER',
  'KPROBE',
  'SCHED_CLS',
  'SCHED_ACT',
  'TRACEPOINT',
  'XDP',
  'PERF_EVENT',
  'CGROUP_SKB',
  'CGROUP_SOCK',
  'LWT_IN',
  'LWT_OUT',
  'LWT_XMIT',
  'SOCK_OPS',
  'SK_SKB',
  'CGROUP_DEVICE',
  'SK_MSG',
  'RAW_TRACEPOINT',
  'CGROUP_SOCK_ADDR',
  'LWT_SEG6LOCAL',
  'LIRC_MODE2',
  'SK_REUSEPORT',
  'FLOW_DISSECTOR',
  'CGROUP_SYSCTL',
  'RAW_TRACEPOINT_WRITABLE',
  'CGROUP_SOCKOPT',
  'TRACING',
  'STRUCT_OPS',
  'EXT',
  'LSM',
  'SK_LOOKUP',
  'SYSCALL',
] as const

const BPF_MAP_TYPES = [
  'UNSPEC',
  'HASH',
  'ARRAY',
  'PROG_ARRAY',
  'PERF_EVENT_ARRAY',
  'PERCPU_HASH',
  'PERCPU_ARRAY',
  'STACK_TRACE',
  'CGROUP_ARRAY',
  'LRU_HASH',
  'LRU_PERCPU_HASH',
  'LPM_TRIE',
  'ARRAY_OF_MAPS',
  'HASH_OF_MAPS',
  'DEVMAP',
  'SOCKMAP',
  'CPUMAP',
  'XSKMAP',
  'SOCKHASH',
  'CGROUP_STORAGE',
  'REUSEPORT_SOCKARRAY',
  'PERCPU_CGROUP_STORAGE',
  'QUEUE',
  'STACK',
  'SK_STORAGE',
  'DEVMAP_HASH',
  'STRUCT_OPS',
  'RINGBUF',
  'INODE_STORAGE',
  'TASK_STORAGE',
  'BLOOM_FILTER',
] as const

const BPF_COMMANDS = [
  'MAP_CREATE',
  'MAP_LOOKUP_ELEM',
  'MAP_UPDATE_ELEM',
  'MAP_DELETE_ELEM',
  'MAP_GET_NEXT_KEY',
  'PROG_LOAD',
  'OBJ_PIN',
  'OBJ_GET',
  'PROG_ATTACH',
  'PROG_DETACH',
  'PROG_TEST_RUN',
  'PROG_GET_NEXT_ID',
  'MAP_GET_NEXT_ID',
  'PROG_GET_FD_BY_ID',
  'MAP_GET_FD_BY_ID',
  'OBJ_GET_INFO_BY_FD',
  'PROG_QUERY',
  'RAW_TRACEPOINT_OPEN',
  'BTF_LOAD',
  'BTF_GET_FD_BY_ID',
  'TASK_FD_QUERY',
  'MAP_LOOKUP_AND_DELETE_ELEM',
  'MAP_FREEZE',
  'BTF_GET_NEXT_ID',
  'MAP_LOOKUP_BATCH',
  'MAP_LOOKUP_AND_DELETE_BATCH',
  'MAP_UPDATE_BATCH',
  'MAP_DELETE_BATCH',
  'LINK_CREATE',
  'LINK_UPDATE',
  'LINK_GET_FD_BY_ID',
  'LINK_GET_NEXT_ID',
  'ENABLE_STATS',
  'ITER_CREATE',
  'LINK_DETACH',
  'PROG_BIND_MAP',
  'TOKEN_CREATE',
] as const

const PERF_TYPES = ['HARDWARE', 'SOFTWARE', 'TRACEPOINT', 'HW_CACHE', 'RAW', 'BREAKPOINT', 'MAX'] as const

export function bpfProgramTypeName(type: number): string {
  const name = BPF_PROGRAM_TYPES[type]
  return name === undefined ? String(type) : 'BPF_PROG_TYPE_' + name
}

export function bpfMapTypeName(type: number): string {
  const name = BPF_MAP_TYPES[type]
  return name === undefined ? String(type) : 'BPF_MAP_TYPE_' + name
}

/** A number where the enum has no name, as protobuf JSON has it. */
export function bpfCommandName(command: number): string | number {
  const name = BPF_COMMANDS[command]
  return name === undefined ? command : 'BPF_' + name
}

export function perfTypeName(type: number): string {
  const name = PERF_TYPES[type]
  return name === undefined ? String(type) : 'PERF_TYPE_' + name
}

/** Bits of module::taints that have a name. */
const TAINTS: readonly (readonly [number, string])[] = [
  [0, 'PROPRIETARY_MODULE'],
  [1, 'FORCED_MODULE'],
  [3, 'FORCED_UNLOAD_MODULE'],
  [10, 'STAGED_MODULE'],
  [12, 'OUT_OF_TREE_MODULE'],
  [13, 'UNSIGNED_MODULE'],
  [15, 'KERNEL_LIVE_PATCH_MODULE'],
  [18, 'TEST_MODULE'],
]

export function taintNames(taints: bigint): string[] {
  return TAINTS.filter(([bit]) => (taints >> BigInt(bit) & 1n) === 1n).map(([, name]) => 'TAINT_' + name)
}

/** KprobeAction by number. */
const ACTIONS = [
  'UNKNOWN',
  'POST',
  'FOLLOWFD',
  'SIGKILL',
  'UNFOLLOWFD',
  'OVERRIDE',
  'COPYFD',
  'GETURL',
  'DNSLOOKUP',
  'NOPOST',
  'SIGNAL',
  'TRACKSOCK',
  'UNTRACKSOCK',
  'NOTIFYENFORCER',
  'CLEANUPENFORCERNOTIFICATION',
  'SET',
] as const

export function actionName(action: number): string {
  return 'KPROBE_ACTION_' + (ACTIONS[action] ?? 'UNKNOWN')
}
