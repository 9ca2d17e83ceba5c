import { expect, test } from 'bun:test'
import { LineWriter } from '../../src/cli/line_writer.ts'
import { fakeTerminal } from './terminal.ts'

function counting() {
  const terminal = fakeTerminal()
  const writes: string[] = []
  return { writes, terminal: { ...terminal, write: async (text: string) => void writes.push(text) } }
}

test('LineWriter gathers texts, writes them soon, and keeps their order', async () => {
  const { writes, terminal } = counting()
  await using writer = new LineWriter(terminal)
  for (let i = 0; i < 100; i++) expect(writer.add(`${i}\n`)).toBeUndefined()
  expect(writes).toEqual([])
  await Bun.sleep(50)
  expect(writes).toEqual([Array.from({ length: 100 }, (_, i) => `${i}\n`).join('')])
  await writer.add('x'.repeat(100_000))
  writer.add('end')
  await writer.flush()
  expect(writes.slice(1).map((text) => text.length)).toEqual([100_000, 3])
})

test('LineWriter tells the next one what a write failed with', async () => {
  const terminal = { ...fakeTerminal(), write: () => Promise.reject(new Error('EPIPE')) }
  await using writer = new LineWriter(terminal)
  writer.add('a')
  await Bun.sleep(50)
  expect(() => writer.add('b')).toThrow('EPIPE')
})
