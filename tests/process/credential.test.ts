import { describe, expect, test } from 'bun:test'
import { binaryPropertiesJson, NamespacePrinter } from '../../src/process/credential.ts'
import { HOST, ROOT } from './record.ts'

describe('binaryPropertiesJson()', () => {
  test('is empty where nothing was gained', () => expect(binaryPropertiesJson(0, ROOT, 0)).toBe(''))
  test('tells setuid to root, and to another user without raised privileges', () => {
    expect(JSON.parse(binaryPropertiesJson(2, ROOT, 0))).toEqual({
      setuid: 0,
      privileges_changed: ['PRIVILEGES_RAISED_EXEC_FILE_SETUID'],
    })
    expect(JSON.parse(binaryPropertiesJson(2, { ...ROOT, euid: 7 }, 0))).toEqual({ setuid: 7 })
  })
  test('tells of programs without links', () => {
    expect(binaryPropertiesJson(0, ROOT, 12345)).toBe('{"file":{"inode":{"number":"12345","links":0}}}')
  })
})

describe('NamespacePrinter', () => {
  const printer = new NamespacePrinter(HOST)
  test('marks those of the host', () => {
    expect(JSON.parse(printer.json({ ...HOST, net: 5 })).net).toEqual({ inum: 5 })
    expect(JSON.parse(printer.json(HOST)).net).toEqual({ inum: HOST.net, is_host: true })
  })
  test('leaves out what the kernel has not', () => {
    expect(Object.keys(JSON.parse(printer.json({ ...HOST, time: 0, time_for_children: 0 })))).not.toContain('time')
  })
  test('tells whose /etc/passwd counts', () => {
    expect(printer.sharesUsers({ ...HOST, net: 5 })).toBe(true)
    expect(printer.sharesUsers({ ...HOST, user: 5 })).toBe(false)
    expect(printer.sharesUsers({ ...HOST, mnt: 5 })).toBe(false)
  })
})
