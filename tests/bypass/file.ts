// Ways around protect-etc: files below /etc changed, made, removed or replaced under other names and by other calls.
import fs from 'node:fs'
import { type Case, EXEMPT, type Place, PROGRAMS, sh } from './case.ts'

const change = (way: string) => ({ file, scratch }: Place) => [`${PROGRAMS}/change`, way, file, scratch]
const mounted = (way: string) => ({ file, scratch }: Place) => [`${PROGRAMS}/mounted`, way, file, scratch]

function prevented(id: string, classes: string, what: string, run: Case['run'], more: Partial<Case> = {}): Case {
  return { id: `file-${id}`, classes, goal: 'file', what, run, expect: 'prevented', ...more }
}

/** A name of `size` bytes below `directory`, its parts 200 bytes long. */
function deep(directory: string, size: number): string {
  let path = directory
  while (path.length + 201 < size - 5) path += `/${'d'.repeat(200)}`
  return path
}

/** Goes down step by step, where no path leads: one is 4,095 bytes long at most. */
function descend(from: string, then: string): readonly string[] {
  const step = `name = 'd' * 200\nfor _ in range(25):\n  os.path.isdir(name) or os.mkdir(name)\n  os.chdir(name)\n`
  return ['python3', '-c', `import os\nos.chdir('${from}')\n${step}${then}`]
}

