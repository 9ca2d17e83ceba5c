/** All the ways in which a program is attached, as plain data, and the call behind each. */

import type { Pointer } from 'bun:ffi'
import type { Returned } from './assert.ts'
import { encodeCString } from './cstring.ts'
import { libbpf } from './library.ts'
import { BpfLink } from './link.ts'
import { allocate, CStruct, encodeStringArray } from './memory.ts'

/** `cookie` comes out of bpf_get_attach_cookie() (5.15; fentry 6.0) and must be absent or 0 on kernels before. */
export type AttachSpec =
  | { readonly kind: 'auto' }
  | { readonly kind: 'raw_tp'; readonly tracepoint: string }
  | { readonly kind: 'tracepoint'; readonly category: string; readonly name: string; readonly cookie?: bigint }
  | {
    readonly kind: 'kprobe'
    readonly function: string
    readonly return?: boolean
    readonly offset?: number
    readonly cookie?: bigint
  }
  | {
    readonly kind: 'kprobe_multi'
    readonly functions: readonly string[]
    readonly return?: boolean
    /** One for each function, in their order. */
    readonly cookies?: readonly bigint[]
  }
  /** fentry, fexit, fmod_ret and tp_btf: the target was set before load. */
  | { readonly kind: 'trampoline'; readonly cookie?: bigint }
  | { readonly kind: 'lsm' }
  | {
    readonly kind: 'uprobe'
    readonly path: string
    /** All processes when absent. */
    readonly pid?: number
    /** Symbol; `offset` is then relative to it. */
    readonly function?: string
    readonly offset?: number
    readonly return?: boolean
    readonly ref_ctr_offset?: number
    readonly cookie?: bigint
  }

/** For BpfProgram.attach(), which checks the handle. Throws LibbpfError that names program and target. */
export function attachProgram(program: Pointer, name: string, spec: AttachSpec): BpfLink {
  const what = `program "${name}" to ${attachTarget(spec)}`
  return new BpfLink(attachHandle(program, spec), what) // errno is read first thing
}

function attachHandle(program: Pointer, spec: AttachSpec): Returned {
  const symbols = libbpf()
  switch (spec.kind) {
    case 'auto':
      return symbols.bpf_program__attach(program)
    case 'raw_tp':
      return symbols.bpf_program__attach_raw_tracepoint(program, encodeCString(spec.tracepoint))
    case 'tracepoint': {
      const [category, name] = [encodeCString(spec.category), encodeCString(spec.name)]
      return cookieOptions(spec.cookie).lend((options) =>
        symbols.bpf_program__attach_tracepoint_opts(program, category, name, options)
      )
    }
    case 'kprobe': {
      const name = encodeCString(spec.function)
      return CStruct.options(32).u64(8, spec.cookie ?? 0n).u64(16, spec.offset ?? 0).u8(24, spec.return ?? false)
        .lend((options) => symbols.bpf_program__attach_kprobe_opts(program, name, options))
    }
    case 'kprobe_multi':
      return attachKprobeMulti(program, spec)
    case 'trampoline':
      return cookieOptions(spec.cookie).lend((options) => symbols.bpf_program__attach_trace_opts(program, options))
    case 'lsm':
      return symbols.bpf_program__attach_lsm(program)
    case 'uprobe': {
      const path = encodeCString(spec.path)
      return CStruct.options(40).u64(8, spec.ref_ctr_offset ?? 0).u64(16, spec.cookie ?? 0n).u8(
        24,
        spec.return ?? false,
      )
        .text(32, spec.function)
        .lend((options) =>
          symbols.bpf_program__attach_uprobe_opts(program, spec.pid ?? -1, path, spec.offset ?? 0, options)
        )
    }
  }
}

/** struct bpf_tracepoint_opts and bpf_trace_opts: size, then the cookie. */
function cookieOptions(cookie: bigint | undefined): CStruct {
  return CStruct.options(16).u64(8, cookie ?? 0n)
}

function attachKprobeMulti(
  program: Pointer,
  spec: Extract<AttachSpec, { kind: 'kprobe_multi' }>,
): Returned {
  const { functions, cookies } = spec
  if (functions.length === 0) throw new TypeError('Cannot attach kprobe.multi: no function given')
  if (cookies !== undefined && cookies.length !== functions.length) {
    throw new TypeError(`Cannot attach kprobe.multi: ${cookies.length} cookies for ${functions.length} functions`)
  }
  const { array, held } = encodeStringArray(functions)
  const options = CStruct.options(48).pointer(8, array).u64(32, functions.length).u8(40, spec.return ?? false)
  if (cookies !== undefined) {
    const bytes = allocate(cookies.length * 8)
    new BigUint64Array(bytes.buffer).set(cookies)
    options.pointer(24, bytes)
  }
  for (const text of held) options.hold(text)
  return options.lend((bytes) => libbpf().bpf_program__attach_kprobe_multi_opts(program, null, bytes))
}

/** `kprobe "tcp_connect"`. */
export function attachTarget(spec: AttachSpec): string {
  switch (spec.kind) {
    case 'auto':
      return 'the target of its section'
    case 'raw_tp':
      return `raw tracepoint "${spec.tracepoint}"`
    case 'tracepoint':
      return `tracepoint "${spec.category}/${spec.name}"`
    case 'kprobe':
      return `${spec.return === true ? 'kretprobe' : 'kprobe'} "${spec.function}"`
    case 'kprobe_multi':
      return `${spec.functions.length} functions by kprobe.multi`
    case 'trampoline':
      return 'its kernel function'
    case 'lsm':
      return 'its LSM hook'
    case 'uprobe':
      return `uprobe "${spec.path}:${spec.function ?? ''}+${spec.offset ?? 0}"`
  }
}
