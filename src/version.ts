// What is running: from package.json, so that there is one place to change it.
import { name, version } from '../package.json' with { type: 'json' }

export interface Version {
  readonly name: string
  readonly version: string
  readonly bun: string
}

export function thumpVersion(): Version {
  return { name, version, bun: Bun.version }
}
