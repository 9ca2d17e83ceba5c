// From the state that a runtime gives its hooks, and the files it names, to the message for the agent.
import { join } from 'node:path'
import { type HookMessage, isRecord, stringsOf } from './message.ts'

/** Gives the text of a file, undefined where there is none. */
export type ReadText = (path: string) => string | undefined

/** `state` is what stands on stdin (opencontainers/runtime-spec, runtime.md, "State"). Throws Error saying what is wrong with it. */
export function messageOf(state: string, wait_ms: number, read: ReadText): HookMessage {
  const given = parse(state)
  if (!isRecord(given)) throw new Error('Cannot read the state of the container: it is no JSON object')
  const { id, pid, bundle } = given
  if (typeof id !== 'string' || id === '') throw new Error('Cannot read the state of the container: it has no id')
  if (typeof pid !== 'number') throw new Error(`Cannot read the state of container ${id}: it has no pid`)
  const cgroup = read(`/proc/${pid}/cgroup`)
  if (cgroup === undefined) throw new Error(`Cannot read the cgroup of container ${id}: process ${pid} is gone`)
  const directory = typeof bundle === 'string' ? bundle : ''
  const specification = parse(read(join(directory, 'config.json')) ?? '')
  const annotations = {
    ...stringsOf(isRecord(specification) ? specification['annotations'] : {}),
    ...stringsOf(given['annotations']),
  }
  return { id, cgroup, annotations, wait_ms, ...storedName(directory, id, read) }
}

/**
 * Podman and CRI-O keep containers with containers/storage: the bundle is `…/overlay-containers/ID/userdata`, and the list
 * two directories above has name and image.
 */
function storedName(
  bundle: string,
  id: string,
  read: ReadText,
): Pick<HookMessage, 'name' | 'image' | 'image_id'> {
  const nothing = { name: '', image: '', image_id: '' }
  const match = /^(.+-containers)\/[^/]+\/userdata\/?$/.exec(bundle)
  if (match === null) return nothing
  const store = match[1]!
  for (const file of ['containers.json', 'volatile-containers.json']) {
    const list = parse(read(join(store, file)) ?? '')
    const found: unknown = Array.isArray(list) ? list.find((each) => isRecord(each) && each['id'] === id) : undefined
    if (!isRecord(found)) continue
    const names: unknown = found['names']
    const metadata = parse(typeof found['metadata'] === 'string' ? found['metadata'] : '')
    const { name = '', 'image-name': image = '' } = stringsOf(metadata)
    const image_id = typeof found['image'] === 'string' ? found['image'] : ''
    const first: unknown = Array.isArray(names) ? names[0] : undefined
    return { name: typeof first === 'string' ? first : name, image, image_id }
  }
  return nothing
}

/** Undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // whoever asked says what is missing
  }
}
