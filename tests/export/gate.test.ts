import { expect, test } from 'bun:test'
import type { EventMeta, EventType } from '../../src/event/type.ts'
import { ExportGate } from '../../src/export/gate.ts'
import type { Exporter } from '../../src/export/type.ts'

function memory(): Exporter & { readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    counters: { name: 'm', events: 0, written: 0, written_bytes: 0, queued: 0, queued_bytes: 0, dropped: {} },
    open: true,
    write: (line) => void lines.push(line),
    push: () => {},
    flush: async () => {},
    async [Symbol.asyncDispose]() {},
  }
}

const meta = (type: EventType): EventMeta => ({ type, seq: 1, ktime_ns: 0, process: undefined, policy: undefined })

test('ExportGate counts what it filters, and passes loss whatever the lists, the limit and the fields say', () => {
  const sink = memory()
  const rate = { take: () => false, report: () => undefined }
  const gate = new ExportGate({ match: () => false, rate, edit: () => '{}', rateLine: String }, [sink])
  gate.write('event', meta('process_exec'))
  gate.write('{"loss":{"count":"3"}}', meta('loss'))
  expect(sink.lines).toEqual(['{"loss":{"count":"3"}}'])
  expect(gate.counters).toMatchObject({ events: 2, written: 1, dropped: { filter: 1, rate: 0 } })
})

test('ExportGate edits what passes and reports what was over the rate', () => {
  const sink = memory()
  let report: number | undefined = 7
  const rate = { take: () => true, report: () => report }
  const gate = new ExportGate(
    { match: null, rate, edit: (line) => line.toUpperCase(), rateLine: (dropped) => `dropped ${dropped}` },
    [sink],
  )
  gate.write('event', meta('process_exec'))
  gate.push()
  report = undefined
  gate.push()
  expect(sink.lines).toEqual(['EVENT', 'dropped 7'])
})
