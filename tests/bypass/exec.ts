// Ways around protect-exec: programs that lie below /tmp, or nowhere, started or mapped in other ways.
import fs from 'node:fs'
import { type Case, type Place, PROGRAMS, sh } from './case.ts'

const start = (way: string) => ({ program, mark }: Place) => [`${PROGRAMS}/start`, way, program, mark]

function prevented(id: string, classes: string, what: string, run: Case['run'], more: Partial<Case> = {}): Case {
  return { id: `exec-${id}`, classes, goal: 'exec', what, run, expect: 'prevented', ...more }
}

/** A program of this system that needs ld.so, below /tmp. */
const DYNAMIC = (place: Place) => `${place.tmp}/touch`
const copyTouch = (place: Place) => fs.copyFileSync('/usr/bin/touch', DYNAMIC(place))

/** A library below /tmp: whether it was loaded is seen in the memory map of who loads it. */
const LIBRARY = (place: Place) => `${place.tmp}/library.so`
function copyLibrary(place: Place): void {
  const loaded = fs.readFileSync('/proc/self/maps', 'utf8')
  const library = /\/\S*\/libm\.so\S*/.exec(loaded)?.[0]
  if (library === undefined) throw new Error(`No libm in ${loaded}`)
  fs.copyFileSync(library, LIBRARY(place))
}

const TOLD_BY_EXEC = { expect: 'detected', tells: ['exec'] } as const

