/**
 * bun scripts/vmlinux.ts
 * Writes bpf/vmlinux.h anew: the kernel types and members that our programs read, from this kernel's BTF. Needed only when a program begins to
 * read something new; the result is committed, so that objects do not depend on the kernel of the machine that compiles them.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileObject, ROOT, tool } from './bpf.ts'

const BTF = '/sys/kernel/btf/vmlinux'
const SOURCE_DIRECTORIES = ['bpf', 'tests/kernel/bpf', 'bench/bpf']

/** Enums whose values programs use; enums leave no relocation behind, so they are named here. */
const ENUMS = ['bpf_map_type', 'pid_type']
/** Values of anonymous enums, and of others that would drag in too much. */
const VALUES =
  /^(BPF_ANY|BPF_NOEXIST|BPF_EXIST|BPF_F_NO_PREALLOC|BPF_F_USER_STACK|BPF_F_CURRENT_CPU|BPF_RB_\w+|BPF_RINGBUF_\w+)$/
/** What libbpf's own headers and ours expect to be there. */
const TYPEDEFS = [
  'typedef signed char __s8;',
  'typedef short int __s16;',
  'typedef int __s32;',
  'typedef long long int __s64;',
  'typedef __s8 s8;',
  'typedef __s16 s16;',
  'typedef __s32 s32;',
  'typedef __s64 s64;',
  'typedef __u32 __wsum;',
  'typedef __u64 __be64;',
  'typedef _Bool bool;',
]

function bpftool(...args: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([tool('bpftool', 'bpftool'), ...args])
  if (exitCode !== 0) throw new Error(`Cannot run bpftool ${args.join(' ')}: ${stderr.toString().trim()}`)
  return stdout.toString()
}

function main(): void {
  const work = join(ROOT, 'build/vmlinux')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const whole = bpftool('btf', 'dump', 'file', BTF, 'format', 'c')
  writeFileSync(join(work, 'vmlinux.h'), whole)
  const objects: string[] = []
  for (const directory of SOURCE_DIRECTORIES) {
    for (const name of list(directory)) {
      const object = join(work, `${name}.o`)
      const message = compileObject(
        tool('clang', 'clang'),
        tool('llvm-strip', 'llvm'),
        `${directory}/${name}`,
        object,
        ['-Ibuild/vmlinux'],
      )
      if (message === undefined) objects.push(object)
      else process.stderr.write(`left out ${name}:\n${message}`)
    }
  }
  const small = join(work, 'small.btf')
  bpftool('gen', 'min_core_btf', BTF, small, ...objects)
  const text = trim(bpftool('btf', 'dump', 'file', small, 'format', 'c'), whole)
  writeFileSync(join(ROOT, 'bpf/vmlinux.h'), text)
  process.stdout.write(`bpf/vmlinux.h: ${text.split('\n').length} lines\n`)
}

/** Without the padding that stands for members left out: programs find members by relocation, not by place. */
function trim(small: string, whole: string): string {
  const lines = small.split('\n').filter((line) => !/^\s*(unsigned )?(long|int|short|char)( int)?: \d+;$/.test(line))
  const start = lines.findIndex((line) => line.startsWith('typedef'))
  const end = lines.findLastIndex((line) => line.startsWith('#ifndef BPF_NO_PRESERVE'))
  const known = new Set(lines.map((line) => line.trim()))
  const body = restorePointers(lines.slice(start, end).join('\n').replaceAll(/\n{2,}/g, '\n\n').trim(), whole)
  const enums = ENUMS.filter((name) => !known.has(`enum ${name} {`)).map((name) => enumText(name, whole))
  const values = [...whole.matchAll(/^\t(\w+) = (\d+),?$/gm)].filter((match) => VALUES.test(match[1] ?? ''))
  return [
    '/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */',
    '/* Kernel types and members that our programs read, by scripts/vmlinux.ts from the BTF of a kernel. Places do not matter:',
    ' * each access is relocated. How kernels differ is in kernel.h, which alone includes this. */',
    '#ifndef __VMLINUX_H__',
    '#define __VMLINUX_H__',
    '',
    '#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)',
    '',
    body,
    '',
    ...TYPEDEFS.filter((line) => !known.has(line)),
    '',
    ...enums,
    'enum {',
    ...values.map((match) => `\t${match[1]} = ${match[2]},`),
    '};',
    '',
    '#pragma clang attribute pop',
    '',
    '#endif',
    '',
  ].join('\n')
}

/** bpftool leaves `void *` where the type pointed to is reached by another way as well. */
function restorePointers(body: string, whole: string): string {
  return body.replaceAll(/^struct (\w+) \{\n(?:.*\n)*?\};/gm, (text, name: string) => {
    const start = whole.indexOf(`\nstruct ${name} {`)
    const real = whole.slice(start, whole.indexOf('\n};', start))
    return text.replaceAll(/^\t+void \*(\w+);$/gm, (line, member: string) => {
      return new RegExp(`^\\t+(const )?struct \\w+ \\*${member};$`, 'm').exec(real)?.[0] ?? line
    })
  })
}

function enumText(name: string, whole: string): string {
  const start = whole.indexOf(`\nenum ${name} {`)
  if (start === -1) throw new Error(`Cannot find enum ${name} in ${BTF}`)
  return whole.slice(start + 1, whole.indexOf('};', start) + 3)
}

function list(directory: string): string[] {
  try {
    return readdirSync(join(ROOT, directory)).filter((name) => name.endsWith('.bpf.c')).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

try {
  // Read once, so that a kernel without BTF is told apart from a tool that fails.
  readFileSync(BTF)
  main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
