/** The JSON of a process straight from the bytes of its exec record: nearly all need no escaping and no option. */

import { ascii, JsonBytes } from '../event/bytes.ts'
import type { WallClock } from './clock.ts'
import type { ExecIds } from './exec_id.ts'
import type { Ktime } from './ktime.ts'
import type { Process } from './process.ts'

const EXEC_ID = ascii('{"exec_id":"')
const PID = ascii('","pid":')
const UID = ascii(',"uid":')
const CWD = ascii(',"cwd":"')
const BINARY = ascii(',"binary":"')
const ARGUMENTS = ascii(',"arguments":"')
const FLAGS = ascii(',"flags":"')
const START_TIME = ascii(',"start_time":"')
const AUID = ascii('","auid":')
const PARENT_EXEC_ID = ascii(',"parent_exec_id":"')
const TID = ascii('","tid":')
const IN_INIT_TREE = ascii(',"in_init_tree":true}')
const NOT_IN_INIT_TREE = ascii(',"in_init_tree":false}')
const QUOTE = ascii('"')
const ROOT = ascii('/')
const SLASH = 0x2f

/** Flags as bytes; a machine shows a dozen combinations. */
const flag_bytes = new Map<string, Uint8Array>()

/** Where the texts of a record lie in `bytes`. */
export interface RecordTexts {
  bytes: Buffer
  filename_at: number
  cwd_at: number
  cwd_end: number
  args_at: number
  args_end: number
  /** The working directory is `/` and does not stand in the record. */
  root_cwd: boolean
}

/** Writes one process at a time: begin(), then finish(), each false where the text has to be made the general way. */
export class ExecJson {
  /** After begin(): `arguments` as it stands in JSON, without its quotes. */
  joined = ''
  /** After finish(). */
  json = ''
  start_time = ''
  tid_at = 0
  after_tid_at = 0
  readonly #out = new JsonBytes()
  readonly #ids: ExecIds
  readonly #clock: WallClock

  constructor(ids: ExecIds, clock: WallClock) {
    this.#ids = ids
    this.#clock = clock
  }

  /** `exec_id` to `arguments`. */
  begin(time: Ktime, pid: number, uid: number, texts: RecordTexts): boolean {
    const { bytes, filename_at, cwd_at, args_at, args_end } = texts
    if (bytes[filename_at] !== SLASH || cwd_at === filename_at) return false
    const out = this.#out
    out.at = 0
    out.constant(EXEC_ID)
    this.#ids.encodeTo(out, time.seconds, time.nanoseconds, pid)
    out.constant(PID)
    out.number(pid, 1)
    out.constant(UID)
    out.number(uid, 1)
    out.constant(CWD)
    if (texts.root_cwd) out.constant(ROOT)
    else if (texts.cwd_end === cwd_at || !out.plain(bytes, cwd_at, texts.cwd_end)) return false
    out.constant(QUOTE)
    out.constant(BINARY)
    if (!out.plain(bytes, filename_at, cwd_at)) return false
    out.constant(QUOTE)
    const before = out.at
    out.constant(ARGUMENTS)
    const from = out.at
    if (!out.joined(bytes, args_at, args_end)) return false
    if (out.at === from) {
      out.at = before
      this.joined = ''
    } else {
      this.joined = out.text(from)
      out.constant(QUOTE)
    }
    return true
  }

  /** `flags` to the end, for a process of no container. */
  finish(time: Ktime, pid: number, flags: string, auid: number, parent: Process, in_init_tree: boolean): boolean {
    const out = this.#out
    out.constant(FLAGS)
    let flags_ascii = flag_bytes.get(flags)
    if (flags_ascii === undefined) flag_bytes.set(flags, flags_ascii = ascii(flags + '"'))
    out.constant(flags_ascii)
    out.constant(START_TIME)
    const time_at = out.at
    if (!this.#clock.textTo(out, time.seconds, time.nanoseconds)) return false
    const time_end = out.at
    out.constant(AUID)
    out.number(auid, 1)
    out.constant(PARENT_EXEC_ID)
    this.#ids.encodeTo(out, parent.seconds, parent.nanoseconds, parent.pid)
    this.tid_at = out.at + 1
    out.constant(TID)
    out.number(pid, 1)
    this.after_tid_at = out.at
    out.constant(in_init_tree ? IN_INIT_TREE : NOT_IN_INIT_TREE)
    this.json = out.text(0)
    this.start_time = this.json.slice(time_at, time_end)
    return true
  }
}
