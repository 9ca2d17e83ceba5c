// Policy files between the directories that are watched and the registry, with words for the log.
import fs from 'node:fs'
import { BOUNDS, type Config } from '../config.ts'
import type { Pins } from '../kernel/pins.ts'
import { PolicyKey } from '../policy/signature.ts'
import type { Registry } from '../sensor/registry.ts'
import { PolicyFiles } from '../sensor/watch.ts'
import type { Log } from './log.ts'

export function createPolicyFiles(config: Config, log: Log, registry: Registry): PolicyFiles {
  return new PolicyFiles({
    directories: config.policies,
    file_bytes_max: BOUNDS.file_bytes_max,
    signed: config.policy_key !== '',
    onFile: async (file, yaml) => {
      const answer = await registry.syncFile(file, yaml)
      if (answer.ok) log.info({ file }, yaml === null ? 'policy file gone' : 'policy file loaded')
      else {log.error(
          { file, mistakes: answer.mistakes },
          'policy file refused: what it had before stays loaded',
        )}
    },
    onFailure: (file, error) => log.error({ file, err: error }, 'cannot read policies'),
  })
}

/** Throws RangeError for a file that holds no such key, and what the file system throws. */
export function readPolicyKey(file: string): PolicyKey | null {
  return file === '' ? null : new PolicyKey(fs.readFileSync(file, 'utf8'))
}

/** Says which policies of former agents still enforce although nobody here knows them. */
export function sweepPins(pins: Pins, log: Log): void {
  pins.sweep()
  const left = pins.leftOver().map(({ policy }) => policy)
  if (left.length === 0) return
  log.warn(
    { policies: left },
    'left pinned by a former agent, still enforced: "thump policy delete --pinned" removes them',
  )
}
