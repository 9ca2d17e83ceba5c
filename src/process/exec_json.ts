/** The JSON of processes, and whole lines, straight from the bytes of records: nearly all need no escaping. */

import { ascii, JsonBytes } from '../event/bytes.ts'
import type { LineWriter } from '../event/json.ts'
import { quote } from '../event/text.ts'
import type { WallClock } from './clock.ts'
import type { ExecIds } from './exec_id.ts'
import type { Ktime } from './ktime.ts'
import type { Process } from './process.ts'

const EXEC = ascii('{"process_exec":{"process":')
const EXIT = ascii('{"process_exit":{"process":')
const PARENT = ascii(',"parent":')
const TIME = ascii(',"time":"')
const END = ascii('}')
const QUOTE_END = ascii('"}')
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
const TID = ascii(',"tid":')
const IN_INIT_TREE = ascii(',"in_init_tree":true}')
const NOT_IN_INIT_TREE = ascii(',"in_init_tree":false}')
const QUOTE = ascii('"')
const ROOT = ascii('/')
const SLASH = 0x2f
/** Bytes from the end of `cwd` to the beginning of `binary`. */
export const BETWEEN_CWD_AND_BINARY = QUOTE.length + BINARY.length
/** Bytes enough for what follows texts of unknown length. */
const ROOM = 256

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
  /** After finish(). */
  json = ''
  /** Where the texts stand in it: `cwd`, `binary`, `arguments` (cwd_at 0: not there). */
  cwd_at = 0
  cwd_end = 0
  binary_end = 0
  arguments_at = 0
  arguments_end = 0
  refcnt_at = 0
  tid_at = 0
  after_tid_at = 0
  readonly #out = new JsonBytes()
  readonly #ids: ExecIds
  readonly #clock: WallClock
  readonly #lines: LineWriter
  #time_at = 0
  #time_end = 0

  constructor(ids: ExecIds, clock: WallClock, lines: LineWriter) {
    this.#ids = ids
    this.#clock = clock
    this.#lines = lines
  }

  /** `exec_id` to `arguments`. */
  begin(time: Ktime, pid: number, uid: number, texts: RecordTexts): boolean {
    const { bytes, filename_at, cwd_at, args_at, args_end } = texts
    if (bytes[filename_at] !== SLASH || cwd_at === filename_at) return false
    const out = this.#out
    out.at = 0
    out.constant(EXEC)
    out.constant(EXEC_ID)
    this.#ids.encodeTo(out, time.seconds, time.nanoseconds, pid)
    out.constant(PID)
    out.number(pid, 1)
    out.constant(UID)
    out.number(uid, 1)
    out.constant(CWD)
    this.cwd_at = out.at - EXEC.length
    if (texts.root_cwd) out.constant(ROOT)
    else if (texts.cwd_end === cwd_at || !out.plain(bytes, cwd_at, texts.cwd_end)) return false
    this.cwd_end = out.at - EXEC.length
    out.constant(QUOTE)
    out.constant(BINARY)
    if (!out.plain(bytes, filename_at, cwd_at)) return false
    this.binary_end = out.at - EXEC.length
    out.constant(QUOTE)
    const before = out.at
    out.constant(ARGUMENTS)
    const from = out.at
    if (!out.joined(bytes, args_at, args_end)) return false
    this.arguments_at = from - EXEC.length
    this.arguments_end = out.at - EXEC.length
    if (out.at === from) out.at = before
    else out.constant(QUOTE)
    return true
  }

  /** What begin() has made, as text. */
  head(): string {
    return this.#slice(0, this.arguments_end)
  }

  /** The texts in it, for who must see them before the process is kept. */
  binary(): string {
    return this.#slice(this.cwd_end + BETWEEN_CWD_AND_BINARY, this.binary_end)
  }

  joined(): string {
    const joined = this.#slice(this.arguments_at, this.arguments_end)
    return joined.includes('\\') ? joined.replaceAll('\\"', '"') : joined
  }

  #slice(from: number, to: number): string {
    return this.#out.bytes.toString('latin1', EXEC.length + from, EXEC.length + to)
  }

  /** `flags` to the end; false where `process` has to make its JSON itself. Its image gets its texts either way. */
  finish(process: Process): boolean {
    const { image, parent } = process
    const finished = parent !== undefined && image.container?.waiting !== true && this.#finish(process, parent)
    image.readLater(finished ? this.json : this.head(), this)
    return finished
  }

  #finish(process: Process, parent: Process): boolean {
    const out = this.#out
    const { image } = process
    const { options } = image
    out.constant(FLAGS)
    let flags_ascii = flag_bytes.get(process.flags)
    if (flags_ascii === undefined) flag_bytes.set(process.flags, flags_ascii = ascii(process.flags + '"'))
    out.constant(flags_ascii)
    out.constant(START_TIME)
    this.#time_at = out.at
    this.#clock.textTo(out, process.seconds, process.nanoseconds)
    this.#time_end = out.at
    out.constant(AUID)
    out.number(image.auid, 1)
    if (image.container !== undefined && !this.#where(process)) return false
    out.constant(PARENT_EXEC_ID)
    if (!out.string(parent.exec_id)) return false
    out.constant(QUOTE)
    this.refcnt_at = out.at - EXEC.length
    if (options !== undefined && !out.string(options.rights_json)) return false
    this.tid_at = out.at - EXEC.length
    out.constant(TID)
    out.number(process.pid, 1)
    this.after_tid_at = out.at - EXEC.length
    if (options !== undefined && !out.string(options.credentials_json)) return false
    out.constant(process.in_init_tree ? IN_INIT_TREE : NOT_IN_INIT_TREE)
    this.json = out.text(EXEC.length)
    return true
  }

  /** `pod` and `docker`. */
  #where(process: Process): boolean {
    const { image } = process
    image.readLater(this.head(), this)
    const where = process.podJson() + (image.docker === '' ? '' : ',"docker":' + quote(image.docker))
    return this.#out.hasRoom(3 * where.length + ROOM) && this.#out.string(where)
  }

  /** The line of the process that has just been finished; '' where it has to be made the general way. */
  execLine({ parent, image }: Process, extra: string): string {
    const out = this.#out
    if (!this.#lines.plain || parent === undefined || !this.#parent(parent)) return ''
    out.constant(END)
    return this.#lines.finish(out, this.#time_at, this.#time_end, extra + (image.container?.extra ?? ''))
  }

  /** The same of one that ended: `how` are its signal and status. */
  exitLine(process: Process, how: string, time: Ktime, extra: string): string {
    const out = this.#out
    if (!this.#lines.plain) return ''
    out.at = 0
    out.constant(EXIT)
    const { json, parent } = process
    if (!out.hasRoom(3 * json.length + ROOM) || !out.string(json)) return ''
    if (parent !== undefined && !this.#parent(parent)) return ''
    if (how !== '') out.string(how)
    out.constant(TIME)
    const time_at = out.at
    this.#clock.textTo(out, time.seconds, time.nanoseconds)
    const time_end = out.at
    out.constant(QUOTE_END)
    return this.#lines.finish(out, time_at, time_end, extra + (process.image.container?.extra ?? ''))
  }

  #parent(parent: Process): boolean {
    const out = this.#out
    const json = parent.json
    out.constant(PARENT)
    return out.hasRoom(3 * json.length + ROOM) && out.string(json)
  }
}
