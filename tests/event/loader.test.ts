import { expect, test } from 'bun:test'
import { loaderBody } from '../../src/event/loader.ts'
import { ARGUMENT_TYPE, encodeHookValue, HOOK_VALUE_SIZE } from '../../ffi/wire.gen.ts'

function values(...parts: readonly (readonly [type: number, bytes: Uint8Array])[]): DataView {
  const view = new DataView(new ArrayBuffer(8 + parts.reduce((sum, [, bytes]) => sum + 8 + (bytes.length + 7 & ~7), 0)))
  let at = 8
  parts.forEach(([type, bytes], index) => {
    encodeHookValue(view, at, { type, index, flags: 0, size: bytes.length })
    new Uint8Array(view.buffer).set(bytes, at + HOOK_VALUE_SIZE)
    at += HOOK_VALUE_SIZE + (bytes.length + 7 & ~7)
  })
  return view
}

const PATH = new TextEncoder().encode('/lib/a "quoted" ü.so')
const BUILD_ID = Uint8Array.from({ length: 20 }, (_, i) => 250 + i)

test('loaderBody() shows the path and the build id', () => {
  const view = values([ARGUMENT_TYPE.STRING, PATH], [ARGUMENT_TYPE.CONST_BUF, BUILD_ID])
  expect(JSON.parse(`{"x":1${loaderBody(view, 8, view.byteLength)}}`)).toEqual({
    x: 1,
    path: '/lib/a "quoted" ü.so',
    buildid: Buffer.from(BUILD_ID).toString('base64'),
  })
})

test('loaderBody() gives nothing for a record that is not whole', () => {
  const view = values([ARGUMENT_TYPE.STRING, PATH], [ARGUMENT_TYPE.CONST_BUF, BUILD_ID])
  for (let end = 8; end < view.byteLength; end += 4) expect(loaderBody(view, 8, end)).toBeUndefined()
  const lone = values([ARGUMENT_TYPE.STRING, PATH])
  expect(loaderBody(lone, 8, lone.byteLength)).toBeUndefined()
})
