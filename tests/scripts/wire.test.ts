import { expect, test } from 'bun:test'
import {
  BPF_PROGRAM_VALUE_SIZE,
  decodeBpfProgramValue,
  decodeExecEvent,
  decodeProcess,
  encodeExecEvent,
  encodeProcess,
  EXEC_EVENT_SIZE,
  type Process,
  PROCESS_SIZE,
  WIRE_SIZES,
} from '../../ffi/wire.gen.ts'

test('a record decodes to what was encoded, whatever was in the memory before', () => {
  const view = new DataView(new ArrayBuffer(PROCESS_SIZE + 16))
  new Uint8Array(view.buffer).fill(0xff)
  const zero = decodeProcess(new DataView(new ArrayBuffer(PROCESS_SIZE)), 0)
  const process: Process = {
    ...zero,
    exec_id: 2 ** 52 + 3,
    ktime_ns: 0xffff_ffff_ffff_ffffn,
    binary: { hash: [1n, 2n ** 63n] },
    credentials: { ...zero.credentials, permitted: 0x1ff_ffff_ffffn, uid: 4294967295 },
    pid: 4_194_304,
  }
  encodeProcess(view, 8, process)
  expect(decodeProcess(view, 8)).toEqual(process)
  expect(view.getUint8(7)).toBe(0xff)
  expect(view.getUint8(8 + PROCESS_SIZE)).toBe(0xff)
})

test.each([
  ['plain', [0x61, 0x62, 0, 0x63], 'ab'],
  ['UTF-8', [0xc3, 0xa9, 0x61, 0], 'éa'],
  ['invalid bytes, one mark per run', [0xff, 0xfe, 0x61, 0xff, 0], '\ufffda\ufffd'],
  ['a character cut by the end of the array', [...new Array<number>(15).fill(0x61), 0xc3], 'a'.repeat(15) + '\ufffd'],
  ['no NUL', new Array<number>(16).fill(0x62), 'b'.repeat(16)],
  ['empty', [0, 0x61], ''],
])('text of a char array: %s', (_, bytes, wanted) => {
  const view = new DataView(new ArrayBuffer(BPF_PROGRAM_VALUE_SIZE))
  new Uint8Array(view.buffer).set(bytes, 8)
  expect(decodeBpfProgramValue(view, 0).name).toBe(wanted)
})

test('WIRE_SIZES tells the size of every exported struct', () => {
  expect(WIRE_SIZES['process']).toBe(PROCESS_SIZE)
  expect(WIRE_SIZES['exec_event']).toBe(EXEC_EVENT_SIZE)
  const view = new DataView(new ArrayBuffer(EXEC_EVENT_SIZE))
  encodeExecEvent(view, 0, decodeExecEvent(view, 0))
  expect(new Uint8Array(view.buffer).every((byte) => byte === 0)).toBe(true)
})
