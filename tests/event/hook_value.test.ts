import { expect, test } from 'bun:test'
import {
  ARGUMENT_TYPE as T,
  BPF_MAP_VALUE_SIZE,
  BPF_PROGRAM_VALUE_SIZE,
  BUFFER_VALUE_SIZE,
  CRED_VALUE_SIZE,
  encodeBpfMapValue,
  encodeBpfProgramValue,
  encodeBufferValue,
  encodeCredValue,
  encodeModuleValue,
  encodePathValue,
  encodePerfEventValue,
  encodeSyscallValue,
  encodeUserNamespaceValue,
  HOOK_VALUE_FLAG as F,
  MODULE_VALUE_SIZE,
  PATH_VALUE_SIZE,
  PERF_EVENT_VALUE_SIZE,
  SYSCALL_VALUE_SIZE,
  USER_NAMESPACE_VALUE_SIZE,
} from '../../ffi/wire.gen.ts'
import { valueJson } from '../../src/event/hook_value.ts'
import { AT, base64, number, shown, text, type Written, written } from './hook_written.ts'

const INTEGERS: readonly (readonly [keyof typeof T, bigint, unknown])[] = [
  ['INT8', -5n, { int_arg: -5 }],
  ['INT16', -32768n, { int_arg: -32768 }],
  ['INT32', -1n, { int_arg: -1 }],
  ['INT32', 0n, { int_arg: 0 }],
  ['UINT8', 255n, { uint_arg: 255 }],
  ['UINT16', 65535n, { uint_arg: 65535 }],
  ['UINT32', 0xffff_ffffn, { uint_arg: 0xffff_ffff }],
  ['INT64', -(2n ** 63n), { long_arg: '-9223372036854775808' }],
  ['UINT64', 2n ** 64n - 1n, { size_arg: '18446744073709551615' }],
  ['SIZE', 4711n, { size_arg: '4711' }],
  ['CAPABILITY', 21n, { capability_arg: { value: 21, name: 'CAP_SYS_ADMIN' } }],
  ['CAPABILITY', 63n, { capability_arg: { value: 63 } }],
  ['KERNEL_CAP_T', 0x1ff_ffff_ffffn, { kernel_cap_t_arg: '000001ffffffffff' }],
  ['CAP_INHERITABLE', 0n, { cap_inheritable_arg: '0000000000000000' }],
  ['CAP_PERMITTED', 0x3000n, { cap_permitted_arg: '0000000000003000' }],
  ['CAP_EFFECTIVE', 1n, { cap_effective_arg: '0000000000000001' }],
  ['BPF_CMD', 5n, { bpf_cmd_arg: 'BPF_PROG_LOAD' }],
  ['BPF_CMD', 99n, { bpf_cmd_arg: 99 }],
]

for (const [name, value, wanted] of INTEGERS) {
  test(`valueJson() shows ${name} ${value}`, () => expect(shown(T[name], number(value))).toEqual(wanted))
}

for (const name of ['STRING', 'FILENAME', 'NET_DEVICE', 'DATA_LOC'] as const) {
  test(`valueJson() shows ${name}`, () => {
    expect(shown(T[name], text('eth0 "x"\n'))).toEqual({ string_arg: 'eth0 "x"\n' })
    expect(shown(T[name], text(''))).toEqual({ string_arg: '' })
    // What is no UTF-8 stays valid JSON.
    expect(shown(T[name], text(new Uint8Array([0x61, 0xff, 0x62])))).toEqual({ string_arg: 'a\ufffdb' })
    expect(shown(T[name], text('a'.repeat(4095)))).toEqual({ string_arg: 'a'.repeat(4095) })
  })
}

function buffer(total: number, bytes: Uint8Array, data_id = 0): Written {
  return written(BUFFER_VALUE_SIZE, (view, at) => encodeBufferValue(view, at, { total, data_id }), bytes)
}

