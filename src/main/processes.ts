// The process cache as /v1/processes shows it.
import type { ProcessSource } from '../http/processes.ts'
import type { ProcessCache } from '../process/cache.ts'
import type { Process } from '../process/process.ts'

export function processSource(cache: ProcessCache): ProcessSource {
  return {
    list: () => inOrder(cache.values()).map(show),
    texts: () => texts(inOrder(cache.values())),
    get: (exec_id) => {
      const process = cache.find(exec_id)
      if (process === undefined) return null
      const { parent } = process
      return {
        ...show(process),
        parent: parent === undefined ? null : show(parent),
        ancestors: cache.ancestors(process).map(show),
        children: inOrder(cache.children(process)).map(show),
      }
    },
  }
}

/** The kernel's numbers grow. */
function inOrder(processes: Iterable<Process>): Process[] {
  return [...processes].sort((a, b) => a.key - b.key)
}

function show(process: Process) {
  return { process: JSON.parse(process.json) as unknown, ended: process.ended, references: process.references }
}

/** The JSON of a process stands ready: show() without parsing it. */
function* texts(processes: readonly Process[]): Generator<string> {
  for (const { json, ended, references } of processes) {
    yield `{"process":${json},"ended":${ended},"references":${references}}`
  }
}
