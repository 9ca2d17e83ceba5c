// The door for container runtimes: what a hook tells becomes a container that the kernel knows policies for, then it may start.
import type { Identifier } from '../container/identifier.ts'
import { openHookSocket } from '../container/hook_socket.ts'
import { messageOfTetragon, type OciHookSource } from '../container/oci_hook.ts'
import type { HookAnswer, HookMessage } from '../hook/message.ts'
import { monotonicNs } from '../kernel/clock.ts'
import type { ContainerTable } from '../process/container_table.ts'
import { cgroupPath } from '../process/procfs.ts'
import { type CgroupHierarchy, cgroupId } from '../sensor/cgroup.ts'
import type { Workloads } from '../sensor/workloads.ts'

export interface HookDoor {
  readonly source: OciHookSource
  readonly table: ContainerTable
  readonly identifier: Identifier
  readonly workloads: Workloads
  readonly hierarchy: CgroupHierarchy
}

/** The longest that a hook is kept waiting for names that somebody else has to tell, whatever it asks for, in ms. */
const WAIT_MS_MAX = 10_000
/** Left to the hook for getting the answer, in ms. */
const MARGIN_MS = 50

export async function openHookDoor(socket: string, door: HookDoor): Promise<AsyncDisposable> {
  return await openHookSocket(socket, (message) => announce(door, message))
}

/** Tetragon's hook waits ten seconds unless told otherwise; half a second is what ours leaves to others. */
const TETRAGON_WAIT_MS = 500

/** RuntimeHook of the gRPC door. Throws Error where it is of no use. */
export async function announceTetragon(door: HookDoor, container: Readonly<Record<string, unknown>>): Promise<void> {
  const { told, reason } = await announce(door, messageOfTetragon(container, TETRAGON_WAIT_MS))
  if (!told) throw new Error(reason)
}

async function announce(door: HookDoor, message: HookMessage): Promise<HookAnswer> {
  const { source, table, identifier, workloads, hierarchy } = door
  const path = pathIn(hierarchy, message.cgroup)
  const cgroup_id = cgroupId(hierarchy, path)
  if (path === '' || cgroup_id === 0) {
    return { told: false, known: false, reason: `container ${message.id} is in no cgroup that can be seen here` }
  }
  const container = table.declare(cgroup_id, path, message.id, Number(monotonicNs()))
  source.tell(container.name.root, message)
  workloads.nested(cgroup_id, container)
  const wait_ms = Math.min(Math.max(0, message.wait_ms - MARGIN_MS), WAIT_MS_MAX)
  return { told: true, known: await identifier.known(container, wait_ms) }
}

/** Of the hierarchy that names containers; a hook sees all of them from the machine's root. */
function pathIn({ id }: CgroupHierarchy, text: string): string {
  const line = text.split('\n').find((each) => each.startsWith(`${id}:`))
  return line === undefined ? cgroupPath(text) : line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1)
}
