/**
 * Types of kernel modules, for a process that may not ask for them.
 *
 * What a program names and the kernel itself lacks, libbpf looks for in modules. Listing their types takes CAP_SYS_ADMIN, and
 * libbpf before 1.3 takes a refusal for the failure of the whole load, though what is looked for may be missing: a type of
 * older kernels, a weak function of newer ones. So where it is refused, a filter on system calls answers that there are none.
 */

import { ERRNO } from './errno.ts'
import { checkErrno, lastErrno, libbpf, libc } from './library.ts'
import { LibbpfError } from './error.ts'
import { addressOf, allocate, CStruct } from './memory.ts'

const PR_SET_NO_NEW_PRIVS = 38
const [SYS_SECCOMP, SYS_BPF, ARCHITECTURE] = process.arch === 'arm64' ? [277, 280, 0xc00000b7] : [317, 321, 0xc000003e]
const SET_MODE_FILTER = 1
/** For all threads, and without slower code against speculation, which is for programs that are not trusted. */
const FLAGS = 1 | 4
const BTF_GET_NEXT_ID = 23
/** struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; */
const [NUMBER_AT, ARCHITECTURE_AT, COMMAND_AT] = [0, 4, 16]
const RET_ALLOW = 0x7fff0000
const RET_ERRNO = 0x00050000
const [LOAD, EQUAL, RETURN] = [0x20, 0x15, 0x06]

/** A classic BPF program: operation, jump if equal, jump if not, operand. */
const FILTER: readonly (readonly [number, number, number, number])[] = [
  [LOAD, 0, 0, ARCHITECTURE_AT],
  [EQUAL, 0, 5, ARCHITECTURE],
  [LOAD, 0, 0, NUMBER_AT],
  [EQUAL, 0, 3, SYS_BPF],
  [LOAD, 0, 0, COMMAND_AT],
  [EQUAL, 0, 1, BTF_GET_NEXT_ID],
  [RETURN, 0, 0, RET_ERRNO | ERRNO.ENOENT!],
  [RETURN, 0, 0, RET_ALLOW],
]

/** True if types of modules could not be asked for, which is answered with "none" from now on. Throws if that cannot be done. */
export function hideModuleTypes(): boolean {
  if (libbpf().bpf_btf_get_next_id(0, new Uint32Array(1)) !== -ERRNO.EPERM!) return false
  // Without CAP_SYS_ADMIN a filter asks for this; the agent starts nothing that has more privileges than itself.
  checkErrno(libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'do without new privileges')
  const program = allocate(FILTER.length * 8)
  const view = new DataView(program.buffer)
  for (const [index, [operation, equal, other, operand]] of FILTER.entries()) {
    view.setUint16(index * 8, operation, true)
    view.setUint8(index * 8 + 2, equal)
    view.setUint8(index * 8 + 3, other)
    view.setUint32(index * 8 + 4, operand, true)
  }
  const description = new CStruct(16).u32(0, FILTER.length).pointer(8, program)
  const rc = description.lend((bytes) =>
    Number(libc().syscall(SYS_SECCOMP, SET_MODE_FILTER, FLAGS, addressOf(bytes), 0, 0))
  )
  if (rc !== 0) throw new LibbpfError('filter own requests for types of modules', rc < 0 ? lastErrno() : ERRNO.ESRCH!)
  return true
}
