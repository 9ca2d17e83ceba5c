// System calls by name and number, per ABI, and the kernel function that serves each.
import { SYSCALL_NUMBERS } from './syscall.gen.ts'

export type Abi = 'x64' | 'i386' | 'arm64'

/** Set in syscall ids of 32-bit ABIs, in lists and in events. */
export const COMPAT_BIT = 0x80000000

const NAMES = new Map<Abi, ReadonlyMap<number, string>>()

/** Without `sys_`; undefined for a number that the table does not know. */
export function syscallName(abi: Abi, number: number): string | undefined {
  let names = NAMES.get(abi)
  if (names === undefined) {
    names = new Map(Object.entries(SYSCALL_NUMBERS[abi]).map(([name, value]) => [value, name]))
    NAMES.set(abi, names)
  }
  return names.get(number)
}

export function syscallNumber(abi: Abi, name: string): number | undefined {
  return Object.hasOwn(SYSCALL_NUMBERS[abi], name) ? SYSCALL_NUMBERS[abi][name] : undefined
}

export function syscallNames(abi: Abi): readonly string[] {
  return Object.keys(SYSCALL_NUMBERS[abi])
}

/** Functions whose name is not that of the table's entry (arch/x86/entry/syscalls/syscall_64.tbl). */
const FUNCTIONS: Readonly<Record<string, string>> = {
  stat: 'newstat',
  fstat: 'newfstat',
  lstat: 'newlstat',
  newfstatat: 'newfstatat',
  sendfile: 'sendfile64',
  uname: 'newuname',
  umount2: 'umount',
}

const PREFIX: Readonly<Record<Abi, string>> = { x64: '__x64_sys_', i386: '__ia32_sys_', arm64: '__arm64_sys_' }

export interface SyscallTarget {
  readonly abi: Abi
  /** As in the table, without `sys_`. */
  readonly name: string
  readonly number: number
  /** Kernel function: `__x64_sys_lseek`. */
  readonly symbol: string
}

/** `sys_dup`, `__x64_sys_dup`, `__ia32_sys_dup`, `i386/sys_dup`; undefined for what is no system call's name. */
export function findSyscall(text: string, native: Abi): SyscallTarget | undefined {
  const match = /^(?:(x64|i386|arm64)\/)?(__x64_|__ia32_|__arm64_|__ia32_compat_)?sys_(\w+)$/.exec(text)
  if (match === null) return undefined
  const [, slash, prefix, given = ''] = match
  const abi = (slash as Abi | undefined) ??
    (prefix === '__x64_' ? 'x64' : prefix === '__arm64_' ? 'arm64' : prefix === undefined ? native : 'i386')
  if ((native === 'arm64') !== (abi === 'arm64')) return undefined
  let name = given
  let number = syscallNumber(abi, name)
  if (number === undefined) {
    // A policy may also name the function behind the entry: sys_newfstat.
    name = Object.keys(FUNCTIONS).find((each) => FUNCTIONS[each] === given) ?? given
    number = syscallNumber(abi, name)
  }
  if (number === undefined) return undefined
  const own = abi === native ? FUNCTIONS[name] ?? name : name
  return { abi, name, number, symbol: `${prefix === '__ia32_compat_' ? '__ia32_compat_sys_' : PREFIX[abi]}${own}` }
}
