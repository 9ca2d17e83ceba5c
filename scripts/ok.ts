/** bun run ok [--no-tests]: judges a change without root or a certain kernel: format, lint, types, layers, generated files, pure tests. Names every check that failed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './suite.ts'

const tool = (name: string) => join(ROOT, 'node_modules/.bin', name)

const checks: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['format', [tool('deno'), 'fmt', '--check', '--quiet']],
  ['lint', [tool('deno'), 'lint', '--quiet']],
  ['types', [tool('tsc'), '--noEmit', '-p', '.']],
  ['layers', [process.execPath, 'scripts/layers.ts']],
  ...(Bun.which('clang') && Bun.which('bpftool') && existsSync(join(ROOT, 'scripts/wire.ts'))
    ? [['generated files', [process.execPath, 'scripts/wire.ts', '--check']] as const]
    : []),
  ...(process.argv.includes('--no-tests') ? [] : [['tests', [process.execPath, 'test', '--only-failures']] as const]),
]

const failed: string[] = []
for (const [name, command] of checks) {
  const start = performance.now()
  const result = Bun.spawnSync([...command], { cwd: ROOT, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
  if (result.exitCode !== 0) failed.push(name)
  console.error(
    `${result.exitCode === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
  )
}
if (failed.length > 0) console.error(`not ok: ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
