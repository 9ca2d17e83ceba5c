import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { layerViolations } from '../scripts/layers.ts'

const ROOT = join(import.meta.dirname, '..')
const AREAS = ['src', 'ffi', 'bpf', 'tests', 'scripts', 'bench', 'docs', 'policies', '.ci']
const TOP = [
  'README.md',
  'CHANGELOG.md',
  'Containerfile',
  'thump',
  'package.json',
  'deno.json',
  'bunfig.toml',
  'tsconfig.json',
]
const LINES_MAX = 350

function filesIn(area: string): string[] {
  if (!existsSync(join(ROOT, area))) return []
  const names = readdirSync(join(ROOT, area), { recursive: true, encoding: 'utf8' }).map((name) => `${area}/${name}`)
  return names.filter((name) => statSync(join(ROOT, name), { throwIfNoEntry: false })?.isFile())
}

const files = [...AREAS.flatMap(filesIn), ...TOP.filter((name) => existsSync(join(ROOT, name)))]
  .filter((name) => !/\.(png|ico|o|gz|btf|bin)$/.test(name))
const text = new Map(files.map((name) => [name, readFileSync(join(ROOT, name), 'utf8')]))
const source = files.filter((name) => /^(src|ffi|scripts|bench)\/.*\.ts$/.test(name))

/** Names of the files whose text matches. */
function matching(names: string[], pattern: RegExp): string[] {
  return names.filter((name) => pattern.test(text.get(name) ?? ''))
}

test('imports follow the layers', () => {
  expect(layerViolations(ROOT)).toEqual([])
})

test('files end with one newline and no line ends with a space', () => {
  const written = files.filter((name) => !name.includes('/testdata/'))
  expect(written.filter((name) => !/[^\n]\n$/.test(text.get(name) ?? ''))).toEqual([])
  expect(matching(written, /[ \t]$/m)).toEqual([])
})

test('the agent writes to the console nowhere but in its command line parts', () => {
  expect(
    matching(source.filter((name) => /^(src|ffi)\//.test(name) && !name.startsWith('src/cli/')), /\bconsole\.\w+\(/),
  ).toEqual([])
})

test('no check is switched off, no error swallowed, nothing left to do', () => {
  // A bracket in each, so that a search for the word does not find this line.
  for (const pattern of [/\bas an[y]\b/, /@ts-(ignor[e]|nochec[k]|expect-erro[r])/, /\b(TOD[O]|FIXM[E])\b/]) {
    expect(matching(source, pattern)).toEqual([])
  }
  expect(matching(source, /catch *(\([^)]*\))? *\{ *\}|\.catch\(\(\) *=> *(\{ *\}|undefined|null)\)/)).toEqual([])
})

test('no test is switched off or singled out', () => {
  expect(matching(files.filter((name) => name.startsWith('tests/')), /\b(test|it|describe)\.(ski[p]|tod[o]|onl[y])\b/))
    .toEqual([])
})

test('the tree names no registry and no path of the machine it was written on', () => {
  const words = new RegExp(['[a-z0-9.-]*(debian|npmjs)\\.or' + 'g/', '/wor' + 'k/(main|shared)'].join('|'))
  expect(matching(files, words)).toEqual([])
})

test('every BPF source says its licence first', () => {
  const first = /^(\/\/|\/\*) SPDX-License-Identifier: \(?GPL-2\.0(-only)? OR BSD-2-Clause\)?/
  expect(
    files.filter((name) => /\.(bpf\.c|h)$/.test(name) && name.startsWith('bpf/') && !first.test(text.get(name) ?? '')),
  ).toEqual([])
})

test('a test file mirrors a source file, a script or a document', () => {
  const tests = files.filter((name) =>
    /^tests\/(?!kernel\/|cluster\/).*\.test\.ts$/.test(name) && !/^tests\/tidy\.|\/golden\./.test(name)
  )
  // tests/PATH mirrors src/PATH, ffi/PATH, scripts/… or bench/…; since tests/kernel holds the tests on a real kernel, those of
  // src/kernel are in tests/src/kernel. golden.test.ts tests its whole directory; "tests/policy/plan_limits.test.ts" tests src/policy/plan.ts or, as a whole, src/policy.
  const mirrored = (name: string) => {
    const path = name.slice('tests/'.length, -'.test.ts'.length)
    return ['src', 'ffi', 'scripts', 'bench', '.'].some((top) => {
      const base = path.startsWith(`${top}/`) ? path.slice(top.length + 1) : path
      const words = base.slice(base.lastIndexOf('/') + 1).split('_')
      const heads = words.map((_, i) => words.slice(0, i + 1).join('_'))
      return heads.some((head) =>
        ['.ts', '.tsx', ''].some((end) => existsSync(join(ROOT, top, dirname(base), head + end)))
      )
    })
  }
  expect(tests.filter((name) => !mirrored(name))).toEqual([])
})

test(`no source file has more than ${LINES_MAX} lines`, () => {
  const written = files.filter((name) =>
    /^(src|ffi|bpf|scripts|tests|bench)\/.*\.(ts|c|h)$/.test(name) && !/\.gen\.ts$|^bpf\/vmlinux\.h$/.test(name)
  )
  expect(written.filter((name) => (text.get(name)?.split('\n').length ?? 0) - 1 > LINES_MAX)).toEqual([])
})
