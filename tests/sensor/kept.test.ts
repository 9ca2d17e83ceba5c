import { expect, test } from 'bun:test'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type BaseState, decodeState, encodeState, signatureOf, withoutBaseline } from '../../src/sensor/kept.ts'

const count = (changes: object) => ({
  ...{ ring: 'reserved', type: 'exec', policy: '', attempted: 10, submitted: 9, lost: { ring_full: 1 } },
  ...changes,
})

test('withoutBaseline() leaves what came after the former agent, losses that it had not told included', () => {
  const baseline = [count({ attempted: 5, submitted: 5, lost: { ring_full: 0 } })]
  expect(withoutBaseline([count({})], baseline)).toEqual([
    count({ attempted: 5, submitted: 4, lost: { ring_full: 1 } }),
  ])
  expect(withoutBaseline([count({ type: 'fork' })], baseline)).toEqual([count({ type: 'fork' })])
})

test('encodeState() keeps bytes and what JSON has no word for', () => {
  const state: BaseState = { signature: 'a', hash_key: Uint8Array.of(1, 2), credential_source: null }
  expect(decodeState<BaseState>(encodeState(state))).toEqual(state)
  const plan = { signature: 'b', hash_key: Uint8Array.of(), credential_source: null, values: [1n << 63n] }
  expect(decodeState<BaseState>(encodeState(plan))).toEqual(plan)
})

test('signatureOf() changes with a program and with a setting', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'thump-kept-'))
  const file = path.join(directory, 'exec.bpf.o')
  fs.writeFileSync(file, 'one')
  const first = signatureOf([file], [1])
  expect(signatureOf([file], [1])).toBe(first)
  expect(signatureOf([file], [2])).not.toBe(first)
  fs.writeFileSync(file, 'two')
  expect(signatureOf([file], [1])).not.toBe(first)
  fs.rmSync(directory, { recursive: true })
})
