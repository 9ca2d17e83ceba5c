/** Values of hook records made by hand, and what they show. */

import { valueJson } from '../../src/event/hook_value.ts'

/** Values stand behind other bytes in a ring. */
export const AT = 24
export const noChunks = () => new Uint8Array(0)

export interface Written {
  readonly view: DataView
  readonly size: number
}

/** A struct of `size` bytes and text behind it. */
export function written(
  size: number,
  encode: (view: DataView, at: number) => void,
  text: string | Uint8Array = '',
): Written {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const all = new Uint8Array(AT + size + bytes.length + 16).fill(0xee)
  all.fill(0, AT, AT + size)
  all.set(bytes, AT + size)
  const view = new DataView(all.buffer)
  encode(view, AT)
  return { view, size: size + bytes.length }
}

export function number(value: bigint): Written {
  return written(8, (view, at) => view.setBigUint64(at, BigInt.asUintN(64, value), true))
}

export function text(value: string | Uint8Array): Written {
  return written(0, () => {}, value)
}

export function shown(type: number, { view, size }: Written, flags = 0): unknown {
  const json = valueJson(view, { type, flags, at: AT, size }, noChunks)
  return json === '' ? null : JSON.parse(json + '}')
}

export const base64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64')
