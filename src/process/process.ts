/** One image of one process, with its JSON made once. */

import type { ProcessReference } from '../event/type.ts'
import type { WallClock } from './clock.ts'
import type { ExecIds } from './exec_id.ts'
import type { ExecJson } from './exec_json.ts'
import { type Image, whatJson, whereJson } from './fragment.ts'

/** What all processes of a machine share for their ids and times. */
export interface Node {
  readonly ids: ExecIds
  readonly clock: WallClock
}

/** The last text for a hook: most processes run into them on one thread again and again. */
interface HookText {
  readonly tid: number
  readonly references: number
  readonly json: string
}

/** A fork makes one, each exec makes another. */
export class Process implements ProcessReference {
  /** The kernel's number of this image. */
  readonly key: number
  readonly pid: number
  /** Start of the image (CLOCK_MONOTONIC; CLOCK_BOOTTIME for one found in /proc), whole seconds and the rest. */
  readonly seconds: number
  readonly nanoseconds: number
  readonly image: Image
  readonly flags: string
  readonly in_init_tree: boolean
  readonly origin: 'exec' | 'fork' | 'procfs'
  parent: Process | undefined
  /** Processes of the cache whose parent this is. */
  references = 0
  /** It exited, or the same pid executed something else. */
  ended = false
  /** When it ended, CLOCK_MONOTONIC ns. */
  ended_ns = 0
  /** The time for late events is over: it stays for its children only. */
  graced = false
  /** The cache dropped it. */
  removed = false
  /** In its innermost pid namespace; 0 where nobody asks for it. */
  ns_pid = 0
  /** How many images of this pid stand before this one without a fork between. */
  readonly generation: number
  readonly #node: Node
  #exec_id = ''
  /** Only for a parent that is not known, or not any more; else the parent tells. */
  #parent_exec_id: string
  #start_time = ''
  #json = ''
  /** Container.version that #json shows. */
  #version = 0
  /** Where `,"refcnt"` may stand in #json, where `,"tid"` begins, and where what follows it does. */
  #refcnt_at = 0
  #tid_at = 0
  #after_tid_at = 0
  #hook: HookText | undefined = undefined

  constructor(
    node: Node,
    origin: 'exec' | 'fork' | 'procfs',
    key: number,
    pid: number,
    seconds: number,
    nanoseconds: number,
    parent: Process | undefined,
    parent_exec_id: string,
    image: Image,
    flags: string,
    in_init_tree: boolean,
  ) {
    this.#node = node
    this.origin = origin
    this.key = key
    this.pid = pid
    this.seconds = seconds
    this.nanoseconds = nanoseconds
    this.parent = parent
    this.#parent_exec_id = parent_exec_id
    this.image = image
    this.flags = flags
    this.in_init_tree = in_init_tree
    this.generation = parent !== undefined && parent.pid === pid ? parent.generation + 1 : 0
  }

  get exec_id(): string {
    if (this.#exec_id === '') {
      this.#exec_id = this.#node.ids.encode(this.seconds, this.nanoseconds, this.pid)
    }
    return this.#exec_id
  }

  get parent_exec_id(): string {
    if (this.#parent_exec_id !== '' || this.parent === undefined) return this.#parent_exec_id
    return this.parent.exec_id
  }

  get start_time(): string {
    if (this.#start_time === '') {
      const clock = this.#node.clock
      this.#start_time = this.origin === 'procfs'
        ? clock.bootText(this.seconds, this.nanoseconds)
        : clock.text(this.seconds, this.nanoseconds)
    }
    return this.#start_time
  }

  /** The process as `parent`, as one of `ancestors`, and in the events of its own life. */
  get json(): string {
    const container = this.image.container
    if (this.#json === '' || (container !== undefined && container.version !== this.#version)) {
      this.#build()
    }
    return this.#json
  }

  /** The process in its own process_exec. */
  get exec_json(): string {
    const properties = this.image.options?.properties_json ?? ''
    const json = this.json
    if (properties === '') return json
    const after_credentials = this.#after_tid_at + this.image.options!.credentials_json.length
    return json.slice(0, this.#refcnt_at) + ',"refcnt":1' + json.slice(this.#refcnt_at, after_credentials) +
      properties + json.slice(after_credentials)
  }

  /** The process in the event of a hook that thread `tid` ran into. */
  hookJson(tid: number): string {
    const json = this.json
    const hook = this.#hook
    if (hook !== undefined && hook.tid === tid && hook.references === this.references) return hook.json
    const refcnt_end = this.#refcnt_at + (this.origin === 'fork' ? ',"refcnt":1'.length : 0)
    const head = `${json.slice(0, this.#refcnt_at)},"refcnt":${this.references + 1}`
    const text = flat(`${head}${json.slice(refcnt_end, this.#tid_at)},"tid":${tid}${json.slice(this.#after_tid_at)}`)
    this.#hook = { tid, references: this.references, json: text }
    return text
  }

  /** `,"pod":{…}` as known by now, or ''. */
  podJson(): string {
    const { container, binary, arguments: joined } = this.image
    return container === undefined ? '' : container.podJson(this.ns_pid, container.isProbe(binary, joined))
  }

  /** Cuts the way up, so that a chain of ended processes can be freed link by link. */
  cut(parent: Process | undefined): void {
    this.#parent_exec_id = this.parent_exec_id
    this.parent = parent
  }

  /** Takes over JSON that was made from the record's bytes: what `json` would be, where `tid` begins and ends in it. */
  adopt(made: ExecJson): void {
    this.#json = made.json
    this.#version = this.image.container?.version ?? 0
    this.#refcnt_at = made.refcnt_at
    this.#tid_at = made.tid_at
    this.#after_tid_at = made.after_tid_at
  }

  #build(): void {
    const image = this.image
    const options = image.options
    let pod = ''
    if (image.container !== undefined) {
      pod = image.container.waiting ? image.container.mark(this) : this.podJson()
      this.#version = image.container.version
      this.#hook = undefined
    }
    const flags = this.flags === '' ? '' : `,"flags":"${this.flags}"`
    const parent_exec_id = this.parent_exec_id
    const parent = parent_exec_id === '' ? '' : `,"parent_exec_id":"${parent_exec_id}"`
    const head = `{"exec_id":"${this.exec_id}","pid":${this.pid}${
      whatJson(image)
    }${flags},"start_time":"${this.start_time}"${whereJson(image, pod)}${parent}`
    const refcnt = this.origin === 'fork' ? ',"refcnt":1' : ''
    const tid = ',"tid":' + this.pid
    const init = this.in_init_tree ? ',"in_init_tree":true' : ',"in_init_tree":false'
    this.#refcnt_at = head.length
    if (options === undefined) {
      this.#tid_at = head.length + refcnt.length
      this.#json = flat(`${head}${refcnt}${tid}${init}}`)
    } else {
      this.#tid_at = head.length + refcnt.length + options.rights_json.length
      this.#json = flat(
        `${head}${refcnt}${options.rights_json}${tid}${options.credentials_json}${options.user_json}${init}${options.environment_json}}`,
      )
    }
    this.#after_tid_at = this.#tid_at + tid.length
  }
}

/**
 * The same text in one piece. A string put together from parts is a tree of them until something looks at it; kept as a
 * tree it costs a walk in every line, and the collector visits twenty cells where one would do.
 */
function flat(text: string): string {
  if (text.charCodeAt(0) !== 0x7b) throw new RangeError('Cannot flatten: not a JSON object')
  return text
}
