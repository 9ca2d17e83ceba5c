/**
 * bun scripts/bypasses.ts [RESULT-DIRECTORY]...: takes results (KERNEL.json) that tests/kernel/bypass.test.ts wrote into a
 * directory, keeps them in tests/bypass/testdata, and writes docs/bypasses.md from what is kept.
 *   bun run guest --kernel 6.12 --timeout 900 --mem 4096 --out DIR --env THUMP_BYPASS_OUT=/out -- bun scripts/kernel_tests.ts --only bypass
 */
import fs from 'node:fs'
import path from 'node:path'
import { CASES, type Kept, keptResults, RESULTS } from '../tests/bypass/all.ts'
import { type Case, type Goal, type Kernel, KERNELS, type Verdict } from '../tests/bypass/case.ts'
import { ROOT } from './suite.ts'

export const DOCUMENT = path.join(ROOT, 'docs/bypasses.md')

const SHOWN: Readonly<Record<Verdict, string>> = {
  prevented: 'prevented',
  detected: 'detected',
  gap: '**known gap**',
  absent: '–',
  silent: 'refused, untold',
}

const HEADINGS: Readonly<Record<Goal, string>> = {
  file: 'Changing /etc: `protect-etc.yaml`',
  exec: 'Running what anybody could write: `protect-exec.yaml`',
  connect: 'Talking to the outside: `protect-egress.yaml`',
}

const INTRODUCTION = `# Ways around

What was tried against the policies in \`policies/\` that forbid something, and what became of it. This page is written by
\`scripts/bypasses.ts\` from what \`tests/kernel/bypass.test.ts\` found; the ways stand in \`tests/bypass/\`, each a small
program that is run twice with all shipped policies loaded: in monitor mode, where it must succeed, and in enforce mode.

- *prevented*: it did not happen, and an event says so.
- *detected*: it happened, and an event of another shipped policy, or of the exec, tells of it.
- *known gap*: it happened, and nothing tells; the row says why.
- –: this kernel cannot do it at all.

The first column has the class of bypass: B1 arguments changed while they are read, B2 names that are not what is opened, B3
calls that take long, B4 tracers, B5 io_uring, B6 other calls for the same, B7 other names by links, mounts and roots, B8
programs that look like others, B9 loaders and interpreters, B10 files without a name, B11 parents that are gone, B12 long
paths, B13 hidden arguments, B14 floods, B15 what fills up, B17 races with the kill, B18 code in other processes, B21
relative names, B22 changed identity, B23 what is older than the agent, B25 change of a policy. Not tried here: B16, attacks
on the agent itself (docs/enforcement.md; tests/kernel/survive_prevent.test.ts kills it); B19, exploits of the kernel, against which nothing helps that
runs in it; B20 and B24, names of images and readers of events, which no policy decides about.

What is not in the table: extended attributes and ACLs below /etc are not watched by \`protect-etc\`; a file on a disk that
\`open_by_handle_at()\` finds while no name of it is cached has no path, so that a file system which hands out such handles
to others than root should not hold /etc; writing to the block device below a file system is for whoever may load kernel
modules as well.
`

export function document(results: ReadonlyMap<Kernel, Kept>): string {
  const parts = [INTRODUCTION]
  const tried = KERNELS.flatMap((kernel) => {
    const kept = results.get(kernel)
    return kept === undefined ? [] : [`${kernel} (${kept.release})`]
  })
  const missing = KERNELS.some((kernel) => CASES.some(({ id }) => results.get(kernel)?.verdicts[id] === undefined))
  parts.push(
    `Tried on ${tried.join(', ')}.${missing ? ' Where it says *not tried*, there has been no run yet.' : ''}\n`,
  )
  for (const goal of ['file', 'exec', 'connect'] as const) {
    parts.push(`## ${HEADINGS[goal]}\n`)
    const rows = CASES.filter((each) => each.goal === goal).map((each) => row(each, results))
    parts.push(
      [`| class | how | ${KERNELS.join(' | ')} | |`, `|---|---|${'---|'.repeat(KERNELS.length)}---|`, ...rows, '']
        .join('\n'),
    )
  }
  return parts.join('\n')
}

function row(each: Case, results: ReadonlyMap<Kernel, Kept>): string {
  const verdicts = KERNELS.map((kernel) => results.get(kernel)?.verdicts[each.id])
  const shown = verdicts.map((verdict) => verdict === undefined ? 'not tried' : SHOWN[verdict])
  return `| ${each.classes} | ${each.what} | ${shown.join(' | ')} | ${each.why ?? ''} |`
}

/** A run of some cases leaves the other results as they are. */
function keep(kernel: Kernel, { release, verdicts }: Kept): void {
  const all = { ...keptResults(kernel)?.verdicts, ...verdicts }
  const known = Object.fromEntries(CASES.flatMap(({ id }) => all[id] === undefined ? [] : [[id, all[id]]]))
  const text = `${JSON.stringify({ release, verdicts: known }, null, 2)}\n`
  fs.writeFileSync(path.join(RESULTS, `${kernel}.json`), text)
}

export function allKept(): Map<Kernel, Kept> {
  return new Map(KERNELS.flatMap((kernel) => {
    const kept = keptResults(kernel)
    return kept === undefined ? [] : [[kernel, kept] as const]
  }))
}

if (import.meta.main) {
  fs.mkdirSync(RESULTS, { recursive: true })
  for (const directory of process.argv.slice(2)) {
    for (const kernel of KERNELS) {
      const file = path.join(directory, `${kernel}.json`)
      if (fs.existsSync(file)) keep(kernel, JSON.parse(fs.readFileSync(file, 'utf8')) as Kept)
    }
  }
  fs.writeFileSync(DOCUMENT, document(allKept()))
}
