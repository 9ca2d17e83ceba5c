import { expect, test } from 'bun:test'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A checkout with nothing in it but the script and what it looks at, and a PATH of stand-ins that say how they were called. */
class Checkout {
  readonly root = mkdtempSync(join(tmpdir(), 'thump-door-'))
  readonly bin = join(this.root, 'bin')
  readonly tree = join(this.root, 'tree')

  constructor() {
    for (const directory of ['bin', 'tree/node_modules', 'tree/bpf', 'tree/build/bpf', 'elsewhere']) {
      mkdirSync(join(this.root, directory), { recursive: true })
    }
    copyFileSync(join(import.meta.dirname, '../thump'), join(this.tree, 'thump'))
    for (const file of ['bun.lock', 'node_modules/.thump-run', 'bpf/a.bpf.c', 'build/bpf/a.bpf.o']) this.touch(file, 0)
    this.program('bun', 'echo "bun $* in $(pwd)"')
    for (const name of ['readlink', 'dirname', 'find', 'id', 'uname', 'touch', 'env', 'pwd', 'sleep']) {
      const path = Bun.which(name)
      if (path) symlinkSync(path, join(this.bin, name))
    }
  }

  touch(file: string, age_seconds: number): void {
    const path = join(this.tree, file)
    writeFileSync(path, '')
    const time = Date.now() / 1000 - 1000 - age_seconds
    utimesSync(path, time, time)
  }

  program(name: string, text: string): void {
    writeFileSync(join(this.bin, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(this.bin, name), 0o755)
  }

  run(command: string[], cwd = this.root): { status: number; stdout: string; stderr: string } {
    const result = Bun.spawnSync(['/bin/sh', ...command], {
      cwd,
      env: { PATH: this.bin, HOME: this.root },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    return { status: result.exitCode, stdout: result.stdout.toString(), stderr: result.stderr.toString() }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true })
  }
}

test('thump starts the client where the caller stands, found through a relative symlink', () => {
  using checkout = new Checkout()
  symlinkSync('../tree/thump', join(checkout.root, 'elsewhere/link'))
  const { status, stdout, stderr } = checkout.run(
    ['link', 'events', '-o', 'two words'],
    join(checkout.root, 'elsewhere'),
  )
  const { tree } = checkout
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toBe(
    `bun --no-env-file --config=${tree}/bunfig.toml ${tree}/src/cli/thump.ts events -o two words in ${checkout.root}/elsewhere\n`,
  )
})

test('thump adds less than 50 ms when nothing is missing', () => {
  using checkout = new Checkout()
  const times: number[] = []
  // The quickest counts: on a busy machine several in a row may be slow.
  while (times.length < 100 && !times.some((ms) => ms < 50)) {
    const start = performance.now()
    expect(checkout.run([join(checkout.tree, 'thump'), 'version']).status).toBe(0)
    times.push(performance.now() - start)
  }
  expect(Math.min(...times)).toBeLessThan(50)
})

test('thump installs packages when bun.lock is younger than the last time, without those for developing', () => {
  using checkout = new Checkout()
  checkout.touch('bun.lock', -100)
  checkout.program('bun', 'echo "$*"')
  const first = checkout.run([join(checkout.tree, 'thump'), 'version'])
  expect(first.stderr).toBe('thump: installing the packages of bun.lock\ninstall --frozen-lockfile --production\n')
  expect(checkout.run([join(checkout.tree, 'thump'), 'version']).stderr).toBe('')
})

test('thump does not take away the packages of a developer', () => {
  using checkout = new Checkout()
  checkout.touch('bun.lock', -100)
  mkdirSync(join(checkout.tree, 'node_modules/typescript'))
  checkout.program('bun', 'echo "$*"')
  expect(checkout.run([join(checkout.tree, 'thump'), 'version']).stderr).toBe(
    'thump: installing the packages of bun.lock\ninstall --frozen-lockfile\n',
  )
})

test('thump says what could not be installed and why, and exits 3', () => {
  using checkout = new Checkout()
  checkout.touch('node_modules/.thump-run', 10_000)
  checkout.program('bun', 'echo "error: no network"; exit 1')
  const { status, stdout, stderr } = checkout.run([join(checkout.tree, 'thump'), 'version'])
  expect({ status, stdout }).toEqual({ status: 3, stdout: '' })
  expect(stderr).toContain('error: no network\nthump: could not install the packages of bun.lock\n')
})

test('every line of test_packages.txt is a program or file and a package', () => {
  const lines = readFileSync(join(import.meta.dirname, '../scripts/test_packages.txt'), 'utf8').trimEnd().split('\n')
  expect(lines.filter((line) => !/^\S+ [a-z0-9][a-z0-9.+-]+$/.test(line))).toEqual([])
})
