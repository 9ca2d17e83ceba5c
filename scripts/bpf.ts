/** Compiles bpf/*.bpf.c (and other folders of BPF C) to CO-RE objects in build/bpf: what is missing or older than its sources. */

import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = ['bpf', 'bench/bpf', 'tests/kernel/bpf']

/** Kernel name of the CPU as libbpf's bpf_tracing.h wants it. */
const TARGET_ARCH: Readonly<Record<string, string>> = { x64: 'x86', arm64: 'arm64' }

export class CompilerMissingError extends Error {
  override name = 'CompilerMissingError'
}

export interface ObjectsOptions {
  /** Compile also what is fresh. */
  readonly force?: boolean
  /** Called with each object's name before it is compiled. */
  readonly onCompile?: (object: string) => void
}

/** Folder of the compiled objects; THUMP_BPF_DIR names another (the image has one without sources). */
export function objectDirectory(): string {
  return process.env['THUMP_BPF_DIR'] ?? join(ROOT, 'build/bpf')
}

/**
 * Compiles what is stale and returns the names of what it compiled. Without sources (the image) nothing is stale.
 * Throws CompilerMissingError where something is stale and no clang is installed, Error with clang's text if it fails.
 */
export function ensureObjects(options: ObjectsOptions = {}): string[] {
  const directory = objectDirectory()
  const stale = SOURCES.flatMap((folder) => staleSources(join(ROOT, folder), directory, options.force ?? false))
  if (stale.length === 0) return []
  const clang = Bun.which('clang')
  if (clang === null) {
    throw new CompilerMissingError(
      `Cannot compile ${stale.length} BPF object(s): no clang found; install the Debian packages clang, llvm and libbpf-dev`,
    )
  }
  mkdirSync(directory, { recursive: true })
  for (const source of stale) {
    options.onCompile?.(objectName(source))
    compile(clang, source, join(directory, objectName(source)))
  }
  return stale.map(objectName)
}

function objectName(source: string): string {
  return basename(source).replace(/\.c$/, '.o')
}

function staleSources(folder: string, directory: string, force: boolean): string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder)
  const headers = newest([...headersIn(join(ROOT, 'bpf')), ...headersIn(folder)])
  return names.filter((name) => name.endsWith('.bpf.c')).sort().map((name) => join(folder, name)).filter((source) => {
    const object = join(directory, objectName(source))
    if (force || !existsSync(object)) return true
    return statSync(object).mtimeMs < Math.max(headers, statSync(source).mtimeMs)
  })
}

function headersIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.h')).map((name) => join(folder, name))
}

function newest(files: string[]): number {
  return files.reduce((most, file) => Math.max(most, statSync(file).mtimeMs), 0)
}

/** One C file to one object without DWARF; written under another name first, so that nobody reads half of it. */
export function compile(clang: string, source: string, object: string): void {
  const arch = TARGET_ARCH[process.arch]
  if (arch === undefined) throw new Error(`Cannot compile for "${process.arch}": wanted x64 or arm64`)
  const part = `${object}.${process.pid}`
  run([
    clang,
    ...['-g', '-O2', '-target', 'bpf', '-mcpu=v3', `-D__TARGET_ARCH_${arch}`],
    ...['-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-Wno-sign-compare'],
    // Paths in the object would differ from checkout to checkout.
    ...[`-ffile-prefix-map=${ROOT}/=`, '-I', join(ROOT, 'bpf'), '-c', source, '-o', part],
  ], source)
  const strip = Bun.which('llvm-strip') ?? Bun.which('llvm-strip-14')
  if (strip !== null) run([strip, '-g', part], source)
  renameSync(part, object)
}

function run(command: string[], source: string): void {
  const result = Bun.spawnSync(command, { cwd: ROOT, stdout: 'pipe', stderr: 'pipe' })
  if (result.exitCode !== 0) {
    throw new Error(`Cannot compile ${source.slice(ROOT.length + 1)}:\n${result.stderr.toString()}`)
  }
}

if (import.meta.main) {
  const force = process.argv.includes('--force')
  try {
    const compiled = ensureObjects({ force, onCompile: (object) => process.stderr.write(`compiling ${object}\n`) })
    process.stderr.write(
      compiled.length === 0 ? 'BPF objects are fresh\n' : `compiled ${compiled.length} BPF objects\n`,
    )
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}
