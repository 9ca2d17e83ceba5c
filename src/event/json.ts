/** From the body of an event to one NDJSON line: node, time and what Thump adds stand behind the body. */

import { quote } from './text.ts'

export interface LineOptions {
  readonly node_name: string
  readonly cluster_name?: string
  readonly node_labels?: Readonly<Record<string, string>>
  /** Random text of this start of the agent: with `seq` it names a line for good. */
  readonly boot: string
  /** Leaves `thump` out, so that a line holds nothing that Tetragon has not. */
  readonly tetragon_only?: boolean
}

/** Puts lines together by concatenation; the parts that never change are made once. */
export class LineWriter {
  /** Number of the last line; the first is 1. */
  seq = 0
  readonly #before_time: string
  #after_time: string
  readonly #end: string
  readonly #tetragon_only: boolean
  readonly #cluster_name: string

  constructor(options: LineOptions) {
    this.#before_time = ',"node_name":' + quote(options.node_name) + ',"time":"'
    const { cluster_name = '' } = options
    this.#cluster_name = cluster_name === '' ? '' : ',"cluster_name":' + quote(cluster_name)
    this.#tetragon_only = options.tetragon_only === true
    this.#after_time = this.#afterTime(options.node_labels ?? {})
    this.#end = '","boot":' + quote(options.boot)
  }

  /** Kubernetes tells them after the start, and when they change. */
  setNodeLabels(labels: Readonly<Record<string, string>>): void {
    this.#after_time = this.#afterTime(labels)
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
   * led by a comma (`,"core_dumped":true`), or ''. Takes the next `seq`.
   */
  line(body: string, time: string, extra: string): string {
    const seq = ++this.seq
    if (this.#tetragon_only) return `{${body}${this.#before_time}${time}${this.#after_time}`
    return `{${body}${this.#before_time}${time}${this.#after_time}${seq}${this.#end}${extra}}}`
  }
}
