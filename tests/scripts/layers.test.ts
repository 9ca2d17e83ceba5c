import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { layerViolations } from '../../scripts/layers.ts'

test('layerViolations() names what the table forbids and nothing else', () => {
  const root = mkdtempSync(join(tmpdir(), 'thump-layers-'))
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  try {
    write('ffi/ring.ts', "import { dlopen } from 'bun:ffi'\nimport { assert } from './assert.ts'\n")
    write('src/event/json.ts', "import { dlopen } from 'bun:ffi'\nimport { EXIT } from '../../ffi/wire.gen.ts'\n")
    write(
      'src/policy/plan.ts',
      "import type { KernelFacts } from '../kernel/facts.ts'\nimport {\n  probe,\n} from '../kernel/facts.ts'\n",
    )
    write('src/http/app.ts', "import { Hono } from 'hono'\nimport { RingBuffer } from '../../ffi/ring.ts'\n")
    write('src/stray.ts', 'export const stray = 1\n')
    expect(layerViolations(root).sort()).toEqual([
      'src/event/json.ts imports bun:ffi',
      'src/http/app.ts imports ../../ffi/ring.ts',
      'src/policy/plan.ts imports ../kernel/facts.ts',
      'src/stray.ts is in no part that scripts/layers.ts knows',
    ])
  } finally {
    rmSync(root, { recursive: true })
  }
})
