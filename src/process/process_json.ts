/** JSON of processes in events beside their own: ancestors, and those that are not known. */

import type { EventType } from '../event/type.ts'
import type { Process } from './process.ts'

/** Events that carry `ancestors`, by the words of --enable-ancestors. */
export type AncestorsOption = 'base' | 'kprobe' | 'tracepoint' | 'loader' | 'uprobe' | 'lsm' | 'usdt'

/** `,"ancestors":[…]`, nearest first, without the parent and `<kernel>`; '' for none. */
export function ancestorsJson(process: Process): string {
  let json = ''
  let ancestor = process.parent?.parent
  while (ancestor !== undefined && ancestor.pid !== 0) {
    json += json === '' ? ',"ancestors":[' + ancestor.json : ',' + ancestor.json
    ancestor = ancestor.parent
  }
  return json === '' ? '' : json + ']'
}

/** A process that nobody saw start. */
export function unknownJson(pid: number, tid: number, time: string): string {
  return `{"pid":${pid},"flags":"unknown","start_time":"${time}","tid":${tid}}`
}

/** The word of --enable-ancestors for a kind of event. */
export function ancestorsOption(type: EventType): AncestorsOption {
  return type.slice('process_'.length) as AncestorsOption
}
