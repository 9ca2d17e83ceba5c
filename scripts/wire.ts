/**
 * bun run wire [--check]
 * Writes ffi/wire.gen.ts, the TypeScript side of every struct tagged `__export` and every enum in the headers that C and TypeScript share,
 * from the type information that the compiler put into an object. With --check: fails if the committed file differs.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileObject, ROOT, tool } from './bpf.ts'
import { readLayouts } from './wire_btf.ts'
import { generate } from './wire_text.ts'

/** Every header with layouts. One that does not exist yet is an error of the caller, not of this list. */
const HEADERS = ['event.h', 'entry.h', 'config.h', 'hook_map.h', 'hook_event.h'] as const
const TARGET = join(ROOT, 'ffi/wire.gen.ts')

/** Text that ffi/wire.gen.ts should have. Throws with every struct and member whose layout would not be portable. */
export function generateWire(): string {
  const sources = HEADERS.map((name) => readFileSync(join(ROOT, 'bpf', name), 'utf8'))
  const text = sources.join('\n')
  const names = [
    ...[...text.matchAll(/^}[^;\n]*__export;/gm)].map((match) => `struct ${structBefore(text, match.index)}`),
    ...[...text.matchAll(/^enum (\w+) \{/gm)].map((match) => `enum ${match[1]}`),
  ]
  const dump = dumpTypes(names)
  return generate(readLayouts(dump), constants(text), HEADERS.map((name) => `bpf/${name}`))
}

/** Clang keeps a type in BTF only where a variable needs it: one unused pointer each, in an object that is never loaded. */
function dumpTypes(names: readonly string[]): unknown {
  const directory = join(ROOT, 'build/wire')
  mkdirSync(directory, { recursive: true })
  const source = join(directory, 'layout.c')
  const object = join(directory, 'layout.o')
  const types = [
    '__u8 unsigned char',
    '__u16 unsigned short',
    '__u32 unsigned int',
    '__u64 unsigned long long',
    '__s32 int',
    '__s64 long long',
    '__s16 short',
    '__s8 signed char',
  ]
  writeFileSync(
    source,
    [
      ...types.map((type) => `typedef ${type.slice(type.indexOf(' ') + 1)} ${type.slice(0, type.indexOf(' '))};`),
      ...HEADERS.map((name) => `#include "${name}"`),
      ...names.map((name, i) => `const ${name} *unused_${i};`),
      '',
    ].join('\n'),
  )
  const message = compileObject(tool('clang', 'clang'), tool('llvm-strip', 'llvm'), 'build/wire/layout.c', object)
  if (message !== undefined) throw new Error(message)
  const { exitCode, stdout, stderr } = Bun.spawnSync([tool('bpftool', 'bpftool'), 'btf', 'dump', '-j', 'file', object])
  if (exitCode !== 0) throw new Error(`Cannot read the types of ${object}: ${stderr.toString().trim()}`)
  return JSON.parse(stdout.toString())
}

/** Name of the struct whose closing brace stands at `end`. */
function structBefore(text: string, end: number): string {
  const start = text.lastIndexOf('\nstruct ', end)
  const name = /^\nstruct (\w+)\s*\{/.exec(text.slice(start, end))?.[1]
  if (name === undefined) {
    throw new Error(`Cannot find the struct that ends at ${JSON.stringify(text.slice(end, end + 40))}`)
  }
  return name
}

/** `#define NAME number` of the headers: bounds that both sides must agree on. */
function constants(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^#define ([A-Z][A-Z0-9_]*) (\d+|0x[0-9a-f]+)\b/gm)].map((
      match,
    ) => [match[1] ?? '', Number(match[2])]),
  )
}

if (import.meta.main) {
  try {
    const text = generateWire()
    if (!process.argv.includes('--check')) writeFileSync(TARGET, text)
    else if (readFileSync(TARGET, 'utf8') !== text) throw new Error('ffi/wire.gen.ts is stale: run "bun run wire"')
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}
