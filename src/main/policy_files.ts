// Policy files between the directories that are watched and the registry, with words for the log.
import { BOUNDS, type Config } from '../config.ts'
import type { Registry } from '../sensor/registry.ts'
import { PolicyFiles } from '../sensor/watch.ts'
import type { Log } from './log.ts'

export function createPolicyFiles(config: Config, log: Log, registry: Registry): PolicyFiles {
  return new PolicyFiles({
    directories: config.policies,
    file_bytes_max: BOUNDS.file_bytes_max,
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
