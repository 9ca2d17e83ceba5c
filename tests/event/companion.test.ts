import { expect, test } from 'bun:test'
import {
  ARGUMENT_TYPE,
  decodeSockValue,
  encodeHookValue,
  encodeSockaddrValue,
  encodeSockValue,
  HOOK_VALUE_SIZE,
  SOCK_VALUE_SIZE,
  SOCKADDR_VALUE_SIZE,
} from '../../ffi/wire.gen.ts'
import { companionValues } from '../../src/event/companion.ts'

const AT = 16
const SOCKET = AT + HOOK_VALUE_SIZE
const ADDRESS = SOCKET + SOCK_VALUE_SIZE
const END = ADDRESS + HOOK_VALUE_SIZE + SOCKADDR_VALUE_SIZE

function record(): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(END))
  encodeHookValue(view, AT, { type: ARGUMENT_TYPE.SOCKET, index: 1, flags: 0, size: SOCK_VALUE_SIZE })
  encodeSockValue(view, SOCKET, {
    cookie: 7n,
    family: 2,
    type: 1,
    protocol: 6,
    state: 7,
    mark: 0,
    priority: 0,
    source: new Uint8Array(16),
    destination: new Uint8Array(16),
    source_port: 0,
    destination_port: 0,
  })
  encodeHookValue(view, ADDRESS, { type: ARGUMENT_TYPE.SOCKADDR, index: 2, flags: 0, size: SOCKADDR_VALUE_SIZE })
  const address = Uint8Array.of(127, 0, 0, 2, ...new Uint8Array(12))
  encodeSockaddrValue(view, ADDRESS + HOOK_VALUE_SIZE, { family: 2, port: 4711, size: 0, address })
  return view
}

test('companionValues() makes the address the destination of the socket, in a copy', () => {
  const view = record()
  const before = new Uint8Array(view.buffer).slice()
  const found = decodeSockValue(companionValues(view, AT, END), HOOK_VALUE_SIZE)
  expect([...found.destination].slice(0, 4)).toEqual([127, 0, 0, 2])
  expect([found.destination_port, found.state, found.cookie]).toEqual([4711, 2, 7n])
  expect(new Uint8Array(view.buffer)).toEqual(before)
})

test('companionValues() leaves a record alone that ends too early', () => {
  for (let end = AT; end < END; end++) {
    expect(companionValues(record(), AT, end).byteLength).toBe(end - AT)
  }
})
