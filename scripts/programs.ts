/** Compiles the small C programs that kernel tests start: tests/kernel/program/NAME.c and tests/bypass/program/NAME.c become build/program/NAME, static, so that it runs in any guest. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from './suite.ts'

const source_directories = ['tests/kernel/program', 'tests/bypass/program'].map((name) => join(ROOT, name))
const target_directory = join(ROOT, 'build/program')
const compiler = Bun.which('gcc') ?? Bun.which('clang')

const sources = source_directories.flatMap((directory) =>
  existsSync(directory) ? readdirSync(directory).map((file) => join(directory, file)) : []
)

for (const source of sources) {
  const file = basename(source)
  if (!file.endsWith('.c')) continue
  const target = join(target_directory, file.slice(0, -2))
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) continue
  if (!compiler) {
    console.error(`Cannot compile ${file}: no C compiler, so install gcc (or let "./thump test" do it)`)
    process.exit(1)
  }
  mkdirSync(target_directory, { recursive: true })
  const result = Bun.spawnSync([
    compiler,
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-static',
    '-pthread',
    '-o',
    target,
    source,
  ], { stderr: 'inherit' })
  if (result.exitCode !== 0) process.exit(1)
}
