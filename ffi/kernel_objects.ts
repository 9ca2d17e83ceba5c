/** Programs, maps and links of the whole machine, by the numbers that the kernel gives them. Needs CAP_SYS_ADMIN. */

import { ERRNO } from './errno.ts'
import { check, LibbpfError } from './error.ts'
import { checkErrno, libbpf, libc } from './library.ts'
import { allocate, CStruct } from './memory.ts'
import { programInfo } from './program_info.ts'
import { LINK_TYPE } from './uapi.ts'

export type ObjectKind = 'program' | 'map' | 'link'

export interface KernelLink {
  readonly id: number
  readonly type: string
  readonly program_id: number
  /**
   * What it is attached to, in words that are the same for every link to the same place; '' where the kernel does not tell:
   * of tracing links before 5.13, of probes before 6.6, of links to many functions.
   */
  readonly target: string
}

export interface KernelProgram {
  readonly id: number
  readonly name: string
  readonly tag: string
}

const LINK_INFO_SIZE = 96
const NAME_BYTES = 256
/** enum bpf_perf_event_type: what stands behind a link to a perf event, and whether its place has an offset. */
const PERF_EVENTS: readonly (readonly [string, boolean])[] = [
  ['', false],
  ['uprobe', true],
  ['uretprobe', true],
  ['kprobe', true],
  ['kretprobe', true],
  ['tracepoint', false],
]

/** Ids in use, ascending, at most `most`. EPERM without the capability. */
export function objectIds(kind: ObjectKind, most: number): number[] {
  const ids: number[] = []
  const next = new Uint32Array(1)
  for (let id = 0; ids.length < most;) {
    const rc = nextId(kind, id, next)
    if (rc === -(ERRNO.ENOENT ?? 0)) break
    check(rc, `list ${kind}s`)
    id = next[0] ?? 0
    ids.push(id)
  }
  return ids
}

/** Undefined: it is gone. */
export function kernelLink(id: number): KernelLink | undefined {
  return withObject('link', id, (fd) => linkInfo(fd))
}

/** Undefined: it is gone. */
export function kernelProgram(id: number): KernelProgram | undefined {
  return withObject('program', id, (fd) => {
    const { name, tag } = programInfo(fd, String(id))
    return { id, name, tag }
  })
}

/** EINVAL for what is no link: attachments of probes before 5.15 are perf events. */
export function linkInfo(fd: number): KernelLink {
  const info = readLinkInfo(fd, null)
  const type = LINK_TYPE[info.getU32(0)] ?? String(info.getU32(0))
  const link = { id: info.getU32(4), type, program_id: info.getU32(8) }
  switch (type) {
    case 'raw_tracepoint':
      return { ...link, target: `raw tracepoint ${nameOf(fd, 16, 24)}` }
    case 'tracing': {
      const [attach, object, btf] = [info.getU32(16), info.getU32(20), info.getU32(24)]
      return { ...link, target: btf === 0 ? '' : `attach type ${attach} of type ${object}:${btf}` }
    }
    case 'perf_event': {
      const [event, has_offset] = PERF_EVENTS[info.getU32(16)] ?? ['', false]
      if (event === '') return { ...link, target: '' }
      const offset = has_offset ? `+${info.getU32(36)}` : ''
      return { ...link, target: `${event} ${nameOf(fd, 24, 32)}${offset}` }
    }
    default:
      return { ...link, target: '' }
  }
}

/** Asked for only once the type is known: other types of link take the same words for other buffers. */
function nameOf(fd: number, pointer_at: number, length_at: number): string {
  const text = allocate(NAME_BYTES)
  readLinkInfo(fd, { text, pointer_at, length_at })
  const end = text.indexOf(0)
  return new TextDecoder().decode(text.subarray(0, end < 0 ? NAME_BYTES : end))
}

interface NameBuffer {
  readonly text: Uint8Array
  readonly pointer_at: number
  readonly length_at: number
}

function readLinkInfo(fd: number, name: NameBuffer | null): CStruct {
  const info = new CStruct(LINK_INFO_SIZE)
  if (name !== null) info.pointer(name.pointer_at, name.text).u32(name.length_at, name.text.length)
  const size = new CStruct(4).u32(0, LINK_INFO_SIZE)
  const rc = info.lend((bytes) => size.lend((length) => libbpf().bpf_obj_get_info_by_fd(fd, bytes, length)))
  check(rc, `get info of link behind descriptor ${fd}`)
  return info
}

function nextId(kind: ObjectKind, id: number, next: Uint32Array): number {
  const symbols = libbpf()
  if (kind === 'link') return symbols.bpf_link_get_next_id(id, next)
  return kind === 'map' ? symbols.bpf_map_get_next_id(id, next) : symbols.bpf_prog_get_next_id(id, next)
}

function withObject<T>(kind: 'program' | 'link', id: number, read: (fd: number) => T): T | undefined {
  const fd = kind === 'link' ? libbpf().bpf_link_get_fd_by_id(id) : libbpf().bpf_prog_get_fd_by_id(id)
  if (fd === -(ERRNO.ENOENT ?? 0)) return undefined
  if (fd < 0) throw new LibbpfError(`open ${kind} ${id}`, -fd)
  try {
    return read(fd)
  } finally {
    checkErrno(libc().close(fd), `close ${kind} ${id}`)
  }
}
