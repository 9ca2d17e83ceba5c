/** Between bit masks of the kernel and the names of Tetragon's CapabilitiesType and SecureBitsType. */

/** Names by bit (include/uapi/linux/capability.h); bit 1 lacks CAP_ in Tetragon's enum, and so here. */
export const CAPABILITY_NAMES: readonly string[] = [
  'CAP_CHOWN',
  'DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
]

/** Names by bit of cred->securebits (include/uapi/linux/securebits.h). */
const SECURE_BITS: readonly string[] = [
  'SecBitNoRoot',
  'SecBitNoRootLocked',
  'SecBitNoSetUidFixup',
  'SecBitNoSetUidFixupLocked',
  'SecBitKeepCaps',
  'SecBitKeepCapsLocked',
  'SecBitNoCapAmbientRaise',
  'SecBitNoCapAmbientRaiseLocked',
]

/** Masks met so far; a machine has few, but a process can make up any, so it is emptied when full. */
const lists = new Map<bigint, string>()
const LISTS_MAX = 1024

/** JSON array of the names in `mask`, a number where the enum has no name; '' for an empty mask (the field is absent). */
export function capabilityList(mask: bigint): string {
  if (mask === 0n) return ''
  const known = lists.get(mask)
  if (known !== undefined) return known
  const names: string[] = []
  for (let bit = 0; bit < 64; bit++) {
    if (((mask >> BigInt(bit)) & 1n) === 0n) continue
    const name = CAPABILITY_NAMES[bit]
    names.push(name === undefined ? String(bit) : '"' + name + '"')
  }
  const list = '[' + names.join(',') + ']'
  if (lists.size >= LISTS_MAX) lists.clear()
  lists.set(mask, list)
  return list
}

/** JSON object Capabilities; `{}` for a process without any. */
export function capabilitiesJson(permitted: bigint, effective: bigint, inheritable: bigint): string {
  let json = ''
  if (permitted !== 0n) json = ',"permitted":' + capabilityList(permitted)
  if (effective !== 0n) json += ',"effective":' + capabilityList(effective)
  if (inheritable !== 0n) json += ',"inheritable":' + capabilityList(inheritable)
  return '{' + json.slice(1) + '}'
}

/** JSON array of the set secure bits, '' for none. */
export function secureBitsList(bits: number): string {
  if (bits === 0) return ''
  const names: string[] = []
  for (let bit = 0; bit < 32; bit++) {
    if (((bits >>> bit) & 1) === 0) continue
    const name = SECURE_BITS[bit]
    names.push(name === undefined ? String(2 ** bit) : '"' + name + '"')
  }
  return '[' + names.join(',') + ']'
}
