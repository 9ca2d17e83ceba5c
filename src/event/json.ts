/** From the body of an event to one NDJSON line: node, time and what Thump adds stand behind the body. */

import { ascii, type JsonBytes } from './bytes.ts'
import { quote } from './text.ts'

const END = ascii('}}')
/** Bytes for a time and a sequence number. */
const NUMBERS_MAX = 64

export interface LineOptions {
  readonly node_name: string
  readonly cluster_name?: string
  readonly node_labels?: Readonly<Record<string, string>>
  /** Random text of this start of the agent: with `seq` it names a line for good. */
  readonly boot: string
  /** Leaves `thump` out, so that a line holds nothing that Tetragon has not. */
  readonly tetragon_only?: boolean
}

const TIME_MEMBER = ',"time":"'

/** Puts lines together by concatenation; the parts that never change are made once. */
export class LineWriter {
  /** Number of the last line; the first is 1. */
  seq = 0
  readonly #before_time: string
  #after_time: string
  readonly #end: string
  readonly #tetragon_only: boolean
  readonly #cluster_name: string
  /** The same parts as bytes; undefined where one is not ASCII. */
  readonly #before_time_bytes: Uint8Array | undefined
  #after_time_bytes: Uint8Array | undefined
  readonly #end_bytes: Uint8Array | undefined

  constructor(options: LineOptions) {
    this.#before_time = ',"node_name":' + quote(options.node_name) + TIME_MEMBER
    const { cluster_name = '' } = options
    this.#cluster_name = cluster_name === '' ? '' : ',"cluster_name":' + quote(cluster_name)
    this.#tetragon_only = options.tetragon_only === true
    this.#after_time = this.#afterTime(options.node_labels ?? {})
    this.#end = '","boot":' + quote(options.boot)
    this.#before_time_bytes = plain(this.#before_time)
    this.#after_time_bytes = plain(this.#after_time)
    this.#end_bytes = plain(this.#end)
  }

  /** Kubernetes tells them after the start, and when they change. */
  setNodeLabels(labels: Readonly<Record<string, string>>): void {
    this.#after_time = this.#afterTime(labels)
    this.#after_time_bytes = plain(this.#after_time)
  }

  #afterTime(labels: Readonly<Record<string, string>>): string {
    const shown = Object.keys(labels).length === 0 ? '' : ',"node_labels":' + JSON.stringify(labels)
    return `"${this.#cluster_name}${shown}${this.#tetragon_only ? '}' : ',"thump":{"seq":"'}`
  }

  get tetragon_only(): boolean {
    return this.#tetragon_only
  }

  /**
   * One line without its newline. `body` is `"kind":{…}`, `time` RFC 3339 text, `extra` further members of `thump`, each
   * led by a comma (`,"core_dumped":true`), or ''. Takes the next `seq`. `time` is '' in the kinds that Tetragon gives none.
   */
  line(body: string, time: string, extra: string): string {
    const seq = ++this.seq
    if (time === '') return this.#withoutTime(body, seq, extra)
    if (this.#tetragon_only) return `{${body}${this.#before_time}${time}${this.#after_time}`
    return `{${body}${this.#before_time}${time}${this.#after_time}${seq}${this.#end}${extra}}}`
  }

  #withoutTime(body: string, seq: number, extra: string): string {
    const line = `{${body}${this.#before_time.slice(0, -TIME_MEMBER.length)}${this.#after_time.slice(1)}`
    return this.#tetragon_only ? line : `${line}${seq}${this.#end}${extra}}}`
  }

  /** Whether finish() can be used: what stands in every line is ASCII. */
  get plain(): boolean {
    return this.#before_time_bytes !== undefined && this.#after_time_bytes !== undefined &&
      this.#end_bytes !== undefined
  }

  /**
   * line() for one whose `{` and body stand in `json` from 0 on, and its time between `time_at` and `time_end`. Needs
   * `plain`. '' where line() has to make it: `extra` is not ASCII, or too long.
   */
  finish(json: JsonBytes, time_at: number, time_end: number, extra: string): string {
    const rest = this.#before_time_bytes!.length + this.#after_time_bytes!.length + this.#end_bytes!.length
    if (!json.hasRoom(rest + NUMBERS_MAX + 3 * extra.length)) return ''
    json.constant(this.#before_time_bytes!)
    json.again(time_at, time_end)
    json.constant(this.#after_time_bytes!)
    if (!this.#tetragon_only) {
      json.number(this.seq + 1, 1)
      json.constant(this.#end_bytes!)
      if (extra !== '' && !json.string(extra)) return ''
      json.constant(END)
    }
    this.seq++
    return json.text(0)
  }
}

const ASCII = /^[\0-\x7f]*$/

function plain(text: string): Uint8Array | undefined {
  return ASCII.test(text) ? ascii(text) : undefined
}
