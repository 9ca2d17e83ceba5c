import { expect, test } from 'bun:test'
import { EVENT_TYPE } from '../../ffi/wire.gen.ts'
import { createRecordCounters, recordType } from '../../src/event/decode.ts'
import { exitRecord } from '../process/record.ts'

test('recordType() tells the type of a whole record and counts it', () => {
  const counters = createRecordCounters()
  const record = exitRecord({})
  expect(recordType(record, 0, record.byteLength, counters)).toBe(EVENT_TYPE.EXIT)
  expect(counters.received[EVENT_TYPE.EXIT]).toBe(1)
})

test('recordType() counts what cannot be read and never throws', () => {
  const counters = createRecordCounters()
  const record = exitRecord({})
  for (let size = 0; size < record.byteLength; size++) expect(recordType(record, 0, size, counters)).toBe(0)
  expect(counters.short).toBe(record.byteLength)
  expect(recordType(record, 8, record.byteLength, counters)).toBe(0)
  expect(counters.short).toBe(record.byteLength + 1)

  const unknown = exitRecord({})
  for (const type of [0, EVENT_TYPE.MAX, 200, 65535]) {
    unknown.setUint16(4, type, true)
    expect(recordType(unknown, 0, unknown.byteLength, counters)).toBe(0)
  }
  expect(counters.unknown).toBe(4)

  const mismatched = exitRecord({})
  mismatched.setUint32(0, 48, true)
  expect(recordType(mismatched, 0, mismatched.byteLength, counters)).toBe(0)
  expect(counters.mismatched).toBe(1)
})

test('recordType() leaves the size of hook records to their decoder, but not beyond the record', () => {
  const counters = createRecordCounters()
  const record = exitRecord({})
  record.setUint16(4, EVENT_TYPE.HOOK, true)
  expect(recordType(record, 0, record.byteLength, counters)).toBe(EVENT_TYPE.HOOK)
  record.setUint32(0, 4096, true)
  expect(recordType(record, 0, record.byteLength, counters)).toBe(0)
  expect(counters.short).toBe(1)
})
