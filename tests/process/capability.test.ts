import { describe, expect, test } from 'bun:test'
import { capabilitiesJson, capabilityList, secureBitsList } from '../../src/process/capability.ts'

describe('capabilities', () => {
  test('have names up to 40 and numbers beyond', () => {
    expect(capabilityList(0b11n)).toBe('["CAP_CHOWN","DAC_OVERRIDE"]')
    expect(capabilityList((1n << 40n) | (1n << 41n) | (1n << 63n))).toBe('["CAP_CHECKPOINT_RESTORE",41,63]')
    expect(capabilityList(0n)).toBe('')
  })
  test('are an empty object for a process without any', () => {
    expect(capabilitiesJson(0n, 0n, 0n)).toBe('{}')
    expect(capabilitiesJson(0n, 0n, 1n)).toBe('{"inheritable":["CAP_CHOWN"]}')
  })
  test('come with secure bits', () => {
    expect(secureBitsList(0)).toBe('')
    expect(secureBitsList(0b11)).toBe('["SecBitNoRoot","SecBitNoRootLocked"]')
    expect(secureBitsList(0x80)).toBe('["SecBitNoCapAmbientRaiseLocked"]')
  })
})
