// Values of a companion's record as those of the hook that it stands in for: its socket is not connected yet, where it was
// going to stands in the address next to it.
import { ARGUMENT_TYPE, HOOK_VALUE_SIZE, SOCK_VALUE, SOCKADDR_VALUE, SOCKADDR_VALUE_SIZE } from '../../ffi/wire.gen.ts'

/** State in which tcp_connect gets its socket (include/net/tcp_states.h). */
const TCP_SYN_SENT = 2

/** A copy of the bytes from `from` to `end` in which the socket has the address as its destination. */
export function companionValues(view: DataView, from: number, end: number): DataView<ArrayBuffer> {
  const bytes = Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset + from, Math.max(0, end - from)))
  const copy = new DataView(bytes.buffer)
  let socket = -1
  for (let at = 0; at + HOOK_VALUE_SIZE <= copy.byteLength;) {
    const value = at + HOOK_VALUE_SIZE
    const size = copy.getUint32(at + 4, true)
    if (value + size > copy.byteLength) break
    const type = copy.getUint8(at)
    if (type === ARGUMENT_TYPE.SOCKET) socket = value
    if (type === ARGUMENT_TYPE.SOCKADDR && socket >= 0 && size >= SOCKADDR_VALUE_SIZE) connect(copy, socket, value)
    at = value + (size + 7 & ~7)
  }
  return copy
}

function connect(view: DataView, socket: number, address: number): void {
  view.setUint8(socket + SOCK_VALUE.state, TCP_SYN_SENT)
  view.setUint16(socket + SOCK_VALUE.destination_port, view.getUint16(address + SOCKADDR_VALUE.port, true), true)
  for (let i = 0; i < 16; i++) {
    view.setUint8(socket + SOCK_VALUE.destination + i, view.getUint8(address + SOCKADDR_VALUE.address + i))
  }
}
