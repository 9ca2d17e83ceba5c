import { describe, expect, test } from 'bun:test'
import { compileFieldFilters, parseFieldFilters } from '../../src/filter/fields.ts'
import { FilterError } from '../../src/filter/type.ts'

const EXEC = {
  process_exec: {
    process: { exec_id: 'a', pid: 1, binary: '/x', cap: { permitted: ['CAP_BPF'], effective: [] } },
    parent: { exec_id: 'b', pid: 2, binary: '/y' },
    ancestors: [{ exec_id: 'c', pid: 3 }, { exec_id: 'd', pid: 4 }],
  },
  node_name: 'n',
  time: 't',
  thump: { seq: '1' },
}
const EXIT = { process_exit: { process: { exec_id: 'a', pid: 1 }, status: 3 }, node_name: 'n' }

const apply = (filters: string, event = EXEC as never) => compileFieldFilters(parseFieldFilters(filters, 'test'))(event)

describe('compileFieldFilters()', () => {
  test('keeps included paths only, and the envelope', () => {
    expect(apply('{"fields":"process.binary,parent.execId,ancestors.pid","action":"INCLUDE"}')).toEqual({
      process_exec: { process: { binary: '/x' }, parent: { exec_id: 'b' }, ancestors: [{ pid: 3 }, { pid: 4 }] },
      node_name: 'n',
      time: 't',
      thump: { seq: '1' },
    })
  })

  test('removes excluded paths', () => {
    expect(apply('{"fields":"process.exec_id,process.cap.permitted,parent,ancestors","action":"EXCLUDE"}')).toEqual({
      ...EXEC,
      process_exec: { process: { pid: 1, binary: '/x', cap: { effective: [] } } },
    } as never)
  })

  test('unites what several filters include, then removes what is excluded', () => {
    const filters = '{"fields":"process"} {"fields":"parent.pid"} {"fields":"process.cap","action":"EXCLUDE"}'
    expect(apply(filters)['process_exec']).toEqual({
      process: { exec_id: 'a', pid: 1, binary: '/x' },
      parent: { pid: 2 },
    })
  })

  test('applies to the events of event_set, or with invert_event_set to the others', () => {
    const only = '{"eventSet":["PROCESS_EXIT"],"fields":"status"}'
    expect(apply(only)).toBe(EXEC as never)
    expect(apply(only, EXIT as never)).toEqual({ process_exit: { status: 3 }, node_name: 'n' })
    const others = '{"event_set":["PROCESS_EXIT"],"invertEventSet":true,"fields":"process.pid"}'
    expect(apply(others, EXIT as never)).toBe(EXIT as never)
    expect(apply(others)['process_exec']).toEqual({ process: { pid: 1 } })
  })

  test('includes nothing for a path that is not there', () => {
    expect(apply('{"fields":"nothing"}')['process_exec']).toEqual({})
  })

  for (
    const text of [
      '{"field":"a"}',
      '{"fields":"a..b"}',
      '{"fields":"a","action":"KEEP"}',
      '{"event_set":["X"],"fields":"a"}',
      '{"fields":3}',
      '[1]',
    ]
  ) {
    test(`refuses ${text}`, () => expect(() => parseFieldFilters(text, 'test')).toThrow(FilterError))
  }
})
