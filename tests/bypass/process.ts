// Ways around all of them: by another process, by a flood, while policies change, by what fills up.
import { type Case, EXEMPT, type Place, PROGRAMS, sh } from './case.ts'

const inject = (way: string) => ({ file }: Place) => [`${PROGRAMS}/inject`, way, EXEMPT, file]
const TOLD = {
  expect: 'detected',
  tells: ['ptrace', 'protect-etc'],
  why: 'an exempt program does what its memory says; writing there is told, and so is what it changes',
} as const

/** Different programs: more than 5.10 can remember. The 16,384 of later kernels take too long in an emulator. */
const PROGRAMS_MANY = 2300
const PROGRAMS_ELSEWHERE = 200

export const PROCESS_CASES: readonly Case[] = [
  {
    id: 'inject-ptrace',
    classes: 'B18',
    goal: 'file',
    what: '`ptrace()` of an exempt program',
    run: inject('ptrace'),
    ...TOLD,
  },
  { id: 'inject-vm', classes: 'B18', goal: 'file', what: '`process_vm_writev()` into one', run: inject('vm'), ...TOLD },
  { id: 'inject-mem', classes: 'B18', goal: 'file', what: '/proc/PID/mem of one', run: inject('mem'), ...TOLD },
  {
    id: 'flood',
    classes: 'B14',
    goal: 'file',
    what: 'while events of other policies flood the rings',
    run: ({ file, scratch, inside, port }) =>
      sh(
        `${PROGRAMS}/reach flood ${inside} ${port} & sleep 1; ${PROGRAMS}/change open ${file} ${scratch}; s=$?; wait; exit $s`,
      ),
    expect: 'prevented',
  },
  {
    id: 'reload',
    classes: 'B25',
    goal: 'connect',
    what: 'while the policy is replaced by a new version, again and again',
    run: ({ outside, port, scratch }) =>
      sh(`while ${PROGRAMS}/reach nonblocking ${outside} ${port}; [ ! -e ${scratch}/stop ]; do :; done`),
    expect: 'prevented',
    reload: true,
  },
  {
    id: 'exhaust',
    classes: 'B15',
    goal: 'file',
    what:
      `after ${PROGRAMS_MANY} different programs, more than 5.10 remembers (elsewhere ${PROGRAMS_ELSEWHERE} of 16,384)`,
    run: ({ file, scratch }) => [
      'python3',
      '-c',
      `import os, shutil
for i in range(${PROGRAMS_MANY} if os.uname().release.startswith('5.10.') else ${PROGRAMS_ELSEWHERE}):
  path = f'${scratch}/{i}'
  os.link('${PROGRAMS}/payload', path)
  os.waitpid(os.posix_spawn(path, [path], {}), 0)
shutil.copy('${PROGRAMS}/change', '${scratch}/unknown')
os.execv('${scratch}/unknown', ['unknown', 'open', '${file}', '${scratch}'])`,
    ],
    expect: 'prevented',
  },
]
