import { expect, test } from 'bun:test'
import { LineWriter } from '../../src/event/json.ts'
import { exitStatus, signalName } from '../../src/event/exit.ts'

const TIME = '2026-11-22T14:28:00Z'

test("LineWriter puts node, time and thump behind the body, in Tetragon's order", () => {
  const writer = new LineWriter({
    node_name: 'no"de',
    boot: 'abc',
    cluster_name: 'prod',
    node_labels: { zone: 'a' },
  })
  expect(writer.line('"test":{}', TIME, '')).toBe(
    '{"test":{},"node_name":"no\\"de","time":"2026-11-22T14:28:00Z","cluster_name":"prod","node_labels":{"zone":"a"},' +
      '"thump":{"seq":"1","boot":"abc"}}',
  )
  expect(JSON.parse(writer.line('"test":{}', TIME, ',"process_unknown":true')).thump).toEqual({
    seq: '2',
    boot: 'abc',
    process_unknown: true,
  })
})

test('LineWriter with tetragon_only has no key of its own', () => {
  const writer = new LineWriter({ node_name: 'n', boot: 'abc', tetragon_only: true, cluster_name: '' })
  expect(writer.line('"test":{}', TIME, ',"x":1')).toBe(`{"test":{},"node_name":"n","time":"${TIME}"}`)
  expect(writer.seq).toBe(1)
})

test('LineWriter leaves the time out where there is none', () => {
  const options = { node_name: 'n', boot: 'abc', cluster_name: 'prod', node_labels: { zone: 'a' } }
  expect(new LineWriter(options).line('"test":{}', '', ',"x":1')).toBe(
    '{"test":{},"node_name":"n","cluster_name":"prod","node_labels":{"zone":"a"},"thump":{"seq":"1","boot":"abc","x":1}}',
  )
  const bare = new LineWriter({ node_name: 'n', boot: 'abc', tetragon_only: true, cluster_name: '' })
  expect(bare.line('"test":{}', '', ',"x":1')).toBe('{"test":{},"node_name":"n"}')
})

test('signalName() and exitStatus() read task_struct::exit_code', () => {
  expect([signalName(9), exitStatus(9)]).toEqual(['SIGKILL', 0])
  expect([signalName(11 | 0x80), exitStatus(11 | 0x80)]).toEqual(['SIGSEGV', 0])
  expect([signalName(3 << 8), exitStatus(3 << 8)]).toEqual(['', 3])
  expect([signalName(255 << 8), exitStatus(255 << 8)]).toEqual(['', 255])
  expect(signalName(34)).toBe('')
  expect(signalName(31)).toBe('SIGSYS')
})
