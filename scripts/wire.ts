/**
 * Writes ffi/wire.gen.ts from the layouts in bpf/*.h: the structs marked `__export` and every enum of those headers, as the
 * compiler laid them out (BTF). `--check` fails where the committed file differs.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BtfType, readTypes, Types } from './wire_btf.ts'
import { enumText, structText, WIRE_HELPERS } from './wire_text.ts'

const ROOT = join(import.meta.dirname, '..')
const OUTPUT = join(ROOT, 'ffi/wire.gen.ts')
/** Headers with layouts, in order; each must compile on top of linux/types.h alone. */
const HEADERS = ['event.h', 'config.h', 'hook_event.h', 'map_layout.h']

export function generate(): string {
  const headers = HEADERS.filter((name) => Bun.file(join(ROOT, 'bpf', name)).size > 0)
  const text = headers.map((name) => readFileSync(join(ROOT, 'bpf', name), 'utf8')).join('\n')
  const enums = [...text.matchAll(/^enum (\w+) \{/gm)].map((match) => match[1]!)
  const structs = [...text.matchAll(/^struct (\w+) \{/gm)].map((match) => match[1]!)
  const source = [
    '#include <linux/types.h>',
    ...headers.map((name) => `#include "${name}"`),
    ...enums.map((name) => `enum ${name} *enum_${name};`),
    ...structs.map((name) => `struct ${name} *struct_${name};`),
    '',
  ].join('\n')
  const types = new Types(compileTypes(source))
  const exported = structs.filter((name) => types.isExported(name))
  const parts = [
    `// Generated from ${headers.map((name) => `bpf/${name}`).join(', ')} by scripts/wire.ts; DO NOT EDIT.`,
    WIRE_HELPERS,
    ...enums.map((name) => enumText(types.named('ENUM', name))),
    ...exported.map((name) => structText(types, types.named('STRUCT', name))),
    `/** Bytes of each exported struct, to compare with a loaded object's BTF. */`,
    `export const WIRE_SIZES: Readonly<Record<string, number>> = {\n${
      exported.map((name) => `  ${name}: ${types.named('STRUCT', name).size},\n`).join('')
    }}`,
  ]
  return `${parts.join('\n\n')}\n`
}

function compileTypes(source: string): BtfType[] {
  const folder = mkdtempSync(join(tmpdir(), 'thump-wire-'))
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'layout.c'), source)
    const include = [
      '-I',
      join(ROOT, 'bpf'),
      '-I',
      `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
    ]
    run([
      'clang',
      '-g',
      '-O2',
      '-target',
      'bpf',
      ...include,
      '-c',
      join(folder, 'layout.c'),
      '-o',
      join(folder, 'layout.o'),
    ])
    return readTypes(run(['bpftool', 'btf', 'dump', '-j', 'file', join(folder, 'layout.o')]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function run(command: string[]): string {
  const result = Bun.spawnSync(command, { stdout: 'pipe', stderr: 'pipe' })
  if (result.exitCode !== 0) throw new Error(`Cannot run ${command[0]}:\n${result.stderr.toString()}`)
  return result.stdout.toString()
}

if (import.meta.main) {
  const text = generate()
  const old = (await Bun.file(OUTPUT).exists()) ? readFileSync(OUTPUT, 'utf8') : ''
  if (process.argv.includes('--check')) {
    if (old !== text) {
      process.stderr.write('ffi/wire.gen.ts differs from the layouts in bpf/: run `bun run wire`\n')
      process.exit(1)
    }
  } else if (old !== text) {
    writeFileSync(OUTPUT, text)
    process.stderr.write('wrote ffi/wire.gen.ts\n')
  }
}
