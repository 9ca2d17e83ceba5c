// Members of process_loader: the path that was mapped, and the build id of its file.
import { ARGUMENT_TYPE, HOOK_VALUE_SIZE } from '../../ffi/wire.gen.ts'
import { bytesBehind, decodeUtf8, quote } from './text.ts'

/** Of the values from `from` to `end`; undefined where they are not whole. */
export function loaderBody(view: DataView, from: number, end: number): string | undefined {
  const bytes = bytesBehind(view)
  let path: string | undefined
  let build_id: string | undefined
  for (let at = from; at + HOOK_VALUE_SIZE <= end;) {
    const type = view.getUint8(at)
    const size = view.getUint32(at + 4, true)
    const start = view.byteOffset + at + HOOK_VALUE_SIZE
    at += HOOK_VALUE_SIZE + (size + 7 & ~7)
    if (at > end) return undefined
    if (type === ARGUMENT_TYPE.STRING) path = decodeUtf8(bytes, start, start + size)
    if (type === ARGUMENT_TYPE.CONST_BUF) build_id = bytes.toString('base64', start, start + size)
  }
  return path === undefined || build_id === undefined
    ? undefined
    : ',"path":' + quote(path) + ',"buildid":"' + build_id + '"'
}