for (const name of ['CHAR_BUF', 'CHAR_IOVEC', 'IOV_ITER'] as const) {
  const bytes = new Uint8Array([0, 1, 0xff, 0x22])
  test(`valueJson() shows ${name} whole, truncated, empty and unreadable`, () => {
    expect(shown(T[name], buffer(4, bytes))).toEqual({ bytes_arg: base64(bytes) })
    expect(shown(T[name], buffer(9000, bytes))).toEqual({
      truncated_bytes_arg: { bytes_arg: base64(bytes), orig_size: '9000' },
    })
    expect(shown(T[name], buffer(0, new Uint8Array(0)))).toEqual({ bytes_arg: '' })
    expect(shown(T[name], number(0n), F.FAULT)).toEqual({ bytes_arg: base64('CharBufErrorPageFault') })
  })
  test(`valueJson() puts chunks of ${name} together, and says when some are missing`, () => {
    const { view, size } = buffer(40_000, new Uint8Array(0), 77)
    const asked: number[][] = []
    const value = { type: T[name], flags: 0, at: AT, size }
    const whole = valueJson(view, value, (id, count) => {
      asked.push([id, count])
      return new Uint8Array(40_000).fill(65)
    })
    expect(JSON.parse(whole + '}')).toEqual({ bytes_arg: base64('A'.repeat(40_000)) })
    expect(asked).toEqual([[77, 3]])
    const part = valueJson(view, value, () => new Uint8Array(16_384).fill(65))
    expect(JSON.parse(part + '}')).toEqual({
      truncated_bytes_arg: { bytes_arg: base64('A'.repeat(16_384)), orig_size: '40000' },
    })
  })
}

test('valueJson() puts what stood in the record before its chunks, of which there are as many as the limit allows', () => {
  const asked: number[] = []
  const total = 400_000
  const { view, size } = buffer(total, new Uint8Array(4095).fill(66), 5)
  const json = valueJson(view, { type: T.CHAR_BUF, flags: 0, at: AT, size }, (_, count) => {
    asked.push(count)
    return new Uint8Array(327_360 - 4095).fill(65)
  })
  expect(JSON.parse(json + '}')).toEqual({
    truncated_bytes_arg: { bytes_arg: base64('B'.repeat(4095) + 'A'.repeat(327_360 - 4095)), orig_size: `${total}` },
  })
  expect(asked).toEqual([20])
})

test('valueJson() shows CONST_BUF', () => {
  expect(shown(T.CONST_BUF, text(new Uint8Array([1, 0, 2])))).toEqual({ bytes_arg: base64(new Uint8Array([1, 0, 2])) })
})

function path(mode: number, name: string): Written {
  return written(PATH_VALUE_SIZE, (view, at) => encodePathValue(view, at, { mode, fd: 0 }), name)
}

const PATHS = [
  ['FD', 'file_arg'],
  ['FILE', 'file_arg'],
  ['KIOCB', 'file_arg'],
  ['PATH', 'path_arg'],
  ['DENTRY', 'path_arg'],
  ['LINUX_BINPRM', 'linux_binprm_arg'],
] as const

for (const [name, member] of PATHS) {
  test(`valueJson() shows ${name} with its permission, without a path, unresolved, unreadable`, () => {
    expect(shown(T[name], path(0o100644, '/etc/passwd'))).toEqual({
      [member]: { path: '/etc/passwd', permission: '-rw-r--r--' },
    })
    expect(shown(T[name], path(0o041777, '/tmp'))).toEqual({ [member]: { path: '/tmp', permission: 'drwxrwxrwt' } })
    expect(shown(T[name], path(0o104755, '/s'))).toEqual({ [member]: { path: '/s', permission: '-rwsr-xr-x' } })
    expect(shown(T[name], path(0o140777, ''))).toMatchObject({ [member]: { permission: 'srwxrwxrwx' } })
    expect(shown(T[name], path(0o100600, '/deep'), F.UNRESOLVED)).toEqual({
      [member]: { path: '/deep', flags: 'unresolvedPathComponents', permission: '-rw-------' },
    })
    expect(shown(T[name], number(0n), F.FAULT)).toEqual({ error_arg: { Message: 'Bad address for basic type' } })
  })
}

test('valueJson() names the step of a resolve path that failed', () => {
  expect(shown(T.INT32, number(3n), F.FAULT)).toEqual({
    error_arg: { Message: 'Bad address encountered during resolve dereference at depth 3' },
  })
})

const NAMESPACE = { level: 1, uid: 1000, gid: 1000, inum: 4026532000 }
const HOST = { level: 0, uid: 0, gid: 0, inum: 4026531837 }

test('valueJson() shows USER_NAMESPACE of the host and others', () => {
  const value = (from: typeof HOST) =>
    written(USER_NAMESPACE_VALUE_SIZE, (view, at) => encodeUserNamespaceValue(view, at, from))
  expect(shown(T.USER_NAMESPACE, value(NAMESPACE))).toEqual({
    user_ns_arg: { level: 1, uid: 1000, gid: 1000, ns: { inum: 4026532000 } },
  })
  expect(shown(T.USER_NAMESPACE, value(HOST))).toEqual({
    user_ns_arg: { level: 0, uid: 0, gid: 0, ns: { inum: 4026531837, is_host: true } },
  })
})

