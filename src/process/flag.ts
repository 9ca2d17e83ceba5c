/** Between the flag bits of an exec and the words of the JSON field `flags`. */

import { EXEC_FLAG } from '../../ffi/wire.gen.ts'

/** In Tetragon's order of emission (its DecodeCommonFlags). Bits that are not here have no word. */
const WORDS: readonly (readonly [number, string])[] = [
  [EXEC_FLAG.EXECVE, 'execve'],
  [EXEC_FLAG.PROCFS, 'procFS'],
  [EXEC_FLAG.ERROR_ENVS, 'errorEnvs'],
  [EXEC_FLAG.TRUNC_ARGS, 'truncArgs'],
  [EXEC_FLAG.MISS, 'miss'],
  [EXEC_FLAG.ERROR_FILENAME, 'errorFilename'],
  [EXEC_FLAG.ERROR_ARGS, 'errorArgs'],
  [EXEC_FLAG.NO_CWD, 'nocwd'],
  [EXEC_FLAG.ROOT_CWD, 'rootcwd'],
  [EXEC_FLAG.ERROR_CWD, 'errorCWD'],
  [EXEC_FLAG.CLONE, 'clone'],
  [EXEC_FLAG.ERROR_CGROUP_NAME, 'errorCgroupName'],
  [EXEC_FLAG.ERROR_CGROUP_ID, 'errorCgroupID'],
  [EXEC_FLAG.ERROR_CGROUPS, 'errorCgroups'],
  [EXEC_FLAG.ERROR_PATH_RESOLUTION_CWD, 'errorPathResolutionCwd'],
  [EXEC_FLAG.DATA_FILENAME, 'dataFilename'],
  [EXEC_FLAG.DATA_ARGS, 'dataArgs'],
  [EXEC_FLAG.IN_INIT_TREE, 'inInitTree'],
]

/** At most 2^18 combinations of which a machine shows a dozen. */
const texts = new Map<number, string>()

export function flagText(flags: number): string {
  const known = texts.get(flags)
  if (known !== undefined) return known
  const text = WORDS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word).join(' ')
  texts.set(flags, text)
  return text
}
