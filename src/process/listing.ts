/** The process cache as people ask for it over HTTP. */

import type { Process as ProcessJson } from '../event/type.ts'
import type { ProcessCache } from './cache.ts'
import type { Process } from './process.ts'

export interface ListedProcess {
  process: ProcessJson
  /** `ended` ones are kept for their children and for late events. */
  state: 'alive' | 'ended'
  /** Cached processes that it is the parent of. */
  children: number
}

export interface FoundProcess extends ListedProcess {
  /** Parent first. */
  ancestors: ProcessJson[]
  child_processes: ProcessJson[]
}

/** What `GET /v1/processes` and `/v1/processes/:exec_id` show. Walks the whole cache: for requests only. */
export class ProcessListing {
  readonly #cache: ProcessCache

  constructor(cache: ProcessCache) {
    this.#cache = cache
  }

  /** Oldest entry first. */
  list(): ListedProcess[] {
    const listed: ListedProcess[] = []
    for (const process of this.#cache.values()) listed.push(listedProcess(process))
    return listed
  }

  get(exec_id: string): FoundProcess | null {
    const process = this.#cache.find(exec_id)
    if (process === undefined) return null
    const ancestors: ProcessJson[] = []
    let ancestor = process.parent
    while (ancestor !== undefined) {
      ancestors.push(processJson(ancestor))
      ancestor = ancestor.parent
    }
    return {
      ...listedProcess(process),
      ancestors,
      child_processes: this.#cache.children(process).map(processJson),
    }
  }
}

function listedProcess(process: Process): ListedProcess {
  return { process: processJson(process), state: process.ended ? 'ended' : 'alive', children: process.references }
}

function processJson(process: Process): ProcessJson {
  return JSON.parse(process.json)
}
