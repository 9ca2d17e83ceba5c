// Protection: --protect-agent. LSM programs that refuse what others try on the agent and its BPF objects, and tell of it.
import { LibbpfError } from '../../ffi/error.ts'
import { BpfObject } from '../../ffi/object.ts'
import type { BpfLink } from '../../ffi/link.ts'
import { ARGUMENT_TYPE, decodeHookConfig, HOOK_CONFIG_SIZE } from '../../ffi/wire.gen.ts'
import { objectIds } from '../../ffi/kernel_objects.ts'
import type { HookShow } from '../event/hook.ts'
import type { SharedMaps } from './shared_maps.ts'

/** `policy_name` of the events of attempts. */
export const PROTECT_POLICY = 'thump-protect-agent'

/** enum protect_function of bpf/protect.h: the LSM hooks. */
export const PROTECT_FUNCTIONS = [
  'task_kill',
  'file_send_sigiotask',
  'task_setrlimit',
  'ptrace_access_check',
  'bpf',
  'bpf_map',
  'bpf_prog',
  'inode_unlink',
  'inode_rmdir',
  'inode_rename',
  'sb_umount',
] as const

/** enum protect_argument: labels of the one value that a record has. */
export const PROTECT_ARGUMENTS = [
  'signal',
  'resource',
  'mode',
  'command',
  'map',
  'program',
  'name',
  'flags',
] as const

/** enum protected_kind. */
const KIND = { program: 1, map: 2 } as const

/** Of the kernel's lists, to find what is gone. */
const IDS_MAX = 65_536

export interface ProtectionOptions {
  readonly file: string
  readonly btf: string
  /** Those of the base sensor. */
  readonly maps: SharedMaps
  /** Number of the agent in the first pid namespace. */
  readonly pid: number
  readonly hook_id: number
  /** Directory of its pins, and st_dev of the bpffs they lie in; 0: no pins. */
  readonly generation: string
  readonly pin_device: number
  /** What is older than the protection; of a base sensor that was taken over there are links only. */
  readonly objects: readonly BpfObject[]
  readonly links: readonly BpfLink[]
}

export class Protection implements Disposable {
  readonly object: BpfObject
  readonly links: readonly BpfLink[]
  readonly #stack: DisposableStack

  private constructor(object: BpfObject, links: readonly BpfLink[], stack: DisposableStack) {
    this.object = object
    this.links = links
    this.#stack = stack
  }

  /** Loads and attaches. Throws LibbpfError and VerifierError, without BPF LSM among others. */
  static start(options: ProtectionOptions): Protection {
    const { file, btf, maps } = options
    using stack = new DisposableStack()
    const object = stack.use(BpfObject.open(file, { ...(btf === '' ? {} : { btf_path: btf }) }))
    object.global('protect_pid').edit((view) => view.setUint32(0, options.pid, true))
    object.global('protect_hook_id').edit((view) => view.setUint32(0, options.hook_id, true))
    object.global('protect_device').edit((view) => view.setUint32(0, kernelDevice(options.pin_device), true))
    object.global('protect_generation').edit((view) => {
      new TextEncoder().encode(options.generation).forEach((byte, i) => view.setUint8(i, byte))
    })
    maps.prepare(object)
    object.load()
    const own = object.map('protect_objects')
    const yes = Uint8Array.of(1)
    for (const each of [...options.objects, object]) {
      for (const program of each.programs) if (program.autoload) own.update(key(KIND.program, program.info().id), yes)
      for (const name of each.mapNames) own.update(key(KIND.map, each.map(name).info().id), yes)
    }
    for (const map of maps.all) own.update(key(KIND.map, map.info().id), yes)
    for (const id of programsOf(options.links)) own.update(key(KIND.program, id), yes)
    const links = object.programs.map((program) => stack.use(program.attach()))
    return new Protection(object, links, stack.move())
  }

  /** Numbers of what is gone make room; they come again only after two thousand millions. Does nothing without CAP_SYS_ADMIN. */
  forgetGone(): void {
    const own = this.object.map('protect_objects')
    let living: Readonly<Record<number, ReadonlySet<number>>>
    try {
      living = {
        [KIND.program]: new Set(objectIds('program', IDS_MAX)),
        [KIND.map]: new Set(objectIds('map', IDS_MAX)),
      }
    } catch (error) {
      if (error instanceof LibbpfError && error.code === 'EPERM') return // there is room for 16,384 as it is
      throw error
    }
    for (const each of [...own.keys()]) {
      const view = new DataView(each.buffer)
      if (living[view.getUint32(0, true)]?.has(view.getUint32(4, true)) !== true) own.delete(each)
    }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }
}

/** Events of attempts: process_lsm, refused, one labelled argument. */
export function protectShow(): HookShow {
  const config = decodeHookConfig(new DataView(new ArrayBuffer(HOOK_CONFIG_SIZE)), 0)
  const [argument] = config.arguments
  return {
    event: 'process_lsm',
    policy: PROTECT_POLICY,
    policy_name: PROTECT_POLICY,
    config: {
      ...config,
      arguments: PROTECT_ARGUMENTS.map(() => ({ ...argument!, type: ARGUMENT_TYPE.NOP })),
      positions: PROTECT_ARGUMENTS.map(() => 0),
    },
    names: PROTECT_FUNCTIONS,
    numbers: [],
    places: [],
    labels: PROTECT_ARGUMENTS,
    message: 'the agent protects itself',
    tags: [],
    path: '',
    provider: '',
    verdict: 'prevents',
    companion: false,
  }
}

/** super_block::s_dev of what stat calls st_dev: 20 bits of minor number below the major one. Pure. */
export function kernelDevice(st_dev: number): number {
  const major = st_dev >>> 8 & 0xfff
  const minor = (st_dev & 0xff) | (st_dev >>> 12 & 0xfff00)
  return ((major << 20) | minor) >>> 0
}

/** Perf events (probes before 5.15) do not tell; their programs stand in objects. */
function programsOf(links: readonly BpfLink[]): number[] {
  return links.flatMap((link) => {
    try {
      return [link.info().program_id]
    } catch (error) {
      if (error instanceof LibbpfError && error.code === 'EINVAL') return []
      throw error
    }
  })
}

function key(kind: number, id: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array([kind, id]).buffer)
}