test('valueJson() shows CRED', () => {
  const credentials = {
    uid: 1,
    gid: 2,
    euid: 3,
    egid: 4,
    suid: 5,
    sgid: 6,
    fsuid: 7,
    fsgid: 8,
    securebits: 0,
    permitted: 1n,
    effective: 0n,
    inheritable: 0n,
  }
  const cred = written(
    CRED_VALUE_SIZE,
    (view, at) => encodeCredValue(view, at, { credentials, user_namespace: HOST }),
  )
  expect(shown(T.CRED, cred)).toMatchObject({
    process_credentials_arg: {
      uid: 1,
      gid: 2,
      euid: 3,
      egid: 4,
      suid: 5,
      sgid: 6,
      fsuid: 7,
      fsgid: 8,
      caps: { permitted: ['CAP_CHOWN'] },
      user_ns: { level: 0, uid: 0, gid: 0, ns: { inum: 4026531837, is_host: true } },
    },
  })
})

for (const [name, member] of [['BPF_ATTR', 'bpf_attr_arg'], ['BPF_PROG', 'bpf_prog_arg']] as const) {
  test(`valueJson() shows ${name} without what is zero`, () => {
    const program = (type: number, instructions: number, given: string) =>
      written(
        BPF_PROGRAM_VALUE_SIZE,
        (view, at) => encodeBpfProgramValue(view, at, { type, instructions, name: given }),
      )
    expect(shown(T[name], program(2, 7, 'amazing'))).toEqual({
      [member]: { ProgType: 'BPF_PROG_TYPE_KPROBE', InsnCnt: 7, ProgName: 'amazing' },
    })
    expect(shown(T[name], program(2, 0, ''))).toEqual({ [member]: { ProgType: 'BPF_PROG_TYPE_KPROBE' } })
  })
}

test('valueJson() shows BPF_MAP', () => {
  const map = written(
    BPF_MAP_VALUE_SIZE,
    (view, at) => encodeBpfMapValue(view, at, { type: 1, key_size: 4, value_size: 8, max_entries: 100, name: 'm' }),
  )
  expect(shown(T.BPF_MAP, map)).toEqual({
    bpf_map_arg: { MapType: 'BPF_MAP_TYPE_HASH', KeySize: 4, ValueSize: 8, MaxEntries: 100, MapName: 'm' },
  })
})

test('valueJson() shows PERF_EVENT', () => {
  const event = written(
    PERF_EVENT_VALUE_SIZE,
    (view, at) => encodePerfEventValue(view, at, { config: 5n, probe_offset: 0n, type: 1, function: 'f' }),
  )
  expect(shown(T.PERF_EVENT, event)).toEqual({
    perf_event_arg: { KprobeFunc: 'f', Type: 'PERF_TYPE_SOFTWARE', Config: '5' },
  })
})

test('valueJson() shows MODULE and LOAD_INFO', () => {
  const value = (taints: bigint, signature_ok: number, name = 'nft') =>
    written(MODULE_VALUE_SIZE, (view, at) => encodeModuleValue(view, at, { taints, signature_ok, name }))
  expect(shown(T.MODULE, value(1n << 13n, 0))).toEqual({
    module_arg: { name: 'nft', tainted: ['TAINT_UNSIGNED_MODULE'] },
  })
  expect(shown(T.LOAD_INFO, value(0n, 1))).toEqual({ module_arg: { name: 'nft', signature_ok: true } })
  expect(shown(T.MODULE, value(0n, 0, ''))).toEqual({ module_arg: {} })
})

test('valueJson() shows SYSCALL64 with its ABI', () => {
  const value = (id: number, compat: number) =>
    written(SYSCALL_VALUE_SIZE, (view, at) => encodeSyscallValue(view, at, { id, compat }))
  const native = process.arch === 'arm64' ? 'arm64' : 'x64'
  expect(shown(T.SYSCALL64, value(8, 0))).toEqual({ syscall_id: { id: 8, abi: native } })
  expect(shown(T.SYSCALL64, value(19, 1))).not.toEqual({ syscall_id: { id: 19, abi: native } })
})

test('valueJson() leaves NOP and unknown types out', () => {
  expect(shown(T.NOP, number(1n))).toBeNull()
  expect(shown(250, number(1n))).toBeNull()
})
