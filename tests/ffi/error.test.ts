import { expect, test } from 'bun:test'
import { ERRNO, errnoName, errnoText } from '../../ffi/errno.ts'
import { check, LibbpfError, LibbpfMissingError, summarizeVerifierLog, UnsupportedError } from '../../ffi/error.ts'
import { openLibbpf } from '../../ffi/library.ts'

test('errnoName() knows the numbers of Linux, the kernel and libbpf', () => {
  const known: Readonly<Record<number, string>> = {
    1: 'EPERM',
    11: 'EAGAIN',
    22: 'EINVAL',
    28: 'ENOSPC',
    38: 'ENOSYS',
    40: 'ELOOP',
    42: 'ENOMSG',
    61: 'ENODATA',
    95: 'EOPNOTSUPP',
    110: 'ETIMEDOUT',
    133: 'EHWPOISON',
    524: 'ENOTSUPP',
    4001: 'LIBBPF_FORMAT',
    41: 'E41',
    999: 'E999',
    0: 'E0',
  }
  for (const [errno, name] of Object.entries(known)) expect(errnoName(Number(errno))).toBe(name)
  expect(ERRNO.EHWPOISON).toBe(133)
  expect(ERRNO['-']).toBeUndefined()
  expect(errnoText(524)).toBe('not supported by this kernel (ENOTSUPP)')
})

test('check() passes what is not negative and throws the rest as errno', () => {
  expect(check(0, 'do it')).toBe(0)
  expect(check(7, 'do it')).toBe(7)
  let error: unknown
  try {
    check(-1, 'load object "exec.bpf"')
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof LibbpfError)) throw error
  expect(error.message).toBe('Cannot load object "exec.bpf": operation not permitted (EPERM)')
  expect([error.action, error.errno, error.code]).toEqual(['load object "exec.bpf"', 1, 'EPERM'])
})

test('UnsupportedError names the first kernel that can', () => {
  expect(new UnsupportedError('kprobe.multi', '5.18').message).toBe(
    'Cannot use kprobe.multi: not supported by this kernel, it came with Linux 5.18',
  )
})

test('a missing or foreign library is named with its Debian package', () => {
  expect(() => openLibbpf('libnone.so.1')).toThrow(LibbpfMissingError)
  expect(() => openLibbpf('libnone.so.1')).toThrow(
    'version 1.1 or later is needed (Debian and Ubuntu: package libbpf1)',
  )
  expect(() => openLibbpf('libc.so.6')).toThrow('Cannot open "libc.so.6"')
})

const LOGS: readonly [name: string, log: string, summary: string][] = [
  [
    'an access',
    `func#0 @0
0: R1=ctx() R10=fp0
; return *value; @ ffi.bpf.c:120
9: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
    "R0 invalid mem access 'map_value_or_null' (at: return *value; @ ffi.bpf.c:120)",
  ],
  [
    '5.10, with register states after the source line',
    `; e->pid = *p;
12: (61) r1 = *(u32 *)(r6 +0)
 R0_w=mem(id=0,ref_obj_id=2,off=0,imm=0) R6=inv(id=0) R10=fp0
R6 invalid mem access 'inv'
processed 20 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1`,
    "R6 invalid mem access 'inv' (at: e->pid = *p;)",
  ],
  [
    'too large',
    'BPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns (limit 1000000)',
    'BPF program is too large. Processed 1000001 insn',
  ],
  ['an unknown attach target', 'attach_btf_id 5 is not a function\n', 'attach_btf_id 5 is not a function'],
  ['nothing', '', 'refused without a reason'],
]
for (const [name, log, summary] of LOGS) {
  test(`summarizeVerifierLog() finds the reason: ${name}`, () => {
    expect(summarizeVerifierLog(log)).toBe(summary)
  })
}
