// What the OCI hook tells the agent of a container that is about to start, one line of JSON each way.

export interface HookMessage {
  /** The runtime's. */
  readonly id: string
  /** Text of /proc/PID/cgroup of its first process. */
  readonly cgroup: string
  readonly annotations: Readonly<Record<string, string>>
  /** Name and image where the runtime's files tell; '' where they do not. */
  readonly name: string
  readonly image: string
  readonly image_id: string
  /** How long the hook waits for an answer. */
  readonly wait_ms: number
}

export interface HookAnswer {
  /** The kernel has been told which policies are for it. */
  readonly told: boolean
  /** Everything that policies may ask for is known. */
  readonly known: boolean
  /** Why not. */
  readonly reason?: string
}

/** Longest message in bytes: annotations of a pod are 256 KiB at most. */
export const MESSAGE_BYTES_MAX = 1 << 20
export const DEFAULT_SOCKET = '/run/thump/oci-hook.sock'

/** Throws Error naming the member that is wrong. */
export function parseMessage(text: string): HookMessage {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new Error('Cannot read the message: it is no object')
  const string = (name: string): string => {
    const member = value[name]
    if (typeof member !== 'string') throw new Error(`Cannot read the message: "${name}" is no string`)
    return member
  }
  const { annotations, wait_ms } = value
  if (!isRecord(annotations)) throw new Error('Cannot read the message: "annotations" is no object')
  if (typeof wait_ms !== 'number' || !(wait_ms >= 0)) throw new Error('Cannot read the message: "wait_ms" is no time')
  return {
    id: string('id'),
    cgroup: string('cgroup'),
    name: string('name'),
    image: string('image'),
    image_id: string('image_id'),
    annotations: stringsOf(annotations),
    wait_ms,
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members that are strings. */
export function stringsOf(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
