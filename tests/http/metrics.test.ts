import { expect, test } from 'bun:test'
import { renderMetrics } from '../../src/http/metrics.ts'

test('renderMetrics() writes names with the prefix, escapes labels and help, and leaves empty families out', () => {
  const text = renderMetrics([
    { name: 'a_total', type: 'counter', help: 'back\\slash\nline', samples: [{ labels: { l: 'q"\\\n' }, value: 1.5 }] },
    { name: 'empty', type: 'gauge', help: '', samples: [] },
    { name: 'process_x', common: true, type: 'gauge', help: 'x', samples: [{ labels: {}, value: 0 }] },
  ], 'tetragon')
  expect(text).toBe(
    '# HELP tetragon_a_total back\\\\slash\\nline\n# TYPE tetragon_a_total counter\n' +
      'tetragon_a_total{l="q\\"\\\\\\n"} 1.5\n# HELP process_x x\n# TYPE process_x gauge\nprocess_x 0\n',
  )
})