export const FILE_CASES: readonly Case[] = [
  prevented('append', 'B17', '`>>` of a shell', ({ file }) => sh(`echo x >> ${file}`)),
  prevented('race', 'B1', 'a thread that changes the path while `open()` reads it', ({ file }) => [
    `${PROGRAMS}/race`,
    'open',
    file,
    '3',
  ]),
  prevented('traced', 'B4', 'a tracer that changes the path when `openat()` has begun', ({ file }) => [
    `${PROGRAMS}/race`,
    'traced',
    file,
  ]),
  prevented('symlink', 'B2', 'a symbolic link to the file', change('symlink')),
  prevented('symlink-directory', 'B2', 'a symbolic link to its directory', change('symlink_directory')),
  prevented('dots', 'B2', 'a path with `..` in it', change('dots')),
  prevented('ring', 'B5', 'io_uring: open and write', ({ file }) => [`${PROGRAMS}/ring`, 'plain', 'write', file]),
  prevented('ring-async', 'B5', 'io_uring, by a worker thread', ({ file }) => [
    `${PROGRAMS}/ring`,
    'async',
    'write',
    file,
  ]),
  prevented('ring-poll', 'B5', 'io_uring, by its polling thread', ({ file }) => [
    `${PROGRAMS}/ring`,
    'poll',
    'write',
    file,
  ]),
  prevented(
    'ring-unlink',
    'B5',
    'io_uring: remove',
    ({ file }) => [`${PROGRAMS}/ring`, 'plain', 'unlink', file],
  ),
  prevented(
    'ring-rename',
    'B5',
    'io_uring: rename',
    ({ file, scratch }) => [`${PROGRAMS}/ring`, 'plain', 'rename', file, `${scratch}/away`],
  ),
  prevented(
    'ring-link',
    'B5 B7',
    'io_uring: hard link, then write to it',
    ({ file, scratch }) => sh(`${PROGRAMS}/ring plain link ${file} ${scratch}/hard && echo x >> ${scratch}/hard`),
    { but: { '5.10': 'absent' } },
  ),
  prevented('openat2', 'B6', '`openat2()`', change('openat2')),
  prevented('creat', 'B6', '`creat()`, which truncates', change('creat')),
  prevented('handle', 'B6', '`open_by_handle_at()`', change('handle')),
  prevented('int80', 'B6', '32-bit `open()` and `write()`', change('int80')),
  prevented('x32', 'B6', 'x32 `open()`', change('x32'), { expect: 'absent' }),
  prevented('dup', 'B6', '`dup2()` to standard output', change('dup')),
  prevented('sendfile', 'B6', '`sendfile()`', change('sendfile')),
  prevented('splice', 'B6', '`splice()`', change('splice')),
  prevented('copy-file-range', 'B6', '`copy_file_range()`', change('copy_file_range')),
  prevented('fallocate', 'B6', 'a hole punched by `fallocate()`', change('fallocate')),
  prevented('pwritev2', 'B6', '`pwritev2()`', change('pwritev2')),
  prevented('mmap', 'B6', 'memory mapped to the file', change('mmap')),
  prevented('truncate', 'B6', '`truncate()`', change('truncate')),
  prevented('chmod', 'B6', '`chmod()`: setuid', change('chmod')),
  prevented('fchmod', 'B6', '`fchmod()` of a descriptor for reading', change('fchmod')),
  prevented('chown', 'B6', '`chown()`', change('chown'), {
    but: { '5.10': 'gap' },
    why: 'before 6.1 no program that refuses can be at a function that is given a struct, as the one for owners is',
  }),
  prevented('unlink', 'B6', '`unlink()`', change('unlink')),
  prevented('mkdir', 'B6', 'a new directory', change('mkdir')),
  prevented('mknod', 'B6', 'a new file by `mknod()`', change('mknod')),
  prevented('create', 'B6', 'a new file by opening it for reading', change('create_by_reading')),
  prevented('symlink-in', 'B6', 'a new symbolic link', change('symlink_in')),
  prevented('link-in', 'B7', 'a hard link into the directory', change('link_in')),
  prevented('tmpfile', 'B10', '`O_TMPFILE`, linked when written', change('tmpfile')),
  prevented('rename-over', 'B7', '`rename()` of another file over it', change('rename_over')),
  prevented('rename-away', 'B7', '`rename()` of the file out of /etc', change('rename_away')),
  prevented('rename-directory', 'B7', '`rename()` of its directory out of /etc', change('rename_directory')),
  prevented('exchange', 'B7', '`RENAME_EXCHANGE`', change('exchange')),
  prevented('hard-link', 'B7', 'a hard link elsewhere, then a write to it', change('hard_link')),
  prevented('old-link', 'B7', 'a hard link elsewhere that is older than the policy', change('old_link'), {
    setup: ({ file, scratch }) => fs.linkSync(file, `${scratch}/old`),
    expect: 'gap',
    why:
      'filters compare names, and this file has a second one that nobody forbade; `find /etc -links +1 -type f` lists such files',
  }),
  prevented('proc-root', 'B7', '/proc/self/root', change('proc_root')),
  prevented('proc-fd', 'B7', '/proc/self/fd of a descriptor for reading', change('proc_fd')),
  prevented('proc-path-fd', 'B7', '/proc/self/fd of an `O_PATH` descriptor', change('proc_path_fd')),
  prevented('bind', 'B7', 'a bind mount of its directory', mounted('bind')),
  prevented('bind-file', 'B7', 'a bind mount of the file', mounted('bind_file')),
  prevented('namespace', 'B7', 'a bind mount in a mount namespace', mounted('namespace')),
  prevented('open-tree', 'B7', 'a mount that is attached nowhere (`open_tree()`)', mounted('open_tree')),
  prevented('detached', 'B7', 'a bind mount, taken away while open', mounted('detached')),
  prevented('chroot', 'B7', '`chroot()` to its directory', mounted('chroot')),
  prevented('overlay', 'B7', 'an overlay with its directory as upper layer', mounted('overlay'), {
    but: { '5.10': 'detected', '6.1': 'detected' },
    tells: ['mount-namespace'],
    why: 'before 6.5 the file of the upper layer is opened under its name in the overlay; the mount is told',
  }),
  prevented(
    'overlay-rename',
    'B7',
    'the same, another file renamed over it in the overlay',
    mounted('overlay_rename'),
    {
      expect: 'detected',
      tells: ['mount-namespace'],
      why: 'the overlay renames in its upper layer by itself, below the hooks that know directories; the mount is told',
    },
  ),
  prevented('over-file', 'B7', 'a mount over the file', mounted('over_file')),
  prevented('over-directory', 'B7', 'a tmpfs over its directory', mounted('over_directory')),
  prevented('move-mount', 'B7', '`move_mount()` over its directory', mounted('move_mount')),
  prevented('argv', 'B8', 'the name of the package manager as argv[0]', ({ file, scratch }) => [
    'bash',
    '-c',
    `exec -a ${EXEMPT} ${PROGRAMS}/change open ${file} ${scratch}`,
  ]),
  prevented(
    'named',
    'B8',
    'a copy with the name of the package manager',
    ({ file, scratch }) => [`${scratch}/dnf`, 'open', file, scratch],
    { setup: ({ scratch }) => fs.copyFileSync(`${PROGRAMS}/change`, `${scratch}/dnf`) },
  ),
  prevented(
    'named-symlink',
    'B8',
    'a symbolic link with that name',
    ({ file, scratch }) => [`${scratch}/dnf`, 'open', file, scratch],
    { setup: ({ scratch }) => fs.symlinkSync(fs.realpathSync(`${PROGRAMS}/change`), `${scratch}/dnf`) },
  ),
  prevented(
    'bound-exempt',
    'B8',
    'a mount over the package manager, in a namespace',
    ({ file, scratch }) =>
      sh(`unshare -m sh -c 'mount --bind ${PROGRAMS}/change ${EXEMPT} && ${EXEMPT} open ${file} ${scratch}'`),
    {
      expect: 'detected',
      tells: ['protect-etc', 'mount-namespace'],
      why: 'whoever is root can be the package manager; what that one changes is told',
    },
  ),
  prevented('long', 'B12', 'a path of 4,090 bytes', ({ directory }) => sh(`echo x >> ${deep(directory, 4090)}/file`), {
    effect: 'status',
    setup: ({ directory }) => {
      fs.mkdirSync(deep(directory, 4090), { recursive: true })
      fs.writeFileSync(`${deep(directory, 4090)}/file`, '')
    },
  }),
  prevented(
    'longer',
    'B12',
    'a file 5,000 bytes deep, which has no whole path',
    ({ directory }) => descend(directory, "open('file', 'a').write('x')"),
    {
      setup: ({ directory }) => {
        Bun.spawnSync([...descend(directory, "open('file', 'w')")])
      },
      effect: 'status',
    },
  ),
  prevented(
    'obfuscated',
    'B13',
    'a name that only the shell puts together',
    ({ file }) => sh(`a=/e; b=tc; eval "ec""ho x >> $a$b${file.slice(4)}"`),
  ),
  prevented('threads', 'B17', 'several threads at once', change('threads')),
  prevented('orphan', 'B11', 'a process whose parents are gone', change('orphan')),
  prevented('setuid', 'B22', 'after changes of identity', change('setuid')),
  prevented('dirfd', 'B21', 'a name relative to a descriptor', change('dirfd')),
  prevented('cwd', 'B21', 'a name relative to the working directory', change('cwd')),
  prevented('held-write', 'B23', 'a file opened before the policy was there', { held: 'write' }),
  prevented('held-truncate', 'B23', 'the same, `ftruncate()`', { held: 'truncate' }),
  prevented('held-remap', 'B23', 'the same, mapped now', { held: 'remap' }, { effect: 'status' }),
  prevented('held-map', 'B23', 'memory mapped before the policy was there', { held: 'map' }, {
    expect: 'gap',
    why: 'a store to memory passes no hook; restart what has /etc mapped writable, or load the policy before it starts',
  }),
]
