/**
 * bun run bpf [--force]
 * Compiles bpf/*.bpf.c, and the test programs, to CO-RE objects under build/bpf; only what is missing or older than its sources.
 * The same sources give the same bytes wherever they are compiled: no absolute path and no DWARF stays in an object.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')
export const OBJECT_DIRECTORY = join(ROOT, 'build/bpf')

/** Where sources are and where their objects go, relative to the root. */
const SOURCES = [
  { from: 'bpf', to: 'build/bpf' },
  { from: 'tests/kernel/bpf', to: 'build/bpf/tests' },
  { from: 'bench/bpf', to: 'build/bpf/bench' },
] as const

const TARGETS: Readonly<Record<string, string>> = { x64: 'x86', arm64: 'arm64' }

/** clang or llvm-strip is not installed. */
export class MissingToolError extends Error {
  override readonly name = 'MissingToolError'
}

export interface EnsureOptions {
  /** Compile also what is fresh. */
  readonly force?: boolean
  /** Directory that stands in for the root in paths of objects; tests compile twice and compare. */
  readonly out?: string
}

/**
 * Compiles what is stale and returns the paths of what was compiled, relative to the root. Each object appears whole or not at all, so several
 * processes may do this at once. Throws MissingToolError, or an Error with the compiler's messages of every source that failed.
 */
export function ensureObjects(options: EnsureOptions = {}): string[] {
  const stale = objectJobs(options.out ?? ROOT).filter((job) => options.force === true || isStale(job))
  if (stale.length === 0) return []
  const compiler = tool('clang', 'clang')
  const strip = tool('llvm-strip', 'llvm')
  const messages: string[] = []
  for (const job of stale) {
    const message = compileObject(compiler, strip, job.source, job.object)
    if (message !== undefined) messages.push(message)
  }
  if (messages.length > 0) throw new Error(messages.join('\n'))
  return stale.map((job) => job.source)
}

/** Compiles one source, named relative to the root, to a stripped object; returns what the compiler said if it failed. */
export function compileObject(
  compiler: string,
  strip: string,
  source: string,
  object: string,
  flags: readonly string[] = [],
): string | undefined {
  const target = TARGETS[process.arch]
  if (target === undefined) throw new Error(`Cannot compile for ${process.arch}: x64 and arm64 are supported`)
  mkdirSync(join(object, '..'), { recursive: true })
  const draft = `${object}.${process.pid}`
  const compile = run([
    compiler,
    '-g',
    '-O2',
    '-target',
    'bpf',
    '-mcpu=v3',
    `-D__TARGET_ARCH_${target}`,
    '-Wall',
    '-Werror',
    '-Wno-unused-function',
    '-Wno-missing-declarations',
    '-fdebug-compilation-dir=.',
    ...flags,
    '-Ibpf',
    '-c',
    source,
    '-o',
    draft,
  ])
  if (compile !== undefined) return compile
  const stripped = run([strip, '-g', draft])
  if (stripped !== undefined) return stripped
  renameSync(draft, object)
  return undefined
}

/** Path of an installed program. Throws MissingToolError naming the Debian package. */
export function tool(name: string, debian_package: string): string {
  const path = Bun.which(name)
  if (path === null) {
    throw new MissingToolError(
      `Cannot compile kernel programs: no "${name}", install Debian package "${debian_package}"`,
    )
  }
  return path
}

interface Job {
  readonly source: string
  readonly object: string
}

function objectJobs(out: string): Job[] {
  return SOURCES.flatMap(({ from, to }) =>
    list(from).filter((name) => name.endsWith('.bpf.c'))
      .map((name) => ({ source: `${from}/${name}`, object: join(out, to, basename(name, '.c') + '.o') }))
  )
}

function isStale({ source, object }: Job): boolean {
  if (!existsSync(object)) return true
  const made = statSync(object).mtimeMs
  const headers = list('bpf').filter((name) => name.endsWith('.h')).map((name) => `bpf/${name}`)
  return [source, ...headers].some((path) => statSync(join(ROOT, path)).mtimeMs > made)
}

function list(directory: string): string[] {
  const path = join(ROOT, directory)
  return existsSync(path) ? readdirSync(path).sort() : []
}

function run(command: string[]): string | undefined {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: ROOT, stdout: 'ignore', stderr: 'pipe' })
  return exitCode === 0 ? undefined : stderr.toString()
}

if (import.meta.main) {
  try {
    const compiled = ensureObjects({ force: process.argv.includes('--force') })
    process.stdout.write(
      compiled.length === 0 ? 'objects are fresh\n' : compiled.map((source) => `compiled ${source}\n`).join(''),
    )
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}