export const EXEC_CASES: readonly Case[] = [
  prevented('plain', 'B17', '`execve()`', start('execve')),
  prevented('symlink', 'B2', 'a symbolic link elsewhere', ({ mark, scratch }) => [`${scratch}/link`, mark], {
    setup: ({ program, scratch }) => fs.symlinkSync(program, `${scratch}/link`),
  }),
  prevented('hard-link', 'B7', 'a hard link elsewhere on its file system', ({ tmp, mark }) => [
    `${tmp}/../linked`,
    mark,
  ], {
    setup: ({ program, tmp }) => {
      fs.rmSync(`${tmp}/../linked`, { force: true })
      fs.linkSync(program, `${tmp}/../linked`)
    },
  }),
  prevented('descriptor', 'B6', '`execveat()` of a descriptor', start('descriptor')),
  prevented('int80', 'B6', '32-bit `execve()`', start('int80')),
  prevented('proc-root', 'B7', '/proc/self/root', start('proc_root')),
  prevented('bind', 'B7', 'a bind mount of its directory below /usr', start('bind')),
  prevented('namespace', 'B7', 'the same in a mount namespace', start('namespace')),
  prevented('chroot', 'B7', '`chroot()` to its directory', start('chroot')),
  prevented('user-namespace', 'B7', 'a tmpfs of a user namespace', start('user_namespace')),
  prevented(
    'overlay',
    'B7',
    'an overlay whose layer is its directory',
    ({ tmp, scratch, mark }) =>
      sh(
        `mkdir -p ${scratch}/l ${scratch}/m && unshare -m sh -c 'mount -t overlay overlay -o lowerdir=${tmp}:${scratch}/l ${scratch}/m && ${scratch}/m/payload ${mark}'`,
      ),
    {
      expect: 'detected',
      tells: ['mount-namespace', 'exec'],
      why: 'on an overlay the file has a path and a file system of its own; mounting needs privilege and is told',
    },
  ),
  prevented('argv', 'B8', 'the name of an exempt program as argv[0]', start('argument')),
  prevented(
    'copy',
    'B8',
    'a copy in a directory that is not listed',
    ({ scratch, mark }) => [`${scratch}/payload`, mark],
    {
      setup: ({ program, scratch }) => fs.copyFileSync(program, `${scratch}/payload`),
      ...TOLD_BY_EXEC,
      why: 'the policy names places; whoever may write elsewhere may run from there, and each exec is told',
    },
  ),
  prevented('loader', 'B9', '`ld.so` with the program as argument', (place) => [
    '/lib64/ld-linux-x86-64.so.2',
    DYNAMIC(place),
    place.mark,
  ], { setup: copyTouch }),
  prevented('shebang', 'B9', 'a script with `#!`', ({ tmp, mark }) => [`${tmp}/script`, mark], {
    setup: ({ tmp }) => fs.writeFileSync(`${tmp}/script`, '#!/bin/sh\ntouch "$1"\n', { mode: 0o755 }),
  }),
  prevented('interpreter', 'B9', 'a script elsewhere whose `#!` names a program there', ({ scratch }) => [
    `${scratch}/script`,
  ], {
    // With "#!PROGRAM MARK" touch gets MARK and the script's name.
    setup: (place) => {
      copyTouch(place)
      fs.writeFileSync(`${place.scratch}/script`, `#!${DYNAMIC(place)} ${place.mark}\n`, { mode: 0o755 })
    },
  }),
  prevented('shell-script', 'B9', 'a script as argument of a shell', ({ tmp, mark }) => ['sh', `${tmp}/script`, mark], {
    setup: ({ tmp }) => fs.writeFileSync(`${tmp}/script`, 'touch "$1"\n'),
    ...TOLD_BY_EXEC,
    why: 'an interpreter reads its script like any file; the exec event has the script among its arguments',
  }),
  prevented(
    'library',
    'B9',
    'a library loaded by `dlopen()`',
    (place) => ['python3', '-c', `import ctypes\nctypes.CDLL('${LIBRARY(place)}')\nopen('${place.mark}', 'w')`],
    { setup: copyLibrary },
  ),
  prevented(
    'preload',
    'B18',
    'a library loaded by `LD_PRELOAD`',
    (place) => sh(`LD_PRELOAD=${LIBRARY(place)} grep -q 'r-xp.*library.so' /proc/self/maps && touch ${place.mark}`),
    { setup: copyLibrary },
  ),
  prevented('map', 'B9', '`mmap()` of its code', start('map'), { effect: 'status' }),
  prevented('protect', 'B9', '`mprotect()` of what was mapped for reading', start('protect'), { effect: 'status' }),
  prevented('read', 'B9', 'code that is read into memory, which then is made executable', start('read'), {
    effect: 'status',
    expect: 'gap',
    why: 'every compiler at run time does so; nothing tells where the bytes came from',
  }),
  prevented('memfd', 'B10', 'memfd, `fexecve()`', start('memfd')),
  prevented('memfd-path', 'B10', 'memfd, /proc/self/fd', start('memfd_path')),
  prevented('nameless', 'B10', '`O_TMPFILE` on the disk', start('nameless')),
  prevented('deleted', 'B10', 'a file of the disk, deleted before it runs', start('deleted')),
  prevented('cwd', 'B21', 'a name relative to the working directory', start('cwd')),
  prevented(
    'deep',
    'B12',
    'a program 5,000 bytes deep below /var/tmp, whose path has no beginning',
    (place) => descend(place, `os.execv('./payload', ['payload', '${place.mark}'])`),
    {
      setup: (place) => {
        Bun.spawnSync([...descend(place, `import shutil\nshutil.copy('${place.program}', 'payload')`)])
      },
    },
  ),
  prevented(
    'orphan',
    'B11',
    'a process whose parents are gone',
    ({ program, mark }) => sh(`(setsid ${program} ${mark} &); sleep 1`),
  ),
]

function descend({ tmp }: Place, then: string): readonly string[] {
  const from = `/var${tmp}`
  const step = `name = 'd' * 200\nfor _ in range(25):\n  os.path.isdir(name) or os.mkdir(name)\n  os.chdir(name)\n`
  return ['python3', '-c', `import os\nos.makedirs('${from}', exist_ok=True)\nos.chdir('${from}')\n${step}${then}`]
}
