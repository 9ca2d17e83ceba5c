import { expect, test } from 'bun:test'
import { ExecIds } from '../../src/process/exec_id.ts'

test('ExecIds makes base64 of node:start:pid', () => {
  for (const node of ['guest', 'a', 'ab', 'abc', 'nöde']) {
    const ids = new ExecIds(node)
    const encode = (start: string, pid: number) => Buffer.from(`${node}:${start}:${pid}`).toString('base64')
    expect(ids.encode(0, 1, 0)).toBe(encode('1', 0))
    expect(ids.encode(23, 838663057, 191)).toBe(encode('23838663057', 191))
    expect(ids.encode(9, 50, 4194304)).toBe(encode('9000000050', 4194304))
    expect(ids.encode(18446744073, 709551615, 1)).toBe(encode('18446744073709551615', 1))
  }
})
